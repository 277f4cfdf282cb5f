/** People, principals, things and addresses: lists, and all of one on a page. */
import { timeConditions } from '../../ask/filter.ts'
import type { TimeRange } from '../../ask/times.ts'
import { lit } from '../../engine/sql.ts'
import type { Entity, EntityKind, EntityRow } from '../shapes/entities.ts'
import type { FacetCount } from '../shapes/events.ts'
import { counts } from './counts.ts'
import { ACTOR_SQL, eventPage } from './event-page.ts'
import { type LakeReader, notFound } from './lake-reader.ts'
import type { Sight } from './visible.ts'

interface Asking {
  readonly reader: LakeReader
  readonly sight: Sight
  readonly signal: AbortSignal
}

const ACTOR = `nullif(${ACTOR_SQL}, '')`
const TARGET_NAME = "coalesce(nullif(t.name, ''), t.id)"

/** Relation of entities of a kind over counts (`n`, `first`, `last`) or events. */
const listed = (kind: EntityKind, source: string): string => {
  if (kind === 'actor') return `(SELECT ${ACTOR} AS id, actor.type AS type, n, first, last FROM ${source})`
  if (kind === 'ip') return `(SELECT source_ip AS id, geo.country AS type, n, first, last FROM ${source})`
  return `(SELECT ${TARGET_NAME} AS id, t.type AS type, n, first, last FROM
    (SELECT unnest(targets) AS t, 1 AS n, event_time AS first, event_time AS last FROM ${source}))`
}

/** Entities, those with the most events first. Targets are looked for in the events themselves, the others in counts. */
export async function entityList(
  asking: Asking,
  kind: EntityKind,
  q: string,
  span: TimeRange,
  limit: number,
): Promise<EntityRow[]> {
  const sql = (
    source: string,
  ) => `SELECT ${lit(kind)} AS kind, id, arg_max(type, last) AS type, sum(n)::BIGINT AS events,
    min(first) AS "firstSeen", max(last) AS "lastSeen" FROM ${listed(kind, source)}
    WHERE id IS NOT NULL AND contains(lower(id), lower(${lit(q)})) GROUP BY id ORDER BY events DESC, id LIMIT ${limit}`
  return [...(await ask<EntityRow>(asking, kind !== 'target', 'TRUE', span, sql))]
}

/** Over counts, or over events where counts do not know enough. */
async function ask<T extends Record<string, unknown>>(
  { reader, sight, signal }: Asking,
  isCounted: boolean,
  condition: string,
  span: TimeRange,
  sql: (source: string) => string,
): Promise<readonly T[]> {
  const source = (relation: string, more: readonly string[] = []) =>
    `(FROM ${relation} WHERE ${[...more, `(${condition})`].join(' AND ')})`
  if (isCounted) return (await counts<T>(reader, sight, (relation) => sql(source(relation)), { signal, ...span })).rows
  const { rows } = await reader.rows<T>(sight, ({ events }) => sql(source(events, timeConditions(span))), {
    signal,
    ...span,
  })
  return rows
}

/** Verbs that change something. */
const CHANGES = [
  'create',
  'update',
  'write',
  'delete',
  'restore',
  'grant',
  'revoke',
  'deny',
  'add',
  'remove',
  'share',
  'unshare',
  'enable',
  'disable',
  'rotate',
]
const MOST_CHANGES = 20
const MOST_NAMED = 20
const HOURS = 24
const WEEKDAYS = 7

/** What alerts know of an entity. */
export type EntityAlerts = Pick<Entity, 'risk' | 'alerts'>

/**
 * Everything about one entity.
 *
 * @throws AppError NOT_FOUND where no event that the asker may see names it
 */
export async function entityPage(
  asking: Asking,
  kind: EntityKind,
  id: string,
  span: TimeRange,
  alerts: EntityAlerts,
): Promise<Entity> {
  const condition = conditionOf(kind, id)
  const isCounted = kind !== 'target'
  const lines = await ask<Line>(asking, isCounted, condition, span, (source) => linesSql(kind, isCounted, source))
  const head = lines.find(({ what }) => what === 'head')
  if (head === undefined || head.n === 0) throw notFound(kind, id)
  const [touched, changes] = await Promise.all([
    kind === 'target' ? [] : touchedBySearch(asking, condition, span),
    changesOf(asking, condition, isCounted, span),
  ])
  const named = (what: string) =>
    lines.filter((line) => line.what === what).map(({ v, n }): FacetCount => ({ value: v, count: n }))
  const { type, refused, failed } = head
  return {
    kind,
    id,
    type,
    events: head.n,
    refused,
    failed,
    firstSeen: head.first ?? '',
    lastSeen: head.last ?? '',
    hours: hoursOf(lines),
    days: lines
      .filter(({ what }) => what === 'day')
      .map(({ v, n, refused: no }) => ({ day: v ?? '', events: n, refused: no })),
    countries: named('country'),
    actions: named('action'),
    touched: [...touched],
    touchedBy: lines
      .filter(({ what }) => what === 'actor' && kind !== 'actor')
      .map(({ v, type: actorType, n, last }) => ({ id: v ?? '', type: actorType, events: n, lastSeen: last ?? '' })),
    addresses: kind === 'ip' ? [] : named('ip'),
    clients: named('client'),
    changes: [...changes],
    ...alerts,
  }
}

