/**
 * Record → event: the shared half of normalisation, as one SELECT that the engine streams from the parser to the file. A
 * record that cannot be an event comes out too, with no id and no date and the reason in `status_reason`: the writer
 * partitions by date, so these rows gather in a file of their own.
 */
import { EVENT_COLUMNS } from '../core/event.ts'
import { lit } from '../engine/sql.ts'
import { duckdbType } from '../engine/types.ts'
import { CATALOGUE_TABLE, fallbackSql, overrideSql, withTargetsSql } from './catalogue/sql.ts'
import type { Form } from './contract.ts'
import { extraSql, membersSql, unusualKeysSql } from './extra.ts'
import { eventIdSql, identitySql, paramsTextSql } from './fingerprint.ts'
import { maySecretSql, redactedSql } from './redact.ts'

/** Epoch numbers below these are seconds, milliseconds, microseconds; above, nanoseconds. 1e11 s is the year 5138. */
const SECONDS_BELOW = 100_000_000_000
const MILLIS_BELOW = SECONDS_BELOW * 1000
const MICROS_BELOW = MILLIS_BELOW * 1000

/** Times that a partition and every reader can name; what lies outside is no time. */
const NAMEABLE = "BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00Z' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'"

/**
 * Epoch (s, ms, µs, ns; whole or fraction) or ISO text to TIMESTAMPTZ; NULL if neither. Text without a zone is UTC.
 *
 * @param number the text as BIGINT, NULL if it is none; a column, since it is looked at several times
 */
export const timeSql = (text: string, number = `try_cast(${text} AS BIGINT)`): string => `CASE
      WHEN ${number} IS NULL THEN try_cast(${text} AS TIMESTAMPTZ)
      WHEN ${number} < -${Number.MAX_SAFE_INTEGER} THEN NULL
      WHEN contains(${text}, '.') THEN try(make_timestamptz((try_cast(${text} AS DOUBLE) * CASE WHEN try_cast(${text} AS DOUBLE) < ${SECONDS_BELOW} THEN 1000000 WHEN try_cast(${text} AS DOUBLE) < ${MILLIS_BELOW} THEN 1000 ELSE 1 END)::BIGINT))
      WHEN ${number} BETWEEN -${SECONDS_BELOW} AND ${SECONDS_BELOW} THEN make_timestamptz(${number} * 1000000)
      WHEN ${number} BETWEEN -${MILLIS_BELOW} AND ${MILLIS_BELOW} THEN make_timestamptz(${number} * 1000)
      WHEN ${number} BETWEEN -${MICROS_BELOW} AND ${MICROS_BELOW} THEN make_timestamptz(${number})
      ELSE make_timestamptz(${number} // 1000) END`

const within = (time: string): string => `CASE WHEN ${time} ${NAMEABLE} THEN ${time} END`

/** Client address without port, brackets and zone; NULL for empty and 0.0.0.0. Text that is no address stays as it is. */
export const ipSql = (text: string): string => `CASE
      WHEN ${text} IS NULL OR ${text} IN ('', '0.0.0.0', '::', 'null') THEN NULL
      WHEN NOT contains(${text}, ':') THEN ${text}
      ELSE nullif(lower(regexp_replace(regexp_replace(regexp_replace(trim(${text}),
             '^(\\d+\\.\\d+\\.\\d+\\.\\d+):\\d+$', '\\1'),
             '^\\[([^\\]%]+)(?:%[^\\]]*)?\\](?::\\d+)?$', '\\1'),
             '(?i)^(?:::ffff:(\\d+\\.\\d+\\.\\d+\\.\\d+)|([0-9a-f:]+)%.*)$', '\\1\\2')), '0.0.0.0') END`

/** Who signs in, when the log names nobody: failed logins carry the user in the parameters only. */
const EMAIL = `CASE WHEN coalesce(email, '') IN ('', 'unknown') AND c.category = 'authentication' THEN
      coalesce(nullif(request_params['user'], ''), nullif(request_params['userName'], ''), nullif(request_params['user_name'], ''), email)
      ELSE email END`

/** The acting workspace: Unity Catalog logs at account level and names the workspace in a parameter. */
const WORKSPACE = `CASE WHEN audit_level = 'ACCOUNT_LEVEL'
      THEN coalesce(nullif(request_params['workspace_id'], ''), nullif(workspace_id, ''), '0')
      ELSE coalesce(nullif(workspace_id, ''), path_workspace) END`

const UUID = "'[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'"

