/**
 * Common Event Format, version 0 (ArcSight): `CEF:0|vendor|product|version|event class|name|severity|extension`. In the
 * header `\` and `|` are escaped, in extension values `\`, `=` and line breaks. Values are cut to the dictionary's lengths.
 */
import { lit } from '../../engine/sql.ts'
import { type ExportFormat, RAW_LINES } from '../contract.ts'
import { ACTOR_NAME, isIpv4, isIpv6, present, TARGET_NAME } from '../event-facts.ts'
import { severitySql } from '../severity.ts'

const BACKSLASHES = `'\\', '\\\\'`

/** Control characters have no place in a header and no escape in the format. */
const plain = (text: string): string => `regexp_replace(${text}, '[\\x00-\\x1f\\x7f]', ' ', 'g')`

/** SQL: a header field. */
const header = (text: string, chars: number): string =>
  `replace(replace(${plain(`left(${text}, ${chars})`)}, ${BACKSLASHES}), '|', '\\|')`

/** SQL: an extension value, or NULL. Only text that holds something to escape pays for escaping. */
const escaped = (text: string): string => `CASE WHEN regexp_matches(${text}, '[\\\\=\\x00-\\x1f\\x7f]')
      THEN regexp_replace(replace(replace(replace(replace(${text}, ${BACKSLASHES}), '=', '\\='), chr(13), '\\r'), chr(10), '\\n'),
        '[\\x00-\\x1f\\x7f]', ' ', 'g') ELSE ${text} END`

const value = (text: string, chars: number): string => escaped(`left(${present(text)}, ${chars})`)

/** SQL: ` key=value`, or NULL. */
const pair = (key: string, sql: string): string => `${lit(` ${key}=`)} || ${sql}`

const labelled = (key: string, label: string, sql: string): string =>
  `${lit(` ${key}Label=${label} ${key}=`)} || ${sql}`

/** Length of `cs1` to `cs6` and of `msg` in the dictionary. */
const CUSTOM_CHARS = 4000
const MESSAGE_CHARS = 1023
const SHORT_CHARS = 63
const NAME_CHARS = 512

/** Who gains or loses in a grant, else the user the event is about. */
const DESTINATION_USER = `coalesce(${present('targets[1].principal')},
      CASE WHEN targets[1].type IN ('user', 'service_principal') THEN ${TARGET_NAME} END)`

const OUTCOME =
  "CASE status WHEN 'SUCCESS' THEN 'success' WHEN 'FAILURE' THEN 'failure' WHEN 'UNAUTHORIZED' THEN 'denied' END"

const TARGET = `concat_ws(' ', ${present('targets[1].type')}, ${TARGET_NAME})`

const MESSAGE = `coalesce(${present('error_message')}, ${present('query.text')})`

/** Extension members in the order they are written, each SQL of ` key=value` or NULL. */
const EXTENSION: readonly string[] = [
  pair('rt', 'epoch_ms(event_time)::VARCHAR'),
  pair('externalId', value('event_id', 40)),
  pair('cat', value('category', MESSAGE_CHARS)),
  pair('act', value('action', SHORT_CHARS)),
  pair('outcome', OUTCOME),
  pair('reason', value(`coalesce(${present('status_reason')}, status_code::VARCHAR)`, MESSAGE_CHARS)),
  pair('suser', value(ACTOR_NAME, MESSAGE_CHARS)),
  pair('suid', value('actor.id', MESSAGE_CHARS)),
  pair('duser', value(DESTINATION_USER, MESSAGE_CHARS)),
  pair('src', `CASE WHEN ${isIpv4('source_ip')} THEN source_ip END`),
  labelled('c6a2', 'Source IPv6 Address', `CASE WHEN ${isIpv6('source_ip')} THEN source_ip END`),
  pair('requestClientApplication', value('user_agent', MESSAGE_CHARS)),
  pair('deviceExternalId', value('workspace_id', 255)),
  pair(
    'fname',
    `CASE WHEN targets[1].type IN ('file', 'notebook', 'path', 'directory') THEN ${value(TARGET_NAME, MESSAGE_CHARS)} END`,
  ),
  labelled('cs1', 'Service', value('service', CUSTOM_CHARS)),
  labelled('cs2', 'Account', value('account_id', CUSTOM_CHARS)),
  labelled('cs3', 'Target', value(TARGET, CUSTOM_CHARS)),
  labelled('cs4', 'Session', value('session_id', CUSTOM_CHARS)),
  labelled(
    'cs5',
    'Request parameters',
    value('CASE WHEN cardinality(request_params) > 0 THEN to_json(request_params)::VARCHAR END', CUSTOM_CHARS),
  ),
  labelled('cs6', 'Key event', value('key_event', CUSTOM_CHARS)),
  labelled('cn1', 'Status code', 'status_code::VARCHAR'),
  pair('msg', value(MESSAGE, MESSAGE_CHARS)),
]

/** What happened, to what. */
const NAME = `concat(coalesce(${present('action')}, 'event'), ' on ' || nullif(${TARGET}, ''))`

/** The CEF format. */
export const cef: ExportFormat = {
  name: 'cef',
  extension: 'cef',
  doc: 'ArcSight Common Event Format, version 0, one event a line.',
  shape: 'lines',
  gzip: true,
  select: (
    relation,
    also = [],
  ) => `SELECT ${also.map((column) => `${column}, `).join('')}concat('CEF:0|', CASE WHEN form = 'uam' THEN 'Immuta|Audit' ELSE 'Databricks|Audit Log' END,
    '|2.0|', ${header(`concat_ws('.', ${present('service')}, coalesce(${present('action')}, 'event'))`, MESSAGE_CHARS)},
    '|', ${header(NAME, NAME_CHARS)}, '|', ${severitySql('cef')}, '|', substr(concat(${EXTENSION.join(',\n    ')}), 2)) AS line
  FROM ${relation} AS events`,
  copyOptions: RAW_LINES,
}
