/**
 * `alerts.db`: alerts and incidents with their findings and history, what people silenced, and what is to be told of them.
 * Several processes may have it open; everything that belongs together is written in one transaction.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import { OWNERS_FOLDER } from '../core/home.ts'
import { homeSecret } from '../core/home-secret.ts'
import { type Losable, unlessDamaged } from '../deliver/damage.ts'

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alerts (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, key TEXT NOT NULL,
  n INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT, duplicate_of TEXT, assignee TEXT, level INTEGER NOT NULL, quiet TEXT,
  facts TEXT NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, findings INTEGER NOT NULL, events INTEGER NOT NULL,
  counted INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, resolved_ms INTEGER, UNIQUE (key, n));
CREATE INDEX IF NOT EXISTS alerts_open ON alerts (kind, updated_ms) WHERE state <> 'resolved';
CREATE TABLE IF NOT EXISTS findings (id TEXT NOT NULL, alert_id TEXT NOT NULL, revision INTEGER NOT NULL, level INTEGER NOT NULL,
  events INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, superseded_by TEXT, facts TEXT NOT NULL,
  PRIMARY KEY (id, alert_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS findings_of_alert ON findings (alert_id, last_ms);
CREATE TABLE IF NOT EXISTS history (seq INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL, at_ms INTEGER NOT NULL, who TEXT NOT NULL,
  what TEXT NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL, why TEXT);
CREATE INDEX IF NOT EXISTS history_of_alert ON history (alert_id, seq);
CREATE TRIGGER IF NOT EXISTS history_is_kept BEFORE UPDATE ON history BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER IF NOT EXISTS history_stays BEFORE DELETE ON history BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TABLE IF NOT EXISTS silences (id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL, who TEXT NOT NULL,
  reason TEXT NOT NULL, matchers TEXT NOT NULL, quieted INTEGER NOT NULL DEFAULT 0, owner TEXT);
CREATE TABLE IF NOT EXISTS risks (finding_id TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL, rule_id TEXT NOT NULL, alert_id TEXT NOT NULL,
  score REAL NOT NULL, time_ms INTEGER NOT NULL, tactics TEXT NOT NULL, incident_id TEXT, PRIMARY KEY (finding_id, kind, object)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS risks_of_object ON risks (kind, object, time_ms);
CREATE INDEX IF NOT EXISTS risks_of_alert ON risks (alert_id);
CREATE INDEX IF NOT EXISTS risks_of_incident ON risks (incident_id) WHERE incident_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS to_reckon (kind TEXT NOT NULL, object TEXT NOT NULL, from_ms INTEGER NOT NULL, PRIMARY KEY (kind, object)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices (seq INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL, action TEXT NOT NULL, urgent INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, note TEXT);
CREATE TABLE IF NOT EXISTS pending (route TEXT NOT NULL, alert_id TEXT NOT NULL, action TEXT NOT NULL, group_key TEXT NOT NULL, since_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL, note TEXT, PRIMARY KEY (route, alert_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS groups (route TEXT NOT NULL, group_key TEXT NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (route, group_key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (destination TEXT NOT NULL, dedup_key TEXT NOT NULL, alert_id TEXT NOT NULL, title TEXT, done TEXT,
  PRIMARY KEY (destination, dedup_key, alert_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS told_of_alert ON told (alert_id);
CREATE TABLE IF NOT EXISTS tellings (destination TEXT NOT NULL, dedup_key TEXT NOT NULL, action TEXT NOT NULL, times INTEGER NOT NULL,
  PRIMARY KEY (destination, dedup_key, action)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (seq INTEGER PRIMARY KEY, route TEXT NOT NULL, at_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS escalations (alert_id TEXT NOT NULL, route TEXT NOT NULL, step INTEGER NOT NULL, due_ms INTEGER NOT NULL, times INTEGER NOT NULL,
  PRIMARY KEY (alert_id, route, step)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outgoing (seq INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL,
  body TEXT NOT NULL, weight INTEGER NOT NULL, at_ms INTEGER NOT NULL);
`

const FILE_MODE = 0o600

/** What is lost with the file. */
const LOSS =
  'Lost with it is what people decided: states, notes, assignees and silences. `bricktrail alerts run` makes the alerts again from the findings, and pages nobody twice.'