/** Actor type, from what stands in the e-mail field. */
const ACTOR_TYPE = `CASE
      WHEN service_lower = 'genie' OR ((NOT known OR known_category = 'authentication')
        AND 'GENIE_AUTH' IN (request_params['authenticationMethod'], request_params['authentication_method'])) THEN 'vendor_support'
      WHEN actor_type IS NOT NULL THEN actor_type
      WHEN contains(email, '@') THEN 'user'
      WHEN email = 'System-User' OR lower(email) LIKE 'system-%' OR lower(email) LIKE '\\_\\_%' ESCAPE '\\' THEN 'system'
      WHEN regexp_full_match(email, ${UUID}) THEN 'service_principal'
      ELSE 'unknown' END`

/** Why the record cannot be an event; NULL if it can. */
const BAD = `CASE
      WHEN json IS NULL THEN 'malformed_json'
      WHEN event_time IS NULL OR event_time NOT ${NAMEABLE} OR coalesce(service, '') = '' OR coalesce("action", '') = '' THEN CASE
        WHEN json_type(json) <> 'OBJECT' THEN 'not_a_record'
        WHEN event_time IS NULL OR event_time NOT ${NAMEABLE} THEN 'missing_time'
        ELSE 'missing_action' END END`

const ERROR_CODE = `nullif(regexp_extract(error_message, '^(?:[A-Za-z.]*Exception: )?([A-Z][A-Z0-9_]{3,})[: ]', 1), '')`

const STATUS = `CASE
      WHEN status_text IS NOT NULL THEN status_text
      WHEN status_code IS NULL THEN CASE WHEN error_message IS NULL THEN NULL ELSE 'FAILURE' END
      WHEN status_code IN (401, 403) THEN 'UNAUTHORIZED'
      WHEN status_code BETWEEN 200 AND 399 THEN 'SUCCESS'
      WHEN error_message IS NOT NULL AND regexp_matches(error_message, 'PERMISSION_DENIED|UNAUTHORIZED|INSUFFICIENT_PERMISSIONS') THEN 'UNAUTHORIZED'
      ELSE 'FAILURE' END`

const DECIMAL_SECONDS = `try_cast(try_cast(request_params['executionTime'] AS DOUBLE) * 1000 AS BIGINT)`

const HAS_QUERY = `coalesce(${['commandId', 'statementId', 'queryId', 'commandText', 'queryText', 'query'].map((key) => `request_params['${key}']`).join(', ')}) IS NOT NULL`

/** The query of verbose logs: what ran, on what, for how long. Language is logged for notebooks only. */
const QUERY = `CASE WHEN known_category IN ('query', 'notebook') OR action_lower = 'runcommand' OR (NOT known AND map_contains(request_params, 'commandText'))
      THEN CASE WHEN ${HAS_QUERY} THEN {
        'id': coalesce(request_params['commandId'], request_params['statementId'], request_params['queryId']),
        'text': coalesce(request_params['commandText'], request_params['queryText'], request_params['query']),
        'language': lower(coalesce(request_params['commandLanguage'], request_params['language'], CASE WHEN service_lower = 'databrickssql' THEN 'sql' END)),
        'type': request_params['statementType'], 'duration_ms': ${DECIMAL_SECONDS}, 'rows_produced': NULL::BIGINT, 'bytes_read': NULL::BIGINT,
        'compute_id': coalesce(request_params['warehouseId'], request_params['endpointId'], request_params['clusterId'], request_params['cluster_id'])} END END`

const FALLBACK = fallbackSql('service', '"action"')

/** Joins that add facts to events; made by the room to the right. */
export interface Enrichment {
  /** Joins over alias `e` and its columns `source_ip` and `user_agent`. */
  readonly join: string
  /** The event columns they give. */
  readonly columns: Readonly<Record<string, string>>
  /** True where a value was met that nothing is known of yet. */
  readonly unknown: string
}

/** What the batch adds to every event. */
export interface EventContext {
  readonly source: string
  readonly batchId: string
  readonly ingestTime: Date
  /** Relation `(file, source_object, path_workspace, received_time)`, one row an object of the batch. */
  readonly objects: string
  readonly enrichment: Enrichment
}

/** How the events of a batch are read. */
export interface EventMode {
  /**
   * Null: the tolerant reading, for any record. Otherwise the quick reading: a record whose keys are none of these lists, that
   * may hold a secret or that the form calls odd is set aside: it comes out with no date, and its JSON in `extra`.
   */
  readonly signatures: readonly (readonly string[])[] | null
}

/**
 * The events of one form, in the order of EVENT_COLUMNS, as a SELECT.
 *
 * Rows without `event_date` are no events: `status_reason` says why (`aside`, or a reject reason).
 *
 * @param form the form that reads them
 * @param raw SQL relation `(json JSON, file VARCHAR)`
 */
