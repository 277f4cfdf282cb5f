import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Home, homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { formatNamed } from '../export/registry.ts'
import { compact } from '../lake/compact.ts'
import { DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import type { Item } from './contract.ts'
import { EventFeed, type Most, type Wanted } from './event-feed.ts'
import { numberIn, RECORD_BYTES, writeBatch } from './lake.fixture.ts'
import type { FeedPlace } from './streams.ts'

const everything: Wanted = { format: formatNamed('system-table'), filter: 'true' }

let home: Home
let engine: Engine
let feed: EventFeed

beforeAll(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-feed-')))
  engine = await Engine.open({ threads: 1 })
  // Later batches bring earlier events too.
  await writeBatch(home, 1, { from: 500, to: 1000 })
  await writeBatch(home, 2, { from: 0, to: 10 })
  await writeBatch(home, 4, { from: 1000, to: 1100 })
  feed = new EventFeed(home, engine)
  await feed.refresh()
})
afterAll(async () => {
  engine.close()
  await rm(home.root, { recursive: true, force: true })
})

const events = (items: number): Most => ({ items, bytes: items * 1e6 })

async function all(wanted: Wanted, most: number, from: FeedPlace = { batch: 0 }): Promise<Item[]> {
  const items: Item[] = []
  for (let place = from; ; ) {
    const stretch = await feed.after(place, wanted, events(most))
    if (stretch === undefined) return items
    expect(stretch.items.length).toBeLessThanOrEqual(most)
    expect(await feed.between({ from: place, to: stretch.to }, wanted)).toEqual(stretch.items)
    items.push(...stretch.items)
    place = stretch.to
  }
}

describe('the stream of events', () => {
  const inTime = (a: number, b: number) => (Math.floor(a / 3) - Math.floor(b / 3)) * 2

  it('has every event once, batch after batch, each in order of time, however much is read at once', async () => {
    const whole = await all(everything, 10_000)
    const numbers = whole.map(({ text }) => numberIn(text))
    expect(numbers.length).toBe(610)
    expect(
      [numbers.slice(0, 500), numbers.slice(500, 510), numbers.slice(510)].map((part) => [
        Math.min(...part),
        Math.max(...part),
      ]),
    ).toEqual([
      [500, 999],
      [0, 9],
      [1000, 1099],
    ])
    const first = numbers.slice(0, 500)
    expect([...first].sort(inTime)).toEqual(first)
    for (const most of [29, 250, 500])
      expect((await all(everything, most)).map(({ id }) => id)).toEqual(whole.map(({ id }) => id))
  })

  it('goes on from any place', async () => {
    const whole = await all(everything, 10_000)
    const { to } = (await feed.after({ batch: 0 }, everything, events(123))) ?? { to: { batch: -1 } }
    expect((await all(everything, 100, to)).map(({ id }) => id)).toEqual(whole.slice(123).map(({ id }) => id))
  })

  it('is read in stretches of so many bytes, and an event that is longer by itself', async () => {
    const whole = await all(everything, 10_000)
    const sizes: number[] = []
    const ids: string[] = []
    for (let place: FeedPlace = { batch: 0 }; ; ) {
      const stretch = await feed.after(place, everything, { items: 100, bytes: 40 * RECORD_BYTES })
      if (stretch === undefined) break
      if (stretch.items.length > 0) sizes.push(stretch.items.length)
      ids.push(...stretch.items.map(({ id }) => id))
      place = stretch.to
    }
    expect(ids).toEqual(whole.map(({ id }) => id))
    expect(Math.max(...sizes)).toBe(40)
    const alone = await feed.after({ batch: 3 }, everything, { items: 100, bytes: 1 })
    expect(alone?.items).toHaveLength(1)
  })

  it('asks the engine seldom where stretches end', async () => {
    const asked = vi.spyOn(engine, 'rows')
    const stretches = Math.ceil(500 / 10) + 1 + 10
    const before = asked.mock.calls.length
    const fresh = new EventFeed(home, engine)
    await fresh.refresh()
    let read = 0
    for (let place: FeedPlace = { batch: 0 }; ; read++) {
      const stretch = await fresh.after(place, everything, events(10))
      if (stretch === undefined) break
      place = stretch.to
    }
    const queries = asked.mock.calls.length - before
    asked.mockRestore()
    expect(read).toBe(stretches)
    // One for each stretch, one for the ends of each batch, one for the columns of the format.
    expect(queries).toBeLessThanOrEqual(stretches + 3 + 1)
  })

  it('is idle when all that was asked for is read', async () => {
    let read = 0
    for (const most of [5, 50]) feed.after({ batch: 0 }, everything, events(most)).then(() => read++)
    await feed.idle()
    await Promise.resolve()
    expect(read).toBe(2)
  })

  it('has only what was asked for, in any format', async () => {
    const few = { format: formatNamed('ocsf'), filter: "action = 'getTable'" }
    const items = await all(few, 60)
    expect(items.length).toBe(125 + 3 + 25)
    expect(items.every(({ text }) => JSON.parse(text).api.operation === 'getTable')).toBe(true)
    expect(await all({ ...few, filter: "action = 'nothing'" }, 60)).toEqual([])
  })

  it('is the same after files were merged, and new batches come after', async () => {
    const before = await all(everything, 100)
    const table = DeltaTable.at(home.events, EVENTS_TABLE)
    await compact(engine, table, { nowMs: Date.now(), minFiles: 2 })
    expect((await DeltaTable.at(home.events, EVENTS_TABLE).snapshot()).files).toHaveLength(1)
    await feed.refresh()
    expect(await all(everything, 100)).toEqual(before)
    await writeBatch(home, 5, { from: 2000, to: 2003 })
    expect(await feed.refresh()).toBe(5)
    expect(
      (await all(everything, 100))
        .slice(before.length)
        .map(({ text }) => numberIn(text))
        .sort(),
    ).toEqual([2000, 2001, 2002])
  })
})
