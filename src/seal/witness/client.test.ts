import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KEY_TYPES, openNote, signatureLine } from '../note.ts'
import { type CosignOptions, requestCosignature } from './client.ts'
import { WitnessMemory } from './memory.ts'
import { listen, witnessServer } from './server.ts'
import { keyOf, SignedLog } from './signed-log.fixture.ts'
import { Witness } from './witness.ts'

const LOG_KEY = keyOf('example.com/log', 1)
const WITNESS_KEY = keyOf('witness.example/w1', 3, KEY_TYPES.cosignature)
const OTHER_WITNESS = keyOf('witness.example/w1', 4, KEY_TYPES.cosignature)
const NOW = new Date('2026-11-13T12:00:00Z')
const NOW_SECS = BigInt(NOW.getTime() / 1000)

const log = new SignedLog(LOG_KEY, 60)
const forked = new SignedLog(LOG_KEY, 60, { from: 7, word: ' fork' })

let folder: string
let memory: WitnessMemory
let server: Server
let url: string
let clock: Date

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'witness-'))
  memory = WitnessMemory.open(join(folder, 'witness.db'))
  clock = NOW
  await serve(witnessServer(new Witness({ signer: WITNESS_KEY, logs: [LOG_KEY], memory, now: () => clock })))
})

afterEach(async () => {
  stop()
  memory.close()
  await rm(folder, { recursive: true })
})

function stop(): void {
  server.closeAllConnections()
  server.close()
}

async function serve(next: Server): Promise<void> {
  server = next
  url = await listen(server, '127.0.0.1', 0)
}

/** Puts another server in the place of the witness. */
async function instead(listener: RequestListener): Promise<void> {
  stop()
  await serve(createServer((request, response) => void request.resume().on('end', () => listener(request, response))))
}

const ask = (of: SignedLog, size: number, known = 0, more: Partial<CosignOptions> = {}) =>
  requestCosignature({
    url,
    witness: WITNESS_KEY,
    note: of.note(size),
    readHash: of.readHash,
    knownSize: BigInt(known),
    now: () => NOW,
    signal: AbortSignal.timeout(20_000),
    ...more,
  })

const forkAlarm = (message: RegExp) => ({
  kind: 'alarm',
  error: expect.objectContaining({ code: 'SEAL_FORKED', message: expect.stringMatching(message) }),
})

