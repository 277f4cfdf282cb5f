/** Facts about an event that several formats need, as SQL over the event's columns. */
import { lit, litList } from '../engine/sql.ts'

/** SQL for text, NULL where it is empty. */
export const present = (text: string): string => `nullif(${text}, '')`

/**
 * SQL, true if the text is one of `values`, false for NULL. Not `IN`: DuckDB turns a long IN list into a join, which here
 * would carry the whole event once per list.
 */
export const anyOf = (text: string, values: readonly string[]): string =>
  values.length === 1
    ? `coalesce(${text} = ${lit(values[0] as string)}, false)`
    : `coalesce(list_contains(${litList(values)}, ${text}), false)`

/** An address that is truly IPv4. */
const IPV4 = '((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'

/** SQL, true if the text is an IPv4 address. */
export const isIpv4 = (text: string): string => `coalesce(regexp_full_match(${text}, '${IPV4}'), false)`

/**
 * SQL, true if the text is an IPv6 address in hexadecimal groups: eight groups, or up to seven with one `::`. Addresses
 * with a dotted tail are not taken; mapped IPv4 comes without its prefix.
 */
export const isIpv6 = (text: string): string => `coalesce(contains(${text}, ':')
        AND (regexp_full_match(${text}, '([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}')
          OR (regexp_full_match(${text}, '[0-9A-Fa-f:]{2,39}') AND contains(${text}, '::')
            AND NOT regexp_matches(${text}, ':::|::.*::|^:[^:]|[^:]:$|[0-9A-Fa-f]{5}')
            AND len(regexp_extract_all(${text}, '[0-9A-Fa-f]+')) <= 7)), false)`

/** SQL, true if the text is an e-mail address that every consumer will accept as one. */
export const isEmail = (text: string): string =>
  `coalesce(regexp_full_match(${text}, '[A-Za-z0-9!#$%&''*+/=?^_\`{|}~.-]+@[A-Za-z0-9-]+\\.[A-Za-z0-9.-]+'), false)`

/** SQL, true if the text is a UUID, which is how Databricks names a service principal. */
export const isUuid = (text: string): string =>
  `coalesce(regexp_full_match(${text}, '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'), false)`

/** SQL: how to call the actor: e-mail, else name, else id; NULL if nothing is known. */
export const ACTOR_NAME = `coalesce(${present('actor.email')}, ${present('actor.name')}, ${present('actor.id')})`

/** SQL: the first target's name, else its id. */
export const TARGET_NAME = `coalesce(${present('targets[1].name')}, ${present('targets[1].id')})`

/** SQL, true if the event is the run of a query or command: it carries one, or the catalogue says so. */
export const IS_QUERY = `(${present('query.text')} IS NOT NULL
        OR coalesce(category = 'query' AND (${present('query.id')} IS NOT NULL OR verb IN ('execute', 'complete')), false))`

/**
 * SQL: the workspace as it was logged. Account-level records carry workspace 0; where the event's workspace was taken from a parameter,
 * the parameter still has it.
 */
export const LOGGED_WORKSPACE = `CASE WHEN audit_level = 'ACCOUNT_LEVEL' AND request_params['workspace_id'] = workspace_id THEN '0'
    ELSE workspace_id END`
