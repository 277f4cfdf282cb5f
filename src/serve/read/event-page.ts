/** Pages of events, in a stable order: by time, then by id. */
import { ERROR_SQL, timeConditions } from '../../ask/filter.ts'
import { lit } from '../../engine/sql.ts'
import type { Search } from '../search/to-sql.ts'
import type { EventRow } from '../shapes/events.ts'
import { columnsNamedIn } from './columns-named.ts'
import type { LakeReader } from './lake-reader.ts'
import { placeFinder } from './placed-page.ts'
import { rowsShown } from './rows-shown.ts'
import { boundsOf } from './spans.ts'
import { type Stretch, stretches } from './stretches.ts'
import type { Sight } from './visible.ts'

/** A place in the order: the event that stands there. */
export interface PagePlace {
  /** Microseconds since the epoch. */
  readonly timeUs: bigint
  readonly id: string
}

/** What a page is of. */
export interface PageQuestion {
  readonly search: Search
  readonly fromMs?: number
  readonly toMs?: number
  readonly limit: number
  readonly order: 'newest' | 'oldest'
  /** The last event of the page before. */
  readonly after?: PagePlace
  /** The snapshot of the first page. */
  readonly version?: number
}

/** A page, and where the next one begins. */
export interface EventsFound {
  readonly events: readonly EventRow[]
  readonly next: PagePlace | undefined
  readonly version: number
}

/** Who did it, as one text; empty where nobody is named. */
export const ACTOR_SQL = "coalesce(nullif(actor.email, ''), nullif(actor.name, ''), nullif(actor.id, ''), '')"

/** Columns of an {@link EventRow}. */
const ROW = `event_id AS id, event_time AS time, ${ACTOR_SQL} AS actor, actor.type AS "actorType", service, action, category, verb,
  key_event AS "keyEvent", coalesce(nullif(targets[1].name, ''), targets[1].id) AS target, targets[1].type AS "targetType",
  coalesce(len(targets), 0)::INTEGER AS targets, status, status_code AS "statusCode",
  left(${ERROR_SQL}, 500) AS error, source_ip AS ip, geo.country AS country, client,
  workspace_id AS workspace, session_id AS "sessionId", request_id AS "requestId"`

/** Columns of events that {@link ROW} needs. */
const ROW_COLUMNS = columnsNamedIn(ROW)

interface Key extends Record<string, unknown> {
  readonly id: string
  readonly us: string
}

/** Finds a page: first which events are on it, stretch by stretch, then what they are. */
export async function eventPage(
  reader: LakeReader,
  sight: Sight,
  question: PageQuestion,
  signal: AbortSignal,
): Promise<EventsFound> {
  const { events } = await reader.snapshots.asOf(question.version)
  const options = { signal, version: events.version }
  const span = remaining(question)
  const wanted = { ...question, limit: question.limit + 1 }
  const placed = await placedRows(reader, sight, question, options)
  if (placed !== undefined) return pageOf(reader, question, placed, events.version)
  const keys: Key[] = []
  for (const stretch of await stretches(reader, sight, wanted, { ...options, ...span })) {
    keys.push(...(await keysIn(reader, sight, question, within(stretch, span), wanted.limit - keys.length, options)))
    if (keys.length >= wanted.limit) break
  }
  const page = keys.slice(0, question.limit)
  const last = keys.length > question.limit ? page.at(-1) : undefined
  return {
    events: await rowsOf(reader, sight, page, question.order, options),
    next: last === undefined ? undefined : { timeUs: BigInt(last.us), id: last.id },
    version: events.version,
  }
}

interface PlacedRow extends EventRow {
  readonly us: string
}

/** The rows of a page and one more, where places tell which they are; undefined where they do not, or their files are gone. */
async function placedRows(
  reader: LakeReader,
  sight: Sight,
  question: PageQuestion,
  options: Options,
): Promise<readonly PlacedRow[] | undefined> {
  const { order, after, limit } = question
  const span = remaining(question)
  const wanted = { ...question, limit: limit + 1 }
  const finder = await placeFinder(reader, sight, wanted, after?.timeUs, { ...options, ...span })
  if (finder === undefined) return undefined
  const bounds = boundsOf((await reader.snapshots.asOf(options.version)).events)
  let [enough, rest]: [boolean | undefined, Span | undefined] = [false, span]
  for (const lengthMs of FIRST_MS) {
    if (enough !== false || rest === undefined) break
    const [first, left] = firstOf(bounds, rest, order, lengthMs)
    enough = await finder.take(first)
    rest = left
  }
  if (enough === false && rest !== undefined) {
    for (const stretch of await stretches(reader, sight, wanted, { ...options, ...rest })) {
      enough = await finder.take(within(stretch, rest))
      if (enough !== false) break
    }
  }
  if (enough === undefined) return undefined
  const direction = order === 'newest' ? 'DESC' : 'ASC'
  return rowsShown<PlacedRow>(
    reader,
    sight,
    finder.found(),
    {
      columns: ROW_COLUMNS,
      select: `${ROW}, epoch_us(event_time)::VARCHAR AS us`,
      where: after === undefined ? 'TRUE' : behindSql(after, order),
      order: `ORDER BY event_time ${direction}, event_id ${direction}`,
      limit: limit + 1,
    },
    options,
  )
}

