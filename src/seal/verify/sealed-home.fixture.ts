/**
 * Makes sealed homes straight from docs/design/005-seal.md, with hashing, signing and writing of its own: what it makes and the
 * verifier accepts, two readers of the page agree on.
 */

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { type VerifyHomeOptions, verifyHome } from './home.ts'

const sha = (...parts: readonly (Uint8Array | string)[]): Buffer => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}
export const hexOf = (bytes: Uint8Array | string): string => sha(bytes).toString('hex')
const leafOf = (data: Uint8Array | string): Buffer => sha(Buffer.of(0), data)

/** RFC 6962 §2.1, word for word. */
export function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha('')
  if (leaves.length === 1) return leaves[0] as Buffer
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha(Buffer.of(1), treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

/** RFC 6962 §2.1.1. */
export function pathTo(index: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return []
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return index < split
    ? [...pathTo(index, leaves.slice(0, split)), treeHash(leaves.slice(split))]
    : [...pathTo(index - split, leaves.slice(split)), treeHash(leaves.slice(0, split))]
}

/** Keys in order, nothing else: all that RFC 8785 asks of the values used here. */
export function jcs(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jcs).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${jcs(field)}`)
    .join(',')}}`
}

export interface TestKey {
  readonly name: string
  readonly vkey: string
  readonly line: (text: string, timeSecs?: number) => string
}

/** A key for notes (0x01) or, with `type` 4, for cosignatures. */
export function testKey(name: string, type: 1 | 4 = 1): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.concat([Buffer.of(type), rawKey(publicKey)])
  const id = sha(`${name}\n`, raw).subarray(0, 4)
  const line = (text: string, timeSecs = 0): string => {
    const time = Buffer.alloc(type === 4 ? 8 : 0)
    if (type === 4) time.writeBigUInt64BE(BigInt(timeSecs))
    const message = type === 4 ? `cosignature/v1\ntime ${timeSecs}\n${text}` : text
    const signature = sign(null, Buffer.from(message), privateKey)
    return `\u2014 ${name} ${Buffer.concat([id, time, signature]).toString('base64')}\n`
  }
  return { name, vkey: `${name}+${id.toString('hex')}+${raw.toString('base64')}`, line }
}

const rawKey = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(-32)

export interface TestFile {
  /** Inside the table's folder. */
  readonly path: string
  readonly bytes: Uint8Array
  readonly rows?: number
  readonly rowForm?: string
  readonly rowsRoot?: string
  readonly columns?: string
}

export interface TestCommit {
  readonly table?: string
  readonly operation?: string
  readonly adds?: readonly TestFile[]
  /** What the table's own log adds, where it is not what the leaf tells. */
  readonly logged?: readonly TestFile[]
  readonly removes?: readonly string[]
  readonly received?: Buffer
  readonly encoding?: 'zstd' | 'none'
  readonly checkpoint?: boolean
  readonly more?: Readonly<Record<string, unknown>>
}

const START_MS = Date.parse('2026-03-01T08:00:00.000Z')
const MINUTE_MS = 60_000

/** A home under construction; every call appends a leaf and signs a checkpoint. */
export class SealedHome {
  readonly root: string
  readonly origin: string
  key: TestKey
  readonly entries: string[] = []
  readonly #versions = new Map<string, number>()
  nowMs = START_MS

  private constructor(root: string, origin: string) {
    this.root = root
    this.origin = origin
    this.key = testKey(origin)
  }

  static async make(origin = 'bricktrail/test-home'): Promise<SealedHome> {
    const home = new SealedHome(await mkdtemp(join(tmpdir(), 'bricktrail-sealed-')), origin)
    await home.#writeKeys()
    await home.leaf({ kind: 'open', origin, vkey: home.key.vkey, home: 'a home for tests' })
    return home
  }

  async dispose(): Promise<void> {
    await rm(this.root, { recursive: true, force: true })
  }

  at(path: string): string {
    return join(this.root, path)
  }

  async put(path: string, bytes: Uint8Array | string): Promise<void> {
    await mkdir(dirname(this.at(path)), { recursive: true })
    await writeFile(this.at(path), bytes)
  }

  read(path: string): Promise<Buffer> {
    return readFile(this.at(path))
  }

