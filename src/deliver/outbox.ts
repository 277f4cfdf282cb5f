/**
 * The file in which all that is to be delivered is written down before anything is sent: messages, how far each stream of events
 * has come, what is under way, and what was refused for good. Design: docs/design/008-delivery.md.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { AppError, messageOf } from '../core/errors.ts'

/** A place in the lake's events: everything up to and with this event is done. The times of a batch count by event time, then id. */
export interface FeedPlace {
  /** Number of the batch in the lake; 0 for before the first. */
  readonly batch: number
  /** Unix microseconds as text, and id, of the last event done in that batch; absent: all of it. */
  readonly after?: { readonly timeUs: string; readonly id: string }
}

/** Part of a stream that is written down as one request. */
export interface Piece {
  /** The batch id that is sent with it. */
  readonly id: string
  /** Places, in the window, of the events it holds. */
  readonly rows: readonly number[]
}

/** A stretch of a stream that is under way: events after `from` up to and with `to`. */
export interface Window {
  readonly from: FeedPlace
  readonly to: FeedPlace
  readonly pieces: readonly Piece[]
}

/** A message that waits. */
export interface WaitingMessage {
  readonly seq: number
  readonly id: string
  readonly key: string
  readonly body: string
  readonly createdMs: number
  readonly attempts: number
}

/** A message to be put into the outbox. */
export interface NewMessage {
  readonly destination: string
  /** The same message, put twice, is one. */
  readonly id: string
  readonly key: string
  readonly body: string
  /** 0 to 4, as the levels of rules: what may go first where there is no room. */
  readonly weight: number
  /** Not before this time, Unix ms. */
  readonly dueMs?: number
}

/** Something that was refused for good. */
export interface DeadLetter {
  readonly seq: number
  readonly destination: string
  readonly takes: 'messages' | 'events'
  readonly id: string
  readonly key: string
  readonly body: string
  readonly reason: string
  readonly deadMs: number
}

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

const SCHEMA = `
CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL,
  body TEXT NOT NULL, weight INTEGER NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  reason TEXT, done_ms INTEGER, UNIQUE (destination, id));
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (destination, seq) WHERE done_ms IS NULL;
CREATE TABLE IF NOT EXISTS feeds (destination TEXT PRIMARY KEY, place TEXT NOT NULL, window TEXT);
CREATE TABLE IF NOT EXISTS dead (seq INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, takes TEXT NOT NULL, id TEXT NOT NULL,
  key TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL, dead_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (destination TEXT PRIMARY KEY, delivered INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, last_delivered_ms INTEGER, last_failure_ms INTEGER, last_failure TEXT);
`

/** Delivered messages are kept so long, so that one put again is known. */
const KEPT_MS = 30 * 86_400_000

/** The outbox of a home. Several processes may put messages into it; one delivers. */
export class Outbox {
  readonly #db: DatabaseSync

  private constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Opens the file, making it if there is none. @throws AppError BAD_HOME */
  static open(path: string): Outbox {
    try {
      mkdirSync(dirname(path), { recursive: true })
      const db = new DatabaseSync(path)
      // Owner only: bodies hold names and addresses of people. Synced at every commit: what is written here is promised.
      db.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      db.exec(SCHEMA)
      return new Outbox(db)
    } catch (cause) {
      throw new AppError('BAD_HOME', `The outbox ${path} cannot be opened: ${messageOf(cause)}`, { cause })
    }
  }

  close(): void {
    this.#db.close()
  }

