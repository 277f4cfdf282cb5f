/**
 * The file in which all that is to be delivered is written down before anything is sent: messages, how far each stream of events
 * has come, what is under way, and what was refused for good. Design: docs/design/008-delivery.md.
 */
import { createHash } from 'node:crypto'
import type { SQLInputValue } from 'node:sqlite'
import { type Account, OutboxFile } from './outbox-file.ts'
import { Streams } from './streams.ts'

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

/** Delivered messages are kept so long, so that one put again is known. */
const KEPT_MS = 30 * 86_400_000

/** The outbox of a home. Several processes may put messages into it; one delivers. */
export class Outbox {
  /** How far streams of events have come. */
  readonly streams: Streams
  readonly #file: OutboxFile

  private constructor(file: OutboxFile) {
    this.#file = file
    this.streams = new Streams(file)
  }

  /** Opens the file, making it if there is none. @throws AppError BAD_HOME */
  static open(path: string): Outbox {
    return new Outbox(OutboxFile.open(path))
  }

  close(): void {
    this.#file.close()
  }

  // Messages.

  /** Writes messages down, durably; returns how many were new. */
  put(messages: readonly NewMessage[], nowMs = Date.now()): number {
    return this.#file.atOnce(() => {
      let added = 0
      for (const { destination, id, key, body, weight, dueMs } of messages) {
        added += this.#file.run(
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
    const rows = this.#file.all<WaitingMessage>(
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
    const [row] = this.#file.all<{ due: number | null }>(
      'SELECT min(due_ms) AS due FROM messages WHERE destination = ? AND done_ms IS NULL',
      destination,
    )
    return row?.due ?? undefined
  }

  /** Messages were accepted. */
  delivered(destination: string, seqs: readonly number[], nowMs: number): void {
    this.#file.atOnce(() => {
      for (const seq of seqs) this.#file.run('UPDATE messages SET done_ms = ?, reason = NULL WHERE seq = ?', nowMs, seq)
      this.#file.count(destination, { delivered: seqs.length, attempts: 1, nowMs })
    })
  }

  /** Messages are to be tried again, not before `dueMs`. */
  again(destination: string, seqs: readonly number[], reason: string, dueMs: number, nowMs: number): void {
    this.#file.atOnce(() => {
      for (const seq of seqs)
        this.#file.run(
          'UPDATE messages SET attempts = attempts + 1, reason = ?, due_ms = ? WHERE seq = ?',
          reason,
          dueMs,
          seq,
        )
      this.#file.count(destination, { attempts: 1, failure: reason, nowMs })
    })
  }

  /** A message was refused for good. */
  dropMessage(destination: string, seq: number, reason: string, nowMs: number): void {
    this.#file.atOnce(() => {
      this.#setAside(destination, seq, reason, nowMs)
      this.#file.count(destination, { dead: 1, attempts: 1, failure: reason, nowMs })
    })
  }

  /**
   * Where more than `most` messages wait, the lightest are set aside as dead letters, the newest of them first: what is kept is bounded, and
   * nothing is gone. Returns how many.
   */
  makeRoom(most: number, nowMs: number): number {
    return this.#file.atOnce(() => {
      const [waiting] = this.#file.all<{ n: number }>('SELECT count(*) AS n FROM messages WHERE done_ms IS NULL')
      const lightest = this.#file.all<{ seq: number; destination: string }>(
        'SELECT seq, destination FROM messages WHERE done_ms IS NULL ORDER BY weight, seq DESC LIMIT ?',
        Math.max(0, (waiting?.n ?? 0) - most),
      )
      const reason = `There was no room: more than ${most} messages waited.`
      for (const { seq, destination } of lightest) {
        this.#setAside(destination, seq, reason, nowMs)
        this.#file.count(destination, { dead: 1, failure: reason, nowMs })
      }
      return lightest.length
    })
  }

  /** Messages that wait, by destination. */
  waiting(): Map<string, { readonly messages: number; readonly oldestMs: number }> {
    const rows = this.#file.all<{ destination: string; messages: number; oldestMs: number }>(
      'SELECT destination, count(*) AS messages, min(created_ms) AS oldestMs FROM messages WHERE done_ms IS NULL GROUP BY destination',
    )
    return new Map(rows.map(({ destination, messages, oldestMs }) => [destination, { messages, oldestMs }]))
  }

  /** Forgets messages delivered long ago. */
  prune(nowMs: number): void {
    this.#file.run('DELETE FROM messages WHERE done_ms < ?', nowMs - KEPT_MS)
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
    return this.#file.all<DeadLetter>(
      `SELECT seq, destination, takes, id, key, body, reason, dead_ms AS deadMs FROM dead WHERE seq > ?1 ${where} ORDER BY seq LIMIT ?2`,
      ...given,
    )
  }

  /** Dead letters by destination. */
  deadCounts(): Map<string, number> {
    const rows = this.#file.all<{ destination: string; n: number }>(
      'SELECT destination, count(*) AS n FROM dead GROUP BY destination',
    )
    return new Map(rows.map(({ destination, n }) => [destination, n]))
  }

  /** Puts a dead message back into the queue, or takes note that a dead event was sent by itself. */
  revive(letter: DeadLetter, nowMs: number): void {
    this.#file.atOnce(() => {
      this.#file.run('DELETE FROM dead WHERE seq = ?', letter.seq)
      if (letter.takes === 'messages')
        this.#file.run(
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
    this.#file.run('DELETE FROM dead WHERE seq = ?', seq)
  }

  /** How each destination is doing. */
  accounts(): Account[] {
    return this.#file.all<Account>(
      `SELECT destination, delivered, dead, attempts, failures, last_delivered_ms AS lastDeliveredMs, last_failure_ms AS lastFailureMs,
        last_failure AS lastFailure FROM accounts ORDER BY destination`,
    )
  }

  /** Takes note of an attempt that settled nothing. */
  attempted(destination: string, failure: string, nowMs: number): void {
    this.#file.count(destination, { attempts: 1, failure, nowMs })
  }

  #setAside(destination: string, seq: number, reason: string, nowMs: number): void {
    this.#file.run(
      `INSERT INTO dead (destination, takes, id, key, body, reason, dead_ms)
       SELECT ?, 'messages', id, key, body, ?, ? FROM messages WHERE seq = ? AND done_ms IS NULL`,
      destination,
      reason,
      nowMs,
      seq,
    )
    this.#file.run('UPDATE messages SET done_ms = ?, reason = ? WHERE seq = ?', nowMs, reason, seq)
  }
}

/** The id of a batch: follows from where it goes and what is in it. */
export const batchId = (destination: string, ids: readonly string[]): string =>
  createHash('sha256')
    .update(JSON.stringify([destination, ids]))
    .digest('hex')
    .slice(0, 32)
