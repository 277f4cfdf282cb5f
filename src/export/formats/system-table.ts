/**
 * Rows of `system.access.audit`: its columns, order and types, so that queries, dashboards and detections written for the
 * system table run on the export. Source: the table's information_schema; the structs' fields are snake_case.
 */
import type { ExportFormat } from '../contract.ts'
import { LOGGED_WORKSPACE } from '../event-facts.ts'

/** Columns of the table and the SQL that fills them. */
const COLUMNS: Readonly<Record<string, string>> = {
  account_id: 'account_id',
  workspace_id: LOGGED_WORKSPACE,
  version: "'2.0'",
  event_time: 'event_time',
  event_date: 'event_date',
  source_ip_address: 'source_ip',
  user_agent: 'user_agent',
  session_id: 'session_id',
  user_identity: "{'email': actor.email, 'subject_name': actor.name}",
  service_name: 'service',
  action_name: 'action',
  request_id: 'request_id',
  request_params: 'request_params',
  response: "{'status_code': status_code, 'error_message': error_message, 'result': response_result}",
  audit_level: 'audit_level',
  event_id: "coalesce(nullif(native_id, ''), event_id)",
  identity_metadata: "{'run_by': actor.run_by, 'run_as': actor.run_as, 'acting_resource': actor.acting_resource}",
}

const selectList = Object.entries(COLUMNS)
  .map(([name, sql]) => `${sql} AS ${name}`)
  .join(', ')

/** The system table format: Parquet, or JSON lines if the file is called so. */
export const systemTable: ExportFormat = {
  name: 'system-table',
  extension: 'parquet',
  doc: 'Rows of system.access.audit, as Parquet (or JSON lines for a file ending in .ndjson, .jsonl or .json).',
  shape: 'rows',
  gzip: false,
  select: (relation, also = []) => `SELECT ${[...also, selectList].join(', ')} FROM ${relation} AS events`,
  copyOptions: 'FORMAT parquet, COMPRESSION zstd',
  variants: [
    {
      extensions: ['ndjson', 'jsonl', 'json'],
      gzip: true,
      copyOptions: "FORMAT json, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ'",
    },
  ],
}
