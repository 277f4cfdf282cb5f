/** How each destination is doing, for people. */
import { existsSync } from 'node:fs'
import type { Home } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { EventFeed } from './event-feed.ts'
import { Outbox } from './outbox.ts'
import type { DeliverSettings } from './settings.ts'

/** One destination. */
export interface DestinationStatus {
  readonly name: string
  readonly kind: string
  readonly takes: 'messages' | 'events'
  readonly delivered: number
  /** Messages that wait, or batches of the lake that are not done. */
  readonly waiting: number
  /** ISO time of the oldest message that waits. */
  readonly oldest?: string
  readonly dead: number
  readonly lastDelivered?: string
  readonly lastFailure?: { readonly time: string; readonly reason: string }
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** The destinations of the settings, in their order. */
export async function statusOf(home: Home, { destinations }: DeliverSettings): Promise<DestinationStatus[]> {
  if (destinations.length === 0) return []
  const outbox = existsSync(home.outbox) ? Outbox.open(home.outbox) : undefined
  try {
    const last = destinations.some(({ kind }) => kind.takes === 'events') ? await lastBatch(home) : 0
    const [waiting, dead, accounts] = [outbox?.waiting(), outbox?.deadCounts(), outbox?.accounts() ?? []]
    return destinations.map(({ name, kind, from }) => {
      const account = accounts.find((each) => each.destination === name)
      const queue = waiting?.get(name)
      const place = outbox?.streams.place(name)
      const behind =
        place === undefined
          ? from === 'beginning'
            ? last
            : 0
          : Math.max(0, last - place.batch + (place.after === undefined ? 0 : 1))
      return {
        name,
        kind: kind.kind,
        takes: kind.takes,
        delivered: account?.delivered ?? 0,
        waiting: kind.takes === 'messages' ? (queue?.messages ?? 0) : behind,
        ...(queue === undefined ? {} : { oldest: iso(queue.oldestMs) }),
        dead: dead?.get(name) ?? 0,
        ...(account?.lastDeliveredMs == null ? {} : { lastDelivered: iso(account.lastDeliveredMs) }),
        ...(account?.lastFailureMs == null
          ? {}
          : { lastFailure: { time: iso(account.lastFailureMs), reason: account.lastFailure ?? '' } }),
      }
    })
  } finally {
    outbox?.close()
  }
}

async function lastBatch(home: Home): Promise<number> {
  const engine = await Engine.open({ threads: 1 })
  try {
    return await new EventFeed(home, engine).refresh()
  } finally {
    engine.close()
  }
}
