/** How far each stream of events has come, and what of it is under way. */
import { AppError } from '../core/errors.ts'
import type { OutboxFile } from './outbox-file.ts'

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
  /** Orders the pieces of a window. */
  readonly position: number
}

/** A stretch of a stream that is under way: events after `from` up to and with `to`. */
export interface Window {
  readonly from: FeedPlace
  readonly to: FeedPlace
  readonly pieces: readonly Piece[]
  /** How many events it had when it was cut, and a fingerprint of which were wanted. */
  readonly items: number
  readonly wanted: string
}

/** What became of a piece. */
export interface Settled {
  readonly delivered: number
  /** Pieces that take its place, in their order. */
  readonly left?: readonly Omit<Piece, 'position'>[]
  readonly dead?: readonly {
    readonly id: string
    readonly key: string
    readonly text: string
    readonly reason: string
  }[]
  readonly failure?: string
  readonly nowMs: number
}

/** The streams of an outbox. */
export class Streams {
  readonly #file: OutboxFile

  constructor(file: OutboxFile) {
    this.#file = file
  }

  /** How far a destination's stream has come; undefined for one that never began. */
  place(destination: string): FeedPlace | undefined {
    const [row] = this.#file.all<{ place: string }>('SELECT place FROM streams WHERE destination = ?', destination)
    return row === undefined ? undefined : (JSON.parse(row.place) as FeedPlace)
  }

  /** Sets where a stream begins, or begins anew. What was under way is forgotten. */
  begin(destination: string, place: FeedPlace): void {
    this.#file.atOnce(() => this.#begin(destination, place))
  }

  /** What is under way. */
  window(destination: string): Window | undefined {
    const [row] = this.#file.all<{ place: string; goal: string | null }>(
      'SELECT place, goal FROM streams WHERE destination = ?',
      destination,
    )
    if (row?.goal == null) return undefined
    const goal = JSON.parse(row.goal) as Pick<Window, 'to' | 'items' | 'wanted'>
    return { from: JSON.parse(row.place) as FeedPlace, ...goal, pieces: this.#pieces(destination) }
  }

  /** Writes down what is about to be sent, before it is. */
  open(destination: string, { from, pieces, ...goal }: Window): void {
    this.#file.soon(() => {
      this.#begin(destination, from)
      this.#file.run('UPDATE streams SET goal = ? WHERE destination = ?', JSON.stringify(goal), destination)
      for (const piece of pieces) this.#add(destination, piece)
    })
  }

  /**
   * What became of a piece: the pieces that take its place, if any, and what of it is dead. With the last piece gone the stream goes on
   * after the window, and there is none.
   */
  settle(destination: string, piece: Piece, settled: Settled): Piece[] {
    const { left = [], dead = [], delivered, failure, nowMs } = settled
    const work = (): Piece[] => {
      if (
        this.#file.run('DELETE FROM pieces WHERE destination = ? AND position = ?', destination, piece.position) === 0
      )
        throw new AppError('BAD_HOME', `A piece for ${destination} was settled twice.`)
      for (const { id, key, text, reason } of dead)
        this.#file.run(
          "INSERT INTO dead (destination, takes, id, key, body, reason, dead_ms) VALUES (?, 'events', ?, ?, ?, ?, ?)",
          destination,
          id,
          key,
          text,
          reason,
          nowMs,
        )
      this.#file.count(destination, { delivered, dead: dead.length, attempts: 1, failure, nowMs })
      const placed = this.#between(destination, piece.position, left)
      for (const each of placed) this.#add(destination, each)
      const [row] = this.#file.all<{ n: number }>('SELECT count(*) AS n FROM pieces WHERE destination = ?', destination)
      if (row?.n === 0)
        this.#file.run("UPDATE streams SET place = goal ->> '$.to', goal = NULL WHERE destination = ?", destination)
      return placed
    }
    // A dead letter is told nowhere else.
    return dead.length > 0 ? this.#file.atOnce(work) : this.#file.soon(work)
  }

  #begin(destination: string, place: FeedPlace): void {
    this.#file.run('DELETE FROM pieces WHERE destination = ?', destination)
    this.#file.run(
      'INSERT INTO streams (destination, place) VALUES (?, ?) ON CONFLICT DO UPDATE SET place = excluded.place, goal = NULL',
      destination,
      JSON.stringify(place),
    )
  }

  #pieces(destination: string): Piece[] {
    return this.#file
      .all<{ id: string; rows: string; position: number }>(
        'SELECT id, rows, position FROM pieces WHERE destination = ? ORDER BY position',
        destination,
      )
      .map(({ id, rows, position }) => ({ id, rows: JSON.parse(rows) as number[], position }))
  }

  #add(destination: string, { id, rows, position }: Piece): void {
    this.#file.run(
      'INSERT INTO pieces (destination, position, id, rows) VALUES (?, ?, ?, ?)',
      destination,
      position,
      id,
      JSON.stringify(rows),
    )
  }

  /** What is left of a piece stands where it stood: before the later pieces of its keys. */
  #between(destination: string, position: number, left: readonly Omit<Piece, 'position'>[]): Piece[] {
    if (left.length === 0) return []
    const [row] = this.#file.all<{ next: number | null }>(
      'SELECT min(position) AS next FROM pieces WHERE destination = ? AND position > ?',
      destination,
      position,
    )
    const step = ((row?.next ?? position + 1) - position) / (left.length + 1)
    return left.map((piece, at) => ({ ...piece, position: position + at * step }))
  }
}
