/** What happened since then: figures, each with the search that shows its events, and short lists. */
import { lit } from '../../engine/sql.ts'
import { searchOf } from '../search/to-sql.ts'
import type { Overview } from '../shapes/entities.ts'
import type { FacetCount } from '../shapes/events.ts'
import { counts } from './counts.ts'
import { ACTOR_SQL, eventPage } from './event-page.ts'
import type { LakeReader } from './lake-reader.ts'
import { sealSummary } from './sealed-in.ts'
import { SLOT_MS } from './slots.ts'
import { instantSql } from './spans.ts'
import type { Sight } from './visible.ts'

interface Asking {
  readonly reader: LakeReader
  readonly sight: Sight
  readonly signal: AbortSignal
}

/** The span of an overview; whole slots, so that everything in it is counted already. */
export interface OverviewSpan {
  readonly fromMs: number
  readonly toMs: number
  /** Rejects are counted until then: later than the rest where no end was asked for and the logs are old. */
  readonly setAsideToMs: number
}

const DAY_MS = 86_400_000

/** Searches behind figures. Secrets and exports are the reads that a security team asks about first. */
const SEARCHES = {
  failedLogins: 'category:authentication verb:login status:unauthorized,failure',
  refused: 'status:unauthorized',
  permissionChanges: 'key_event:role_permission_update',
  sensitiveReads: 'key_event:secret_access,data_export',
  readers: 'category:data_access status:success',
} as const

const MOST = 8
/** New values named in one search. */
const MOST_IN_SEARCH = 15

/** The same asking about the account alone: that people look at Bricktrail is no news, and must not hide that no logs come. */
const ofAccount = ({ sight, ...rest }: Asking): Asking => ({
  ...rest,
  sight: { ...sight, rows: { ...sight.rows, use: false } },
})

/** The search that leaves the record of use out, for those who would find it. */
const withoutUse = ({ rows }: Sight, q: string): string =>
  rows.use === false ? q : `-service:bricktrail ${q}`.trimEnd()

/** The span asked for, or the day up to now; a lake of old logs has the day up to its newest event. */
export async function overviewSpan(
  asking: Asking,
  asked: { readonly fromMs?: number; readonly toMs?: number },
  now: Date,
): Promise<OverviewSpan> {
  const newest = await newestOf(ofAccount(asking), now)
  const newestMs = newest === null ? undefined : Date.parse(newest)
  const isOld = newestMs !== undefined && newestMs < now.getTime() - DAY_MS
  const end = asked.toMs ?? (isOld ? newestMs + 1 : now.getTime())
  const toMs = Math.ceil(end / SLOT_MS) * SLOT_MS
  const fromMs = Math.floor((asked.fromMs ?? toMs - DAY_MS) / SLOT_MS) * SLOT_MS
  const lateMs = asked.toMs === undefined ? Math.max(toMs, Math.ceil(now.getTime() / SLOT_MS) * SLOT_MS) : toMs
  return { fromMs: Math.min(fromMs, toMs - SLOT_MS), toMs, setAsideToMs: lateMs }
}

/**
 * Time of the newest event, at most now; null where there is none. What is dated in the future must not hide that nothing comes any more.
 * The statement is the same for a quarter of an hour, so that its answer is kept while nothing changes.
 */
async function newestOf({ reader, sight, signal }: Asking, now: Date): Promise<string | null> {
  const untilMs = Math.ceil((now.getTime() + 1) / SLOT_MS) * SLOT_MS
  const sql = (source: string) => `SELECT max(last) AS newest FROM ${source} WHERE slot < ${instantSql(untilMs)}`
  const { rows } = await counts<{ newest: string | null }>(reader, sight, sql, { signal, toMs: untilMs })
  const newest = rows[0]?.newest ?? null
  return newest !== null && Date.parse(newest) > now.getTime() ? now.toISOString() : newest
}