/** Beside the file: made again after a loss, alerts have their ids again. */
const KEY_FILE = 'alerts.key'
const KEY_LOSS = 'alerts that are still to come then get other ids.'
/** Files in memory are of one process. */
let memorySecret: string | undefined

/** The file, open. */
export class AlertsFile {
  readonly #db: DatabaseSync
  readonly #self: Losable
  readonly #kept = new Map<string, StatementSync>()
  #depth = 0
  #secret: string | undefined

  private constructor(db: DatabaseSync, self: Losable) {
    this.#db = db
    this.#self = self
  }

  /** Opens the file, making it if there is none. @throws AppError BAD_HOME */
  static open(path: string): AlertsFile {
    const self: Losable = { path, what: 'The file of alerts', loss: LOSS }
    try {
      mkdirSync(dirname(path), OWNERS_FOLDER)
      const db = new DatabaseSync(path)
      return unlessDamaged(self, () => {
        db.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
        // Owner only: alerts name people and what they are held to have done.
        if (path !== ':memory:') chmodSync(path, FILE_MODE)
        db.exec(SCHEMA)
        addLater(db)
        return new AlertsFile(db, self)
      })
    } catch (cause) {
      if (isAppError(cause)) throw cause
      throw new AppError('BAD_HOME', `The alerts in ${path} cannot be opened: ${messageOf(cause)}`, { cause })
    }
  }

  /** What ids are keyed with; made at first use. @throws AppError BAD_HOME */
  get secret(): string {
    this.#secret ??= secretBeside(this.#self.path)
    return this.#secret
  }

  close(): void {
    this.#kept.clear()
    this.#db.close()
  }

  /** Does several things or none. Within another, it is part of that. */
  atOnce<T>(work: () => T): T {
    if (this.#depth > 0) return work()
    this.#db.exec('BEGIN IMMEDIATE')
    this.#depth = 1
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw cause
    } finally {
      this.#depth = 0
    }
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return unlessDamaged(this.#self, () => Number(this.#prepared(sql).run(...values).changes))
  }

  /** The rows of a query. */
  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return unlessDamaged(this.#self, () => this.#prepared(sql).all(...values) as unknown as T[])
  }

  /** The first row of a query. */
  first<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return unlessDamaged(this.#self, () => this.#prepared(sql).get(...values) as unknown as T | undefined)
  }

  /** A value kept by name. */
  meta(name: string): string | undefined {
    return this.first<{ value: string }>('SELECT value FROM meta WHERE name = ?', name)?.value
  }

  /** Keeps a value by name. */
  setMeta(name: string, value: string): void {
    this.run(
      'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
      name,
      value,
    )
  }

  #prepared(sql: string): StatementSync {
    const known = this.#kept.get(sql) ?? this.#db.prepare(sql)
    this.#kept.set(sql, known)
    return known
  }
}

/** Columns that files of before do not have. */
function addLater(db: DatabaseSync): void {
  const has = () => db.prepare("SELECT 1 FROM pragma_table_info('silences') WHERE name = 'owner'").get() !== undefined
  if (has()) return
  try {
    db.exec('ALTER TABLE silences ADD COLUMN owner TEXT')
  } catch (cause) {
    // Another process was first.
    if (!has()) throw cause
  }
}

function secretBeside(path: string): string {
  if (path !== ':memory:') return homeSecret(join(dirname(path), KEY_FILE), KEY_LOSS)
  memorySecret ??= randomBytes(32).toString('hex')
  return memorySecret
}
