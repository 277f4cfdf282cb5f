/**
 * What a form is: one way in which Databricks audit records reach a customer. A form recognises its records and gives
 * the SQL that turns their JSON into the common record columns; everything after that is shared.
 */
import { lit } from '../engine/sql.ts'

/** How an object's records stand in it. */
export type Shape = 'lines' | 'parquet' | 'csv'

/** A form plug-in: one file in `forms/`, one line in `registry.ts`. */
export interface Form {
  /** Name as in `--form` and in the event's `form` column. */
  readonly name: string
  readonly doc: string
  /** True if a parsed record has this form's marks. Asked of the first records of an object only. */
  recognises(record: Readonly<Record<string, unknown>>): boolean
  /** True if the record itself names targets or the query, so that the catalogue need not. */
  readonly givesTargets?: true
  readonly givesQuery?: true
  /** True if times are whole seconds and workspaces are names, as on Azure: what matches a row of another route then. */
  readonly toTheSecond?: true
  /** Top-level keys the form maps; all others are kept in `extra`. */
  readonly knownKeys: readonly string[]
  /**
   * A SELECT over `raw(json JSON, file VARCHAR)` giving `json`, `file`, `odd` and every {@link RECORD_COLUMNS} column. Rows
   * whose json is NULL or no object must pass through.
   *
   * With `tolerant` false it may read only the usual shape of a record, quickly, provided that `odd` is then true for
   * every record that it would not read whole; with `tolerant` true it reads whatever it can, and `odd` is not looked at.
   */
  recordSql(raw: string, tolerant: boolean): string
}

/**
 * The common record: what every form gives, before shared normalisation. VARCHAR unless noted.
 * Missing facts are NULL; `recordColumns` fills them in so that a form lists only what it has.
 */
export const RECORD_COLUMNS = {
  native_id: 'VARCHAR',
  /** Time as logged: epoch (s, ms, µs, ns) or ISO text. */
  time_text: 'VARCHAR',
  received_text: 'VARCHAR',
  cloud: 'VARCHAR',
  account_id: 'VARCHAR',
  workspace_id: 'VARCHAR',
  audit_level: 'VARCHAR',
  service: 'VARCHAR',
  action: 'VARCHAR',
  email: 'VARCHAR',
  subject_name: 'VARCHAR',
  actor_type: 'VARCHAR',
  actor_id: 'VARCHAR',
  identity_provider: 'VARCHAR',
  run_by: 'VARCHAR',
  run_as: 'VARCHAR',
  acting_resource: 'VARCHAR',
  impersonated_by: 'VARCHAR',
  session_id: 'VARCHAR',
  request_id: 'VARCHAR',
  ip_text: 'VARCHAR',
  user_agent: 'VARCHAR',
  request_params: 'MAP(VARCHAR, VARCHAR)',
  /** Whole number as text. */
  status_code: 'VARCHAR',
  /** SUCCESS, UNAUTHORIZED or FAILURE where the source says so itself. */
  status_text: 'VARCHAR',
  status_reason: 'VARCHAR',
  error_message: 'VARCHAR',
  response_result: 'VARCHAR',
  query:
    'STRUCT(id VARCHAR, text VARCHAR, language VARCHAR, type VARCHAR, duration_ms BIGINT, rows_produced BIGINT, bytes_read BIGINT, compute_id VARCHAR)',
  targets: 'STRUCT(type VARCHAR, id VARCHAR, name VARCHAR, principal VARCHAR, privilege VARCHAR)[]',
  access_controls: 'STRUCT(project VARCHAR, "groups" VARCHAR[], attributes VARCHAR[], impersonated_users VARCHAR[])',
  policy_set:
    'STRUCT(type VARCHAR, subscription_policy_type VARCHAR, rule_applied_for_user BOOLEAN, rationale VARCHAR, "global" BOOLEAN, merged_policies VARCHAR)[]',
  sensitivity: 'VARCHAR[]',
  tags: 'VARCHAR[]',
  /** JSON members, without braces, of known fields that have no column of their own; kept in the event's `extra`. */
  kept_members: 'VARCHAR',
} as const

/** A column of the common record. */
export type RecordColumn = keyof typeof RECORD_COLUMNS

/** The select list of a record: the expressions given, typed NULLs for the rest. */
export function recordColumns(expressions: Partial<Record<RecordColumn, string>>): string {
  return Object.entries(RECORD_COLUMNS)
    .map(([name, type]) => `${expressions[name as RecordColumn] ?? `NULL::${type}`} AS ${name}`)
    .join(',\n    ')
}

/** The shape argument of DuckDB's `from_json`. */
export type JsonShape = { readonly [key: string]: string | JsonShape } | readonly [string | JsonShape]

/** `from_json(expr, shape)` as SQL. */
export const fromJson = (expression: string, shape: JsonShape): string =>
  `from_json(${expression}, ${lit(JSON.stringify(shape))})`

/** As {@link fromJson} for text that may be no JSON at all: NULL then, never an error. */
export const tryFromJson = (expression: string, shape: JsonShape | string): string =>
  `try(from_json(${expression}, ${lit(JSON.stringify(shape))}))`

/** The shape of requestParams: a map, so that keys differing only by case stay two. */
export const PARAMS_SHAPE = 'MAP(VARCHAR,VARCHAR)'
