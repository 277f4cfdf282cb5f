/** `access.db`: tokens, sessions, people, links, saved searches and failed sign-ins. Several processes may have it open. */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { AppError, messageOf } from '../../core/errors.ts'
import { OWNERS_FOLDER } from '../../core/home.ts'
import { ROLES } from '../contract.ts'

const SCHEMA = `
CREATE TABLE IF NOT EXISTS tokens (id TEXT PRIMARY KEY, lookup TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL,
  scopes TEXT, rows TEXT NOT NULL, created_ms INTEGER NOT NULL, created_by TEXT NOT NULL, expires_ms INTEGER NOT NULL,
  last_used_ms INTEGER, revoked_ms INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tokens_by_lookup ON tokens (lookup);
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, lookup TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, holder TEXT NOT NULL, name TEXT NOT NULL,
  role TEXT, rows TEXT NOT NULL, created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL, address TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_lookup ON sessions (lookup);
CREATE INDEX IF NOT EXISTS sessions_of_holder ON sessions (holder);
CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT, role TEXT, role_from TEXT NOT NULL,
  last_sign_in_ms INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (lookup TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL, ends_ms INTEGER NOT NULL,
  used_ms INTEGER);
CREATE TABLE IF NOT EXISTS searches (id TEXT PRIMARY KEY, name TEXT NOT NULL, q TEXT NOT NULL, from_text TEXT, to_text TEXT, owner TEXT NOT NULL,
  owner_name TEXT NOT NULL, shared INTEGER NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (key TEXT PRIMARY KEY, failures INTEGER NOT NULL, last_ms INTEGER NOT NULL, locks INTEGER NOT NULL,
  locked_until_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
`

/** Owner only: it says who may do what. */
const FILE_MODE = 0o600

/** The file, open. */
export class AccessFile {
  readonly #db: DatabaseSync
  readonly #kept = new Map<string, StatementSync>()

  private constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Opens the file, making it if there is none. @throws AppError BAD_HOME */
  static open(path: string): AccessFile {
    try {
      mkdirSync(dirname(path), OWNERS_FOLDER)
      const db = new DatabaseSync(path)
      chmodSync(path, FILE_MODE)
      db.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      db.exec(SCHEMA)
      withAddresses(db)
      withRolesOfLinks(db)
      return new AccessFile(db)
    } catch (cause) {
      throw new AppError('BAD_HOME', `${path} cannot be opened: ${messageOf(cause)}`, { cause })
    }
  }

  close(): void {
    this.#kept.clear()
    this.#db.close()
  }

  /** Does several things or none. */
  atOnce<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const value = work()
      this.#db.exec('COMMIT')
      return value
    } catch (cause) {
      this.#db.exec('ROLLBACK')
      throw cause
    }
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }

  /** The first row; undefined where there is none. */
  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#statement(sql).get(...values) as T | undefined
  }

  /** Every row. */
  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#statement(sql).all(...values) as T[]
  }

  #statement(sql: string): StatementSync {
    const kept = this.#kept.get(sql)
    if (kept !== undefined) return kept
    const made = this.#db.prepare(sql)
    this.#kept.set(sql, made)
    return made
  }
}

/** In files of earlier versions, links of one name had one holder whatever their role. What they kept belongs to the greatest role. */
function withRolesOfLinks(db: DatabaseSync): void {
  const isOld = (column: string) =>
    `${column} GLOB 'link:*' AND ${ROLES.map((role) => `${column} NOT GLOB 'link:${role}:*'`).join(' AND ')}`
  db.exec(
    `UPDATE sessions SET holder = 'link:' || role || substr(holder, 5) WHERE role IS NOT NULL AND ${isOld('holder')}`,
  )
  db.exec(`UPDATE searches SET owner = 'link:${ROLES.at(-1)}' || substr(owner, 5) WHERE ${isOld('owner')}`)
}

/** Files of earlier versions know sessions without addresses. */
function withAddresses(db: DatabaseSync): void {
  const has = db.prepare("SELECT 1 FROM pragma_table_info('sessions') WHERE name = 'address'")
  if (has.get() !== undefined) return
  db.exec('BEGIN IMMEDIATE')
  // Another process may have been faster.
  if (has.get() === undefined) db.exec('ALTER TABLE sessions ADD COLUMN address TEXT')
  db.exec('COMMIT')
}
