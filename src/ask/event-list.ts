/** Lists of events for people: which columns, in which order. */
import { type EventFilter, eventFilterSql } from './filter.ts'

/** How a list of events is cut and ordered. */
export interface EventListOptions {
  readonly limit: number
  /** Oldest first instead of newest first. */
  readonly oldest?: boolean
}

const ACTOR = "coalesce(nullif(actor.email, ''), nullif(actor.name, ''), nullif(actor.id, ''), actor.type)"
const TARGET =
  'array_to_string(list_transform(targets[1:2], lambda t: concat(coalesce(t.name, t.id, t.type), ' +
  "' ' || t.privilege, ' → ' || t.principal)), ', ') || CASE WHEN len(targets) > 2 THEN ' +' || (len(targets) - 2) ELSE '' END"

/** What fits a line of a terminal. */
const SHORT = `event_time AS "time", ${ACTOR} AS actor, concat_ws('.', service, action) AS action, ${TARGET} AS target,
  concat_ws(' ', source_ip, geo.country) AS "from", status`

/** One value a column, for spreadsheets. */
const FLAT = `event_id, event_time, workspace_id, service, action, category, verb, key_event, actor.type AS actor_type,
  ${ACTOR} AS actor, ${TARGET} AS target, source_ip, geo.country AS country, user_agent, client, status, status_code,
  status_reason, error_message, request_id, session_id, source_object`

/** The columns of a list: `short` for a table, `flat` for CSV, `whole` for everything there is. */
const COLUMNS = { short: SHORT, flat: FLAT, whole: '*' } as const

/** SQL over `events` for the matching ones; one row more than the limit, so that the caller sees whether there are more. */
export function eventListSql(filter: EventFilter, columns: keyof typeof COLUMNS, options: EventListOptions): string {
  const order = options.oldest ? 'ASC' : 'DESC'
  const limit = Number.isFinite(options.limit) ? ` LIMIT ${options.limit + 1}` : ''
  return `SELECT ${COLUMNS[columns]} FROM events WHERE ${eventFilterSql(filter)}
    ORDER BY event_time ${order}, event_id${limit}`
}
