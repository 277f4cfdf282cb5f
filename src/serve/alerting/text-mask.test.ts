import { describe, expect, it } from 'vitest'
import { AppError } from '../../core/errors.ts'
import type { LakeQuestions, Mask } from '../contract.ts'
import { masked, type TextMask } from './text-mask.ts'

/** Hiding queries asks the lake nothing. */
const lake: LakeQuestions = { rows: () => Promise.reject(new Error('nothing is to be asked')) }

const shown = (masks: readonly Mask[], build: (mask: TextMask) => string): Promise<string> =>
  masked(lake, { masks, rows: {}, name: 'ben' }, AbortSignal.timeout(20_000), build)

it('where nothing was ingested yet, texts have their length alone', async () => {
  const none: LakeQuestions = { rows: () => Promise.reject(new AppError('NO_LAKE', 'There is no lake.')) }
  const build = (mask: TextMask) => mask.text('ana@example.com')
  expect(await masked(none, { masks: ['email'], rows: {} }, AbortSignal.timeout(20_000), build)).toBe('[15 characters]')
})

describe('for somebody who may not see queries', () => {
  it.each(['query.text', 'requestParams.query', 'requestParams.command', 'statementText', 'sqlText', 'a: commandText'])(
    'a reason that tells of %s has the length alone',
    async (field) => {
      expect(await shown(['query'], ({ reason }) => reason(`${field} = SELECT 1`))).toBe(`${field} = [8 characters]`)
      expect(await shown([], ({ reason }) => reason(`${field} = SELECT 1`))).toBe(`${field} = SELECT 1`)
    },
  )

  it('texts leave out the queries of their reasons, and other reasons stay', async () => {
    const reasons = ['selection: query.text = SELECT secret FROM t', 'selection: actor.email = ana@example.com']
    const said = 'ana@example.com ran SELECT secret FROM t'
    expect(await shown(['query'], ({ quoting }) => quoting(said, reasons))).toBe('ana@example.com ran [20 characters]')
    expect(await shown(['query'], ({ reason }) => reason(reasons[1] ?? ''))).toBe(reasons[1])
  })

  it('an entity that is a query, and a search for one, have the length alone', async () => {
    expect(await shown(['query'], ({ value }) => value('query.text', 'SELECT 1'))).toBe('[8 characters]')
    expect(await shown(['query'], ({ search }) => search('verb:read query:"SELECT \\"x\\"" actor:ana'))).toBe(
      'verb:read query:[14 characters] actor:ana',
    )
  })
})
