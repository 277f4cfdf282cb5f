/**
 * Rows of `system.access.audit`: its columns, order and types, so that queries, dashboards and detections written for the
 * system table run on the export. Source: the table's information_schema; the structs' fields are snake_case.
 */
import type { Column } from '../../core/event.ts'
import type { ExportFormat } from '../contract.ts'
import { LOGGED_WORKSPACE } from '../event-facts.ts'

const text = (name: string, doc: string): Column => ({ name, type: 'string', doc })

/** Columns of the table, in its order. */
export const SYSTEM_TABLE_COLUMNS: readonly Column[] = [
  text('account_id', 'Databricks account.'),
  text('workspace_id', 'The workspace; 0 for the account level.'),
  text('version', 'Version of the audit log schema.'),
  { name: 'event_time', type: 'timestamp', doc: 'When it happened, UTC.' },
  { name: 'event_date', type: 'date', doc: 'UTC day of event_time.' },
  text('source_ip_address', 'Client address, without port.'),
  text('user_agent', 'User agent as logged.'),
  text('session_id', 'Session as logged.'),
  {
    name: 'user_identity',
    type: { struct: [text('email', 'E-mail, or what stands for it.'), text('subject_name', 'Subject as logged.')] },
    doc: 'Who did it.',
  },
  text('service_name', 'Service as logged.'),
  text('action_name', 'Action as logged.'),
  text('request_id', 'Request as logged; not unique.'),
  { name: 'request_params', type: { map: ['string', 'string'] }, doc: 'Parameters as logged, without secrets.' },
  {
    name: 'response',
    type: {
      struct: [
        { name: 'status_code', type: 'integer', doc: 'HTTP-like code.' },
        text('error_message', 'Error as logged.'),
        text('result', 'Result as logged.'),
      ],
    },
    doc: 'What was answered.',
  },
  text('audit_level', 'ACCOUNT_LEVEL or WORKSPACE_LEVEL.'),
  text('event_id', "The source's own id, else that of Bricktrail."),
  {
    name: 'identity_metadata',
    type: {
      struct: [
        text('run_by', 'Who ran it.'),
        text('run_as', 'As whom it ran.'),
        text('acting_resource', 'The resource that acted.'),
      ],
    },
    doc: 'Identities involved.',
  },
]

/** The SQL that fills them; columns that are not here are those of the event. */
const FILLED: Readonly<Record<string, string>> = {
  workspace_id: LOGGED_WORKSPACE,
  version: "'2.0'",
  source_ip_address: 'source_ip',
  user_identity: "{'email': actor.email, 'subject_name': actor.name}",
  service_name: 'service',
  action_name: 'action',
  response: "{'status_code': status_code, 'error_message': error_message, 'result': response_result}",
  event_id: "coalesce(nullif(native_id, ''), event_id)",
  identity_metadata: "{'run_by': actor.run_by, 'run_as': actor.run_as, 'acting_resource': actor.acting_resource}",
}

const selectList = SYSTEM_TABLE_COLUMNS.map(({ name }) => `${FILLED[name] ?? name} AS ${name}`).join(', ')

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
