import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMPTY_ROOT } from '../merkle.ts'
import { formatVkey, KEY_TYPES, openNote, signNote } from '../note.ts'
import { WitnessMemory } from './memory.ts'
import { formatAddCheckpoint } from './request.ts'
import { keyOf, SignedLog } from './signed-log.fixture.ts'
import { Witness, type WitnessEvent } from './witness.ts'

const ORIGIN = 'example.com/log'
const LOG_KEY = keyOf(ORIGIN, 1)
const OTHER_KEY = keyOf(ORIGIN, 2)
const WITNESS_KEY = keyOf('witness.example/w1', 3, KEY_TYPES.cosignature)
const NOW = new Date('2026-11-13T12:00:00.999Z')

const log = new SignedLog(LOG_KEY, 40)
const forked = new SignedLog(LOG_KEY, 40, { from: 7, word: ' changed' })

let folder: string
let memory: WitnessMemory
let events: WitnessEvent[]
let witness: Witness

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'witness-'))
  open()
})

afterEach(async () => {
  memory.close()
  await rm(folder, { recursive: true })
})

function open(): void {
  memory = WitnessMemory.open(join(folder, 'witness.db'))
  events = []
  const onEvent = (event: WitnessEvent) => void events.push(event)
  witness = new Witness({ signer: WITNESS_KEY, logs: [LOG_KEY], memory, now: () => NOW, onEvent })
}

const conflictAt = (size: number) => ({ status: 409, type: 'text/x.tlog.size', body: `${size}\n` })

