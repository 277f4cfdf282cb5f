/** How many events have which value: facets, completions, histograms. From counts where these know enough, else from the events. */
import { timeConditions } from '../../ask/filter.ts'
import type { TimeRange } from '../../ask/times.ts'
import { lit } from '../../engine/sql.ts'
import { facetSql, isCountedFacet, isListFacet, type Search, searchOf } from '../search/to-sql.ts'
import type { Facet, FacetAnswer, FacetCount, Histogram } from '../shapes/events.ts'
import { counts, countsOfTargets } from './counts.ts'
import type { LakeReader } from './lake-reader.ts'
import { SLOT_MS } from './slots.ts'
import { boundsOf } from './spans.ts'
import type { Sight } from './visible.ts'

/** What is counted. */
export interface CountQuestion extends TimeRange {
  readonly search: Search
}

interface Asked extends CountQuestion {
  readonly slotMs?: number
}

interface Asking {
  readonly reader: LakeReader
  readonly sight: Sight
  readonly signal: AbortSignal
}

/** Runs a statement over `source`: counts with a column `n`, or events with 1 for it. */
async function over<T extends Record<string, unknown>>(
  { reader, sight, signal }: Asking,
  { search, fromMs, toMs, slotMs }: Asked,
  isCounted: boolean,
  sql: (source: string, n: string) => string,
): Promise<readonly T[]> {
  const span = { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) }
  const slots = { signal, ...span, ...(slotMs === undefined ? {} : { slotMs }) }
  const counted = (relation: string) => sql(`(FROM ${relation} WHERE ${search.countedSql})`, 'n')
  if (isCounted && search.isCounted) {
    return (await counts<T>(reader, sight, counted, slots)).rows
  }
  if (isCounted && search.isPlaced === true && search.targetsSql !== undefined) {
    const found = await countsOfTargets<T>(reader, sight, search.targetsSql, counted, slots)
    if (found !== undefined) return found.rows
  }
  const where = [...timeConditions(span), `(${search.sql})`].join(' AND ')
  const { rows } = await reader.rows<T>(sight, ({ events }) => sql(`(FROM ${events} WHERE ${where})`, '1'), {
    signal,
    ...span,
    ...(search.before === undefined ? {} : { before: search.before }),
  })
  return rows
}

interface FacetLine extends Record<string, unknown> {
  readonly f: number
  readonly v: string | null
  readonly n: number
}

/** The most frequent values of each field, and the number of events. */
export async function facetAnswer(
  asking: Asking,
  question: CountQuestion,
  fields: readonly Facet[],
  most: number,
): Promise<FacetAnswer> {
  const counted = fields.filter(isCountedFacet)
  const scanned = fields.filter((field) => !isCountedFacet(field))
  const ask = (some: readonly Facet[], isCounted: boolean) =>
    over<FacetLine>(asking, question, isCounted, (source, n) => facetsSql(source, n, some, most))
  const [known, found] = await Promise.all([ask(counted, true), scanned.length === 0 ? [] : ask(scanned, false)])
  const lines = new Map<Facet, FacetCount[]>(fields.map((field) => [field, []]))
  const put = (some: readonly Facet[], rows: readonly FacetLine[]) => {
    for (const { f, v, n } of rows) lines.get(some[f] as Facet)?.push({ value: v, count: n })
  }
  put(counted, known)
  put(scanned, found)
  return {
    total: known.find(({ f }) => f === TOTAL)?.n ?? 0,
    facets: fields.map((field) => {
      const values = lines.get(field) ?? []
      return { field, values: values.slice(0, most), more: values.length > most }
    }),
  }
}

const TOTAL = -1

/** One pass over the source for all fields: combinations first, then each field over these. */
function facetsSql(source: string, n: string, fields: readonly Facet[], most: number): string {
  const columns = fields.map((field, at) => `${facetSql(field)} AS f${at}`)
  const kinds = `SELECT ${[...columns, `sum(${n})::BIGINT AS n`].join(', ')} FROM ${source}${columns.length === 0 ? '' : ' GROUP BY ALL'}`
  const each = fields.map((field, at) => {
    const value = isListFacet(field) ? `unnest(CASE WHEN len(f${at}) > 0 THEN f${at} ELSE [NULL] END)` : `f${at}`
    return `(SELECT ${at} AS f, ${value} AS v, n FROM kinds)`
  })
  const tops = each.map(
    (values, at) =>
      `(SELECT ${at} AS f, v, sum(n)::BIGINT AS n FROM ${values} GROUP BY v ORDER BY n DESC, v LIMIT ${most + 1})`,
  )
  const total = `(SELECT ${TOTAL} AS f, NULL::VARCHAR AS v, coalesce(sum(n), 0)::BIGINT AS n FROM kinds)`
  return `WITH kinds AS MATERIALIZED (${kinds}) ${[total, ...tops].join(' UNION ALL ')}`
}

/** Newest events that are looked through for completions where counts do not help. */
const COMPLETED_DAYS_MS = 86_400_000

