import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { formatNamed } from '../export/registry.ts'
import type { Waits } from './attempts.ts'
import type { Sink } from './contract.ts'
import { Dispatcher } from './dispatcher.ts'
import { EventFeed } from './event-feed.ts'
import { EventLane } from './event-lane.ts'
import { type Collector, collector, type Manner, TOKEN } from './hec.fixture.ts'
import { numberIn, writeBatch } from './lake.fixture.ts'
import { Outbox } from './outbox.ts'
import { splunkHec } from './sinks/splunk-hec.ts'

const EVENTS = 1000
const WAITS: Waits = { firstMs: 5, mostMs: 40, openAfter: 5 }

let home: Home
let engine: Engine
beforeAll(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-lane-')))
  engine = await Engine.open({ threads: 1 })
  await writeBatch(home, 1, { from: 0, to: 600 })
  await writeBatch(home, 2, { from: 600, to: EVENTS })
})
afterAll(async () => {
  engine.close()
  await rm(home.root, { recursive: true, force: true })
})

let outbox: Outbox
let outboxes = 0
let receiver: Collector
const closing: (() => unknown)[] = []
beforeEach(() => {
  outbox = Outbox.open(join(home.root, `outbox-${outboxes++}.db`))
})
afterEach(async () => {
  outbox.close()
  for (const close of closing.splice(0)) await close()
})

async function lane(
  manner?: (request: number, lines: readonly string[]) => Manner,
  more: {
    name?: string
    timeoutMs?: number
    connections?: number
    items?: number
    token?: string
    feed?: EventFeed
    filter?: string
    mostDead?: number
  } = {},
) {
  receiver = await collector(manner)
  closing.push(() => receiver.close())
  const settings = { url: receiver.url, token: 'env:HEC' }
  const context = {
    name: 'siem',
    secret: () => more.token ?? TOKEN,
    timeoutMs: more.timeoutMs ?? 500,
    folder: home.root,
  }
  const opened = await splunkHec.open(settings, context)
  const sink: Sink = {
    limits: { ...opened.limits, items: more.items ?? 20 },
    send: (batch, signal) => opened.send(batch, signal),
  }
  closing.push(() => opened.close?.())
  const feed = more.feed ?? new EventFeed(home, engine)
  const wanted = { format: formatNamed('system-table'), filter: more.filter ?? 'true' }
  const made = new EventLane(outbox, feed, {
    name: 'siem',
    sink,
    wanted,
    connections: more.connections ?? 4,
    waits: WAITS,
    ...(more.mostDead === undefined ? {} : { mostDead: more.mostDead }),
  })
  return { lane: made, feed, dispatcher: new Dispatcher({ messages: [], events: [made] }, feed) }
}

const drained = async (dispatcher: Dispatcher, ms = 15_000) => dispatcher.drain(AbortSignal.timeout(ms))
const numbers = () => receiver.taken.map(({ event }) => numberIn(JSON.stringify(event)))

/** Every event arrived, and those of one person in the order of their batches and times. */
function expectAllInOrder(mostTwice: number): void {
  expect(new Set(numbers()).size).toBe(EVENTS)
  expect(receiver.taken.length - EVENTS).toBeLessThanOrEqual(mostTwice)
  const byPerson = Map.groupBy(numbers(), (n) => n % 50)
  for (const sent of byPerson.values()) {
    const first = [...new Set(sent)]
    expect(first).toEqual([...first].sort((a, b) => a - b))
  }
}