  /** One version of a table: the Delta commit, its files, what was received, and the leaf. */
  async commit(commit: TestCommit = {}): Promise<number> {
    const { table = 'events', operation = 'WRITE', removes = [], received } = commit
    const version = (this.#versions.get(table) ?? -1) + 1
    this.#versions.set(table, version)
    const folder = `lake/${table}`
    const adds: readonly TestFile[] = commit.adds ?? [
      {
        path: `event_date=2026-03-01/b${version}-0.parquet`,
        bytes: Buffer.from(`PAR1 ${table} ${version} PAR1`),
        rows: 1,
      },
    ]
    for (const { path, bytes } of adds) await this.put(`${folder}/${path}`, bytes)
    const actions = [
      { commitInfo: { operation } },
      ...removes.map((path) => ({ remove: { path: encodeURI(path), dataChange: true } })),
      ...(commit.logged ?? adds).map(({ path, bytes }) => ({
        add: { path: encodeURI(path), size: bytes.length, dataChange: true },
      })),
    ]
    const digits = String(version).padStart(20, '0')
    const log = [
      await this.#logFile(folder, `_delta_log/${digits}.json`, `${actions.map((a) => JSON.stringify(a)).join('\n')}\n`),
    ]
    if (commit.checkpoint) {
      log.push(await this.#logFile(folder, `_delta_log/${digits}.checkpoint.parquet`, `PAR1 state at ${version} PAR1`))
      log.push(await this.#logFile(folder, '_delta_log/_last_checkpoint', JSON.stringify({ version, size: 3 })))
    }
    const rows = adds.reduce((sum, add) => sum + (add.rows ?? 1), 0)
    const counts = { records: rows + 2, events: rows, duplicates: 1, rejects: 1 }
    const objects = received && [{ ...counts, ...(await this.#rawObject(received, commit.encoding ?? 'zstd')) }]
    const lists = {
      log,
      adds: adds.map((add) => ({
        path: add.path,
        bytes: add.bytes.length,
        sha256: hexOf(add.bytes),
        rows: add.rows ?? 1,
        rowsRoot: add.rowsRoot ?? hexOf(''),
        rowForm: add.rowForm ?? 'row/2',
        columns: add.columns ?? hexOf('[]'),
      })),
      removes: removes.map((path) => ({ path })),
      ...(objects ? { objects } : {}),
    }
    const batch = objects
      ? { batch: `b${version}`, batchFile: await this.#batchFile(version), counts }
      : table === 'events' && operation === 'WRITE' && { batch: `b${version}`, counts }
    const told = { kind: 'commit', table, version, operation, sealed: this.sealed(), ...batch, ...commit.more }
    return this.leaf(told, lists)
  }

  async clean(table: string, reason: string, paths: readonly string[]): Promise<number> {
    const deleted = paths.map((path) => ({ path, bytes: 1 }))
    return this.leaf({ kind: 'clean', table, reason, sealed: this.sealed() }, { deleted })
  }

  /** What an append leaves that is cut short before its checkpoint, signed or not. */
  async pending(from: number, isSigned = true): Promise<void> {
    const to = this.entries.length
    const head = (size: number) => ({ size: String(size), root: this.rootAt(size).toString('hex') })
    const entries = this.entries.slice(from).map((entry) => Buffer.from(entry).toString('base64'))
    const time = new Date(this.nowMs).toISOString()
    const record = { v: 2, from: head(from), to: head(to), time, references: {}, entries }
    const text = `bricktrail pending append\n${this.origin}\n${hexOf(jcs(record))}\n`
    const signatures = isSigned ? [this.key.line(text)] : []
    await this.put('seal/pending.json', jcs({ ...record, signatures }))
  }

  async restore(table: string, version: number, reason: string): Promise<number> {
    const undone = (this.#versions.get(table) ?? -1) - version
    this.#versions.set(table, version)
    return this.leaf({ kind: 'restore', table, version, undone, reason, sealed: this.sealed() })
  }

  /** A new key takes over; both sign. */
  async rotate(): Promise<number> {
    const previous = this.key
    this.key = testKey(this.origin)
    const leaf = await this.leaf({ kind: 'key', vkey: this.key.vkey, previous: previous.vkey }, undefined, [
      this.key,
      previous,
    ])
    await this.#writeKeys()
    return leaf
  }

  sealed(): Record<string, number> {
    return Object.fromEntries(this.#versions)
  }

  /** Appends any leaf, signs, and returns its index. */
  async leaf(told: object, lists?: object, keys: readonly TestKey[] = [this.key]): Promise<number> {
    const summary = lists && (await this.#manifest(lists))
    this.nowMs += MINUTE_MS
    const time = new Date(this.nowMs).toISOString()
    return this.append([jcs({ v: 1, time, generator: 'test 1', ...told, ...summary })], keys)
  }

  /** Appends leaves as they are, writes the tree, and signs one checkpoint. */
  async append(entries: readonly string[], keys: readonly TestKey[] = [this.key]): Promise<number> {
    const from = this.entries.length
    this.entries.push(...entries)
    await this.#writeTree(from)
    const note = this.noteOf(this.entries.length, keys)
    await this.put('seal/log/checkpoint', note)
    await this.put(`seal/checkpoints/${String(this.entries.length).padStart(20, '0')}`, note)
    const head = { size: String(this.entries.length), root: this.rootAt(this.entries.length).toString('hex') }
    await this.put('seal/keys/head.json', jcs(head))
    return this.entries.length - 1
  }

  rootAt(size: number): Buffer {
    return treeHash(this.leafHashes().slice(0, size))
  }

  leafHashes(): Buffer[] {
    return this.entries.map((entry) => leafOf(entry))
  }

  textOf(size: number): string {
    return `${this.origin}\n${size}\n${this.rootAt(size).toString('base64')}\n`
  }

  noteOf(size: number, keys: readonly TestKey[] = [this.key]): string {
    const text = this.textOf(size)
    return `${text}\n${keys.map((key) => key.line(text)).join('')}`
  }

  async #writeKeys(): Promise<void> {
    const id = this.key.vkey.split('+')[1] ?? ''
    await this.put('seal/keys/log.vkey', `${this.key.vkey}\n`)
    await this.put(`seal/keys/${encodeURIComponent(this.origin)}+${id}.vkey`, `${this.key.vkey}\n`)
  }

  async #logFile(folder: string, path: string, text: string) {
    await this.put(`${folder}/${path}`, text)
    return { path, bytes: Buffer.byteLength(text), sha256: hexOf(text) }
  }

  async #batchFile(version: number) {
    const text = `{"batch":${version}}\n`
    const path = `manifests/${String(version).padStart(9, '0')}.json`
    await this.put(path, text)
    return { path, bytes: Buffer.byteLength(text), sha256: hexOf(text) }
  }

  async #rawObject(received: Buffer, encoding: 'zstd' | 'none') {
    const sha256 = hexOf(received)
    const kept = encoding === 'zstd' ? zstdCompressSync(received) : received
    const path = `raw/${sha256.slice(0, 2)}/${sha256}${encoding === 'zstd' ? '.zst' : ''}`
    await this.put(path, kept)
    const stored = { path, bytes: kept.length, sha256: hexOf(kept), encoding: encoding === 'zstd' ? ['zstd'] : [] }
    return {
      key: `logs/${sha256.slice(0, 8)}.json`,
      bytes: received.length,
      sha256,
      modified: null,
      form: 'delivery',
      firstByte: 0,
      lastByte: received.length,
      raw: { sha256, bytes: received.length, stored },
    }
  }

  async #manifest(lists: object) {
    const text = jcs(lists)
    const sha256 = hexOf(text)
    await this.put(`seal/manifests/${sha256.slice(0, 2)}/${sha256}.json`, text)
    const summaries = Object.entries(lists).map(([name, records]: [string, readonly unknown[]]) => [
      name,
      { count: records.length, root: treeHash(records.map((record) => leafOf(jcs(record)))).toString('hex') },
    ])
    return { manifest: { sha256, bytes: Buffer.byteLength(text) }, lists: Object.fromEntries(summaries) }
  }

  async #writeTree(from: number): Promise<void> {
    const size = this.entries.length
    let hashes = this.leafHashes()
    for (let n = Math.floor(from / 256); n * 256 < size; n++) {
      const some = this.entries.slice(n * 256, (n + 1) * 256).map((entry) => Buffer.from(entry))
      const bundle = some.flatMap((entry) => [Buffer.of(entry.length >> 8, entry.length & 255), entry])
      await this.put(tileName('entries', n, some.length), Buffer.concat(bundle))
    }
    for (let level = 0; hashes.length > 0; level++) {
      for (let n = 0; n * 256 < hashes.length; n++) {
        const some = hashes.slice(n * 256, (n + 1) * 256)
        await this.put(tileName(level, n, some.length), Buffer.concat(some))
      }
      const full = Math.floor(hashes.length / 256)
      hashes = Array.from({ length: full }, (_, n) => treeHash(hashes.slice(n * 256, (n + 1) * 256)))
    }
  }
}

/** Tests have fewer than a thousand tiles of a level. */
export const tileName = (level: number | 'entries', n: number, width: number): string =>
  `seal/log/tile/${level}/${String(n).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`

/** A home of four commits: two ingestions, a commit of rejects, an ingestion. */
export async function homeOfFour(): Promise<SealedHome> {
  const home = await SealedHome.make()
  await home.commit({ received: Buffer.from('{"a":1}\n{"b":2}\n') })
  await home.commit({ received: Buffer.from('{"a":3}\n'), encoding: 'none', checkpoint: true })
  await home.commit({ table: 'rejects' })
  await home.commit({ received: Buffer.from('{"a":4}\n') })
  return home
}

/** What verification finds in a home, by kind, leaf and place. */
export async function foundIn(home: SealedHome, options: VerifyHomeOptions = {}): Promise<string[]> {
  const { findings } = await verifyHome(home.root, { key: home.key.vkey, patienceMs: 0, ...options })
  return findings.map(({ kind, leaf, where }) => `${kind} ${leaf ?? '-'} ${where}`)
}

/** Path of the note of a size. */
export const noteFile = (size: number): string => `seal/checkpoints/${String(size).padStart(20, '0')}`

/** Path of a commit of the table `events`. */
export const commitFile = (version: number): string =>
  `lake/events/_delta_log/${String(version).padStart(20, '0')}.json`