describe('asking a witness', () => {
  it('gets a signature that verifies under the checkpoint, time and again as the log grows', async () => {
    for (const [known, size] of [
      [0, 1],
      [1, 17],
      [17, 60],
    ] as const) {
      const answer = await ask(log, size, known)
      expect(answer).toMatchObject({ kind: 'cosigned', time: NOW })
      const line = answer.kind === 'cosigned' ? answer.line : ''
      expect(openNote(`${log.note(size)}${line}`, [LOG_KEY, WITNESS_KEY]).verified).toHaveLength(2)
    }
  })

  it('goes on from the size the witness names, whatever it was thought to be', async () => {
    await ask(log, 20)
    for (const known of [0, 5, 20, 31, 99]) expect(await ask(log, 30, known)).toMatchObject({ kind: 'cosigned' })
  })

  it('takes a prefix with or without a slash at the end', async () => {
    expect(await ask(log, 5, 0, { url: `${url}///` })).toMatchObject({ kind: 'cosigned' })
  })

  it('is an alarm where the home was rolled back', async () => {
    await ask(log, 40)
    expect(await ask(log, 25, 25)).toEqual(
      forkAlarm(/signed a checkpoint of size 40, .* ends at 25: it was rolled back/),
    )
  })

  it('is an alarm where the log is another one, at any size, also the same', async () => {
    await ask(log, 40)
    expect(await ask(forked, 50, 40)).toEqual(forkAlarm(/holds another history at size 40/))
    expect(await ask(forked, 50, 0)).toEqual(forkAlarm(/holds another history at size 40/))
    expect(await ask(forked, 40, 40)).toEqual(forkAlarm(/holds another root at size 40/))
    expect(await ask(forked, 40, 3)).toEqual(forkAlarm(/holds another root at size 40/))
  })

  it('is no alarm where the fork begins after what the witness has seen', async () => {
    await ask(log, 7)
    expect(await ask(forked, 50, 7)).toMatchObject({ kind: 'cosigned' })
  })

  it('does not blame the witness where our own files do not lead to our checkpoint', async () => {
    await ask(log, 20)
    expect(await ask(log, 30, 20, { readHash: forked.readHash })).toEqual({
      kind: 'alarm',
      error: expect.objectContaining({ code: 'BAD_SEAL', message: expect.stringMatching(/cannot prove that size 30/) }),
    })
  })

  it('fails, and says why, where the witness does not know the log or takes another key', async () => {
    const stranger = new SignedLog(keyOf('example.com/strange', 1), 5)
    expect(await ask(stranger, 5)).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/not know this log: 404/),
    })
    const usurper = new SignedLog(keyOf('example.com/log', 2), 5)
    expect(await ask(usurper, 5)).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/not take our key: 403/),
    })
  })

  it('takes no signature of another key, over another text, or none', async () => {
    const lines = [
      signatureLine(log.text(5), OTHER_WITNESS, NOW_SECS),
      signatureLine(log.text(6), WITNESS_KEY, NOW_SECS),
      signatureLine(forked.text(20), WITNESS_KEY, NOW_SECS),
      signatureLine(log.text(5), WITNESS_KEY, NOW_SECS).replace(/.{4}\n$/, 'AAAA\n'),
      signatureLine(log.text(5), LOG_KEY),
      '— witness.example/w1 AAAA\n',
      '— witness.example/w1 \n\n— x\n',
      '',
    ]
    for (const line of lines) {
      await instead((_, response) => void response.end(line))
      expect(await ask(log, 5)).toEqual({ kind: 'failed', reason: 'it sent no signature of its key that holds' })
    }
  })

  it('takes from several lines the one that counts, and nothing that comes with it', async () => {
    const good = signatureLine(log.text(5), WITNESS_KEY, NOW_SECS)
    const other = signatureLine(log.text(5), keyOf('other.example', 5, KEY_TYPES.cosignature), NOW_SECS)
    await instead((_, response) => void response.end(`${other}${good}junk\n\nexample.com/log\n`))
    expect(await ask(log, 5)).toEqual({ kind: 'cosigned', line: good, time: NOW })
  })

  it('takes no signature of a clock that is wrong', async () => {
    for (const minutes of [-11, 11]) {
      clock = new Date(NOW.getTime() + minutes * 60_000)
      expect(await ask(log, 5)).toMatchObject({
        kind: 'failed',
        reason: expect.stringMatching(/clock and ours differ/),
      })
    }
  })

  it('takes no signature of a time beyond all dates', async () => {
    const line = signatureLine(log.text(5), WITNESS_KEY, 99_999_999_999_999n)
    await instead((_, response) => void response.end(line))
    expect(await ask(log, 5)).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/clock and ours differ/) })
  })

  it('follows no redirect', async () => {
    await instead((_, response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end())
    expect(await ask(log, 5)).toEqual({ kind: 'failed', reason: 'it redirects (307), which is not followed' })
  })

  it.each<[string, RequestListener, RegExp]>([
    ['a 409 without a size', (_, response) => void response.writeHead(409).end('5\n'), /409 without a size/],
    [
      'a 409 with what is no size',
      (_, response) => void response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('-5\n'),
      /409 without a size/,
    ],
    [
      'a 409 with the size that was sent',
      (_, response) => void response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('0\n'),
      /409 with the size that was sent, 0/,
    ],
    ['a 422 where nothing had to be proved', (_, response) => void response.writeHead(422).end(), /refused: 422/],
    [
      'a 500 with terminal codes',
      (_, response) => void response.writeHead(500).end('\u001b[2Joops'),
      /500 \\x1b\[2Joops/,
    ],
    ['an endless answer', (_, response) => void response.end('x'.repeat(100_000)), /more than 65536 bytes/],
    ['no answer', (request) => void request.socket.destroy(), /fetch failed/],
  ])('survives %s', async (_, listener, reason) => {
    await instead(listener)
    expect(await ask(log, 5)).toMatchObject({ kind: 'failed', reason: expect.stringMatching(reason) })
  })

  it('ends with a witness that names another size each time', async () => {
    let size = 0
    await instead((_, response) => {
      size += 1
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${size}\n`)
    })
    expect(await ask(log, 50)).toEqual({ kind: 'failed', reason: 'it named another size 4 times' })
  })

  it('sends no password that stands in an address', async () => {
    const answer = await ask(log, 5, 0, { url: url.replace('//', '//user:hunter2@') })
    expect(answer).toMatchObject({ kind: 'failed' })
    expect(JSON.stringify(answer)).not.toContain('hunter2')
  })
})
