import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { timeConditions } from '../../ask/filter.ts'
import { type Search, searchOf } from '../search/to-sql.ts'
import type { EventRow } from '../shapes/events.ts'
import { addEvents, simulatedHome } from './asked.fixture.ts'
import { eventDetail, findEvent, RELATIONS, relatedSpan, relatedSql } from './event-detail.ts'
import { eventPage, type PagePlace, type PageQuestion } from './event-page.ts'
import { facetAnswer, histogram } from './facets.ts'
import { type LakeReader, openLakeReader } from './lake-reader.ts'
import { SealedIn } from './sealed-in.ts'
import type { Sight } from './visible.ts'

const { signal } = new AbortController()
const SIGHTS: readonly Sight[] = [
  { masks: [], rows: {} },
  { masks: ['query'], rows: { use: false } },
  { masks: ['email', 'ip', 'query'], rows: { categories: ['authentication', 'data_access', 'workspace_object'] } },
]
const at = (text: string): number => Date.parse(text)
const SPANS = [
  {},
  { fromMs: at('2026-11-12T05:07:12.345Z'), toMs: at('2026-11-12T08:01:59.001Z') },
  { fromMs: at('2026-11-10T23:59:01Z'), toMs: at('2026-11-13T00:00:30Z') },
]
const SEARCHES = [
  '',
  'status:unauthorized',
  '-status:success category:data_access',
  'target:main.*',
  'verb:read -target:*a*',
  'target:""',
]
/** The same search, as if nothing were counted or placed. */
const scanned = ({ isPlaced, targetsSql, ...search }: Search): Search => ({
  ...search,
  countedSql: 'TRUE',
  isCounted: false,
})

let reader: LakeReader
beforeAll(async () => {
  const home = await simulatedHome(4000)
  // Many at one instant, over the end of a page, and of two files.
  const many = (from: number) =>
    Array.from({ length: 40 }, (_, nth) => ({
      event_id: `'same-${String((nth * 7 + from) % 80).padStart(3, '0')}'`,
      event_time: "TIMESTAMPTZ '2026-11-13 00:00:00.000123Z'",
      service: "'same'",
      category: "'data_access'",
      status: "'UNAUTHORIZED'",
      actor: "{'email': 'ana@example.com'}",
      source_ip: "'10.1.2.3'",
      error_message: "'no way for ana@example.com from 10.1.2.3'",
    }))
  await addEvents(home, '2026-11-13', many(0))
  await addEvents(home, '2026-11-13', many(40))
  reader = await openLakeReader(home, { memoryLimitMb: 400, threads: 1 })
  reader.slots.follow((await reader.snapshots.newest()).events)
  await reader.slots.settled()
})
afterAll(async () => {
  await reader.close()
  await rm(join(reader.home.root, '..'), { recursive: true, force: true })
})

async function pages(sight: Sight, question: PageQuestion): Promise<EventRow[]> {
  const found: EventRow[] = []
  let after: PagePlace | undefined
  do {
    const page = await eventPage(reader, sight, { ...question, ...(after === undefined ? {} : { after }) }, signal)
    found.push(...page.events)
    after = page.next
  } while (after !== undefined && found.length < 150)
  return found
}

describe('a page from places is that from the files', () => {
  it.each(SIGHTS.map((sight) => ({ sight })))('for $sight', async ({ sight }) => {
    const { files } = (await reader.snapshots.newest()).events
    expect(reader.slots.coverage(files)).toMatchObject({ rest: [], unplaced: [], isAimed: true })
    for (const q of SEARCHES) {
      for (const span of SPANS) {
        for (const order of 'fromMs' in span ? (['newest', 'oldest'] as const) : (['newest'] as const)) {
          const question = { ...span, order, limit: 70 }
          const placed = await pages(sight, { ...question, search: searchOf(q) })
          expect(placed, q).toEqual(await pages(sight, { ...question, search: scanned(searchOf(q)) }))
        }
      }
    }
  })

  it('in a stable order also of events at one instant', async () => {
    const question = { search: searchOf('service:same'), order: 'newest', limit: 7 } as const
    const ids = (await pages(SIGHTS[0] as Sight, question)).map(({ id }) => id)
    expect(ids).toEqual([...ids].sort().reverse())
    expect(new Set(ids).size).toBe(80)
  })

  it('hides in it what is masked, and only that', async () => {
    const question = { search: searchOf('service:same'), order: 'newest', limit: 1 } as const
    const [row] = (await eventPage(reader, { masks: ['email', 'ip'], rows: {} }, question, signal)).events
    expect(JSON.stringify(row)).not.toMatch(/ana@|10\.1\.2\.3/)
    expect(row).toMatchObject({ ip: '10.1.2.0/24', service: 'same', error: expect.stringMatching(/^no way for p-/) })
  })
})

describe('counts from places are those of the events', () => {
  it.each(SIGHTS.map((sight) => ({ sight })))('for $sight', async ({ sight }) => {
    for (const q of SEARCHES) {
      for (const span of SPANS) {
        const asking = { reader, sight, signal }
        const [some, all] = [
          { ...span, search: searchOf(q) },
          { ...span, search: scanned(searchOf(q)) },
        ]
        const fields = ['category', 'actor', 'target_type'] as const
        expect(await facetAnswer(asking, some, fields, 20), q).toEqual(await facetAnswer(asking, all, fields, 20))
        expect(await histogram(asking, some, 'status', 60), q).toEqual(await histogram(asking, all, 'status', 60))
      }
    }
  })
})

it.each(SIGHTS.map((sight) => ({ sight })))(
  'what is related to an event is counted as the files have it, for $sight',
  async ({ sight }) => {
    const search = searchOf('')
    const { events } = await eventPage(reader, sight, { search, order: 'newest', limit: 200 }, signal)
    const chosen = events.filter(({ sessionId, requestId }, nth) => nth % 25 === 0 || sessionId === requestId)
    for (const { id } of chosen.slice(0, 8)) {
      const event = await findEvent(reader, sight, id, signal)
      const around = { ...relatedSpan(event), signal }
      const counts = RELATIONS.map(
        (by) => `(count(*) FILTER (${relatedSql(by, event) ?? 'false'}))::INTEGER AS "${by}"`,
      )
      const times = timeConditions(around).join(' AND ')
      const sql = ({ events }: { events: string }) => `SELECT ${counts.join(', ')} FROM ${events} WHERE ${times}`
      const { rows } = await reader.rows({ masks: [], rows: sight.rows }, sql, { ...around })
      const { related } = await eventDetail(reader, new SealedIn(reader.home), sight, id, signal)
      expect(related).toEqual(rows[0])
    }
    expect(chosen.length).toBeGreaterThan(3)
  },
)