/** Values of a field that begin with, or else hold, a text; the most frequent first. */
export async function completions(
  asking: Asking,
  span: TimeRange,
  field: Facet,
  prefix: string,
  most: number,
): Promise<FacetCount[]> {
  const isCounted = isCountedFacet(field)
  const question = { ...(isCounted ? span : await recent(asking.reader, span)), search: searchOf('') }
  const rows = await over<FacetLine>(asking, question, isCounted, (source, n) => {
    const value = isListFacet(field) ? `unnest(${facetSql(field)})` : facetSql(field)
    const typed = lit(prefix)
    return `SELECT 0 AS f, v, sum(n)::BIGINT AS n FROM (SELECT ${value} AS v, ${n} AS n FROM ${source}) WHERE v IS NOT NULL AND v <> ''
      AND contains(lower(v), lower(${typed})) GROUP BY v ORDER BY starts_with(lower(v), lower(${typed})) DESC, n DESC, v LIMIT ${most}`
  })
  return rows.map(({ v, n }) => ({ value: v, count: n }))
}

async function recent(reader: LakeReader, span: TimeRange): Promise<TimeRange> {
  const bounds = boundsOf((await reader.snapshots.newest()).events)
  const to = Math.min(span.toMs ?? Number.POSITIVE_INFINITY, bounds?.toMs ?? 0)
  return { ...span, fromMs: Math.max(span.fromMs ?? Number.NEGATIVE_INFINITY, to - COMPLETED_DAYS_MS) }
}

const [SECOND, MINUTE, HOUR, DAY] = [1, 60, 3600, 86_400]
/** Lengths of buckets that people read at a glance, in seconds. */
const INTERVALS = [
  ...[1, 5, 15, 30].map((each) => each * SECOND),
  ...[1, 5, 15, 30].map((each) => each * MINUTE),
  ...[1, 3, 6, 12].map((each) => each * HOUR),
  ...[1, 7, 28, 91, 364].map((each) => each * DAY),
]
/** Values of `by` that have a colour of their own; the others are together. */
const MOST_SERIES = 8
/** 2,000 years in buckets of a year. */
const LONGEST = 364 * DAY * 10

/** Events over time. */
export async function histogram(
  asking: Asking,
  question: CountQuestion,
  by: Facet | undefined,
  buckets: number,
): Promise<Histogram> {
  const bounds = boundsOf((await asking.reader.snapshots.newest()).events)
  const fromMs = question.fromMs ?? bounds?.fromMs ?? 0
  const toMs = Math.max(question.toMs ?? (bounds?.toMs ?? 0) + 1, fromMs)
  const seconds = (toMs - fromMs) / 1000
  const intervalSeconds = INTERVALS.find((each) => seconds / each <= buckets) ?? LONGEST
  const isCounted = by === undefined || isCountedFacet(by)
  const slotMs = intervalSeconds * 1000
  // Slots that are kept are too long for a short span.
  const asked = slotMs >= SLOT_MS ? question : { ...question, fromMs, toMs, slotMs }
  const rows = await over<{ t: number; by: string | null; n: number }>(asking, asked, isCounted, (source, n) => {
    const time = n === 'n' ? 'slot' : 'event_time'
    return histogramSql(source, { time, n, by, intervalSeconds })
  })
  const found = new Map<number, { count: number; by: Record<string, number> }>()
  for (const { t, by: value, n } of rows) {
    const bucket = found.get(t) ?? { count: 0, by: {} }
    found.set(t, bucket)
    bucket.count += n
    // A value may be called `__proto__`.
    if (by !== undefined) {
      const name = value ?? ''
      const before = Object.hasOwn(bucket.by, name) ? (bucket.by[name] ?? 0) : 0
      Object.defineProperty(bucket.by, name, {
        value: before + n,
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
  }
  return {
    intervalSeconds,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    by: by ?? null,
    buckets: [...found]
      .sort(([a], [b]) => a - b)
      .map(([t, each]) => ({ time: new Date(t * 1000).toISOString(), ...each })),
  }
}

interface Drawn {
  readonly time: string
  readonly n: string
  readonly by: Facet | undefined
  readonly intervalSeconds: number
}

function histogramSql(source: string, { time, n, by, intervalSeconds }: Drawn): string {
  // Weeks begin on Mondays: 1970-01-05 was one.
  const origin = intervalSeconds >= 7 * DAY ? 4 * DAY : 0
  const seconds = `(epoch_us(${time}) // 1000000 - ${origin})`
  const bucket = `${seconds} - (${seconds} % ${intervalSeconds}) + ${origin}`
  if (by === undefined)
    return `SELECT ${bucket} AS t, NULL::VARCHAR AS "by", sum(${n})::BIGINT AS n FROM ${source} GROUP BY t`
  const value = isListFacet(by) ? `${facetSql(by)}[1]` : facetSql(by)
  return `WITH drawn AS MATERIALIZED (SELECT ${bucket} AS t, ${value} AS v, sum(${n})::BIGINT AS n FROM ${source} GROUP BY ALL),
    tops AS (SELECT v FROM drawn WHERE v IS NOT NULL GROUP BY v ORDER BY sum(n) DESC, v LIMIT ${MOST_SERIES})
    SELECT t, CASE WHEN v IN (SELECT v FROM tops) THEN v ELSE '' END AS "by", sum(n)::BIGINT AS n FROM drawn GROUP BY ALL`
}