  /** Does several things or none. */
  atOnce<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (cause) {
      this.#db.exec('ROLLBACK')
      throw cause
    }
  }

  // Messages.

  /** Writes messages down, durably; returns how many were new. */
  put(messages: readonly NewMessage[], nowMs = Date.now()): number {
    return this.atOnce(() => {
      let added = 0
      for (const { destination, id, key, body, weight, dueMs } of messages) {
        added += this.#run(
          'INSERT INTO messages (destination, id, key, body, weight, created_ms, due_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
          destination,
          id,
          key,
          body,
          weight,
          nowMs,
          dueMs ?? nowMs,
        )
      }
      return added
    })
  }

  /** The oldest message of each key that is due, and not among `busy` keys, in their order. */
  due(destination: string, nowMs: number, most: number, busy: ReadonlySet<string> = new Set()): WaitingMessage[] {
    const rows = this.#all<WaitingMessage>(
      `SELECT m.seq, m.id, m.key, m.body, m.created_ms AS createdMs, m.attempts FROM messages m
       WHERE m.destination = ?1 AND m.done_ms IS NULL AND m.due_ms <= ?2 AND m.key NOT IN (SELECT value FROM json_each(?4)) AND NOT EXISTS
         (SELECT 1 FROM messages e WHERE e.destination = ?1 AND e.done_ms IS NULL AND e.key = m.key AND e.seq < m.seq)
       ORDER BY m.seq LIMIT ?3`,
      destination,
      nowMs,
      most,
      JSON.stringify([...busy]),
    )
    return rows
  }

  /** When the next message is due that is not yet; undefined for none. */
  nextDueMs(destination: string): number | undefined {
    const [row] = this.#all<{ due: number | null }>(
      'SELECT min(due_ms) AS due FROM messages WHERE destination = ? AND done_ms IS NULL',
      destination,
    )
    return row?.due ?? undefined
  }

  /** Messages were accepted. */
  delivered(destination: string, seqs: readonly number[], nowMs: number): void {
    this.atOnce(() => {
      for (const seq of seqs) this.#run('UPDATE messages SET done_ms = ?, reason = NULL WHERE seq = ?', nowMs, seq)
      this.#count(destination, { delivered: seqs.length, attempts: 1, nowMs })
    })
  }

  /** Messages are to be tried again, not before `dueMs`. */
  again(destination: string, seqs: readonly number[], reason: string, dueMs: number, nowMs: number): void {
    this.atOnce(() => {
      for (const seq of seqs)
        this.#run(
          'UPDATE messages SET attempts = attempts + 1, reason = ?, due_ms = ? WHERE seq = ?',
          reason,
          dueMs,
          seq,
        )
      this.#count(destination, { attempts: 1, failure: reason, nowMs })
    })
  }

  /** A message was refused for good. */
  dropMessage(destination: string, seq: number, reason: string, nowMs: number): void {
    this.atOnce(() => {
      this.#run(
        `INSERT INTO dead (destination, takes, id, key, body, reason, dead_ms)
         SELECT destination, 'messages', id, key, body, ?, ? FROM messages WHERE seq = ? AND done_ms IS NULL`,
        reason,
        nowMs,
        seq,
      )
      this.#run('UPDATE messages SET done_ms = ?, reason = ? WHERE seq = ?', nowMs, reason, seq)
      this.#count(destination, { dead: 1, attempts: 1, failure: reason, nowMs })
    })
  }

  /** Messages that wait, by destination. */
  waiting(): Map<string, { readonly messages: number; readonly oldestMs: number }> {
    const rows = this.#all<{ destination: string; messages: number; oldestMs: number }>(
      'SELECT destination, count(*) AS messages, min(created_ms) AS oldestMs FROM messages WHERE done_ms IS NULL GROUP BY destination',
    )
    return new Map(rows.map(({ destination, messages, oldestMs }) => [destination, { messages, oldestMs }]))
  }

  /** The waiting messages of the least weight, the newest first: what goes where there is no room. */
  lightest(most: number): { readonly seq: number; readonly destination: string; readonly weight: number }[] {
    return this.#all(
      'SELECT seq, destination, weight FROM messages WHERE done_ms IS NULL ORDER BY weight, seq DESC LIMIT ?',
      most,
    )
  }

  /** Forgets messages delivered long ago. */
  prune(nowMs: number): void {
    this.#run('DELETE FROM messages WHERE done_ms < ?', nowMs - KEPT_MS)
  }

  // Events.

  /** How far a destination's stream has come; undefined for one that never began. */
  place(destination: string): FeedPlace | undefined {
    const [row] = this.#all<{ place: string }>('SELECT place FROM feeds WHERE destination = ?', destination)
    return row === undefined ? undefined : (JSON.parse(row.place) as FeedPlace)
  }

  /** Sets where a stream begins, or begins anew. What was under way is forgotten. */
  begin(destination: string, place: FeedPlace): void {
    this.#run(
      'INSERT INTO feeds (destination, place) VALUES (?, ?) ON CONFLICT DO UPDATE SET place = excluded.place, window = NULL',
      destination,
      JSON.stringify(place),
    )
  }

  /** What is under way. */
  window(destination: string): Window | undefined {
    const [row] = this.#all<{ window: string | null }>('SELECT window FROM feeds WHERE destination = ?', destination)
    return row?.window == null ? undefined : (JSON.parse(row.window) as Window)
  }

  /** Writes down what is about to be sent, before it is. */
  open(destination: string, window: Window): void {
    this.#run(
      'INSERT INTO feeds (destination, place, window) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET window = excluded.window',
      destination,
      JSON.stringify(window.from),
      JSON.stringify(window),
    )
  }

  /**
   * What became of a piece: the pieces that take its place, if any, and what of it is dead. With the last piece gone the stream
   * goes on after the window.
   */
  settle(
    destination: string,
    piece: string,
    { left = [], dead = [], delivered, failure, nowMs }: Settled,
  ): Window | undefined {
    return this.atOnce(() => {
      const window = this.window(destination)
      if (window === undefined) throw new AppError('BAD_HOME', `Nothing was under way to ${destination}.`)
      // In its place: what is left goes before the later pieces of its keys.
      const pieces = window.pieces.flatMap((each) => (each.id === piece ? left : [each]))
      for (const { id, key, text, reason } of dead)
        this.#run(
          "INSERT INTO dead (destination, takes, id, key, body, reason, dead_ms) VALUES (?, 'events', ?, ?, ?, ?, ?)",
          destination,
          id,
          key,
          text,
          reason,
          nowMs,
        )
      this.#count(destination, { delivered, dead: dead.length, attempts: 1, failure, nowMs })
      if (pieces.length === 0) {
        this.begin(destination, window.to)
        return undefined
      }
      const next = { ...window, pieces }
      this.open(destination, next)
      return next
    })
  }

  // Dead letters.

  /** Dead letters, oldest first. */
  dead({
    destination,
    after = 0,
    most = 100,
  }: {
    destination?: string
    after?: number
    most?: number
  } = {}): DeadLetter[] {
    const where = destination === undefined ? '' : 'AND destination = ?3'
    const given: SQLInputValue[] = [after, most, ...(destination === undefined ? [] : [destination])]
    return this.#all<DeadLetter>(
      `SELECT seq, destination, takes, id, key, body, reason, dead_ms AS deadMs FROM dead WHERE seq > ?1 ${where} ORDER BY seq LIMIT ?2`,
      ...given,
    )
  }

  /** Dead letters by destination. */
  deadCounts(): Map<string, number> {
    const rows = this.#all<{ destination: string; n: number }>(
      'SELECT destination, count(*) AS n FROM dead GROUP BY destination',
    )
    return new Map(rows.map(({ destination, n }) => [destination, n]))
  }

  /** Puts a dead message back into the queue, or takes note that a dead event was sent by itself. */
  revive(letter: DeadLetter, nowMs: number): void {
    this.atOnce(() => {
      this.#run('DELETE FROM dead WHERE seq = ?', letter.seq)
      if (letter.takes === 'messages')
        this.#run(
          `INSERT INTO messages (destination, id, key, body, weight, created_ms, due_ms) VALUES (?, ?, ?, ?, 2, ?, ?)
           ON CONFLICT (destination, id) DO UPDATE SET done_ms = NULL, attempts = 0, reason = NULL, created_ms = excluded.created_ms, due_ms = excluded.due_ms`,
          letter.destination,
          letter.id,
          letter.key,
          letter.body,
          nowMs,
          nowMs,
        )
    })
  }

  /** Throws a dead letter away, on purpose. */
  discard(seq: number): void {
    this.#run('DELETE FROM dead WHERE seq = ?', seq)
  }

  /** How each destination is doing. */
  accounts(): Account[] {
    return this.#all<Account>(
      `SELECT destination, delivered, dead, attempts, failures, last_delivered_ms AS lastDeliveredMs, last_failure_ms AS lastFailureMs,
        last_failure AS lastFailure FROM accounts ORDER BY destination`,
    )
  }

  /** Takes note of an attempt that settled nothing. */
  attempted(destination: string, failure: string, nowMs: number): void {
    this.#count(destination, { attempts: 1, failure, nowMs })
  }

  #count(
    destination: string,
    {
      delivered = 0,
      dead = 0,
      attempts = 0,
      failure,
      nowMs,
    }: { delivered?: number; dead?: number; attempts?: number; failure?: string | undefined; nowMs: number },
  ): void {
    this.#run('INSERT INTO accounts (destination) VALUES (?) ON CONFLICT DO NOTHING', destination)
    this.#run(
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

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes)
  }

  #all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#db.prepare(sql).all(...values) as unknown as T[]
  }
}

/** What became of a piece. */
export interface Settled {
  readonly delivered: number
  readonly left?: readonly Piece[]
  readonly dead?: readonly {
    readonly id: string
    readonly key: string
    readonly text: string
    readonly reason: string
  }[]
  readonly failure?: string
  readonly nowMs: number
}

/** The id of a batch: follows from where it goes and what is in it. */
export const batchId = (destination: string, ids: readonly string[]): string =>
  createHash('sha256')
    .update(JSON.stringify([destination, ids]))
    .digest('hex')
    .slice(0, 32)
