/** Events written by hand, one for each thing an export format can get wrong. */
import type { ColumnType } from '../core/event.ts'
import { EVENT_COLUMNS } from '../core/event.ts'
import type { Engine } from '../engine/duckdb.ts'
import { ident, lit } from '../engine/sql.ts'
import { columnDefinitions, duckdbType } from '../engine/types.ts'

/** A value of a column as a test writes it: structs and maps are objects, times are ISO text. */
type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value }

/** A row by column name; columns not named are NULL. */
export type EventRow = Readonly<Record<string, Value>>

/** SQL of one value of a column type. */
function literal(type: ColumnType, value: Value | undefined): string {
  if (value == null) return `NULL::${duckdbType(type)}`
  if (typeof type === 'string') return `${lit(String(value))}::${duckdbType(type)}`
  if ('array' in type) {
    return `[${(value as readonly Value[]).map((item) => literal(type.array, item)).join(', ')}]::${duckdbType(type)}`
  }
  const record = value as Readonly<Record<string, Value>>
  if ('map' in type) {
    const entries = Object.entries(record).map(([key, item]) => `${lit(key)}: ${literal(type.map[1], item)}`)
    return `MAP {${entries.join(', ')}}::${duckdbType(type)}`
  }
  return `{${type.struct.map((f) => `${lit(f.name)}: ${literal(f.type, record[f.name])}`).join(', ')}}`
}

