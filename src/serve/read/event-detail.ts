/** One event in full. */
import { basename } from 'node:path'
import { timeConditions } from '../../ask/filter.ts'
import { fileSql, lit } from '../../engine/sql.ts'
import { filesBetween } from '../../lake/read.ts'
import { keyOf } from '../../lake/table.ts'
import { MASKS, type Mask } from '../contract.ts'
import type { EventDetail } from '../shapes/events.ts'
import { columnsNamedIn } from './columns-named.ts'
import { isAllPlaced } from './counts.ts'
import { ACTOR_SQL } from './event-page.ts'
import { type EventColumns, explain } from './explain.ts'
import { askerOf, type LakeReader, notFound } from './lake-reader.ts'
import { markSql, PLACES } from './places.ts'
import { isQueryName, mayHoldQuery } from './query-text.ts'
import { maskedRows, rowsShown, withoutValues } from './rows-shown.ts'
import type { SealedIn } from './sealed-in.ts'
import { countedFiles } from './slots.ts'
import { limitsSql, MAY_QUOTE, type Sight } from './visible.ts'

/** An event as somebody sees it, as it is, and when it was. */
export interface FoundEvent {
  readonly columns: EventColumns
  readonly raw: EventColumns
  readonly timeMs: number
}

/** Ids as the lake makes them, and as tests do. */
const ID = /^[\w-]{1,64}$/

/**
 * The event of an id.
 *
 * @throws AppError NOT_FOUND, also where it lies outside the rows of who asks
 */
export async function findEvent(
  reader: LakeReader,
  sight: Sight,
  id: string,
  signal: AbortSignal,
): Promise<FoundEvent> {
  if (!ID.test(id)) throw notFound('event', id)
  const timeMs = reader.seen.of(id) ?? (await timeOf(reader, sight, id, signal))
  if (timeMs === undefined) throw notFound('event', id)
  const span = { fromMs: timeMs, toMs: timeMs + 1 }
  const { rows } = await reader.rows<{ raw: EventColumns; json: string }>(
    { masks: [], rows: sight.rows },
    ({ events }) =>
      `SELECT found AS raw, to_json([found])::VARCHAR AS json FROM (SELECT * FROM ${events}
        WHERE ${timeConditions(span).join(' AND ')} AND event_id = ${lit(id)} LIMIT 1) found`,
    { by: askerOf(sight), signal, ...span },
  )
  const [row] = rows
  if (row === undefined) throw notFound('event', id)
  const { raw, json } = row
  if (sight.masks.length === 0) return { columns: raw, raw, timeMs }
  const seen = maskedRows(reader, { masks: sight.masks, rows: {} }, json, () => true)
  const [columns] = await reader
    .statement(`SELECT * FROM ${seen}`, 'rows of files', 'quick', { by: askerOf(sight), signal })
    .catch(withoutValues)
  if (columns === undefined) throw notFound('event', id)
  return { columns, raw, timeMs }
}

/** Asked only for events that no page has shown lately: it looks through all ids. */
async function timeOf(reader: LakeReader, sight: Sight, id: string, signal: AbortSignal): Promise<number | undefined> {
  const { rows } = await reader.rows<{ ms: number }>(
    { masks: [], rows: sight.rows },
    ({ events }) => `SELECT epoch_ms(event_time) AS ms FROM ${events} WHERE event_id = ${lit(id)} LIMIT 1`,
    { signal },
  )
  const ms = rows[0]?.ms
  if (ms !== undefined) reader.seen.keep(id, ms)
  return ms
}

