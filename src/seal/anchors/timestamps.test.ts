import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localStore } from '../../lake/stores/local.ts'
import { loggedNote } from '../timestamp/imprint.ts'
import { timestampAnchor } from './timestamps.ts'

const RECORDED = join(import.meta.dirname, '../../../fixtures/timestamps')
const NAME = '00000000000000000042'

let seal: string

beforeEach(async () => {
  seal = await mkdtemp(join(tmpdir(), 'seal-'))
  for (const folder of ['checkpoints', 'timestamps']) await mkdir(join(seal, folder))
  await cp(join(RECORDED, 'checkpoint'), join(seal, 'checkpoints', NAME))
})

afterEach(() => rm(seal, { recursive: true }))

const hold = (answer: string, name = `${NAME}.tsr`) => cp(join(RECORDED, answer), join(seal, 'timestamps', name))

/** Asks an authority that is not there, so that only what is held can answer. */
async function anchored(ca = 'ca.pem') {
  const store = localStore(seal)
  const note = loggedNote((await store.read(`checkpoints/${NAME}`)) ?? new Uint8Array())
  const anchor = timestampAnchor({ url: 'http://127.0.0.1:1/', ca: join(RECORDED, ca) }, store, () => new Date())
  const checkpoint = { origin: 'bricktrail.example/log', size: 42n, root: new Uint8Array(32), note }
  return anchor.anchor(checkpoint, AbortSignal.timeout(20_000))
}

describe('a timestamp that is held already', () => {
  it('is not asked for again, though nothing else remembers it', async () => {
    await hold('good.tsr')
    expect(await anchored()).toEqual({ kind: 'anchored', detail: expect.stringMatching(/^Test stamper, 20\d\d-/) })
  })

  it('may stand beside one of another authority', async () => {
    await hold('expired.tsr')
    await hold('chained.tsr', `${NAME}.2.tsr`)
    expect(await anchored()).toEqual({ kind: 'anchored', detail: expect.stringMatching(/^Test chained stamper, /) })
  })

  it.each([
    ['is of an authority that is not this one', 'good.tsr', 'other-ca.pem', `${NAME}.tsr`],
    ['does not hold', 'expired.tsr', 'ca.pem', `${NAME}.tsr`],
    ['is filed under another size', 'good.tsr', 'ca.pem', '00000000000000000041.tsr'],
    ['has a name of no kind', 'good.tsr', 'ca.pem', `${NAME}.tsr.bak`],
  ])('is asked for where it %s', async (_, answer, ca, name) => {
    await hold(answer, name)
    expect(await anchored(ca)).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/fetch failed/) })
  })
})
