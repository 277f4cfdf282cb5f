/** Events as audit log delivery writes them (schema 2.0), rebuilt from columns: for scripts written for that. */
import { lit } from '../../engine/sql.ts'
import { type EventsFound, eventPage, type PageQuestion } from './event-page.ts'
import type { LakeReader } from './lake-reader.ts'
import type { Sight } from './visible.ts'

/** A record of schema 2.0. */
export type AuditRecord = Readonly<Record<string, unknown>>

const RECORD = `event_id AS id, epoch_ms(event_time) AS timestamp, audit_level AS "auditLevel", workspace_id AS "workspaceId", account_id AS "accountId",
  source_ip AS "sourceIPAddress", user_agent AS "userAgent", session_id AS "sessionId", request_id AS "requestId",
  coalesce(actor.email, actor.id) AS email, actor.name AS "subjectName", actor.run_by AS run_by, actor.run_as AS run_as,
  actor.acting_resource AS acting_resource, service AS "serviceName", action AS "actionName", request_params AS "requestParams",
  status_code AS "statusCode", error_message AS "errorMessage", response_result AS result`

interface Row extends Record<string, unknown> {
  readonly id: string
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
  const at = (ms: number) => `TIMESTAMPTZ ${lit(new Date(ms).toISOString())}`
  const { rows } = await reader.rows<Row>(
    sight,
    ({ events: seen }) => `SELECT ${RECORD} FROM ${seen} WHERE event_time >= ${at(fromMs)} AND event_time < ${at(toMs)}
      AND event_id IN (${events.map(({ id }) => lit(id)).join(', ')})`,
    { signal, version, fromMs, toMs, spans: times.map((ms) => [ms, ms + 1] as const) },
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  return { records: events.flatMap(({ id }) => recordOf(byId.get(id))), next, version }
}

/** Absent where the log had nothing, as in what is delivered; `null` there would be new to scripts. */
const there = (fields: Readonly<Record<string, unknown>>): AuditRecord =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))

function recordOf(row: Row | undefined): AuditRecord[] {
  if (row === undefined) return []
  const { id: _, email, subjectName, run_by, run_as, acting_resource, statusCode, errorMessage, result, ...rest } = row
  const identity = there({ run_by, run_as, acting_resource })
  const response = there({ statusCode, errorMessage, result })
  return [
    {
      version: '2.0',
      ...there(rest),
      userIdentity: there({ email, subjectName }),
      ...(Object.keys(identity).length === 0 ? {} : { identityMetadata: identity }),
      requestParams: rest.requestParams ?? {},
      ...(Object.keys(response).length === 0 ? {} : { response }),
    },
  ]
}