function conditionOf(kind: EntityKind, id: string): string {
  if (kind === 'actor') return `coalesce(${ACTOR_SQL} = ${lit(id)}, false)`
  if (kind === 'ip') return `coalesce(source_ip = ${lit(id)}, false)`
  return `len(list_filter(targets, lambda t: ${TARGET_NAME} = ${lit(id)})) > 0`
}

interface Line extends Record<string, unknown> {
  readonly what: string
  readonly v: string | null
  readonly type: string | null
  readonly n: number
  readonly refused: number
  readonly failed: number
  readonly first: string | null
  readonly last: string | null
}

/** One pass: what is needed of each event or count, then every list over it. */
function linesSql(kind: EntityKind, isCounted: boolean, source: string): string {
  const time = isCounted ? 'slot' : 'event_time'
  const measures = isCounted ? 'n, first, last' : '1 AS n, event_time AS first, event_time AS last'
  const type = kind === 'actor' ? 'actor.type' : kind === 'ip' ? 'geo.country' : 'targets[1].type'
  const facts = `SELECT time_bucket(INTERVAL 1 HOUR, ${time}) AS hour, ${ACTOR} AS who, actor.type AS who_type, ${type} AS type,
    concat_ws('.', service, action) AS action, geo.country AS country, source_ip AS ip, client, status, ${measures} FROM ${source}`
  const sums = `sum(n)::BIGINT AS n, coalesce(sum(n) FILTER (status = 'UNAUTHORIZED'), 0)::BIGINT AS refused,
    coalesce(sum(n) FILTER (status = 'FAILURE'), 0)::BIGINT AS failed, min(first) AS first, max(last) AS last`
  const top = (what: string, value: string, ofType = 'NULL::VARCHAR') =>
    `(SELECT ${lit(what)} AS what, ${value} AS v, ${ofType} AS type, ${sums} FROM facts WHERE ${value} IS NOT NULL
      GROUP BY v ORDER BY n DESC, v LIMIT ${MOST_NAMED})`
  const all = (what: string, value: string) =>
    `(SELECT ${lit(what)} AS what, ${value} AS v, NULL::VARCHAR AS type, ${sums} FROM facts GROUP BY v ORDER BY v)`
  const parts = [
    `(SELECT 'head' AS what, NULL::VARCHAR AS v, type, coalesce(n, 0) AS n, refused, failed, first, last
      FROM (SELECT any_value(type) AS type, ${sums} FROM facts))`,
    all('hour', "strftime(hour, '%u %H')"),
    all('day', "strftime(hour, '%Y-%m-%d')"),
    top('country', 'country'),
    top('action', 'action'),
    top('ip', 'ip'),
    top('client', 'client'),
    top('actor', 'who', 'arg_max(who_type, last)'),
  ]
  return `WITH facts AS MATERIALIZED (${facts}) ${parts.join(' UNION ALL ')}`
}

/** `%u` counts weekdays from Monday, 1. */
function hoursOf(lines: readonly Line[]): number[][] {
  const hours = Array.from({ length: WEEKDAYS }, () => Array.from({ length: HOURS }, () => 0))
  for (const { what, v, n } of lines) {
    if (what !== 'hour' || v === null) continue
    const [weekday = 1, hour = 0] = v.split(' ').map(Number)
    const row = hours[weekday - 1]
    if (row !== undefined) row[hour] = n
  }
  return hours
}

async function touchedBySearch(
  { reader, sight, signal }: Asking,
  condition: string,
  span: TimeRange,
): Promise<readonly Entity['touched'][number][]> {
  const where = [...timeConditions(span), condition, 'len(targets) > 0'].join(' AND ')
  const { rows } = await reader.rows<Entity['touched'][number]>(
    sight,
    ({
      events,
    }) => `SELECT ${TARGET_NAME} AS id, t.type AS type, count(*)::BIGINT AS events, max(event_time) AS "lastSeen" FROM
      (SELECT unnest(targets) AS t, event_time FROM ${events} WHERE ${where})
      WHERE ${TARGET_NAME} IS NOT NULL GROUP BY ALL ORDER BY events DESC, id LIMIT ${MOST_NAMED}`,
    { signal, ...span },
  )
  return rows
}

async function changesOf(
  { reader, sight, signal }: Asking,
  condition: string,
  isCounted: boolean,
  span: TimeRange,
): Promise<Entity['changes']> {
  const changes = `verb IN (${CHANGES.map(lit).join(', ')})`
  const search = {
    sql: `${condition} AND ${changes}`,
    countedSql: isCounted ? `${condition} AND ${changes}` : changes,
    isCounted,
  }
  const page = await eventPage(reader, sight, { search, ...span, limit: MOST_CHANGES, order: 'newest' }, signal)
  return [...page.events]
}
