import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localStore } from '../lake/stores/local.ts'
import { openCheckpoint } from './checkpoint.ts'
import { entryBytes, type KeyEntry } from './entry.ts'
import { SealKeys } from './keys.ts'
import { SealLog } from './log.ts'
import { readHead, writeHead } from './log-head.ts'
import { withSealLock } from './log-lock.ts'
import { consistencyProofFrom, leafHash, rootOfData, verifyConsistency } from './merkle.ts'
import { parseNote, parseVkey } from './note.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-log-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const seal = () => join(folder, 'seal')
const now = () => new Date(1_762_950_000_000)
const open = async (at = seal()) => SealLog.open(at, await SealKeys.load(at, { origin: 'example.com/trail' }), { now })
const leaf = (n: number): Uint8Array => Buffer.from(`entry ${n}`)
const leaves = (count: number, from = 0): Uint8Array[] => Array.from({ length: count }, (_, at) => leaf(from + at))
const texts = async (log: SealLog): Promise<string[]> => {
  const found: string[] = []
  for await (const entry of log.entries()) found.push(Buffer.from(entry).toString())
  return found
}
const refuse = async (code: string, message: RegExp) => {
  await expect(open()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
}

describe('a log', () => {
  it('keeps what was appended under a checkpoint that its public key verifies', async () => {
    const log = await open()
    expect([log.size, await log.checkpoint()]).toEqual([0n, undefined])
    const { size, root, note } = await log.append(leaves(3))
    expect([size, root]).toEqual([3n, rootOfData(leaves(3))])
    const key = parseVkey(await readFile(join(seal(), 'keys/log.vkey'), 'utf8'))
    expect(openCheckpoint(note, [key])).toMatchObject({ origin: 'example.com/trail', size: 3n })
    expect(await readFile(join(seal(), 'log/checkpoint'), 'utf8')).toBe(note)
    expect(await readFile(join(seal(), 'checkpoints/00000000000000000003'), 'utf8')).toBe(note)
    expect(String(await log.entry(2n))).toBe('entry 2')
    const again = await open()
    expect([again.size, await texts(again)]).toEqual([3n, leaves(3).map(String)])
    expect(await again.append([])).toEqual({ size: 3n, root, note })
  })

  it('grows over full tiles and drops the partial files they replace, but none of its newest size', async () => {
    const log = await open()
    await log.append(leaves(200))
    await log.append(leaves(50, 200))
    expect((await readdir(join(seal(), 'log/tile/0/000.p'))).sort()).toEqual(['200', '250'])
    const { root } = await log.append(leaves(10, 250))
    expect(root).toEqual(rootOfData(leaves(260)))
    expect((await readdir(join(seal(), 'log/tile/0'))).sort()).toEqual(['000', '001.p'])
    expect((await readdir(join(seal(), 'log/tile/entries'))).sort()).toEqual(['000', '001.p'])
    expect(await texts(await open())).toEqual(leaves(260).map(String))
  })

  it('proves that each checkpoint continues those before', async () => {
    const log = await open()
    const heads = []
    for (const count of [1, 2, 5, 300]) heads.push(await log.append(leaves(count)))
    const last = heads.at(-1) as (typeof heads)[number]
    for (const { size, root } of heads) {
      const proof = await consistencyProofFrom(log.hashReader(), size, last.size)
      const claim = { size1: size, size2: last.size, root1: root, root2: last.root, proof }
      expect(verifyConsistency(claim)).toBeUndefined()
    }
  })

  it('refuses an entry that is too long, and appends none of its company', async () => {
    const log = await open()
    await expect(log.append([leaf(0), Buffer.alloc(65_536)])).rejects.toMatchObject({ code: 'BAD_SEAL' })
    expect((await open()).size).toBe(0n)
    expect((await log.append([Buffer.alloc(65_535)])).size).toBe(1n)
  })

  it('takes appends from several holders in turn', async () => {
    const holders = await Promise.all([open(), open(), open()])
    await Promise.all(
      holders.flatMap((log, at) => Array.from({ length: 5 }, (_, n) => log.append([leaf(at * 10 + n)]))),
    )
    const found = await texts(await open())
    expect(found).toHaveLength(15)
    expect(new Set(found).size).toBe(15)
  })

  it('says so when another holder does not let go', async () => {
    const log = await open()
    await log.append(leaves(1))
    const impatient = await SealLog.open(seal(), await SealKeys.load(seal()), { now, lockWaitMs: 20 })
    await withSealLock(seal(), async () => {
      await expect(impatient.append(leaves(1))).rejects.toMatchObject({ code: 'LOCKED' })
    })
    expect((await impatient.append(leaves(1, 1))).size).toBe(2n)
  })
})

describe('a log that is not the one its key signed', () => {
  it('is refused when it was put back to an earlier state while the key stayed', async () => {
    const log = await open()
    await log.append(leaves(3))
    await cp(join(seal(), 'log'), join(folder, 'copy'), { recursive: true })
    await log.append(leaves(2, 3))
    await rm(join(seal(), 'log'), { recursive: true })
    await cp(join(folder, 'copy'), join(seal(), 'log'), { recursive: true })
    await refuse('SEAL_FORKED', /has 3 entries, but its key has signed 5/)
    await expect(log.append(leaves(1))).rejects.toMatchObject({ code: 'SEAL_FORKED' })
  })

  it('is refused when it was put back and the guard removed, as long as the later note is kept', async () => {
    const log = await open()
    await log.append(leaves(3))
    await cp(join(seal(), 'log'), join(folder, 'copy'), { recursive: true })
    await log.append(leaves(2, 3))
    await rm(join(seal(), 'log'), { recursive: true })
    await cp(join(folder, 'copy'), join(seal(), 'log'), { recursive: true })
    await rm(join(seal(), 'keys/head.json'))
    await refuse('SEAL_FORKED', /its key has signed 5/)
  })

  it('is refused when the whole log is gone', async () => {
    await (await open()).append(leaves(3))
    await rm(join(seal(), 'log'), { recursive: true })
    await refuse('SEAL_FORKED', /has 0 entries, but its key has signed 3/)
  })

  it('is refused when another history was signed with a copy of the key', async () => {
    const log = await open()
    await log.append(leaves(3))
    await cp(seal(), join(folder, 'other'), { recursive: true })
    await log.append(leaves(2, 3))
    await (await open(join(folder, 'other'))).append(leaves(2, 100))
    for (const part of ['log', 'checkpoints']) {
      await rm(join(seal(), part), { recursive: true })
      await cp(join(folder, 'other', part), join(seal(), part), { recursive: true })
    }
    await refuse('SEAL_FORKED', /first 5 entries of the log are not those its key has signed/)
  })

  it('goes on where only the guard is of an earlier state', async () => {
    const log = await open()
    const store = localStore(seal())
    await log.append(leaves(3))
    const old = await readHead(store)
    await log.append(leaves(300, 3))
    await writeHead(store, old ?? { size: 0n, root: leafHash(leaf(0)) })
    expect((await (await open()).append(leaves(1, 303))).size).toBe(304n)
    await rm(join(seal(), 'keys/head.json'))
    expect((await (await open()).append(leaves(1, 304))).size).toBe(305n)
  })

  it('is refused when another key signed it', async () => {
    await (await open()).append(leaves(3))
    const other = join(folder, 'other')
    await (await open(other)).append(leaves(3))
    await cp(join(other, 'log'), join(seal(), 'log'), { recursive: true })
    await refuse('BAD_SEAL', /No known key has signed the note/)
  })

  it('is refused when its files are damaged', async () => {
    const log = await open()
    await log.append(leaves(3))
    const [tile, bundle, checkpoint] = ['tile/0/000.p/3', 'tile/entries/000.p/3', 'checkpoint'].map((path) =>
      join(seal(), 'log', path),
    ) as [string, string, string]
    for (const path of [tile, checkpoint]) {
      const bytes = await readFile(path)
      await writeFile(path, bytes.with(40, (bytes[40] ?? 0) ^ 1))
      await expect(open()).rejects.toMatchObject({ code: 'BAD_SEAL' })
      await rm(path)
      await expect(open()).rejects.toMatchObject({ code: path === tile ? 'BAD_SEAL' : 'SEAL_FORKED' })
      await writeFile(path, bytes)
    }
    await writeFile(bundle, (await readFile(bundle)).with(4, 0))
    await expect((await open()).append(leaves(1))).rejects.toMatchObject({ code: 'BAD_SEAL' })
  })
})

describe('a change of keys', () => {
  const keyEntry = (told: { vkey: string; previous: string }): Uint8Array => {
    const entry: KeyEntry = { v: 1, kind: 'key', time: now().toISOString(), generator: 'test', ...told }
    return entryBytes(entry)
  }

  it('is signed by both keys, and by the new one alone from then on', async () => {
    const keys = await SealKeys.load(seal(), { origin: 'example.com/trail' })
    const log = await SealLog.open(seal(), keys, { now })
    const first = keys.active
    await log.append(leaves(2))
    const told = await keys.prepareRotation()
    expect(parseNote((await log.append(leaves(1, 2))).note).signatures.map(({ id }) => id)).toEqual([first.id])
    const { note } = await log.append([keyEntry(told)])
    const second = keys.active
    expect(second.vkey).toBe(told.vkey)
    expect(openCheckpoint(note, [first, second]).note.verified.map(({ id }) => id)).toEqual([second.id, first.id])
    expect(parseNote((await log.append(leaves(1))).note).signatures.map(({ id }) => id)).toEqual([second.id])
    const names = await readdir(join(seal(), 'keys'))
    expect(names.sort()).toEqual(
      [
        `${second.id}.key`,
        'head.json',
        'log.vkey',
        ...[first, second].map(({ id }) => `${encodeURIComponent('example.com/trail')}+${id}.vkey`),
      ].sort(),
    )
    expect((await open()).size).toBe(5n)
  })

  it('reaches other holders of the log', async () => {
    const other = await open()
    await other.append(leaves(1))
    const keys = await SealKeys.load(seal())
    const log = await SealLog.open(seal(), keys, { now })
    await log.append([keyEntry(await keys.prepareRotation())])
    const { note } = await other.append(leaves(1, 1))
    expect(parseNote(note).signatures.map(({ id }) => id)).toEqual([keys.active.id])
  })
})
