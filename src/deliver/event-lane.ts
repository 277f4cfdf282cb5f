/**
 * One destination of events. A window of the stream is cut into pieces, written down, sent, and settled piece by piece; then the
 * next. Items of one key are in one piece, or in pieces that are sent one after the other.
 */
import { createHash } from 'node:crypto'
import { Circuit, type Waits } from './attempts.ts'
import { type Batch, type Item, type Outcome, type Sink, sent } from './contract.ts'
import type { EventFeed, Most, Wanted } from './event-feed.ts'
import { fitted, grouped } from './fit.ts'
import { batchId, type Outbox } from './outbox.ts'
import type { Piece, Settled, Window } from './streams.ts'

/** What a lane is made of. */
export interface EventLaneOptions {
  readonly name: string
  readonly sink: Sink
  readonly wanted: Wanted
  readonly connections: number
  readonly waits?: Waits
  /** See {@link MOST_DEAD}. */
  readonly mostDead?: number
}

/** Items of a window, in bytes as sent; what is held in memory for one destination. */
const WINDOW_BYTES = 16 * 1024 * 1024
/** Events read at once at most. Each reading unpacks the blocks of the lake that they are in; few readings do so less often. */
const WINDOW_ITEMS = 16_000
/** Windows of fewer requests would leave connections idle. */
const PIECES_A_CONNECTION = 4

/**
 * Dead letters of one destination; with so many of them, what is wrong is no event. Nothing more is sent until a person has replayed or discarded
 * some: the lake has the events, and the disk is spared a second copy of it.
 */
const MOST_DEAD = 10_000

type Entry = { readonly row: number; readonly item: Item }

/** One destination of events. */
export class EventLane {
  readonly name: string
  readonly circuit: Circuit
  readonly #outbox: Outbox
  readonly #feed: EventFeed
  readonly #sink: Sink
  readonly #wanted: Wanted
  readonly #connections: number
  #window: Window | undefined
  #items: readonly Item[] = []
  /** Says in short what is wanted. */
  readonly #wish: string
  readonly #most: Most
  readonly #mostDead: number
  /** Dead letters there may be still before they are counted again. */
  #room = 0
  #ahead: Promise<Awaited<ReturnType<EventFeed['after']>>> | undefined

  constructor(
    outbox: Outbox,
    feed: EventFeed,
    { name, sink, wanted, connections, waits, mostDead = MOST_DEAD }: EventLaneOptions,
  ) {
    this.#mostDead = mostDead
    this.name = name
    this.circuit = new Circuit(waits)
    this.#outbox = outbox
    this.#feed = feed
    this.#sink = sink
    this.#wanted = wanted
    this.#connections = connections
    this.#wish = batchId(wanted.format.name, [wanted.filter])
    const requests = connections * PIECES_A_CONNECTION
    const { items, bytes } = sink.limits
    this.#most = { items: Math.min(WINDOW_ITEMS, items * requests), bytes: Math.min(bytes * requests, WINDOW_BYTES) }
  }

