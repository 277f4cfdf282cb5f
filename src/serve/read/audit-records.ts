/** Events as audit log delivery writes them (schema 2.0), as the export `raw` does: for scripts written for that. */
import { lit } from '../../engine/sql.ts'
import { raw } from '../../export/formats/raw.ts'
import { type EventsFound, eventPage, type PageQuestion } from './event-page.ts'
import type { LakeReader } from './lake-reader.ts'
import { instantSql } from './spans.ts'
import type { Sight } from './visible.ts'

/** A record of schema 2.0. */
export type AuditRecord = Readonly<Record<string, unknown>>

interface Row extends Record<string, unknown> {
  readonly id: string
  readonly line: string
}

/** A page of records; which events are on it is asked as for any page. */
export async function auditPage(
  reader: LakeReader,
  sight: Sight,
  question: PageQuestion,
  signal: AbortSignal,
): Promise<{ records: AuditRecord[] } & Pick<EventsFound, 'next' | 'version'>> {
  const { events, next, version } = await eventPage(reader, sight, question, signal)
  if (events.length === 0) return { records: [], next, version }
  const times = events.map(({ time }) => Date.parse(time))
  const [fromMs, toMs] = [Math.min(...times), Math.max(...times) + 1]
  const { rows } = await reader.rows<Row>(
    sight,
    ({ events: seen }) =>
      raw.select(
        `(SELECT * FROM ${seen} WHERE event_time >= ${instantSql(fromMs)} AND event_time < ${instantSql(toMs)}
          AND event_id IN (${events.map(({ id }) => lit(id)).join(', ')}))`,
        ['event_id AS id'],
      ),
    { signal, version, fromMs, toMs, spans: times.map((ms) => [ms, ms + 1] as const) },
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  return { records: events.flatMap(({ id }) => recordOf(byId.get(id))), next, version }
}

/** The parts that are always whole in a line, and absent here where there is nothing in them. */
interface Written extends Readonly<Record<string, unknown>> {
  readonly userIdentity: AuditRecord
  readonly response: AuditRecord | null
}

/** Absent where the log had nothing: `null` there would be new to scripts that ask this address. */
const there = (fields: AuditRecord): AuditRecord =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))

function recordOf(row: Row | undefined): AuditRecord[] {
  if (row === undefined) return []
  const { userIdentity, response, requestParams, ...rest } = JSON.parse(row.line) as Written
  return [
    {
      ...there(rest),
      userIdentity: there(userIdentity),
      requestParams: requestParams ?? {},
      ...(response === null ? {} : { response: there(response) }),
    },
  ]
}