/** Makes a table of events with exactly the columns of the lake and puts `rows` into it. */
export async function tableOfEvents(engine: Engine, table: string, rows: readonly EventRow[]): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${ident(table)} (${columnDefinitions(EVENT_COLUMNS)})`)
  for (const row of rows) {
    const unknown = Object.keys(row).filter((name) => !EVENT_COLUMNS.some((column) => column.name === name))
    if (unknown.length > 0) throw new Error(`not columns of events: ${unknown.join(', ')}`)
    const values = EVENT_COLUMNS.map((column) => literal(column.type, row[column.name]))
    await engine.run(`INSERT INTO ${ident(table)} VALUES (${values.join(', ')})`)
  }
}

const ALICE = { type: 'user', id: '7001', name: 'Alice Ünal', email: 'alice@example.com', identity_provider: 'okta' }
const ROBOT = { type: 'service_principal', email: '2f1c7a4e-5b0d-4a9e-9d3c-0a6b1c2d3e4f' }
const SYSTEM = { type: 'system', email: 'System-User' }

let nextId = 0

/** An ordinary successful event, changed by `row`. */
export function event(row: EventRow): EventRow {
  nextId += 1
  return {
    event_id: nextId.toString(16).padStart(32, '0'),
    event_time: '2026-03-04T05:06:07.089Z',
    event_date: '2026-03-04',
    received_time: '2026-03-04T05:20:00Z',
    ingest_time: '2026-03-04T05:30:00Z',
    source: 'audit',
    source_object: 'workspaceId=1234567890123456/date=2026-03-04/auditlogs_1.json',
    batch_id: 'b-1',
    form: 'delivery',
    cloud: 'aws',
    account_id: '77636e6d-ac57-484f-9302-f7922285b9a5',
    workspace_id: '1234567890123456',
    audit_level: 'WORKSPACE_LEVEL',
    actor: ALICE,
    session_id: '6f1b5f6e-8f4e-4b64-9d3e-1f2f3a4b5c6d',
    request_id: 'ServiceMain-0001',
    source_ip: '203.0.113.7',
    user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
    client: 'browser',
    geo: { country: 'DE', asn: 64500, as_org: 'Example Net', scope: 'public', provider: 'dbip', built: '2026-06-01' },
    status: 'SUCCESS',
    status_code: 200,
    ...row,
  }
}

const target = (type: string, id: string | null, name: string | null, more: EventRow = {}): Value => ({
  type,
  id,
  name,
  ...more,
})

/** Text with everything that a format may have to escape. */
export const AWKWARD = 'a|b\\c=d "e" \'f\'\r\ng,h;\ti\u0001j\u2028k — ünïcødé 😀 <x> {y} %z'

/** Events of every category, status, actor and oddity. */
export const ROWS: readonly EventRow[] = [
  event({
    service: 'accounts',
    action: 'samlLogin',
    category: 'authentication',
    verb: 'login',
    targets: [target('user', null, 'alice@example.com')],
    request_params: { user: 'alice@example.com', authentication_method: 'BROWSER_BYO_IDP_SAML' },
  }),
  event({
    service: 'accounts',
    action: 'tokenLogin',
    category: 'authentication',
    verb: 'login',
    actor: { type: 'unknown' },
    status: 'UNAUTHORIZED',
    status_code: 401,
    status_reason: 'INVALID_TOKEN',
    error_message: 'Invalid access token.',
    request_params: { user: 'mallory@example.com', tokenId: '[redacted:databricks_token]' },
  }),
  event({ service: 'accounts', action: 'logout', category: 'authentication', verb: 'logout' }),
  event({
    service: 'accounts',
    action: 'mintOAuthToken',
    category: 'authentication',
    verb: 'issue',
    actor: ROBOT,
    client: 'sdk',
  }),
  event({
    service: 'genie',
    action: 'databricksAccess',
    category: 'permission',
    verb: 'grant',
    actor: { type: 'vendor_support', email: 'support@databricks.com' },
    targets: [target('user', null, 'support@databricks.com', { privilege: 'workspace access' })],
    request_params: { authentication_method: 'GENIE_AUTH', duration: '14400', reason: 'ticket "42"' },
  }),
  event({
    service: 'accounts',
    action: 'add',
    category: 'identity',
    verb: 'create',
    targets: [target('user', '7002', 'bob@example.com')],
  }),
  event({
    service: 'accounts',
    action: 'changePassword',
    category: 'identity',
    verb: 'update',
    targets: [target('user', null, 'bob@example.com')],
  }),
  event({
    service: 'accounts',
    action: 'updateUser',
    category: 'identity',
    verb: 'update',
    targets: [target('user', '7002', null)],
  }),
  event({ service: 'accounts', action: 'delete', category: 'identity', verb: 'delete', targets: [] }),
  event({
    service: 'accounts',
    action: 'createServicePrincipal',
    category: 'identity',
    verb: 'create',
    targets: [target('service_principal', '81', 'etl')],
  }),
  event({
    service: 'accounts',
    action: 'createGroup',
    category: 'identity',
    verb: 'create',
    targets: [target('group', '91', 'analysts')],
  }),
  event({
    service: 'accounts',
    action: 'addPrincipalToGroup',
    category: 'identity',
    verb: 'add',
    key_event: 'role_permission_update',
    targets: [target('group', '91', 'admins', { principal: 'bob@example.com' })],
  }),
  event({
    service: 'accounts',
    action: 'removePrincipalFromGroup',
    category: 'identity',
    verb: 'remove',
    key_event: 'role_permission_update',
    targets: [target('group', null, 'admins', { principal: 'bob@example.com' })],
  }),
  event({
    service: 'unityCatalog',
    action: 'updatePermissions',
    category: 'permission',
    verb: 'grant',
    key_event: 'role_permission_update',
    audit_level: 'ACCOUNT_LEVEL',
    targets: [
      target('table', null, 'main.sales.orders', { principal: 'bob@example.com', privilege: 'SELECT' }),
      target('table', null, 'main.sales.orders', { principal: 'bob@example.com', privilege: 'MODIFY' }),
    ],
    request_params: {
      securable_type: 'table',
      securable_full_name: 'main.sales.orders',
      changes: '[{"principal":"bob@example.com","add":["SELECT","MODIFY"]}]',
      workspace_id: '1234567890123456',
    },
  }),
  event({
    service: 'unityCatalog',
    action: 'updatePermissions',
    category: 'permission',
    verb: 'revoke',
    targets: [target('schema', null, 'main.sales', { principal: 'account users', privilege: 'USE_SCHEMA' })],
  }),
  event({
    service: 'clusters',
    action: 'changeClusterAcl',
    category: 'permission',
    verb: 'grant',
    status: 'FAILURE',
    status_code: 500,
    error_message: AWKWARD,
    targets: [target('cluster', '0304-050607-abcd1234', null)],
  }),
  event({
    service: 'accounts',
    action: 'generateDbToken',
    category: 'token',
    verb: 'create',
    targets: [target('token', 'c0ffee', null)],
    request_params: { tokenExpirationTime: '1780000000000', userId: '7001' },
  }),
  event({
    service: 'accounts',
    action: 'revokeDbToken',
    category: 'token',
    verb: 'revoke',
    targets: [target('token', 'c0ffee', null)],
  }),
  event({
    service: 'secrets',
    action: 'getSecret',
    category: 'secret',
    verb: 'read',
    targets: [target('secret', null, 'prod/db-password'), target('secret_scope', null, 'prod')],
    request_params: { scope: 'prod', key: 'db-password' },
  }),
  event({
    service: 'unityCatalog',
    action: 'getTable',
    category: 'catalog',
    verb: 'read',
    targets: [target('table', null, 'main.sales.orders')],
    sensitivity: ['HIGHLY_SENSITIVE'],
    tags: ['pii', 'gdpr:art9'],
  }),
  event({
    service: 'unityCatalog',
    action: 'generateTemporaryPathCredential',
    category: 'data_access',
    verb: 'issue',
    targets: [target('path', null, 's3://bucket/landing/2026')],
  }),
  event({
    service: 'unityCatalog',
    action: 'generateTemporaryVolumeCredential',
    category: 'data_access',
    verb: 'issue',
    actor: ROBOT,
    targets: [target('volume', null, 'main.raw.files')],
  }),
  event({
    service: 'unityCatalog',
    action: 'deltaSharingQueriedTable',
    category: 'data_access',
    verb: 'complete',
    actor: { type: 'unknown', name: 'recipient-a' },
    response_result: '{"numRecords":"12","tableName":"orders"}',
    targets: [target('table', null, 'share.sales.orders')],
  }),
  event({
    service: 'unityCatalog',
    action: 'createRecipient',
    category: 'sharing',
    verb: 'create',
    targets: [target('recipient', null, 'partner')],
  }),
  event({
    service: 'databrickssql',
    action: 'commandSubmit',
    category: 'query',
    verb: 'execute',
    query: {
      id: '01ee14da-517a-1670-afce-0c3e0fdcf7d4',
      text: `SELECT "a" FROM main.sales.orders -- ${'x'.repeat(3000)}\nWHERE b = 'c'`,
      language: 'sql',
      compute_id: '5f1a2b3c4d5e6f70',
    },
    request_params: { warehouseId: '5f1a2b3c4d5e6f70', commandId: '01ee14da-517a-1670-afce-0c3e0fdcf7d4' },
  }),
  event({
    service: 'databrickssql',
    action: 'commandFinish',
    category: 'query',
    verb: 'complete',
    status: 'FAILURE',
    status_code: 400,
    query: {
      id: '01ee14da-517a-1670-afce-0c3e0fdcf7d4',
      duration_ms: 1500,
      rows_produced: 3,
      bytes_read: 4096,
      compute_id: '5f1a2b3c4d5e6f70',
    },
  }),
  event({
    service: 'notebook',
    action: 'runCommand',
    category: 'query',
    verb: 'execute',
    key_event: 'interactive_usage',
    query: { id: '99', text: AWKWARD, language: 'python', duration_ms: 250, compute_id: '0304-050607-abcd1234' },
    targets: [target('notebook', '123', '/Users/alice@example.com/n')],
    request_params: { clusterId: '0304-050607-abcd1234', notebookId: '123', commandText: AWKWARD },
  }),
  event({
    service: 'notebook',
    action: 'createNotebook',
    category: 'notebook',
    verb: 'create',
    targets: [target('notebook', '123', '/Users/alice@example.com/n')],
  }),
  event({
    service: 'workspace',
    action: 'workspaceExport',
    category: 'workspace_object',
    verb: 'export',
    targets: [target('notebook', null, '/Shared/etl "v2"')],
  }),
  event({
    service: 'dbfs',
    action: 'put',
    category: 'storage',
    verb: 'write',
    targets: [target('path', null, 'dbfs:/tmp/x/')],
  }),
  event({
    service: 'jobs',
    action: 'runNow',
    category: 'job',
    verb: 'execute',
    key_event: 'job_execution',
    targets: [target('job', '55', 'nightly')],
  }),
  event({
    service: 'jobs',
    action: 'runSucceeded',
    category: 'job',
    verb: 'execute',
    key_event: 'job_execution',
    actor: SYSTEM,
    source_ip: null,
    user_agent: null,
    client: 'unknown',
    geo: null,
    session_id: null,
    targets: [target('job', '55', null), target('job_run', '987654321098765', null)],
    request_params: { jobId: '55', runId: '987654321098765', JobId: 'case differs', nested: '{"a":[1,{"b":null}]}' },
  }),
  event({
    service: 'deltaPipelines',
    action: 'startUpdate',
    category: 'pipeline',
    verb: 'start',
    targets: [target('pipeline', 'p-1', null)],
  }),
  event({
    service: 'clusters',
    action: 'create',
    category: 'compute',
    verb: 'create',
    key_event: 'cluster_configuration',
    targets: [target('cluster', '0304-050607-abcd1234', 'shared')],
    response_result: '{"cluster_id":"0304-050607-abcd1234"}',
  }),
  event({
    service: 'clusters',
    action: 'start',
    category: 'compute',
    verb: 'start',
    targets: [target('cluster', '0304-050607-abcd1234', 'shared')],
  }),
  event({
    service: 'databrickssql',
    action: 'stopWarehouse',
    category: 'warehouse',
    verb: 'stop',
    targets: [target('warehouse', '5f1a2b3c4d5e6f70', null)],
  }),
  event({
    service: 'modelRegistry',
    action: 'createModelVersion',
    category: 'model',
    verb: 'create',
    targets: [target('model', null, 'churn')],
  }),
  event({
    service: 'clean-room',
    action: 'createCleanRoom',
    category: 'clean_room',
    verb: 'create',
    targets: [target('clean_room', null, 'joint')],
  }),
  event({
    service: 'accounts',
    action: 'createIpAccessList',
    category: 'network',
    verb: 'create',
    targets: [target('ip_access_list', '4', 'office')],
  }),
  event({
    service: 'accounts',
    action: 'IpAccessDenied',
    category: 'network',
    verb: 'deny',
    status: 'UNAUTHORIZED',
    status_code: 403,
    source_ip: '2001:db8::1',
    geo: { scope: 'public' },
  }),
  event({
    service: 'workspace',
    action: 'workspaceConfEdit',
    category: 'configuration',
    verb: 'update',
    key_event: 'logging_configuration',
    request_params: { workspaceConfKeys: 'enableVerboseAuditLogs', workspaceConfValues: 'false' },
  }),
  event({
    service: 'logDelivery',
    action: 'updateLogDeliveryConfiguration',
    category: 'audit',
    verb: 'update',
    audit_level: 'ACCOUNT_LEVEL',
    workspace_id: '0',
    targets: [target('log_delivery', 'ld-1', null)],
  }),
  event({
    service: 'brandNewService',
    action: 'do|Something=New\\',
    category: 'unknown',
    verb: 'unknown',
    cloud: 'azure',
    native_id: 'logid-1',
    status: null,
    status_code: null,
    extra: '{ "Host": "0515-010532",\n  "n": [1, 2] }',
  }),
  event({
    service: 'unityCatalog',
    action: 'listTables',
    category: 'unknown_to_exports',
    verb: 'someday',
    cloud: null,
    source_ip: 'not-an-address',
    extra: 'not json {',
    targets: [null, target('table', null, null), target('gadget', '', 'g')],
    request_params: {},
    access_controls: { groups: ['g "1"'] },
  }),
  {
    event_id: 'f'.repeat(32),
    event_time: '2026-03-05T00:00:00Z',
    event_date: '2026-03-05',
    ingest_time: '2026-03-05T01:00:00Z',
  },
  event({
    event_date: '2026-03-05',
    event_time: '2026-03-05T23:59:59.999999Z',
    service: AWKWARD,
    action: AWKWARD,
    category: AWKWARD,
    verb: AWKWARD,
    key_event: AWKWARD,
    actor: { type: AWKWARD, id: AWKWARD, name: AWKWARD, email: AWKWARD, run_by: AWKWARD, impersonated_by: AWKWARD },
    source_ip: '1:2',
    user_agent: AWKWARD,
    session_id: AWKWARD,
    request_id: AWKWARD,
    status: 'SUCCESS',
    status_reason: AWKWARD,
    error_message: AWKWARD,
    targets: [target(AWKWARD, AWKWARD, AWKWARD, { principal: AWKWARD, privilege: AWKWARD })],
    request_params: { [AWKWARD]: AWKWARD, empty: '', missing: null },
    response_result: AWKWARD,
    extra: '{"v":NaN}',
    tags: [AWKWARD],
    sensitivity: [],
  }),
  event({
    service: 'accounts',
    action: 'add',
    category: 'identity',
    verb: 'create',
    actor: { type: 'user', email: '=HYPERLINK("http://x")' },
    targets: [target('user', null, '+cmd')],
    user_agent: '@SUM(1)',
    session_id: '-2+3',
    error_message: '\tx',
    request_id: '=1+1',
  }),
]