export function eventsSql(form: Form, raw: string, context: EventContext, mode: EventMode): string {
  const tolerant = mode.signatures === null
  const given: Record<string, string> = {
    received_time: 'coalesce(received_time, object_time)',
    ingest_time: `${lit(context.ingestTime.toISOString())}::TIMESTAMPTZ`,
    source: lit(context.source),
    batch_id: lit(context.batchId),
    form: lit(form.name),
    actor: `{'type': actor_type, 'id': actor_id, 'name': subject_name, 'email': email, 'identity_provider': identity_provider,
      'run_by': run_by, 'run_as': run_as, 'acting_resource': acting_resource, 'impersonated_by': impersonated_by}`,
    status_reason: 'coalesce(unfit, status_reason)',
    extra: `CASE WHEN unfit IS NULL THEN ${tolerant ? 'extra' : membersSql('kept_members')} ELSE json::VARCHAR END`,
    redactions: tolerant ? 'redactions' : 'NULL',
    record_bytes: 'strlen(json::VARCHAR)',
  }
  const columns = EVENT_COLUMNS.map(
    ({ name, type }) => `${given[name] ?? `e."${name}"`}::${duckdbType(type)} AS "${name}"`,
  )
  return `
WITH record AS (${form.recordSql(raw, tolerant)}),
spelled AS (
  SELECT *, try_cast(time_text AS BIGINT) AS time_number, lower(service) AS service_lower, lower("action") AS action_lower FROM record
),
cleaned AS (
  SELECT r.* EXCLUDE (time_text, time_number, received_text, email, workspace_id, ip_text, status_code),
    o.source_object, o.object_time,
    try_cast(status_code AS INTEGER) AS status_code,
    ${timeSql('r.time_text', 'r.time_number')} AS event_time,
    CASE WHEN r.received_text IS NOT NULL THEN ${within(timeSql('r.received_text'))} END AS received_time,
    ${EMAIL} AS email,
    ${WORKSPACE} AS workspace_id,
    ${ipSql('r.ip_text')} AS source_ip,
    ${paramsTextSql('r.request_params')} AS params_text,
    c.category AS known_category, c.verb AS known_verb, c.key_event AS known_key_event, c.target_plan, c.override,
    c.action IS NOT NULL AS known
  FROM spelled r
  LEFT JOIN ${context.objects} o ON o.file = r.file
  LEFT JOIN ${CATALOGUE_TABLE} c ON c.service_lower = r.service_lower AND c.action_lower = r.action_lower
),
searched AS (
  SELECT *,
    ${tolerant ? extraSql(form.knownKeys) : 'NULL'} AS extra, ${tolerant ? 'NULL' : maySecretSql('params_text')} AS may_secret
  FROM cleaned
),
judged AS (
  SELECT e.*, ${Object.entries(context.enrichment.columns)
    .map(([name, sql]) => `${sql} AS ${name}, `)
    .join(
      '',
    )}coalesce(${BAD}${tolerant ? '' : `, CASE WHEN may_secret OR odd OR ${unusualKeysSql(mode.signatures)} OR ${context.enrichment.unknown} THEN 'aside' END`}) AS unfit
  FROM searched e
  ${context.enrichment.join}
),
safe AS (${tolerant ? redactedSql(form, 'judged') : 'SELECT * FROM judged'}),
-- Made of the redacted texts: a fingerprint of a short secret could be guessed at.
named AS (
  SELECT * EXCLUDE (params_text${form.givesTargets === true ? '' : ', targets'}), ${identitySql()} AS identity
  FROM ${tolerant ? `(SELECT * REPLACE (${paramsTextSql('request_params')} AS params_text) FROM safe)` : 'safe'}
),
aimed AS (${form.givesTargets === true ? 'SELECT * FROM named' : withTargetsSql('named', { params: 'request_params', result: 'response_result' }, 'target_plan')}),
identified AS (
  SELECT * EXCLUDE (actor_type, query, status_reason, identity),
    CASE WHEN unfit IS NULL THEN ${eventIdSql('identity', form.toTheSecond === true)} END AS event_id,
    CASE WHEN unfit IS NULL THEN event_time::DATE END AS event_date,
    ${ACTOR_TYPE} AS actor_type,
    CASE WHEN known THEN ${overrideSql('category', 'known_category', 'request_params', 'override')} ELSE ${FALLBACK.category} END AS category,
    CASE WHEN known THEN ${overrideSql('verb', 'known_verb', 'request_params', 'override')} ELSE ${FALLBACK.verb} END AS verb,
    ${overrideSql('key_event', 'known_key_event', 'request_params', 'override')} AS key_event,
    ${STATUS} AS status,
    coalesce(status_reason, CASE WHEN error_message IS NOT NULL THEN ${ERROR_CODE} END) AS status_reason,
    ${form.givesQuery === true ? 'query' : `${QUERY} AS query`}
  FROM aimed
)
SELECT ${columns.join(',\n  ')}
FROM identified e`
}