describe('a destination of events', () => {
  it('gets every event once, in the order of its key', async () => {
    const { dispatcher } = await lane()
    expect(await drained(dispatcher)).toBe(true)
    expectAllInOrder(0)
    expect(outbox.accounts()).toMatchObject([{ destination: 'siem', delivered: EVENTS, dead: 0, failures: 0 }])
    expect(outbox.streams.place('siem')).toEqual({ batch: 2 })
  })

  it('goes on where it was, with what came since', async () => {
    await drained((await lane()).dispatcher)
    const second = await lane()
    await drained(second.dispatcher)
    expect(receiver.taken).toEqual([])
  })

  it('gets all of it in spite of errors, hang-ups and silence, and twice only what it did not own up to', async () => {
    const manners: Manner[] = [
      { status: 503, body: '{"code":9}' },
      'hang up',
      { status: 429, headers: { 'retry-after': '0' } },
      'take and hang up',
      { status: 500 },
    ]
    let lost = 0
    const { dispatcher } = await lane(
      (request, lines) => {
        const manner =
          request % 3 === 0
            ? (manners[(request / 3) % manners.length] ?? 'take')
            : request === 10
              ? 'never answer'
              : 'take'
        if (manner === 'take and hang up') lost += lines.length
        return manner
      },
      { timeoutMs: 200 },
    )
    expect(await drained(dispatcher)).toBe(true)
    expectAllInOrder(lost)
    expect(outbox.accounts()[0]?.failures).toBeGreaterThan(5)
  })

  it('has an event that is refused for good set aside, and its neighbours delivered', async () => {
    const bad = (lines: readonly string[]) => lines.findIndex((line) => line.includes('"n":"333"'))
    const { dispatcher } = await lane((_, lines) =>
      bad(lines) < 0 ? 'take' : { status: 400, body: '{"text":"Invalid data format","code":6}' },
    )
    expect(await drained(dispatcher)).toBe(true)
    expect(new Set(numbers()).size).toBe(EVENTS - 1)
    expect(outbox.dead().map(({ body, reason, takes }) => [numberIn(body), reason, takes])).toEqual([
      [333, 'HTTP 400: {"text":"Invalid data format","code":6}', 'events'],
    ])
  })

  it('is left alone once it refuses more than anybody would look at, and goes on when somebody has looked', async () => {
    let isBroken = true
    const { dispatcher, lane: made } = await lane(
      (_, lines) =>
        isBroken && lines.some((line) => line.includes('getTable')) ? { status: 400, body: '{"code":6}' } : 'take',
      { mostDead: 30 },
    )
    expect(await dispatcher.drain(AbortSignal.timeout(3000))).toBe(false)
    expect(outbox.deadCounts().get('siem')).toBe(30)
    expect(made.circuit.reason).toContain('30 events were refused for good, and wait')
    expect(outbox.accounts()[0]?.lastFailure).toContain('replay or discard')
    isBroken = false
    expect(await drained(dispatcher)).toBe(true)
    expect(new Set(numbers()).size).toBe(EVENTS - 30)
    const refused = outbox.dead({ most: 100 }).map(({ body }) => numberIn(body))
    expect(new Set([...numbers(), ...refused]).size).toBe(EVENTS)
  })

  it('trusts the place of the bad event where it is told', async () => {
    const { dispatcher } = await lane((_, lines) => {
      const at = lines.findIndex((line) => line.includes('"n":"333"'))
      return at < 0
        ? 'take'
        : { status: 400, body: `{"text":"Invalid data format","code":6,"invalid-event-number":${at}}` }
    })
    expect(await drained(dispatcher)).toBe(true)
    expectSetAside(333)
    expect(receiver.taken.length).toBe(EVENTS - 1)
  })

  const expectSetAside = (n: number) => expect(outbox.dead().map(({ body }) => numberIn(body))).toEqual([n])

  it('with wrong credentials loses nothing, says why without the secret, and does not knock often', async () => {
    const { dispatcher, lane: wrong } = await lane(undefined, { token: 'another' })
    expect(await drained(dispatcher, 400)).toBe(false)
    expect(wrong.circuit.isOpen).toBe(true)
    expect(outbox.dead()).toEqual([])
    expect(wrong.circuit.reason).toBe('HTTP 403: {"text":"Invalid token","code":4}')
    expect(outbox.accounts()[0]).toMatchObject({
      delivered: 0,
      lastFailure: 'HTTP 403: {"text":"Invalid token","code":4}',
    })
  })

  it('sends the very batches again that were under way when it was stopped', async () => {
    const seen: string[][] = []
    const note = (_: number, lines: readonly string[]) => {
      seen.push(lines.map((line) => JSON.parse(line).fields.event_id))
      return 'never answer' as const
    }
    const first = await lane(note, { timeoutMs: 10_000 })
    await drained(first.dispatcher, 300)
    const before = seen.splice(0)
    expect(before.length).toBe(4)
    const second = await lane(note, { timeoutMs: 10_000, items: 7 })
    await drained(second.dispatcher, 300)
    expect(seen.map(String).sort()).toEqual(before.map(String).sort())
  })

  it('cuts anew what was under way when other events are wanted since', async () => {
    const first = await lane(() => 'never answer', { timeoutMs: 10_000 })
    await drained(first.dispatcher, 300)
    expect(outbox.streams.window('siem')?.pieces.length).toBeGreaterThan(1)
    const second = await lane(undefined, { filter: "request_params['n']::INTEGER >= 500" })
    expect(await drained(second.dispatcher)).toBe(true)
    expect(numbers().sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, n) => 500 + n))
  })

  it('does not hold up another that works', async () => {
    const slow = await lane(() => 'never answer', { timeoutMs: 10_000 })
    const fast = await lane(undefined, { name: 'other', feed: slow.feed })
    const both = new Dispatcher({ messages: [], events: [slow.lane, fast.lane] }, slow.feed)
    expect(await drained(both, 1500)).toBe(false)
    expect(fast.lane.circuit.failures).toBe(0)
    expectAllInOrder(0)
  })
})
