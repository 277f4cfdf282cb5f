/**
 * The source ledger: what was taken of which object, and what became of it. One row a taking; SQLite, so that it is one
 * file, transactional, and readable by anyone. It can be made again from the batch manifests.
 */

import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { AppError, messageOf } from '../core/errors.ts'
import { type Home, OWNERS_FOLDER } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import { syncFolder } from '../lake/stores/local.ts'
import type { RawRecord } from '../seal/entry.ts'
import type { SourceObject } from './contract.ts'

/** What one taking of one object came to. `records` = `events` + `duplicates` + `rejects`, always. */
export interface Taking {
  readonly object_key: string
  readonly sha256: string
  readonly size_bytes: number
  readonly modified_ms: number
  readonly form: string
  readonly shape: string
  readonly compression: string
  readonly batch_id: string
  readonly batch_seq: number
  readonly ingested_at: string
  /** First byte taken (0 unless the object had grown) and the byte after the last. */
  readonly first_byte: number
  readonly last_byte: number
  readonly records: number
  readonly events: number
  readonly duplicates: number
  readonly rejects: number
  /** Where a longer version of the object can be taken up: bytes, their digest, the line breaks in them. Null: not at all. */
  readonly resume_byte: number | null
  readonly resume_sha256: string | null
  readonly resume_lines: number | null
}

/** A committed batch, as its manifest file holds it. */
export interface Manifest {
  readonly version: 1
  readonly batchId: string
  /** Number of the batch in this lake, from 1; the `txn` version of the Delta commit. */
  readonly seq: number
  readonly ingestTime: string
  readonly source: string
  readonly generator: string
  readonly objects: readonly Taking[]
  readonly dataFiles: readonly { readonly path: string; readonly sizeBytes: number; readonly rows: number }[]
  /** Where the received bytes of each object are kept, by its key. */
  readonly raw?: Readonly<Record<string, RawRecord>>
}

/** Path of a batch's manifest. */
export const manifestPath = (home: Home, seq: number): string =>
  join(home.manifests, `${String(seq).padStart(9, '0')}.json`)

/** Folder below that of the manifests: those of batches that the lake does not hold, or holds no more. */
export const UNDONE = 'undone'

const COLUMNS = {
  object_key: 'TEXT',
  sha256: 'TEXT',
  size_bytes: 'INTEGER',
  modified_ms: 'INTEGER',
  form: 'TEXT',
  shape: 'TEXT',
  compression: 'TEXT',
  batch_id: 'TEXT',
  batch_seq: 'INTEGER',
  ingested_at: 'TEXT',
  first_byte: 'INTEGER',
  last_byte: 'INTEGER',
  records: 'INTEGER',
  events: 'INTEGER',
  duplicates: 'INTEGER',
  rejects: 'INTEGER',
  resume_byte: 'INTEGER',
  resume_sha256: 'TEXT',
  resume_lines: 'INTEGER',
} as const satisfies Record<keyof Taking, string>
const NAMES = Object.keys(COLUMNS) as (keyof Taking)[]

/** Copies of the ledger in a DuckDB are read in pages of this many rows. */
const PAGE_ROWS = 50_000

/** The ledger of a home. */
export class Ledger {
  readonly #db: DatabaseSync
  readonly #home: Home
  readonly #latest: StatementSync
  /** The highest number met anywhere but in the rows. */
  #highest = 0

  private constructor(home: Home, db: DatabaseSync) {
    this.#home = home
    this.#db = db
    this.#latest = db.prepare('SELECT * FROM takings WHERE object_key = ? ORDER BY id DESC LIMIT 1')
  }

  /** Opens the ledger, making it if there is none. */
  static async open(home: Home): Promise<Ledger> {
    try {
      await mkdir(home.manifests, { recursive: true })
      const db = new DatabaseSync(home.ledger)
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 10000')
      db.exec(`CREATE TABLE IF NOT EXISTS takings (id INTEGER PRIMARY KEY, ${NAMES.map((name) => `${name} ${COLUMNS[name]}`).join(', ')});
        CREATE INDEX IF NOT EXISTS takings_by_key ON takings (object_key, id);
        CREATE INDEX IF NOT EXISTS takings_by_batch ON takings (batch_seq);
        CREATE TABLE IF NOT EXISTS confirmed (object_key TEXT, asked TEXT, size_bytes INTEGER, modified_ms INTEGER,
          PRIMARY KEY (object_key, asked))`)
      return new Ledger(home, db)
    } catch (cause) {
      throw new AppError('BAD_HOME', `The ledger ${home.ledger} cannot be opened: ${messageOf(cause)}`, { cause })
    }
  }

