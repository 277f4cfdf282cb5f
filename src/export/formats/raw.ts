/**
 * The record as audit log delivery writes it (JSON 2.0), made again from the event's columns: for programs that were written for those
 * logs. It is not the bytes that were received: secrets are cut out, and what normalising drops is not there.
 * Source: docs.databricks.com, "Audit log reference", the example record.
 */
import { lit, litList } from '../../engine/sql.ts'
import { type ExportFormat, RAW_LINES } from '../contract.ts'
import { LOGGED_WORKSPACE } from '../event-facts.ts'
import {
  constant,
  either,
  fromText,
  type Json,
  json,
  object,
  objectIfAny,
  orNull,
  plain,
  sqlOf,
  surePlain,
  when,
  whole,
} from '../json-sql.ts'

const WORKSPACE = orNull(json(`(${LOGGED_WORKSPACE})`))

const text = (column: string): Json => orNull(json(column))

const HAS_RESPONSE = 'status_code IS NOT NULL OR error_message IS NOT NULL OR response_result IS NOT NULL'

/** Words that DuckDB takes for numbers and JSON does not; what stands in quotes may hold them. */
const NO_NUMBER = String.raw`regexp_matches(regexp_replace(extra, '"(\\.|[^"\\])*"', '', 'g'), '(?i)nan|inf')`

const EXTRA_IS_SOUND = `extra IS NOT NULL AND NOT ${NO_NUMBER} AND try(json_type(extra)) = 'OBJECT'`

/** Members that stand in `extra` where they came as something else than an object. */
const MAYBE_ODD = ['userIdentity', 'response']

const asItCame = (name: string, built: Json): Json => {
  const came = `CASE WHEN ${EXTRA_IS_SOUND} THEN try(json_extract(extra, ${lit(`$.${name}`)}))::VARCHAR END`
  return either([[`${came} IS NOT NULL`, fromText(came)]], built)
}

/** In the order of the vendor's example. `orgId` and `workspaceId` are both in use, and mean the same. */
const MEMBERS: Readonly<Record<string, Json>> = {
  version: constant('2.0'),
  auditLevel: text('audit_level'),
  timestamp: surePlain('epoch_ms(event_time)'),
  orgId: WORKSPACE,
  workspaceId: WORKSPACE,
  accountId: text('account_id'),
  sourceIPAddress: text('source_ip'),
  userAgent: text('user_agent'),
  sessionId: text('session_id'),
  userIdentity: asItCame(
    'userIdentity',
    whole({ email: json('coalesce(actor.email, actor.id)'), subjectName: json('actor.name') }),
  ),
  identityMetadata: objectIfAny({
    run_by: json('actor.run_by'),
    run_as: json('actor.run_as'),
    acting_resource: json('actor.acting_resource'),
  }),
  serviceName: text('service'),
  actionName: text('action'),
  requestId: text('request_id'),
  requestParams: orNull(json('request_params')),
  response: asItCame(
    'response',
    orNull(
      when(
        HAS_RESPONSE,
        whole({
          statusCode: plain('status_code'),
          errorMessage: json('error_message'),
          result: json('response_result'),
        }),
      ),
    ),
  ),
}

const keysAmong = (names: readonly string[]): string => `list_has_any(try(json_keys(extra)), ${litList(names)})`

/** A patch that takes members out. Source: RFC 7396, section 2. */
const WITHOUT_ODD = lit(JSON.stringify(Object.fromEntries(MAYBE_ODD.map((name) => [name, null]))))

/** Fields that Bricktrail did not know, and `shardName`: members again, unless they would stand there twice. */
const FURTHER = `CASE WHEN ${EXTRA_IS_SOUND} AND NOT ${keysAmong(Object.keys(MEMBERS).filter((name) => !MAYBE_ODD.includes(name)))}
    THEN nullif(regexp_replace(
      CASE WHEN ${keysAmong(MAYBE_ODD)} THEN try(json_merge_patch(extra, ${WITHOUT_ODD})) ELSE try(json(extra)) END::VARCHAR, '^.|.$', '', 'g'), '') END`

/** The delivered form. */
export const raw: ExportFormat = {
  name: 'raw',
  extension: 'ndjson',
  doc: 'Records as audit log delivery writes them (JSON 2.0), without the secrets that stood in them, one a line.',
  shape: 'lines',
  gzip: true,
  select: (relation, also = []) =>
    `SELECT ${[...also, sqlOf(object(MEMBERS, FURTHER))].join(', ')} AS line FROM ${relation} AS events`,
  copyOptions: RAW_LINES,
}