  /**
   * Sends what there is, until nothing is left, the destination has to be left alone for a while, or the signal is given. True if there is
   * more to do once `circuit.readyMs` is past.
   */
  async run(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (!(await this.#openWindow())) return false
      if (Date.now() < this.circuit.readyMs) return true
      await this.#sendPieces(signal)
      if (this.#window !== undefined && Date.now() < this.circuit.readyMs) return true
    }
    return true
  }

  /** A window to work on: the one that a crash or a failure left, or the next; false where there is nothing to send. */
  async #openWindow(): Promise<boolean> {
    if (this.#window !== undefined) return true
    if (await this.#takeUp()) return true
    for (;;) {
      const from = this.#outbox.streams.place(this.name) ?? { batch: 0 }
      const stretch = await (this.#ahead ?? this.#feed.after(from, this.#wanted, this.#most))
      this.#ahead = undefined
      if (stretch === undefined) return false
      if (stretch.items.length === 0) {
        this.#outbox.streams.begin(this.name, stretch.to)
        continue
      }
      this.#items = stretch.items.map((item) => fitted(item, this.#sink.limits))
      this.#window = { from, to: stretch.to, pieces: this.#cut(), items: this.#items.length, wanted: this.#wish }
      this.#outbox.streams.open(this.name, this.#window)
      // Read on while these are on their way.
      this.#ahead = this.#feed.after(stretch.to, this.#wanted, this.#most)
      this.#ahead.catch(() => {})
      return true
    }
  }

  /** Goes on with a window that was left under way, unless other events are wanted since: then it is cut anew. */
  async #takeUp(): Promise<boolean> {
    const left = this.#outbox.streams.window(this.name)
    if (left === undefined) return false
    const items = left.wanted === this.#wish ? await this.#feed.between(left, this.#wanted) : []
    if (items.length !== left.items) {
      this.#outbox.streams.begin(this.name, left.from)
      return false
    }
    this.#items = items.map((item) => fitted(item, this.#sink.limits))
    this.#window = left
    return true
  }

  /** The window's items as pieces: a share of the keys for each connection, each share in requests that follow each other. */
  #cut(): Piece[] {
    const shares: Entry[][] = Array.from({ length: this.#connections }, () => [])
    // A window has few keys and many events of each.
    const known = new Map<string, number>()
    for (const [row, item] of this.#items.entries()) {
      const share = known.get(item.key) ?? shareOf(item.key, this.#connections)
      known.set(item.key, share)
      shares[share]?.push({ row, item })
    }
    const groups = shares.flatMap((share) => grouped(share, this.#sink.limits))
    return groups.map((group, position) => ({ ...this.#piece(group.map(({ row }) => row)), position }))
  }

  #piece(rows: readonly number[]): Omit<Piece, 'position'> {
    const ids = rows.map((row) => this.#items[row]?.id ?? '')
    return { id: batchId(this.name, ids), rows }
  }

  async #sendPieces(signal: AbortSignal): Promise<void> {
    const pieces = this.#window?.pieces ?? []
    const shares = Map.groupBy(pieces, ({ rows }) => shareOf(this.#items[rows[0] ?? 0]?.key ?? '', this.#connections))
    await Promise.all([...shares.values()].map((share) => this.#sendShare(share, signal)))
  }

  /** Pieces of one share, each after the one before is settled; the first failure ends it for now. */
  async #sendShare(pieces: readonly Piece[], signal: AbortSignal): Promise<void> {
    const queue = [...pieces]
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      if (signal.aborted || !this.circuit.mayBegin(Date.now())) return
      const left = await this.#send(piece, signal)
      if (left === undefined) return
      queue.unshift(...left)
    }
  }

  /** Sends a piece and settles it; gives what is left of it to be sent at once, or undefined where that has to wait. */
  async #send(piece: Piece, signal: AbortSignal): Promise<readonly Piece[] | undefined> {
    const items = piece.rows.map((row) => this.#items[row] as Item)
    const batch: Batch = { id: piece.id, items, attempt: this.circuit.failures + 1 }
    const outcome = await sent(this.#sink, batch, signal)
    const nowMs = Date.now()
    if (outcome.kind === 'again' || outcome.kind === 'misconfigured') {
      if (!signal.aborted) {
        this.#outbox.attempted(this.name, outcome.reason, nowMs)
        this.circuit.failed(outcome.reason, nowMs, outcome.kind === 'again' ? outcome.retryAfterMs : undefined)
      } else this.circuit.ended()
      return undefined
    }
    const settled = this.#settled(piece, items, outcome, nowMs)
    if (!this.#hasRoom(settled)) {
      const reason = `${this.#mostDead} events were refused for good, and wait for somebody to replay or discard them: ${settled.failure}`
      this.#outbox.attempted(this.name, reason, nowMs)
      this.circuit.failed(reason, nowMs)
      return undefined
    }
    const left = this.#outbox.streams.settle(this.name, piece, settled)
    this.#replace(piece, left)
    if (outcome.kind === 'partly' && left.length > 0) {
      this.circuit.failed(outcome.refused[0]?.reason ?? 'part of it', nowMs, outcome.retryAfterMs)
      return undefined
    }
    this.circuit.succeeded()
    return left
  }

  #hasRoom({ dead = [] }: Settled): boolean {
    if (dead.length > this.#room) this.#room = this.#mostDead - (this.#outbox.deadCounts().get(this.name) ?? 0)
    if (dead.length > this.#room) return false
    this.#room -= dead.length
    return true
  }

  #replace(piece: Piece, left: readonly Piece[]): void {
    const pieces = this.#window?.pieces.flatMap((each) => (each === piece ? left : [each])) ?? []
    this.#window = this.#window === undefined || pieces.length === 0 ? undefined : { ...this.#window, pieces }
  }

  #settled(
    piece: Piece,
    items: readonly Item[],
    outcome: Exclude<Outcome, { kind: 'again' | 'misconfigured' }>,
    nowMs: number,
  ): Settled {
    if (outcome.kind === 'delivered') return { delivered: items.length, nowMs }
    const letter = (at: number, reason: string) => {
      const { id, key, text } = items[at] as Item
      return { id, key, text, reason }
    }
    if (outcome.kind === 'dead') {
      const { reason } = outcome
      if (items.length === 1) return { delivered: 0, dead: [letter(0, reason)], failure: reason, nowMs }
      const middle = Math.ceil(items.length / 2)
      const left = [piece.rows.slice(0, middle), piece.rows.slice(middle)].map((rows) => this.#piece(rows))
      return { delivered: 0, left, failure: reason, nowMs }
    }
    const again = outcome.refused.filter(({ verdict }) => verdict === 'again').map(({ at }) => piece.rows[at] as number)
    const dead = outcome.refused.filter(({ verdict }) => verdict === 'dead').map(({ at, reason }) => letter(at, reason))
    return {
      delivered: items.length - again.length - dead.length,
      left: again.length === 0 ? [] : [this.#piece(again)],
      dead,
      failure: outcome.refused[0]?.reason ?? 'refused in part',
      nowMs,
    }
  }
}

/** Which connection a key belongs to. */
const shareOf = (key: string, connections: number): number =>
  connections === 1 ? 0 : createHash('sha256').update(key).digest().readUInt32BE(0) % connections
