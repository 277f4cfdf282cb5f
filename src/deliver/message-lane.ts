/** One destination of messages. The oldest message of each key goes first, and holds up the later ones of its key only. */
import { Circuit, type Waits } from './attempts.ts'
import { type Item, type Outcome, type Sink, sent } from './contract.ts'
import { fitted, grouped } from './fit.ts'
import { batchId, type Outbox, type WaitingMessage } from './outbox.ts'

/** What a lane is made of. */
export interface MessageLaneOptions {
  readonly name: string
  readonly sink: Sink
  readonly connections: number
  /** Messages older than this are dead letters. */
  readonly giveUpMs: number
  /** Messages a minute at most; absent: as fast as it takes them. */
  readonly perMinute?: number
  readonly waits?: Waits
}

const MINUTE_MS = 60_000

/** One destination of messages. */
export class MessageLane {
  readonly name: string
  readonly circuit: Circuit
  readonly #outbox: Outbox
  readonly #options: MessageLaneOptions
  /** When messages were sent within the last minute. */
  #sent: number[] = []
  /** Messages that were refused together with others. */
  readonly #alone = new Set<number>()

  constructor(outbox: Outbox, options: MessageLaneOptions) {
    this.name = options.name
    this.circuit = new Circuit(options.waits)
    this.#outbox = outbox
    this.#options = options
  }

  /** Sends what is due, until nothing is, or it has to wait; see {@link nextMs}. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nowMs = Date.now()
      if (nowMs < this.circuit.readyMs) return
      const room = this.#room(nowMs)
      const { connections, sink } = this.#options
      if (room === 0) return
      const most = Math.min(room, this.circuit.isOpen ? 1 : connections * sink.limits.items)
      const due = this.#outbox.due(this.name, nowMs, most)
      if (due.length === 0) return
      const entries = due.map((message) => ({ message, item: fitted(itemOf(message), sink.limits) }))
      const isAlone = ({ message }: { message: WaitingMessage }) => this.#alone.has(message.seq)
      const groups = [
        ...grouped(
          entries.filter((entry) => !isAlone(entry)),
          sink.limits,
        ),
        ...entries.filter(isAlone).map((entry) => [entry]),
      ]
      for (let at = 0; at < groups.length && !signal.aborted; at += connections) {
        const some = groups.slice(at, at + connections).filter(() => this.circuit.mayBegin(Date.now()))
        if (some.length === 0) break
        await Promise.all(some.map((group) => this.#send(group, signal)))
      }
    }
  }

  /** Unix ms at which there may be something to do again; undefined for not before a message is put. */
  nextMs(): number | undefined {
    const due = this.#outbox.nextDueMs(this.name)
    if (due === undefined) return undefined
    const paced = this.#room(Date.now()) === 0 ? (this.#sent[0] ?? 0) + MINUTE_MS : 0
    return Math.max(due, this.circuit.readyMs, paced)
  }

  #room(nowMs: number): number {
    const { perMinute } = this.#options
    if (perMinute === undefined) return Number.MAX_SAFE_INTEGER
    this.#sent = this.#sent.filter((time) => time > nowMs - MINUTE_MS)
    return Math.max(0, perMinute - this.#sent.length)
  }

  async #send(
    group: readonly { readonly message: WaitingMessage; readonly item: Item }[],
    signal: AbortSignal,
  ): Promise<void> {
    const items = group.map(({ item }) => item)
    const messages = group.map(({ message }) => message)
    const attempt = Math.max(...messages.map(({ attempts }) => attempts)) + 1
    // By message, not by request: what is sent again may stand beside others.
    const id = batchId(
      this.name,
      items.map((item) => item.id),
    )
    const outcome = await sent(this.#options.sink, { id, items, attempt }, signal)
    const nowMs = Date.now()
    this.#sent.push(...items.map(() => nowMs))
    // What was interrupted may have arrived; it is sent again, with the same id.
    if (signal.aborted && outcome.kind === 'again') this.circuit.ended()
    else this.#settle(messages, outcome, nowMs)
  }

  #settle(messages: readonly WaitingMessage[], outcome: Outcome, nowMs: number): void {
    const seqs = messages.map(({ seq }) => seq)
    if (seqs.length === 1) for (const seq of seqs) this.#alone.delete(seq)
    if (outcome.kind === 'delivered') {
      this.circuit.succeeded()
      this.#outbox.delivered(this.name, seqs, nowMs)
    } else if (outcome.kind === 'partly') {
      this.#partly(messages, outcome, nowMs)
    } else if (outcome.kind === 'dead') {
      this.circuit.ended()
      this.#refused(messages, outcome.reason, nowMs)
    } else {
      this.circuit.failed(outcome.reason, nowMs, outcome.kind === 'again' ? outcome.retryAfterMs : undefined)
      this.#later(messages, outcome.reason, nowMs)
    }
  }

  /** Which of several is at fault shows when each goes by itself. */
  #refused(messages: readonly WaitingMessage[], reason: string, nowMs: number): void {
    if (messages.length === 1) this.#drop(messages, reason, nowMs)
    const seqs = messages.length === 1 ? [] : messages.map(({ seq }) => seq)
    for (const seq of seqs) this.#alone.add(seq)
    if (seqs.length > 0) this.#outbox.again(this.name, seqs, reason, nowMs, nowMs)
  }

  #partly(messages: readonly WaitingMessage[], outcome: Extract<Outcome, { kind: 'partly' }>, nowMs: number): void {
    const refused = new Map(outcome.refused.map((refusal) => [refusal.at, refusal]))
    const accepted = messages.filter((_, at) => !refused.has(at)).map(({ seq }) => seq)
    if (accepted.length > 0) this.#outbox.delivered(this.name, accepted, nowMs)
    const again = messages.filter((_, at) => refused.get(at)?.verdict === 'again')
    messages.forEach((message, at) => {
      const refusal = refused.get(at)
      if (refusal?.verdict === 'dead') this.#drop([message], refusal.reason, nowMs)
    })
    if (again.length === 0) {
      this.circuit.succeeded()
      return
    }
    const reason = outcome.refused.find(({ verdict }) => verdict === 'again')?.reason ?? 'refused for now'
    this.circuit.failed(reason, nowMs, outcome.retryAfterMs)
    this.#later(again, reason, nowMs)
  }

  /** Tries again later, or gives up on what is too old. */
  #later(messages: readonly WaitingMessage[], reason: string, nowMs: number): void {
    const old = messages.filter(({ createdMs }) => nowMs - createdMs > this.#options.giveUpMs)
    const rest = messages.filter((message) => !old.includes(message))
    this.#drop(old, `gave up: ${reason}`, nowMs)
    if (rest.length > 0)
      this.#outbox.again(
        this.name,
        rest.map(({ seq }) => seq),
        reason,
        this.circuit.readyMs,
        nowMs,
      )
  }

  #drop(messages: readonly WaitingMessage[], reason: string, nowMs: number): void {
    for (const { seq } of messages) this.#outbox.dropMessage(this.name, seq, reason, nowMs)
  }
}

const itemOf = ({ id, key, body, createdMs }: WaitingMessage): Item => ({ id, key, timeMs: createdMs, text: body })
