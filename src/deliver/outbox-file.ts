/** The SQLite file of an outbox, and how transactions over it are kept. */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import { type Losable, unlessDamaged } from './damage.ts'

/** How a destination is doing, from its first day on. */
export interface Account {
  readonly destination: string
  readonly delivered: number
  readonly dead: number
  readonly attempts: number
  readonly failures: number
  readonly lastDeliveredMs: number | null
  readonly lastFailureMs: number | null
  readonly lastFailure: string | null
}

/** What is added to an account. */
export interface Counted {
  readonly delivered?: number
  readonly dead?: number
  readonly attempts?: number
  readonly failure?: string | undefined
  readonly nowMs: number
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL,
  body TEXT NOT NULL, weight INTEGER NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  reason TEXT, done_ms INTEGER, UNIQUE (destination, id));
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (destination, seq) WHERE done_ms IS NULL;
CREATE INDEX IF NOT EXISTS messages_of_key ON messages (destination, key, seq) WHERE done_ms IS NULL;
CREATE TABLE IF NOT EXISTS streams (destination TEXT PRIMARY KEY, place TEXT NOT NULL, goal TEXT);
CREATE TABLE IF NOT EXISTS pieces (destination TEXT NOT NULL, position REAL NOT NULL, id TEXT NOT NULL, rows TEXT NOT NULL,
  PRIMARY KEY (destination, position));
CREATE TABLE IF NOT EXISTS dead (seq INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, takes TEXT NOT NULL, id TEXT NOT NULL,
  key TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL, dead_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (destination TEXT PRIMARY KEY, delivered INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, last_delivered_ms INTEGER, last_failure_ms INTEGER, last_failure TEXT);
`

/** Owner only: bodies hold names and addresses of people. */
const FILE_MODE = 0o600

/** What is lost with the file. */
const LOSS =
  'Lost with it are messages that waited, dead letters, and how far events had gone: each destination begins where its `from` says. Alerts and events are elsewhere and stay.'

/** An open outbox file. */
export class OutboxFile {
  readonly #db: DatabaseSync
  readonly #self: Losable
  readonly #statements = new Map<string, StatementSync>()
  #isFirm = true

  private constructor(db: DatabaseSync, self: Losable) {
    this.#db = db
    this.#self = self
  }

  /** Opens the file, making it if there is none. @throws AppError BAD_HOME */
  static open(path: string): OutboxFile {
    const self: Losable = { path, what: 'The outbox', loss: LOSS }
    try {
      mkdirSync(dirname(path), { recursive: true })
      const db = new DatabaseSync(path)
      return unlessDamaged(self, () => {
        db.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
        db.exec(SCHEMA)
        chmodSync(path, FILE_MODE)
        return new OutboxFile(db, self)
      })
    } catch (cause) {
      if (isAppError(cause)) throw cause
      throw new AppError('BAD_HOME', `The outbox ${path} cannot be opened: ${messageOf(cause)}`, { cause })
    }
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  /** Does several things or none; what it did is on the disk when it returns. */
  atOnce<T>(work: () => T): T {
    return this.#transaction(true, work)
  }

  /**
   * The same without waiting for the disk. A process that is killed loses nothing of it; a machine that loses its power may, so it is for
   * what only says that something need not be sent again.
   */
  soon<T>(work: () => T): T {
    return this.#transaction(false, work)
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return unlessDamaged(this.#self, () => Number(this.#statement(sql).run(...values).changes))
  }

  /** All rows of a query. */
  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return unlessDamaged(this.#self, () => this.#statement(sql).all(...values) as unknown as T[])
  }

  /** Adds to a destination's account. */
  count(destination: string, { delivered = 0, dead = 0, attempts = 0, failure, nowMs }: Counted): void {
    this.run('INSERT INTO accounts (destination) VALUES (?) ON CONFLICT DO NOTHING', destination)
    this.run(
      `UPDATE accounts SET delivered = delivered + ?2, dead = dead + ?3, attempts = attempts + ?4, failures = failures + (?5 IS NOT NULL),
        last_delivered_ms = CASE WHEN ?2 > 0 THEN ?6 ELSE last_delivered_ms END, last_failure = coalesce(?5, last_failure),
        last_failure_ms = CASE WHEN ?5 IS NULL THEN last_failure_ms ELSE ?6 END WHERE destination = ?1`,
      destination,
      delivered,
      dead,
      attempts,
      failure ?? null,
      nowMs,
    )
  }

  #transaction<T>(isFirm: boolean, work: () => T): T {
    if (isFirm !== this.#isFirm) this.#db.exec(`PRAGMA synchronous = ${isFirm ? 'FULL' : 'NORMAL'}`)
    this.#isFirm = isFirm
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

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const made = this.#db.prepare(sql)
    this.#statements.set(sql, made)
    return made
  }
}