type Counted = Pick<
  Overview,
  | 'figures'
  | 'topFailedLogins'
  | 'topReaders'
  | 'newActors'
  | 'newActions'
  | 'newCountries'
  | 'keyEvents'
  | 'newestEvent'
>

/** What counts tell. */
async function counted(whole: Asking, span: OverviewSpan, now: Date): Promise<Counted> {
  const asking = ofAccount(whole)
  const { reader, sight, signal } = asking
  const [figures, fresh, newest, rejects] = await Promise.all([
    counts<Line>(reader, sight, (source) => figuresSql(source, span), {
      signal,
      fromMs: 2 * span.fromMs - span.toMs,
      toMs: span.toMs,
    }),
    counts<Line>(reader, sight, (source) => freshSql(source, span), { signal, toMs: span.toMs }),
    newestOf(asking, now),
    reader.rows<{ now: number; before: number }>(sight, ({ rejects: source }) => rejectsSql(source, span), {
      signal,
      lane: 'quick',
    }),
  ])
  const value = (what: string) => {
    const line = figures.rows.find((each) => each.what === what)
    return { value: line?.n ?? 0, before: line?.before ?? 0 }
  }
  const top = (what: string): FacetCount[] =>
    figures.rows.filter((each) => each.what === what).map(({ v, n }) => ({ value: v, count: n }))
  const figure = (name: keyof typeof SEARCHES) => ({ ...value(name), q: withoutUse(whole.sight, SEARCHES[name]) })
  const news = (what: string) => {
    const rows = fresh.rows.filter((each) => each.what === what && each.v !== null)
    const first = rows.filter(({ isNow }) => isNow)
    const field = what === 'newActors' ? 'actor' : what === 'newActions' ? 'action' : 'country'
    const listed = first.slice(0, MOST_IN_SEARCH).map(({ v }) => quoted(v ?? ''))
    return {
      figure: {
        value: first.length,
        before: rows.length - first.length,
        q: listed.length === 0 ? null : `${field}:${listed.join(',')}`,
      },
      values: first.slice(0, MOST).map(({ v, first: seen }) => ({ value: v ?? '', firstSeen: seen ?? '' })),
    }
  }
  const [actors, actions, countries] = [news('newActors'), news('newActions'), news('newCountries')]
  return {
    figures: {
      events: { ...value('events'), q: withoutUse(whole.sight, '') },
      actors: { ...value('actors'), q: withoutUse(whole.sight, '') },
      failedLogins: figure('failedLogins'),
      refused: figure('refused'),
      permissionChanges: figure('permissionChanges'),
      sensitiveReads: figure('sensitiveReads'),
      newActors: actors.figure,
      newActions: actions.figure,
      newCountries: countries.figure,
      rejects: {
        value: rejects.rows[0]?.now ?? 0,
        // As long a time before would be another length of time.
        before: span.setAsideToMs > span.toMs ? null : (rejects.rows[0]?.before ?? 0),
        q: null,
      },
    },
    topFailedLogins: top('topFailedLogins'),
    topReaders: top('topReaders'),
    keyEvents: top('keyEvents'),
    newActors: actors.values,
    newActions: actions.values,
    newCountries: countries.values,
    newestEvent: newest,
  }
}

interface Line extends Record<string, unknown> {
  readonly what: string
  readonly v: string | null
  readonly n: number
  readonly before: number
  readonly first: string | null
  readonly isNow: boolean
}

/** A value of a search that stands for itself. */
const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, '\\$&')}"`

