/**
 * The event: one row of the lake's `events` table. This list is the single source of the Delta schema, of the columns
 * the normaliser must produce (in this order) and of `docs/reference/events.md`.
 */

/** A Delta Lake data type: a primitive name, or a nested shape. */
export type ColumnType =
  | 'string'
  | 'integer'
  | 'long'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | { readonly array: ColumnType }
  | { readonly map: readonly [ColumnType, ColumnType] }
  | { readonly struct: readonly Column[] }

/** One column of a table, with what it means. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly doc: string
}

const text = (name: string, doc: string): Column => ({ name, type: 'string', doc })
const long = (name: string, doc: string): Column => ({ name, type: 'long', doc })
const bool = (name: string, doc: string): Column => ({ name, type: 'boolean', doc })
const texts = (name: string, doc: string): Column => ({ name, type: { array: 'string' }, doc })
const struct = (name: string, doc: string, fields: readonly Column[]): Column => ({
  name,
  type: { struct: fields },
  doc,
})

/** Columns of `events`, in order. `event_date` is the partition column and lives in the path, not in the data files. */
export const EVENT_COLUMNS: readonly Column[] = [
  text(
    'event_id',
    "Fingerprint of the event's own content: 32 hex digits, of which the first 22 are the same by whichever route it came.",
  ),
  text('native_id', "The source's own id where it has one (`event_id` of the system table, Azure `logId`, UAM `id`)."),
  { name: 'event_time', type: 'timestamp', doc: 'When it happened, UTC, as precise as the source says.' },
  { name: 'event_date', type: 'date', doc: 'UTC day of `event_time`; the partition.' },
  {
    name: 'received_time',
    type: 'timestamp',
    doc: 'When the source delivered it (object modification time, or the record says so).',
  },
  { name: 'ingest_time', type: 'timestamp', doc: 'When Bricktrail committed it.' },
  text('source', 'Name of the configured source it came through.'),
  text('source_object', 'The object (file) the record was read from.'),
  text('batch_id', 'The batch that committed it; see `objects`.'),
  text('form', 'delivery, azure, system-table or uam.'),
  text('cloud', 'aws, azure, gcp, or null where the record does not tell.'),
  text('account_id', 'Databricks account (or Immuta tenant); text.'),
  text('workspace_id', 'The workspace it happened in; text, because ids exceed 64 bits. 0 is the account level.'),
  text('audit_level', 'ACCOUNT_LEVEL or WORKSPACE_LEVEL.'),
  text('service', 'serviceName as logged; compare without case.'),
  text('action', 'actionName as logged.'),
  text(
    'category',
    'From the catalogue: authentication, identity, permission, data_access, job, compute, …; `unknown` if not listed.',
  ),
  text('verb', 'From the catalogue: login, read, create, update, delete, grant, revoke, execute, …'),
  text(
    'key_event',
    'Audit-relevant class: cluster_configuration, role_permission_update, job_execution, interactive_usage, … or null.',
  ),
  struct('actor', 'Who did it.', [
    text('type', 'user, service_principal, system, vendor_support or unknown.'),
    text('id', "The source's id for the actor (application id of a service principal)."),
    text('name', 'Display or subject name.'),
    text('email', 'E-mail, or what the log put in its place.'),
    text('identity_provider', 'How the actor signed in, where logged.'),
    text('run_by', 'identity_metadata.run_by'),
    text('run_as', 'identity_metadata.run_as'),
    text('acting_resource', 'identity_metadata.acting_resource'),
    text('impersonated_by', 'The user behind an impersonation (UAM).'),
  ]),
  text('session_id', 'Session as logged.'),
  text('request_id', 'Request as logged; not unique: a slow action is logged twice under one id.'),
  text('source_ip', 'Client address, without port; null for empty and 0.0.0.0.'),
  text('user_agent', 'User agent as logged.'),
  text('client', 'Client family: browser, cli, sdk, jdbc_odbc, terraform, connector, … or unknown.'),
  struct('geo', 'Where the address is, from the shipped database.', [
    text('country', 'ISO 3166 alpha-2.'),
    text('region', 'Not filled by the shipped database.'),
    text('city', 'Not filled by the shipped database.'),
    long('asn', 'Autonomous system number.'),
    text('as_org', 'Organisation of the autonomous system.'),
    text('scope', 'public, private, loopback, link_local, shared, reserved or invalid.'),
    text('provider', 'Who made the database.'),
    text('built', 'Build of the database, yyyy-mm-dd.'),
  ]),
  {
    name: 'targets',
    type: {
      array: {
        struct: [
          text('type', 'table, cluster, job, user, group, secret_scope, …'),
          text('id', 'Id of the target.'),
          text('name', 'Name of the target.'),
          text('principal', 'For group and grant events: who gains or loses.'),
          text('privilege', 'For group and grant events: what is gained or lost.'),
        ],
      },
    },
    doc: 'What it was done to.',
  },
  text(
    'status',
    'SUCCESS, UNAUTHORIZED (401, 403, or denied by policy) or FAILURE; null if the record has no response.',
  ),
  { name: 'status_code', type: 'integer', doc: 'HTTP-like code of the response.' },
  text('status_reason', 'Why it failed, short: the error code in the message, or the reason the source gives.'),
  text('error_message', 'Error text as logged, scrubbed.'),
  struct('query', 'The query or command, where there is one.', [
    text('id', 'Statement, command or query id.'),
    text('text', 'Query text, scrubbed.'),
    text('language', 'sql, python, scala, r.'),
    text('type', 'Statement type where the source says it.'),
    long('duration_ms', 'How long it ran, milliseconds.'),
    long('rows_produced', 'Rows it returned.'),
    long('bytes_read', 'Bytes it read.'),
    text('compute_id', 'Warehouse or cluster it ran on.'),
  ]),
  struct('access_controls', 'Entitlements of the actor at the time of the event (UAM).', [
    text('project', 'Current project.'),
    texts('groups', 'Groups, as text.'),
    texts('attributes', 'Attributes, as text.'),
    texts('impersonated_users', 'Users being impersonated.'),
  ]),
  {
    name: 'policy_set',
    type: {
      array: {
        struct: [
          text('type', 'SUBSCRIPTION or DATA.'),
          text('subscription_policy_type', 'MANUAL, ADVANCED or ENTITLEMENTS.'),
          bool('rule_applied_for_user', 'False: the user was an exception.'),
          text('rationale', "The policy writer's reason."),
          bool('global', 'Global or local policy.'),
          text('merged_policies', 'JSON of the merged policies.'),
        ],
      },
    },
    doc: 'Policies in force at the time of the event (UAM).',
  },
  texts('sensitivity', 'Sensitivity of what was touched.'),
  texts('tags', 'Tags of what was touched.'),
  {
    name: 'request_params',
    type: { map: ['string', 'string'] },
    doc: 'requestParams as logged: case kept, nested JSON as text, scrubbed.',
  },
  text('response_result', 'response.result as logged, scrubbed.'),
  text(
    'extra',
    'JSON object of the top-level fields Bricktrail does not know, and of known ones that hold what it cannot read.',
  ),
  { name: 'redactions', type: 'integer', doc: 'How many secrets were replaced by a mark; null for none.' },
  { name: 'record_bytes', type: 'integer', doc: 'Length of the record as received; null where the form has no text.' },
]

/** Columns of `rejects`: records that could not become events. */
export const REJECT_COLUMNS: readonly Column[] = [
  text('reject_id', 'Fingerprint of object, place and bytes, so that a second reading adds nothing.'),
  { name: 'reject_date', type: 'date', doc: 'UTC day of ingestion; the partition.' },
  { name: 'ingest_time', type: 'timestamp', doc: 'When it was set aside.' },
  text('batch_id', 'The batch that met it.'),
  text('source_object', 'The object it stands in.'),
  text('form', 'The form the object was read as.'),
  text('reason', 'Code: malformed_json, truncated, not_a_record, missing_time, missing_action, too_long, …'),
  text('detail', 'What was wrong, in words.'),
  long('line', 'Line in the object, from 1; records in arrays and envelopes count from 1 too.'),
  long('size_bytes', 'Length of the record as received.'),
  text('content_base64', 'The bytes as received, base64, at most 64 KiB of them.'),
]