describe('a witness', () => {
  it('signs the first checkpoint it sees, and then each that extends the one before', async () => {
    for (const [from, to] of [
      [0, 5],
      [5, 8],
      [8, 8],
      [8, 40],
    ] as const) {
      const reply = witness.addCheckpoint(await log.request(from, to))
      expect(reply.status).toBe(200)
      const { verified } = openNote(`${log.note(to)}${reply.body}`, [WITNESS_KEY])
      expect(verified).toMatchObject([{ name: 'witness.example/w1', timeSecs: 1794571200n }])
    }
    expect(witness.heads()).toEqual([{ origin: ORIGIN, size: 40n }])
    expect(events.map(({ kind }) => kind)).toEqual(['signed', 'signed', 'signed', 'signed'])
  })

  it('answers 409 with the size it signed last to any other old size, also after it was restarted', async () => {
    expect(witness.addCheckpoint(await log.request(3, 5))).toEqual(conflictAt(0))
    witness.addCheckpoint(await log.request(0, 10))
    memory.close()
    open()
    expect(witness.addCheckpoint(await log.request(0, 12))).toEqual(conflictAt(10))
    expect(witness.addCheckpoint(await log.request(9, 12))).toEqual(conflictAt(10))
    expect(witness.addCheckpoint(await log.request(11, 12))).toEqual(conflictAt(10))
    expect(witness.addCheckpoint(await log.request(10, 12)).status).toBe(200)
  })

  it('refuses an older checkpoint that is played again, and a log that was rolled back', async () => {
    witness.addCheckpoint(await log.request(0, 20))
    expect(witness.addCheckpoint(await log.request(0, 10))).toEqual(conflictAt(20))
    const replayed = formatAddCheckpoint({ oldSize: 20n, proof: [], note: log.note(10) })
    expect(witness.addCheckpoint(replayed).status).toBe(400)
    expect(witness.heads()[0]?.size).toBe(20n)
  })

  it('refuses a fork, with whatever proof it comes', async () => {
    witness.addCheckpoint(await log.request(0, 10))
    for (const proof of [await forked.proof(10, 20), await log.proof(10, 20), []]) {
      const request = formatAddCheckpoint({ oldSize: 10n, proof, note: forked.note(20) })
      expect(witness.addCheckpoint(request).status).toBe(422)
    }
    // Up to leaf 7 the two are one: from there the fork could have been signed, and then the log is the fork.
    expect(witness.addCheckpoint(await log.request(10, 20)).status).toBe(200)
  })

  it('refuses another root of the same size, and keeps both notes as evidence, once', async () => {
    witness.addCheckpoint(await log.request(0, 10))
    for (let n = 0; n < 3; n++) expect(witness.addCheckpoint(await forked.request(10, 10))).toEqual(conflictAt(10))
    witness.addCheckpoint(await log.request(10, 20))
    expect(witness.addCheckpoint(await forked.request(0, 10))).toEqual(conflictAt(20))
    expect(memory.contradictions()).toEqual([
      {
        origin: ORIGIN,
        size: 10n,
        refused: forked.note(10).toString(),
        accepted: log.note(10).toString(),
        time: NOW.toISOString(),
      },
    ])
    expect(events.filter(({ kind }) => kind === 'contradiction')).toHaveLength(1)
  })

  it('refuses a proof that is too long, too short, changed or for other sizes', async () => {
    witness.addCheckpoint(await log.request(0, 13))
    const proof = await log.proof(13, 29)
    const flipped = proof.map((hash, at) => (at === 1 ? Buffer.from(hash).fill(0, 0, 1) : hash))
    const others = [proof.slice(1), proof.slice(0, -1), [...proof, EMPTY_ROOT], flipped, proof.toReversed()]
    for (const other of [...others, await log.proof(13, 28), await log.proof(12, 29)]) {
      const request = formatAddCheckpoint({ oldSize: 13n, proof: other, note: log.note(29) })
      expect(witness.addCheckpoint(request).status).toBe(422)
    }
    expect(witness.addCheckpoint(await log.request(13, 29)).status).toBe(200)
  })

  it('refuses a proof where nothing has to be proved', async () => {
    const proof = [EMPTY_ROOT]
    expect(witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof, note: log.note(5) })).status).toBe(422)
    witness.addCheckpoint(await log.request(0, 5))
    expect(witness.addCheckpoint(formatAddCheckpoint({ oldSize: 5n, proof, note: log.note(5) })).status).toBe(422)
  })

  it('signs an empty log only with the root of one', async () => {
    const wrong = Buffer.from(signNote(`${ORIGIN}\n0\n${Buffer.alloc(32).toString('base64')}\n`, [LOG_KEY]))
    expect(witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof: [], note: wrong })).status).toBe(422)
    expect(witness.addCheckpoint(await log.request(0, 0)).status).toBe(200)
    expect(witness.addCheckpoint(await log.request(0, 5)).status).toBe(200)
  })

  it('answers 404 to a log it does not know', async () => {
    const stranger = new SignedLog(keyOf('example.com/log2', 1), 5)
    expect(witness.addCheckpoint(await stranger.request(0, 5)).status).toBe(404)
  })

  it('answers 403 to a checkpoint of a known log without a good signature of a known key', async () => {
    const notes = [
      log.note(5, OTHER_KEY),
      // Our key's id over another text.
      Buffer.from(log.note(5).toString().replace('\n5\n', '\n6\n')),
      // Another log's key, which happens to be the same.
      Buffer.from(signNote(log.text(5), [keyOf('example.com/other', 1)])),
    ]
    for (const note of notes) {
      expect(witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof: [], note })).status).toBe(403)
    }
    expect(witness.heads()).toEqual([{ origin: ORIGIN, size: undefined }])
  })

  it('passes by signatures of keys it does not know', async () => {
    const others = Array.from({ length: 16 }, (_, at) => keyOf(`other.example/${at}`, at + 10))
    const note = Buffer.from(signNote(log.text(5), [...others.slice(0, 8), LOG_KEY, ...others.slice(8)]))
    const reply = witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof: [], note }))
    expect(reply.status).toBe(200)
    expect(openNote(Buffer.concat([note, Buffer.from(reply.body)]), [WITNESS_KEY]).verified).toHaveLength(1)
  })

  it('takes either of two keys of one log', async () => {
    const both = new Witness({ signer: WITNESS_KEY, logs: [LOG_KEY, OTHER_KEY], memory, now: () => NOW })
    expect(both.addCheckpoint(await log.request(0, 5)).status).toBe(200)
    const note = Buffer.from(signNote(log.text(9), [OTHER_KEY]))
    const request = formatAddCheckpoint({ oldSize: 5n, proof: await log.proof(5, 9), note })
    expect(both.addCheckpoint(request).status).toBe(200)
    expect(both.heads()).toEqual([{ origin: ORIGIN, size: 9n }])
  })

  it.each([
    ['a line break in the origin', (text: string) => text.replace(ORIGIN, 'example.com\n/log')],
    ['a blank line in the text', (text: string) => text.replace(`${ORIGIN}\n`, `${ORIGIN}\n\n`)],
    ['a second checkpoint below the first', (text: string) => `${text.trimEnd()}\n\n${text}`],
    ['a carriage return', (text: string) => text.replace('\n5\n', '\r\n5\n')],
    ['no signature', (text: string) => text.slice(0, text.indexOf('\n\n') + 2)],
    ['no final line feed', (text: string) => text.trimEnd()],
    ['a zero before the size', (text: string) => text.replace('\n5\n', '\n05\n')],
    ['a size in other digits', (text: string) => text.replace('\n5\n', '\n５\n')],
    ['a hyphen for the dash', (text: string) => text.replace('— ', '- ')],
  ])('answers 400 to a note with %s', (_, change) => {
    const note = Buffer.from(change(log.note(5).toString()))
    expect([400, 404]).toContain(witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof: [], note })).status)
    expect(memory.newest(ORIGIN)).toBeUndefined()
  })

  it('tells origins apart that look alike', async () => {
    for (const origin of [`${ORIGIN}\u200b`, 'exаmple.com/log', 'EXAMPLE.com/log', `${ORIGIN} `]) {
      const note = Buffer.from(log.note(5).toString().replaceAll(ORIGIN, origin))
      const { status } = witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof: [], note }))
      expect([400, 403, 404]).toContain(status)
    }
  })

  it('answers 400 to bytes that are not UTF-8, and to a note of more signatures than anybody needs', async () => {
    const broken = Buffer.concat([log.note(5), Buffer.from([0xff, 0x0a])])
    expect(witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof: [], note: broken })).status).toBe(400)
    const line = log.note(5).toString().split('\n\n')[1] ?? ''
    const many = Buffer.from(`${log.note(5)}${line.repeat(200)}`)
    expect(witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0n, proof: [], note: many })).status).toBe(400)
  })

  it('keeps sizes beyond 2^63 in order', () => {
    const root = EMPTY_ROOT
    memory.remember(ORIGIN, { size: 9n, root }, '', NOW)
    memory.remember(ORIGIN, { size: 2n ** 64n - 1n, root }, '', NOW)
    memory.remember(ORIGIN, { size: 2n ** 63n, root }, '', NOW)
    expect(memory.newest(ORIGIN)?.size).toBe(2n ** 64n - 1n)
  })

  it('remembers nothing of what failed half way', () => {
    expect(() =>
      memory.alone(() => {
        memory.remember(ORIGIN, { size: 9n, root: EMPTY_ROOT }, '', NOW)
        throw new Error('half way')
      }),
    ).toThrow('half way')
    expect(memory.newest(ORIGIN)).toBeUndefined()
  })

  it('shows its key as a vkey of the kind for cosignatures', () => {
    expect(witness.vkey).toBe(formatVkey('witness.example/w1', KEY_TYPES.cosignature, WITNESS_KEY.publicKey))
  })
})