/** So much of a span is looked through before counts are asked where events are: few events, then fewer than there are counts. */
const FIRST_MS = [1_800_000, 6 * 3_600_000] as const

/** Where a page begins, and what of its span is left. */
function firstOf(
  bounds: Required<Span> | undefined,
  span: Span,
  order: PageQuestion['order'],
  lengthMs: number,
): [Stretch, Span?] {
  const fromMs = Math.max(span.fromMs ?? Number.NEGATIVE_INFINITY, bounds?.fromMs ?? 0)
  // An end of a span is not part of it; the last event is.
  const toMs = Math.min(span.toMs ?? Number.POSITIVE_INFINITY, (bounds?.toMs ?? 0) + 1)
  if (toMs - fromMs <= lengthMs) return [{ fromMs, toMs: Math.max(fromMs, toMs) }]
  const [early, late] = [fromMs + lengthMs, toMs - lengthMs]
  return order === 'newest'
    ? [
        { fromMs: late, toMs },
        { fromMs, toMs: late },
      ]
    : [
        { fromMs, toMs: early },
        { fromMs: early, toMs },
      ]
}

function pageOf(reader: LakeReader, { limit }: PageQuestion, rows: readonly PlacedRow[], version: number): EventsFound {
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  for (const { id, us } of page) reader.seen.keep(id, Number(BigInt(us) / 1000n))
  return {
    events: page.map(({ us, ...row }) => row),
    next: last === undefined ? undefined : { timeUs: BigInt(last.us), id: last.id },
    version,
  }
}

interface Span {
  readonly fromMs?: number
  readonly toMs?: number
}

/** What of the span is left after the page before. */
function remaining({ fromMs, toMs, order, after }: PageQuestion): Span {
  const start = { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) }
  if (after === undefined) return start
  const at = Number(after.timeUs / 1000n)
  if (order === 'newest') return { ...start, toMs: Math.min(toMs ?? Number.POSITIVE_INFINITY, at + 1) }
  return { ...start, fromMs: Math.max(fromMs ?? Number.NEGATIVE_INFINITY, at - 1) }
}

const within = (stretch: Stretch, { fromMs, toMs }: Span): Stretch => ({
  ...stretch,
  fromMs: Math.max(stretch.fromMs, fromMs ?? Number.NEGATIVE_INFINITY),
  toMs: Math.min(stretch.toMs, toMs ?? Number.POSITIVE_INFINITY),
})

interface Options {
  readonly signal: AbortSignal
  readonly version: number
}

async function keysIn(
  reader: LakeReader,
  sight: Sight,
  { search, order, after }: PageQuestion,
  { fromMs, toMs, places }: Stretch,
  limit: number,
  options: Options,
): Promise<readonly Key[]> {
  const direction = order === 'newest' ? 'DESC' : 'ASC'
  const conditions = [
    ...timeConditions({ fromMs, toMs }),
    `(${search.sql})`,
    ...(after === undefined ? [] : [behindSql(after, order)]),
  ]
  const { rows } = await reader.rows<Key>(
    sight,
    ({ events }) => `SELECT event_id AS id, epoch_us(event_time)::VARCHAR AS us FROM ${events}
      WHERE ${conditions.join(' AND ')} ORDER BY event_time ${direction}, event_id ${direction} LIMIT ${limit}`,
    { ...options, fromMs, toMs, ...(places === undefined ? {} : { spans: places }), ...beforeOf(search) },
  )
  return rows
}

const beforeOf = ({ before }: Search) => (before === undefined ? {} : { before })

function behindSql({ timeUs, id }: PagePlace, order: PageQuestion['order']): string {
  const sign = order === 'newest' ? '<' : '>'
  const time = `make_timestamptz(${timeUs})`
  return `(event_time ${sign} ${time} OR (event_time = ${time} AND event_id ${sign} ${lit(id)}))`
}

/** The rows of a page. Their ids alone would be looked for in every file, so their times say where they are. */
async function rowsOf(
  reader: LakeReader,
  sight: Sight,
  page: readonly Key[],
  order: PageQuestion['order'],
  options: Options,
): Promise<readonly EventRow[]> {
  if (page.length === 0) return []
  const times = page.map(({ us }) => BigInt(us))
  const [least, most] = order === 'newest' ? [times.at(-1), times[0]] : [times[0], times.at(-1)]
  const direction = order === 'newest' ? 'DESC' : 'ASC'
  const [fromMs, toMs] = [Number((least ?? 0n) / 1000n) - 1, Number((most ?? 0n) / 1000n) + 1]
  const instants = [...new Set(times)].map((us) => `make_timestamptz(${us})`)
  page.forEach(({ id }, at) => {
    reader.seen.keep(id, Number((times[at] ?? 0n) / 1000n))
  })
  const { rows } = await reader.rows<EventRow>(
    sight,
    ({ events }) => `SELECT ${ROW} FROM ${events} WHERE ${timeConditions({ fromMs, toMs }).join(' AND ')}
      AND event_time IN (${instants.join(', ')}) AND event_id IN (${page.map(({ id }) => lit(id)).join(', ')}) ORDER BY event_time ${direction}, event_id ${direction}`,
    { ...options, fromMs, toMs, spans: times.map((us) => [Number(us / 1000n) - 1, Number(us / 1000n) + 1] as const) },
  )
  return rows
}
