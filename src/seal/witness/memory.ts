/** What a witness must never forget: each checkpoint it signed. SQLite, written through to the disk. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Hash } from '../merkle.ts'

/** A checkpoint that the witness signed. */
export interface Held {
  readonly size: bigint
  readonly root: Hash
}

/** A checkpoint signed by a log's key that contradicts one the witness signed before: proof against the log. */
export interface Contradiction {
  readonly origin: string
  readonly size: bigint
  /** The signed note that was refused, and the one that was accepted. */
  readonly refused: string
  readonly accepted: string
  /** ISO time. */
  readonly time: string
}

/** Digits of the greatest size: padded to them, sizes sort as text. SQLite's own integers end at 2^63. */
const SIZE_DIGITS = 20
/** Only the log itself can make these; more than this prove nothing more. */
const MAX_CONTRADICTIONS = 1000

const SCHEMA = `
CREATE TABLE IF NOT EXISTS cosigned (
  origin TEXT NOT NULL, size TEXT NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, time TEXT NOT NULL,
  PRIMARY KEY (origin, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contradictions (
  origin TEXT NOT NULL, size TEXT NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, time TEXT NOT NULL,
  PRIMARY KEY (origin, size, root)
) STRICT, WITHOUT ROWID`

const keyOf = (size: bigint): string => size.toString().padStart(SIZE_DIGITS, '0')

/** The memory of one witness. Several processes may share it: each change is a transaction. */
export class WitnessMemory {
  readonly #db: DatabaseSync
  readonly #newest: StatementSync
  readonly #at: StatementSync

  private constructor(db: DatabaseSync) {
    this.#db = db
    this.#newest = db.prepare('SELECT size, root, note, time FROM cosigned WHERE origin = ? ORDER BY size DESC LIMIT 1')
    this.#at = db.prepare('SELECT root, note FROM cosigned WHERE origin = ? AND size = ?')
  }

  /**
   * Opens the file, making it if there is none.
   *
   * @throws AppError BAD_HOME where it cannot be opened
   */
  static open(path: string): WitnessMemory {
    try {
      const db = new DatabaseSync(path)
      // EXTRA also syncs the folder, so that a commit stands when it returns, whatever happens to the machine.
      db.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA')
      db.exec(SCHEMA)
      return new WitnessMemory(db)
    } catch (cause) {
      throw new AppError('BAD_HOME', `The witness's memory ${path} cannot be opened: ${messageOf(cause)}`, { cause })
    }
  }

  /** Runs `work` alone: nobody else reads or writes until it is committed. */
  alone<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw cause
    }
  }

  /** The largest checkpoint signed of a log. */
  newest(origin: string): (Held & { readonly note: string; readonly time: string }) | undefined {
    const row = this.#newest.get(origin)
    if (row === undefined) return undefined
    return {
      size: BigInt(String(row.size)),
      root: row.root as Uint8Array,
      note: String(row.note),
      time: String(row.time),
    }
  }

  /** The checkpoint signed at a size, if one was. */
  signedAt(origin: string, size: bigint): { readonly root: Hash; readonly note: string } | undefined {
    const row = this.#at.get(origin, keyOf(size))
    return row && { root: row.root as Uint8Array, note: String(row.note) }
  }

  /** Remembers a checkpoint; one of a size that is known already changes nothing. */
  remember(origin: string, { size, root }: Held, note: string, time: Date): void {
    this.#db
      .prepare('INSERT OR IGNORE INTO cosigned (origin, size, root, note, time) VALUES (?, ?, ?, ?, ?)')
      .run(origin, keyOf(size), root, note, time.toISOString())
  }

  /** Keeps a contradiction as evidence; true where it is new. */
  accuse(origin: string, { size, root }: Held, note: string, time: Date): boolean {
    const { changes } = this.#db
      .prepare(
        `INSERT OR IGNORE INTO contradictions (origin, size, root, note, time)
         SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM contradictions) < ${MAX_CONTRADICTIONS}`,
      )
      .run(origin, keyOf(size), root, note, time.toISOString())
    return changes > 0
  }

  /** All contradictions, oldest first. */
  contradictions(): Contradiction[] {
    const rows = this.#db
      .prepare(
        `SELECT x.origin, x.size, x.note AS refused, s.note AS accepted, x.time
         FROM contradictions x JOIN cosigned s USING (origin, size) ORDER BY x.time`,
      )
      .all()
    return rows.map((row) => ({
      origin: String(row.origin),
      size: BigInt(String(row.size)),
      refused: String(row.refused),
      accepted: String(row.accepted),
      time: String(row.time),
    }))
  }

  close(): void {
    this.#db.close()
  }
}
