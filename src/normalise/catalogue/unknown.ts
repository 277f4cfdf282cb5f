/** Actions seen that the catalogue does not list: what an account does that nobody has described yet. */
import { litList } from '../../engine/sql.ts'
import { catalogue } from './catalogue.ts'
import { fallbackSql } from './fallback.ts'
import { spellings } from './spellings.ts'

/** One unknown action, as the rows of {@link unknownActionsSql}. */
export interface UnknownAction {
  readonly service: string
  readonly action: string
  /** How many events there are of it. */
  readonly events: number
  /** ISO times, UTC, of the first and last of them. */
  readonly firstSeen: string
  readonly lastSeen: string
  /** What is said of it until somebody lists it; `unknown` if the name does not tell. */
  readonly category: string
  readonly verb: string
}

/**
 * A query over events for the actions that are in none of the catalogue's spellings, most frequent first. Columns as in
 * {@link UnknownAction}, in that order.
 *
 * @param events a SQL relation with `service`, `action` and `event_time`
 */
export function unknownActionsSql(events: string): string {
  const known = catalogue()
    .flatMap(spellings)
    .map(({ service, action }) => `${service}.${action}`.toLowerCase())
  const fallback = fallbackSql('service', 'action')
  const time = (aggregate: string): string => `strftime(${aggregate} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')`
  return `SELECT service, action, events, first_seen AS "firstSeen", last_seen AS "lastSeen",
      ${fallback.category} AS category, ${fallback.verb} AS verb
    FROM (SELECT min(service) AS service, min(action) AS action, count(*) AS events,
        ${time('min(event_time)')} AS first_seen, ${time('max(event_time)')} AS last_seen
      FROM ${events} AS seen
      WHERE NOT list_contains(${litList(known)}, lower(service) || '.' || lower(action))
      GROUP BY lower(service), lower(action))
    ORDER BY events DESC, service, action`
}