/** Everything there is to say of an event. */
export async function eventDetail(
  reader: LakeReader,
  sealedIn: SealedIn,
  sight: Sight,
  id: string,
  signal: AbortSignal,
): Promise<EventDetail> {
  const found = await findEvent(reader, sight, id, signal)
  const [related, findings, file] = await Promise.all([
    relatedCounts(reader, sight, found, signal),
    findingsOf(reader, sight, id, signal),
    fileOf(reader, id, found.timeMs, signal),
  ])
  return {
    id,
    event: found.columns,
    masked: hiddenIn(found.raw, sight.masks),
    explanation: explain(found.columns),
    related,
    findings,
    provenance: {
      source: text(found.columns.source),
      object: text(found.columns.source_object),
      batch: text(found.columns.batch_id),
      received: text(found.columns.received_time),
      ingested: text(found.columns.ingest_time),
      form: text(found.columns.form),
    },
    seal: file === undefined ? null : { file, leaf: (await sealedIn.leafOf(file)) ?? null },
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** What a session, a request or an actor did is counted so far around the event; the whole of it is a search. */
export const RELATED_MS = 2 * 3_600_000

/** What relates events. */
export const RELATIONS = ['session', 'request', 'actor'] as const

/**
 * Condition for the events related to one; undefined where it has no such thing. It is over columns as they are: whoever sees the event
 * may know which others are of the same person, and a pseudonym for each event around it would take long to work out.
 */
export function relatedSql(by: (typeof RELATIONS)[number], { raw: columns }: FoundEvent): string | undefined {
  if (by === 'session') return same('session_id', columns.session_id)
  if (by === 'request') return same('request_id', columns.request_id)
  const actor = (columns.actor ?? {}) as EventColumns
  return same(ACTOR_SQL, text(actor.email) ?? text(actor.name) ?? text(actor.id))
}

const same = (sql: string, value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? `coalesce(${sql} = ${lit(value)}, false)` : undefined

/** The span in which related events are looked for. */
export const relatedSpan = ({ timeMs }: FoundEvent) => ({ fromMs: timeMs - RELATED_MS, toMs: timeMs + RELATED_MS })

async function relatedCounts(
  reader: LakeReader,
  sight: Sight,
  event: FoundEvent,
  signal: AbortSignal,
): Promise<EventDetail['related']> {
  const span = relatedSpan(event)
  const placed = await placedRelated(reader, sight, event, signal)
  if (placed !== undefined) return placed
  const counts = RELATIONS.map((by) => `count(*) FILTER (${relatedSql(by, event) ?? 'false'})::INTEGER AS "${by}"`)
  const { rows } = await reader.rows<EventDetail['related']>(
    { masks: [], rows: sight.rows },
    ({ events }) => `SELECT ${counts.join(', ')} FROM ${events} WHERE ${timeConditions(span).join(' AND ')}`,
    { signal, ...span },
  )
  return rows[0] ?? { session: 0, request: 0, actor: 0 }
}

/** More events than these with the marks of the session and the request are looked for in the files as well. */
const MOST_MARKED = 500

/** The same from places: only those rows are read that may be of the session or the request. Undefined where places do not know. */
async function placedRelated(
  reader: LakeReader,
  sight: Sight,
  event: FoundEvent,
  signal: AbortSignal,
): Promise<EventDetail['related'] | undefined> {
  const { slots, snapshots } = reader
  const { events } = await snapshots.newest()
  const { fromMs, toMs } = relatedSpan(event)
  const files = filesBetween(events, fromMs, toMs)
  const coverage = slots.coverage(files)
  if (!isAllPlaced(coverage)) return undefined
  const options = { by: askerOf(sight), signal }
  const ask = (sql: string) => reader.statement(sql, `places ${events.version}`, 'quick', options)
  const within = `${countedFiles(coverage)} AND event_time >= make_timestamptz(${fromMs * 1000}) AND event_time < make_timestamptz(${toMs * 1000})`
  const actor = relatedSql('actor', event) ?? 'false'
  const marks = (['session', 'request'] as const).flatMap((by) => {
    const value = text(event.raw[`${by}_id`])
    return value === null ? [] : [`coalesce(${by} = ${markSql(lit(value))}, false)`]
  })
  const isMarked = marks.length === 0 ? 'false' : marks.join(' OR ')
  const found = await ask(`WITH around AS (SELECT file, "row", ${isMarked} AS marked, kind IN (SELECT kind FROM kinds
      WHERE ${actor} AND ${limitsSql(sight.rows)}) AS same FROM ${PLACES} WHERE ${within})
    SELECT (SELECT count(*) FROM around WHERE same)::INTEGER AS actor,
      (SELECT list({'file': file, 'row': "row"}) FROM (FROM around WHERE marked LIMIT ${MOST_MARKED + 1})) AS marked`)
  const marked = (found[0]?.marked ?? []) as { readonly file: number; readonly row: number }[]
  if (marked.length > MOST_MARKED) return undefined
  const rows = files.flatMap((file) => {
    const id = slots.idOf(file)
    const numbers = marked.filter((each) => each.file === id).map(({ row }) => row)
    return numbers.length === 0 ? [] : [{ file, rows: numbers }]
  })
  const counts = (['session', 'request'] as const).map(
    (by) => `(count(*) FILTER (${relatedSql(by, event) ?? 'false'}))::INTEGER AS "${by}"`,
  )
  const select = counts.join(', ')
  const showing = { columns: columnsNamedIn(select), select, where: 'TRUE', order: '', limit: 1 }
  const unmasked = { ...sight, masks: [] }
  const read = await rowsShown<Pick<EventDetail['related'], 'session' | 'request'>>(
    reader,
    unmasked,
    rows,
    showing,
    options,
  )
  if (read === undefined) return undefined
  return { session: read[0]?.session ?? 0, request: read[0]?.request ?? 0, actor: Number(found[0]?.actor ?? 0) }
}

async function findingsOf(
  reader: LakeReader,
  sight: Sight,
  id: string,
  signal: AbortSignal,
): Promise<EventDetail['findings']> {
  const { rows } = await reader.rows<EventDetail['findings'][number]>(
    sight,
    ({ findings }) => `SELECT finding_id AS id, title, "level" FROM ${findings}
      WHERE superseded_by IS NULL AND list_contains(event_ids, ${lit(id)}) ORDER BY last_time DESC, id LIMIT 50`,
    { signal, lane: 'quick' },
  )
  return [...rows]
}

/** The data file that holds the event now, by its path in the table. */
async function fileOf(
  reader: LakeReader,
  id: string,
  timeMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { events: table } = reader.snapshots
  const { events } = await reader.snapshots.newest()
  const files = filesBetween(events, timeMs, timeMs + 1)
  const [only] = files
  if (files.length < 2) return only === undefined ? undefined : keyOf(only)
  const paths = new Map(files.map((file) => [basename(keyOf(file)), keyOf(file)]))
  const list = table.absolutePaths(files).map((path) => fileSql(path))
  const rows = await reader.statement(
    `SELECT parse_filename(filename) AS name FROM read_parquet([${list.join(', ')}], hive_partitioning = false, filename = true)
      WHERE event_time >= make_timestamptz(${timeMs * 1000}) AND event_time < make_timestamptz(${(timeMs + 1) * 1000}) AND event_id = ${lit(id)} LIMIT 1`,
    `${events.version}`,
    'quick',
    { signal },
  )
  const [row] = rows
  return row === undefined ? undefined : paths.get(String(row.name))
}

const SHOWS: Readonly<Record<Exclude<Mask, 'query'>, RegExp>> = {
  email: /@|%40/,
  ip: /\d{1,3}(?:[.-]\d{1,3}){3}|[0-9a-f]*:[0-9a-f]*:/i,
}

/** Which masks hide something of an event. */
function hiddenIn(event: EventColumns, masks: readonly Mask[]): Mask[] {
  const { event_time, received_time, ingest_time, ...rest } = event
  const all = JSON.stringify(rest)
  return MASKS.filter((mask) => masks.includes(mask) && (mask === 'query' ? tellsQuery(event) : SHOWS[mask].test(all)))
}

/** True where an event tells what was run: on its own, in a parameter, or inside JSON. */
function tellsQuery(event: EventColumns): boolean {
  const query = (event.query ?? {}) as EventColumns
  const params = Object.entries((event.request_params ?? {}) as EventColumns)
  const quoting = [...params.map(([, value]) => value), ...[...MAY_QUOTE].map((name) => event[name])]
  return (
    text(query.text) !== null ||
    params.some(([name, value]) => isQueryName(name) && text(value) !== null) ||
    quoting.some((value) => typeof value === 'string' && mayHoldQuery(value))
  )
}
