/**
 * The event id: SHA-256 over the event's own content, first 128 bits in hex. See docs/design/002-event-id.md.
 *
 * What goes in is what every route carries alike. Left out are the workspace and account (Azure diagnostics name neither
 * by number), the session and the user agent (equal for equal request ids), and anything Bricktrail adds. Azure tells
 * time to the second, so a record with a request id is identified to the second; one without is told apart by
 * its exact time, workspace and session, and by the native id only where the form tells no better time. Parameter values
 * are sorted: maps have no order on the way through a table.
 */
import type { Form } from './contract.ts'

/**
 * The parameters as one text for the fingerprint: their values, sorted. Keys are left out: the action decides them, and
 * sorting pairs costs twice as much on the bulk path. chr(30) is a separator that JSON text cannot hold unescaped.
 */
export const paramsTextSql = (params: string): string => `array_to_string(list_sort(map_values(${params})), chr(30))`

/**
 * What the fingerprint is made of, as one text, over columns by name that `event.ts` produces.
 *
 * @param nativeIdTells when the native id parts events that are alike in everything else
 */
export const identitySql = (nativeIdTells: Form['nativeIdTells']): string =>
  `concat_ws(chr(29),
      epoch_ms(event_time) // 1000,
      service_lower, "action",
      CASE WHEN coalesce(request_id, '') <> '' THEN request_id
           ELSE concat_ws(chr(28), epoch_us(event_time), coalesce(workspace_id, ''), coalesce(session_id, '')${nativeIdTells === 'without-request-id' ? ", coalesce(native_id, '')" : ''}) END,
      coalesce(email, ''), coalesce(source_ip, ''), coalesce(status_code::VARCHAR, ''),
      coalesce(error_message, ''), coalesce(response_result, ''), coalesce(params_text, '')${nativeIdTells === 'always' ? ", coalesce(native_id, '')" : ''})`

/** The event id of an identity text. */
export const eventIdSql = (identity: string): string => `substr(sha256(${identity}), 1, 32)`
