/**
 * The event id: 32 hex digits in three parts. See docs/design/002-event-id.md.
 *
 * 1. 22 digits of SHA-256 over what every route carries alike: the second it happened, service, action, request,
 *    caller, address, outcome, result and parameters. Left out are workspace and account, which Azure diagnostics do not
 *    name by number.
 * 2. 5 digits over what only some routes carry: the exact time, workspace, session and user agent. `00000` for a form
 *    that tells time to the second.
 * 3. 5 digits over the source's own id. `00000` where there is none.
 *
 * Two rows are one event if the first parts are equal and the other parts do not contradict each other; see
 * {@link sameEventSql}. So the same event by two routes is one, and two events that differ in anything a route tells
 * stay two.
 */

const PREFIX_DIGITS = 22
const PART_DIGITS = 5
const UNKNOWN = '0'.repeat(PART_DIGITS)

/** The parameters as one text: `key=value` sorted, with separators that JSON text cannot hold unescaped. */
export const paramsTextSql = (params: string): string =>
  `array_to_string(list_sort(list_transform(map_entries(${params}), lambda kv: concat(kv.key, chr(31), kv.value))), chr(30))`

/** What the first part is made of, as one text, over columns by name that `event.ts` produces. */
export const identitySql = (): string =>
  `concat_ws(chr(29), epoch_ms(event_time) // 1000, service_lower, "action", coalesce(request_id, ''),
      coalesce(email, ''), coalesce(source_ip, ''), coalesce(status_code::VARCHAR, ''),
      coalesce(error_message, ''), coalesce(response_result, ''), coalesce(params_text, ''))`

// A part that comes out as all zeros by chance must not read as unknown.
const partSql = (text: string): string =>
  `replace(substr(md5(${text}), 1, ${PART_DIGITS}), '${UNKNOWN}', '${'1'.padStart(PART_DIGITS, '0')}')`

/**
 * The event id of an identity text.
 *
 * @param toTheSecond true for a form whose times are whole seconds and whose workspaces are names
 */
export const eventIdSql = (identity: string, toTheSecond: boolean): string => {
  const exact = toTheSecond
    ? `'${UNKNOWN}'`
    : partSql(
        `concat_ws(chr(29), epoch_ms(event_time), coalesce(workspace_id, ''), coalesce(session_id, ''), coalesce(user_agent, ''))`,
      )
  const own = `CASE WHEN native_id IS NULL THEN '${UNKNOWN}' ELSE ${partSql('native_id')} END`
  return `substr(sha256(${identity}), 1, ${PREFIX_DIGITS}) || ${exact} || ${own}`
}

/** The part of an event id that all routes share: what rows are joined by before they are compared. */
export const sharedPartSql = (id: string): string => `substr(${id}, 1, ${PREFIX_DIGITS})`

/**
 * Whether two ids with equal shared parts are one event. A row of a form that knows no exact time matches any row of one that
 * does; among rows of equal knowledge all that both know must agree.
 */
export function sameEventSql(a: string, b: string): string {
  const exact = (id: string) => `substr(${id}, ${PREFIX_DIGITS + 1}, ${PART_DIGITS})`
  const own = (id: string) => `substr(${id}, ${PREFIX_DIGITS + PART_DIGITS + 1}, ${PART_DIGITS})`
  const oneIsVague = `(${exact(a)} = '${UNKNOWN}') <> (${exact(b)} = '${UNKNOWN}')`
  const ownAgree = `(${own(a)} = ${own(b)} OR '${UNKNOWN}' IN (${own(a)}, ${own(b)}))`
  return `(${oneIsVague} OR (${exact(a)} = ${exact(b)} AND ${ownAgree}))`
}

/** How much an id tells, as a number: of rows that are one event the most telling one stays. */
export const knowledgeSql = (id: string): string =>
  `((substr(${id}, ${PREFIX_DIGITS + 1}, ${PART_DIGITS}) <> '${UNKNOWN}')::INTEGER * 2 + (substr(${id}, ${PREFIX_DIGITS + PART_DIGITS + 1}, ${PART_DIGITS}) <> '${UNKNOWN}')::INTEGER)`
