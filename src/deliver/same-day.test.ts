import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { formatNamed } from '../export/registry.ts'
import { type Batch, DELIVERED, type Sink } from './contract.ts'
import { Dispatcher } from './dispatcher.ts'
import { EventFeed } from './event-feed.ts'
import { EventLane } from './event-lane.ts'
import { writeBatch } from './lake.fixture.ts'
import { Outbox } from './outbox.ts'

// The number of the event that the fixture puts on the midnight after its day.
const MIDNIGHT = Math.ceil(86_400_000_000 / 1001) * 3

const dayOf = (timeMs: number) => new Date(timeMs).toISOString().slice(0, 10)

it('a destination that wants one day in a request gets two at midnight, without a failure in between', async () => {
  const home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-day-')))
  const engine = await Engine.open({ threads: 1 })
  const outbox = Outbox.open(join(home.root, 'outbox.db'))
  try {
    await writeBatch(home, 1, { from: MIDNIGHT - 30, to: MIDNIGHT + 20, people: 5 })
    const batches: Batch[] = []
    const sink: Sink = {
      limits: { items: 1000, bytes: 1_000_000, itemBytes: 100_000, itemOverhead: 1, sameDay: true },
      send: async (batch) => {
        batches.push(batch)
        return DELIVERED
      },
    }
    const feed = new EventFeed(home, engine)
    const wanted = { format: formatNamed('system-table'), filter: 'true' }
    const lane = new EventLane(outbox, feed, { name: 'bucket', sink, wanted, connections: 1 })
    const dispatcher = new Dispatcher({ messages: [], events: [lane] }, feed)
    expect(await dispatcher.drain(AbortSignal.timeout(20_000))).toBe(true)
    const days = batches.map(({ items }) => [items.length, ...new Set(items.map(({ timeMs }) => dayOf(timeMs)))])
    expect(days).toEqual([
      [30, '2026-11-12'],
      [20, '2026-11-13'],
    ])
    expect(outbox.accounts()).toMatchObject([{ delivered: 50, failures: 0 }])
  } finally {
    engine.close()
    outbox.close()
    await rm(home.root, { recursive: true, force: true })
  }
})