function figuresSql(source: string, { fromMs }: OverviewSpan): string {
  const facts = `SELECT slot >= ${instantSql(fromMs)} AS now, ${ACTOR_SQL} AS who, category, verb, status, key_event, sum(n)::BIGINT AS n
    FROM ${source} GROUP BY ALL`
  const figure = (what: string, condition: string) =>
    `(SELECT ${lit(what)} AS what, NULL::VARCHAR AS v, coalesce(sum(n) FILTER (now), 0)::BIGINT AS n,
      coalesce(sum(n) FILTER (NOT now), 0)::BIGINT AS before FROM facts WHERE ${condition})`
  const top = (what: string, value: string, condition: string) =>
    `(SELECT ${lit(what)} AS what, nullif(${value}, '') AS v, sum(n)::BIGINT AS n, 0::BIGINT AS before FROM facts WHERE now AND ${condition}
      GROUP BY v ORDER BY n DESC, v LIMIT ${MOST})`
  const [failed, readers] = [conditionOf('failedLogins'), conditionOf('readers')]
  const parts = [
    figure('events', 'TRUE'),
    `(SELECT 'actors' AS what, NULL::VARCHAR AS v, count(DISTINCT who) FILTER (now AND who <> '')::BIGINT AS n,
      count(DISTINCT who) FILTER (NOT now AND who <> '')::BIGINT AS before FROM facts)`,
    ...(['failedLogins', 'refused', 'permissionChanges', 'sensitiveReads'] as const).map((name) =>
      figure(name, conditionOf(name)),
    ),
    top('topFailedLogins', 'who', failed),
    top('topReaders', 'who', readers),
    top('keyEvents', 'key_event', 'key_event IS NOT NULL'),
  ]
  return `WITH facts AS MATERIALIZED (${facts}) ${parts.join(' UNION ALL ')}`
}

const conditionOf = (name: keyof typeof SEARCHES): string => `(${searchOf(SEARCHES[name]).sql})`

/** Values that were never met before the span, and before the one before it. */
function freshSql(source: string, { fromMs, toMs }: OverviewSpan): string {
  const before = 2 * fromMs - toMs
  const part = (what: string, value: string) =>
    `(SELECT ${lit(what)} AS what, v, 0::BIGINT AS n, 0::BIGINT AS before, first, first >= ${instantSql(fromMs)} AS "isNow" FROM
      (SELECT ${value} AS v, min(first) AS first FROM facts GROUP BY v)
      WHERE v IS NOT NULL AND v <> '' AND first >= ${instantSql(before)} ORDER BY first, v LIMIT 1000)`
  const facts = `SELECT ${ACTOR_SQL} AS who, concat_ws('.', service, action) AS act, geo.country AS country, min(first) AS first
    FROM ${source} GROUP BY ALL`
  return `WITH facts AS MATERIALIZED (${facts}) ${[part('newActors', 'who'), part('newActions', 'act'), part('newCountries', 'country')].join(' UNION ALL ')}`
}

/** By when they were set aside: a record that is none has no other time, and old logs come late. */
function rejectsSql(source: string, { fromMs, toMs, setAsideToMs }: OverviewSpan): string {
  const before = 2 * fromMs - toMs
  return `SELECT count(*) FILTER (ingest_time >= ${instantSql(fromMs)})::INTEGER AS now, count(*) FILTER (ingest_time < ${instantSql(fromMs)})::INTEGER AS before
    FROM ${source} WHERE ingest_time >= ${instantSql(before)} AND ingest_time < ${instantSql(setAsideToMs)}`
}

/** The overview, but for what alerts tell. */
export async function overview(
  asking: Asking,
  span: OverviewSpan,
  now: Date,
): Promise<Omit<Overview, 'openAlerts' | 'openIncidents'>> {
  const { reader, sight, signal } = ofAccount(asking)
  const search = searchOf(SEARCHES.permissionChanges)
  const [known, changes, seal] = await Promise.all([
    counted(asking, span, now),
    eventPage(reader, sight, { search, fromMs: span.fromMs, toMs: span.toMs, limit: MOST, order: 'newest' }, signal),
    sealSummary(reader.home),
  ])
  const newestMs = known.newestEvent === null ? undefined : Date.parse(known.newestEvent)
  return {
    from: new Date(span.fromMs).toISOString(),
    to: new Date(span.toMs).toISOString(),
    ...known,
    permissionChanges: [...changes.events],
    lagSeconds: newestMs === undefined ? null : Math.max(0, (now.getTime() - newestMs) / 1000),
    seal,
  }
}
