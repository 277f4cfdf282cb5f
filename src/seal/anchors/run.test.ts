import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localStore } from '../../lake/stores/local.ts'
import { openCheckpoint } from '../checkpoint.ts'
import { SealKeys } from '../keys.ts'
import { SealLog } from '../log.ts'
import { KEY_TYPES } from '../note.ts'
import { WitnessMemory } from '../witness/memory.ts'
import { listen, witnessServer } from '../witness/server.ts'
import { keyOf } from '../witness/signed-log.fixture.ts'
import { Witness } from '../witness/witness.ts'
import type { AnchorsConfig } from './contract.ts'
import { type AnchorReport, anchorCheckpoint } from './run.ts'
import { readAnchorStates } from './state.ts'

const WITNESSES = [1, 2].map((n) => keyOf(`witness.example/w${n}`, n, KEY_TYPES.cosignature))

let root: string
let folder: string
let keys: SealKeys
let log: SealLog
let servers: Server[]
let memories: WitnessMemory[]
let nowMs: number

const now = (): Date => new Date(nowMs)

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'anchors-'))
  folder = join(root, 'seal')
  nowMs = Date.parse('2026-11-13T12:00:00Z')
  servers = []
  memories = []
  keys = await SealKeys.load(folder, { origin: 'example.com/log' })
  log = await SealLog.open(folder, keys, { now })
  await grow(3)
})

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  for (const memory of memories) memory.close()
  await rm(root, { recursive: true })
})

const grow = (entries: number) => log.append(Array.from({ length: entries }, (_, at) => Buffer.from(`{"at":${at}}`)))

async function witness(n: number): Promise<{ url: string; vkey: string }> {
  const signer = WITNESSES[n]
  if (signer === undefined) throw new RangeError(`no witness ${n}`)
  const memory = WitnessMemory.open(join(root, `witness-${n}.db`))
  memories.push(memory)
  const server = witnessServer(new Witness({ signer, logs: keys.verifiers, memory, now }))
  servers.push(server)
  return { url: await listen(server, '127.0.0.1', 0), vkey: signer.vkey }
}

async function copies(name = 'share'): Promise<{ kind: 'folder'; path: string }> {
  const path = join(root, name)
  await mkdir(path, { recursive: true })
  return { kind: 'folder', path }
}

const run = (config: Partial<AnchorsConfig>, limitMs = 5000): Promise<AnchorReport> =>
  anchorCheckpoint({ folder, config: { witnesses: [], timestamps: [], copies: [], ...config }, log, now, limitMs })

const kinds = ({ anchors }: AnchorReport) => anchors.map(({ outcome }) => outcome.kind)
const kept = (size: number) => readFile(join(folder, 'checkpoints', String(size).padStart(20, '0')))
const states = () => readAnchorStates(localStore(folder))