  /** The newest taking of an object. */
  latest(key: string): Taking | undefined {
    return this.#latest.get(key) as unknown as Taking | undefined
  }

  /** Notes that an object's time changed while its bytes did not. */
  touch(key: string, modifiedMs: number): void {
    this.#db
      .prepare('UPDATE takings SET modified_ms = ? WHERE id = (SELECT max(id) FROM takings WHERE object_key = ?)')
      .run(modifiedMs, key)
  }

  /** True if looking at the object again, as it is now, showed that it was taken by the right form. */
  isConfirmed({ key, sizeBytes, modifiedMs }: SourceObject, asked: string): boolean {
    return (
      this.#db
        .prepare('SELECT 1 FROM confirmed WHERE object_key = ? AND asked = ? AND size_bytes = ? AND modified_ms = ?')
        .get(key, asked, sizeBytes, modifiedMs) !== undefined
    )
  }

  /**
   * Notes that looking at an object again showed the form that it was taken by, so that it need not be looked at for that any more. No
   * manifest tells it: a ledger that was made again has it looked at once more.
   *
   * @param asked the form that was asked for, or `auto`
   */
  confirm({ key, sizeBytes, modifiedMs }: SourceObject, asked: string): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO confirmed (object_key, asked, size_bytes, modified_ms) VALUES (?, ?, ?, ?)')
      .run(key, asked, sizeBytes, modifiedMs)
  }

  /** The highest batch number known. No number is given to two batches, whatever became of the first. */
  lastSeq(): number {
    return Math.max(this.#highest, this.#enteredSeq())
  }

  #enteredSeq(): number {
    return Number(this.#db.prepare('SELECT coalesce(max(batch_seq), 0) AS n FROM takings').get()?.n)
  }

  /** Writes the manifest file, durably. Done before the commit, so that a crash after it finds here what was committed. */
  async prepare(manifest: Manifest): Promise<void> {
    await writeFile(manifestPath(this.#home, manifest.seq), `${JSON.stringify(manifest)}\n`, { flush: true })
    await syncFolder(this.#home.manifests)
  }

  /** Enters a committed batch. */
  record(manifest: Manifest): void {
    const insert = this.#db.prepare(
      `INSERT INTO takings (${NAMES.join(', ')}) VALUES (${NAMES.map(() => '?').join(', ')})`,
    )
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      for (const taking of manifest.objects) insert.run(...NAMES.map((name) => taking[name]))
      this.#db.exec('COMMIT')
    } catch (cause) {
      this.#db.exec('ROLLBACK')
      throw cause
    }
  }

  /**
   * Mends what a crash left: enters batches that were committed but not entered, and sets aside the manifests of batches that
   * never were. A lake put back to an earlier state takes its later batches out of the ledger too, so that their objects are
   * read again; their manifests are evidence, so none is deleted. Only the one writer may call it, once the seal has agreed to
   * the lake.
   *
   * @param committedSeq number of the last batch the lake holds, 0 for none
   * @param sealedSeq number of the last batch the seal tells of, 0 for none
   */
  async recover(committedSeq: number, sealedSeq = 0): Promise<void> {
    this.#highest = Math.max(this.lastSeq(), committedSeq, sealedSeq)
    if (this.#enteredSeq() > committedSeq) this.#db.prepare('DELETE FROM takings WHERE batch_seq > ?').run(committedSeq)
    const from = this.#enteredSeq()
    const undone = join(this.#home.manifests, UNDONE)
    for (const { seq } of await manifestsIn(undone)) this.#highest = Math.max(this.#highest, seq)
    for (const { name, seq } of await manifestsIn(this.#home.manifests)) {
      this.#highest = Math.max(this.#highest, seq)
      const path = join(this.#home.manifests, name)
      if (seq > committedSeq) await setAside(path, undone, name)
      else if (seq > from) this.record(JSON.parse(await readFile(path, 'utf8')) as Manifest)
    }
  }

  /** Takings of the ledger, oldest first, a page at a time. */
  *pages(): Generator<Taking[]> {
    const page = this.#db.prepare('SELECT * FROM takings WHERE id > ? ORDER BY id LIMIT ?')
    for (let after = 0; ; ) {
      const rows = page.all(after, PAGE_ROWS) as unknown as (Taking & { id: number })[]
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.id
      yield rows
    }
  }

  close(): void {
    this.#db.close()
  }
}

/** Manifests of a folder by their numbers, in order; of those set aside there may be several of one number. */
async function manifestsIn(folder: string): Promise<{ readonly name: string; readonly seq: number }[]> {
  const names = existsSync(folder) ? (await readdir(folder)).sort() : []
  return names.flatMap((name) => {
    const digits = /^(\d{9})(\.\d+)?\.json$/.exec(name)?.[1]
    return digits === undefined ? [] : [{ name, seq: Number(digits) }]
  })
}

/** Moves a manifest; where another of its number lies already, this one gets a second number. */
async function setAside(path: string, folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let copy = 1; ; copy++) {
    const target = join(folder, copy === 1 ? name : name.replace(/\.json$/, `.${copy}.json`))
    if (!existsSync(target)) {
      await rename(path, target)
      return syncFolder(folder)
    }
    if ((await readFile(target)).equals(await readFile(path))) return rm(path)
  }
}

const OBJECT_TYPES: Readonly<Record<string, string>> = { INTEGER: 'BIGINT', TEXT: 'VARCHAR' }

/** Makes the ledger a temporary table of the engine, for `query` over `objects`; returns its name. */
export async function objectsRelation(home: Home, engine: Engine): Promise<string> {
  await engine.tableOf('ledger_text', [], NAMES)
  if (existsSync(home.ledger)) {
    const ledger = await Ledger.open(home)
    try {
      for (const rows of ledger.pages()) {
        const texts = rows.map((row) =>
          Object.fromEntries(NAMES.map((n) => [n, row[n] === null ? null : String(row[n])])),
        )
        await engine.append('ledger_text', texts, NAMES)
      }
    } finally {
      ledger.close()
    }
  }
  const columns = NAMES.map((name) =>
    name === 'ingested_at'
      ? 'ingested_at::TIMESTAMPTZ AS ingested_at'
      : `${name}::${OBJECT_TYPES[COLUMNS[name]]} AS ${name}`,
  )
  return `(SELECT ${columns.join(', ')} FROM ledger_text)`
}

/** Waits at most this long for another writer before giving up. */
const LOCK_TIMEOUT_MS = 10 * 60_000
const LOCK_POLL_MS = 100

/**
 * Holds the home's one writer's place until released. The lock is the operating system's, by way of SQLite: a killed process
 * frees it.
 *
 * @param onWait called once if another process holds it
 * @throws AppError LOCKED, BAD_HOME
 */
export async function lockWriter(home: Home, onWait: () => void = () => {}): Promise<() => void> {
  let db: DatabaseSync | undefined
  try {
    await mkdir(dirname(home.writerLock), OWNERS_FOLDER)
    db = new DatabaseSync(home.writerLock)
    db.exec('PRAGMA busy_timeout = 0')
  } catch (cause) {
    db?.close()
    throw new AppError('BAD_HOME', `The home ${home.root} cannot be written: ${messageOf(cause)}`, { cause })
  }
  const start = performance.now()
  for (let tries = 0; ; tries++) {
    try {
      db.exec('BEGIN EXCLUSIVE')
      return () => db.close()
    } catch (cause) {
      if (!/locked|busy/i.test(messageOf(cause))) {
        db.close()
        throw new AppError('BAD_HOME', `${home.writerLock}: ${messageOf(cause)}`, { cause })
      }
      if (performance.now() - start > LOCK_TIMEOUT_MS) {
        db.close()
        throw new AppError('LOCKED', `Another bricktrail process has been writing to ${home.root} for ten minutes.`)
      }
      if (tries === 0) onWait()
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
    }
  }
}
