/** What a destination is to the dispatcher. Design: docs/design/008-delivery.md. */
import { messageOf } from '../core/errors.ts'

/** One thing to be delivered: an event as a line of the destination's format, or a message. */
export interface Item {
  /** The event's id, or that of the message: the same however often it is sent. */
  readonly id: string
  /** Items of one key arrive in their order. */
  readonly key: string
  /** When it happened, Unix ms. */
  readonly timeMs: number
  /** What is sent, or what the sink makes that of: a line of the format asked for, or the JSON of an {@link AlertMessage}. */
  readonly text: string
}

/** Items sent in one request. The same items make the same id, so a batch sent twice can be told. */
export interface Batch {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly items: readonly Item[]
  /** 1 for the first time. */
  readonly attempt: number
}

/** What became of one item of a batch that was accepted in part. */
export interface Refusal {
  /** Place of the item in the batch. */
  readonly at: number
  readonly verdict: 'again' | 'dead'
  readonly reason: string
}

/** What became of a batch. Reasons are for people and hold no secrets. */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'partly'; readonly refused: readonly Refusal[]; readonly retryAfterMs?: number }
  | { readonly kind: 'again'; readonly reason: string; readonly retryAfterMs?: number }
  /** Never acceptable as it is. A batch of several is halved until the item at fault is alone. */
  | { readonly kind: 'dead'; readonly reason: string }
  /** Nothing is wrong with the items: address, credentials or rights are. */
  | { readonly kind: 'misconfigured'; readonly reason: string }

/** All of it was accepted. */
export const DELIVERED: Outcome = { kind: 'delivered' }

/** How much one request may hold. */
export interface Limits {
  readonly items: number
  /** Bytes of all items as sent, with {@link itemOverhead} for each. */
  readonly bytes: number
  /** Longest item, in bytes as sent; longer ones are shortened and marked. */
  readonly itemBytes: number
  /** Bytes a request needs for each item besides its own. */
  readonly itemOverhead: number
  /** Items of one request are of one UTC day; of all days where absent. */
  readonly sameDay?: boolean
}

/** A destination that is open. Not called for a second batch of the same connection before the first has ended. */
export interface Sink {
  readonly limits: Limits
  /** Sends a batch; throws only where something is wrong with the sink itself. */
  send(batch: Batch, signal: AbortSignal): Promise<Outcome>
  close?(): Promise<void>
}

/** Sends a batch. A sink that breaks loses nothing: the batch is tried again. */
export const sent = (sink: Sink, batch: Batch, signal: AbortSignal): Promise<Outcome> =>
  sink.send(batch, signal).catch((cause) => ({ kind: 'again', reason: `The destination broke: ${messageOf(cause)}` }))

/** What a sink is given besides its settings. */
export interface SinkContext {
  /** The destination's name in the settings. */
  readonly name: string
  /** What a reference (`env:NAME`, `file:/PATH`) leads to; throws AppError BAD_CONFIG. */
  readonly secret: (reference: string) => string
  /** Milliseconds one request may take. */
  readonly timeoutMs: number
  /** Folder that relative paths begin at. */
  readonly folder: string
}

/** A kind of destination: one file in `sinks/`. */
export interface SinkKind<Settings = unknown> {
  /** As written after `kind:`. */
  readonly kind: string
  readonly takes: 'messages' | 'events'
  /** One sentence for the reference. */
  readonly doc: string
  /** JSON Schema (draft 2020-12) of the keys of its own section. `format: reference` marks secrets. */
  readonly schema: Readonly<Record<string, unknown>>
  /** Formats it can be sent events in, the first by default; for `takes: 'events'`. */
  readonly formats?: readonly string[]
  /** Requests at once where the settings do not say; 1 for messages and 4 for events where absent. */
  readonly connections?: number
  /** True if what a message opened there stays open until another with the same key says that it is over. */
  readonly keepsOpen?: boolean
  /** Opens it. Official clients are loaded here, not before. */
  open(settings: Settings, context: SinkContext): Promise<Sink>
}