describe('anchoring the newest checkpoint', () => {
  it('gets every witness to sign it and copies it, and is done until the log grows', async () => {
    const config = { witnesses: [await witness(0), await witness(1)], copies: [await copies()] }
    expect(await run(config)).toMatchObject({ size: 3n, alarms: [] })
    const signed = openCheckpoint(await kept(3), [...keys.verifiers, ...WITNESSES])
    expect(signed.note.verified.map(({ name }) => name).sort()).toEqual([
      'example.com/log',
      'witness.example/w1',
      'witness.example/w2',
    ])
    expect(kinds(await run(config))).toEqual(['done', 'done', 'done'])
    await grow(300)
    expect(kinds(await run(config))).toEqual(['anchored', 'anchored', 'anchored'])
    expect(openCheckpoint(await kept(303), [...keys.verifiers, ...WITNESSES]).note.verified).toHaveLength(3)
    // What the log itself does goes on with signatures of others under its notes.
    log = await SealLog.open(folder, keys, { now })
    await grow(1)
  })

  it('copies what the log signed, whether a witness has signed it before or not', async () => {
    await run({ witnesses: [await witness(0)] })
    await run({ copies: [await copies()] })
    const note = await readFile(join(root, 'share', 'example.com%2Flog', '00000000000000000003'))
    expect(note).toEqual(await readFile(join(folder, 'log', 'checkpoint')))
  })

  it('lets one fail without the others, says why, and tries it again later and later', async () => {
    const gone = { url: 'http://127.0.0.1:1/', vkey: WITNESSES[1]?.vkey ?? '' }
    const config = { witnesses: [gone, await witness(0)], copies: [await copies()] }
    expect(kinds(await run(config))).toEqual(['failed', 'anchored', 'anchored'])
    expect((await states())['witness http://127.0.0.1:1/']).toMatchObject({
      failures: 1,
      nextRetry: '2026-11-13T12:00:30.000Z',
      lastError: { size: '3', alarm: false, message: expect.stringMatching(/fetch failed/) },
    })
    expect(kinds(await run(config))).toEqual(['waiting', 'done', 'done'])
    nowMs += 30_000
    expect(kinds(await run(config))).toEqual(['failed', 'done', 'done'])
    expect((await states())['witness http://127.0.0.1:1/']).toMatchObject({
      failures: 2,
      nextRetry: '2026-11-13T12:01:30.000Z',
    })
  })

  it('forgets failures once it works', async () => {
    const path = join(root, 'late')
    expect(kinds(await run({ copies: [{ kind: 'folder', path }] }))).toEqual(['failed'])
    await copies('late')
    nowMs += 30_000
    expect(kinds(await run({ copies: [{ kind: 'folder', path }] }))).toEqual(['anchored'])
    const state = (await states())[`folder ${path}`]
    expect(state).toMatchObject({ lastSize: '3', failures: 0 })
    expect(state).not.toHaveProperty('lastError')
    expect(state).not.toHaveProperty('nextRetry')
  })

  it('waits for nobody longer than it may', async () => {
    const silent = createServer(() => {})
    servers.push(silent)
    const url = await listen(silent, '127.0.0.1', 0)
    const started = performance.now()
    expect(await run({ witnesses: [{ url, vkey: WITNESSES[0]?.vkey ?? '' }] }, 100)).toMatchObject({
      anchors: [{ outcome: { kind: 'failed', reason: 'it did not answer within 0.1 s' } }],
    })
    expect(performance.now() - started).toBeLessThan(20_000)
  })

  it.each<[string, Partial<AnchorsConfig>, RegExp]>([
    ['a key that is none', { witnesses: [{ url: 'http://a/', vkey: 'nonsense' }] }, /public key is one line/],
    ['no address', { witnesses: [{ url: 'nonsense', vkey: WITNESSES[0]?.vkey ?? '' }] }, /no http\(s\) URL/],
    ['the key of a log', { witnesses: [{ url: 'http://a/', vkey: keyOf('a', 9).vkey }] }, /not a witness's key/],
    ['no CA file', { timestamps: [{ url: 'http://a/', ca: '/nowhere/ca.pem' }] }, /CA file cannot be read/],
    [
      'a package that is not installed',
      { copies: [{ kind: 's3', bucket: 'b', prefix: 'p', region: 'eu-central-1', retainDays: 1 }] },
      /need the package @aws-sdk\/client-s3\. Run: npm install @aws-sdk\/client-s3/,
    ],
  ])('tells of settings with %s, and goes on', async (_, config, reason) => {
    const report = await run({ ...config, copies: [...(config.copies ?? []), await copies()] })
    expect(kinds(report)).toEqual(['failed', 'anchored'])
    expect(report.anchors[0]?.outcome).toMatchObject({ reason: expect.stringMatching(reason) })
  })

  it('does nothing for a log without entries', async () => {
    const other = join(root, 'empty')
    const empty = await SealLog.open(other, await SealKeys.load(other), { now })
    const config = { witnesses: [], timestamps: [], copies: [await copies()] }
    expect(await anchorCheckpoint({ folder: other, config, log: empty, now })).toEqual({
      size: undefined,
      anchors: [],
      alarms: [],
    })
  })

  it.each(['', '{', '[]', '{"anchors":null}', '{"anchors":{"x":3}}', '\u0000'])(
    'takes a state of %j for none',
    async (text) => {
      await writeFile(join(folder, 'state.json'), text)
      expect(kinds(await run({ copies: [await copies()] }))).toEqual(['anchored'])
    },
  )

  it('asks anew where the state was deleted, and no witness stands twice under a note', async () => {
    const config = { witnesses: [await witness(0)], copies: [await copies()] }
    await run(config)
    const before = await kept(3)
    await rm(join(folder, 'state.json'))
    nowMs += 60_000
    expect(kinds(await run(config))).toEqual(['anchored', 'anchored'])
    expect(await kept(3)).toEqual(before)
  })
})

describe('a home that was put back to an earlier state, keys and all', () => {
  let backup: string

  beforeEach(async () => {
    backup = join(root, 'backup')
    await cp(folder, backup, { recursive: true })
  })

  async function putBack(): Promise<void> {
    await rm(folder, { recursive: true })
    await cp(backup, folder, { recursive: true })
    log = await SealLog.open(folder, keys, { now })
  }

  it('is found by the witness, by the copies, each time they are asked', async () => {
    const config = { witnesses: [await witness(0)], copies: [await copies()] }
    await grow(5)
    await run(config)
    await putBack()
    for (let n = 0; n < 2; n++) {
      const { alarms } = await run(config)
      expect(alarms.map(({ code }) => code)).toEqual(['SEAL_FORKED', 'SEAL_FORKED'])
      expect(alarms.map(({ message }) => /size 8.* ends at 3: it was rolled back/.test(message))).toEqual([true, true])
    }
    expect(Object.values(await states()).map(({ lastError }) => lastError?.alarm)).toEqual([true, true])
  })

  it('is found after it has grown another history to the same size, with the old state.json in place', async () => {
    const config = { witnesses: [await witness(0)], copies: [await copies()] }
    await grow(5)
    await run(config)
    const state = await readFile(join(folder, 'state.json'))
    await putBack()
    await log.append(Array.from({ length: 5 }, () => Buffer.from('{"other":true}')))
    await writeFile(join(folder, 'state.json'), state)
    const { alarms } = await run(config)
    expect(alarms.map(({ message }) => /another root at size 8/.test(message))).toEqual([true, true])
  })

  it('is found after it has outgrown what others saw', async () => {
    const config = { witnesses: [await witness(0)] }
    await grow(5)
    await run(config)
    await putBack()
    await log.append(Array.from({ length: 50 }, () => Buffer.from('{"other":true}')))
    expect((await run(config)).alarms[0]?.message).toMatch(/holds another history at size 8/)
  })
})
