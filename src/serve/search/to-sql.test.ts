import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rowsSql, SMALL_EVENTS } from '../../ask/small-lake.fixture.ts'
import { isAppError } from '../../core/errors.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { RequestProblem } from '../problems.ts'
import { FACETS } from '../shapes/events.ts'
import { facetSql, searchOf } from './to-sql.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ memoryLimitMb: 300, threads: 1 })
  await engine.run(`CREATE TABLE events AS ${rowsSql(EVENT_COLUMNS, SMALL_EVENTS)}`)
})
afterAll(() => engine.close())

async function found(q: string): Promise<string> {
  const rows = await engine.rows<{ id: string }>(
    `SELECT event_id AS id FROM events WHERE ${searchOf(q).sql} ORDER BY id`,
  )
  return rows.map(({ id }) => id).join('')
}

function problem(q: string): RequestProblem {
  try {
    searchOf(q)
  } catch (cause) {
    if (cause instanceof RequestProblem) return cause
    throw cause
  }
  throw new Error(`${q} was read`)
}

describe('the search box', () => {
  it('joins its conditions, negates with a minus, and finds all where it is empty', async () => {
    expect(await found('')).toBe('123')
    expect(await found('service:accounts')).toBe('13')
    expect(await found('service:accounts -actor:ada@example.com')).toBe('3')
    expect(await found('service:accounts AND status:success')).toBe('1')
    expect(await found('-status:success,failure')).toBe('2')
  })

  it('takes lists, stars, quotes, and any case', async () => {
    expect(await found('actor:ada@EXAMPLE.com,bob@example.com')).toBe('12')
    expect(await found('action:get*,*Login')).toBe('12')
    expect(await found('actor:"smith, john@example.com"')).toBe('3')
    expect(await found('action:"get*"')).toBe('')
    expect(await found('target:main.hr.* ip:2001:db8::/32')).toBe('2')
    expect(await found('ip:10.1.*,10.9.0.0/16')).toBe('1')
  })

  it('looks for words in parameters, query, error and result', async () => {
    expect(await found('permission_denied')).toBe('2')
    expect(await found('"100% sure_"')).toBe('1')
    expect(await found('"a*b"')).toBe('3')
    expect(await found('text:SELECT')).toBe('23')
    expect(await found('-select')).toBe('1')
  })

  it('looks for user agents, codes, errors and single parameters, by whole values or with stars', async () => {
    expect(await found('mozilla')).toBe('2')
    expect(await found('user_agent:mozilla*')).toBe('2')
    expect(await found('agent:mozilla')).toBe('')
    expect(await found('error:permission_denied*')).toBe('2')
    expect(await found('-error:""')).toBe('2')
    expect(await found('params.Note:"100% sure_"')).toBe('1')
    expect(await found('params.user:*@EXAMPLE.com')).toBe('1')
    expect(await found('request_params.user:ada*,bob*')).toBe('1')
    expect(await found('params.user:""')).toBe('23')
    expect(await found('params.note:*')).toBe('')
    expect(await found("params.x-y.'z:1 status_code:2*")).toBe('')
    expect(problem('status_code:forbidden').hint).toContain('4*')
    expect(problem('parms.x:1').hint).toContain('params.NAME')
    expect(searchOf('user_agent:x status_code:1 error:x params.x:1')).toMatchObject({
      isCounted: false,
      isPlaced: false,
    })
  })

  it('finds what has no value', async () => {
    expect(await found('country:""')).toBe('23')
    expect(await found('-target:""')).toBe('23')
    expect(await found('key_event:"" actor_type:""')).toBe('12')
  })

  it('knows the names of columns, too', async () => {
    expect(await found('user:ada* workspace_id:42')).toBe('1')
  })

  it('says what is wrong, where, and how to go on', () => {
    const at = (q: string) => ({ message: problem(q).message, hint: problem(q).hint, place: problem(q).errors?.[0] })
    expect(at('status:sucess')).toMatchObject({ hint: expect.stringContaining('SUCCESS'), place: { from: 0, to: 13 } })
    expect(at('a OR b')).toMatchObject({ hint: expect.stringContaining('list'), place: { from: 2, to: 4 } })
    expect(at('NOT b').hint).toContain('minus')
    expect(at('actor: ana')).toMatchObject({ message: 'After actor: a value is missing.', place: { from: 0, to: 6 } })
    expect(at('x "open').place).toMatchObject({ from: 2, to: 7 })
    expect(at('ip:10.1.2.3/99')).toMatchObject({ hint: expect.stringContaining('10.0.0.0/8') })
    expect(at('actor:,').message).toBe('A list of commas has no value.')
    expect(at(Array.from({ length: 60 }, (_, nth) => `w${nth}`).join(' ')).message).toContain('at most 50')
  })

  it('takes a few stars a value, as many would keep the engine busy for long', async () => {
    expect(problem(`text:${'*a'.repeat(30)}`).message).toMatch(/at most 8 stars/)
    expect(problem('*a'.repeat(9)).message).toMatch(/at most 8 stars/)
    expect(await found(`actor:${'*a*,'.repeat(20)}`)).not.toBe('')
    expect(await found(`"${'*'.repeat(30)}"`)).toBe('')
  })

  it('makes of any text SQL that runs, or a problem with a hint', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'actor:',
        'ip:',
        '-',
        '"',
        "'",
        '\\',
        ',',
        '*',
        '--',
        '; DROP TABLE events',
        '${',
        '\0',
        'status:',
        'text:',
        '🦆',
        '::',
        '/*',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(...FACETS.map((facet) => ` ${facet}:x`)),
    )
    const texts = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
    const property = fc.asyncProperty(texts, async (q) => {
      try {
        await found(q)
      } catch (cause) {
        expect(isAppError(cause) ? [cause.code, cause.hint !== ''] : cause).toEqual(['BAD_ARGUMENT', true])
      }
    })
    await fc.assert(property, { numRuns: 400 })
    expect(await found('')).toBe('123')
  }, 60_000)

  it('takes every value for itself in quotes', async () => {
    const property = fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), async (value) => {
      fc.pre(value.trim() !== '' && !value.includes('\0'))
      const q = `session:"${value.replaceAll(/["\\]/g, '\\$&')}"`
      const rows = await engine.rows<{ yes: boolean }>(
        `SELECT ${searchOf(q).sql} AS yes FROM (SELECT '${value.trim().replaceAll("'", "''")}' AS session_id)`,
      )
      expect(rows).toEqual([{ yes: true }])
    })
    await fc.assert(property, { numRuns: 100 })
  })

  it('has SQL for every facet', async () => {
    for (const facet of FACETS) await engine.rows(`SELECT ${facetSql(facet)} FROM events`)
  })
})
