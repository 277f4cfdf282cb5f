/**
 * Azure diagnostic settings: the records that go to a storage account or to Event Hubs, and the rows of Log Analytics tables.
 * Sources: learn.microsoft.com, "Diagnostic log reference" of Azure Databricks; Azure Monitor table reference
 * (DatabricksAccounts and its siblings).
 */
import { type Form, fromJson, PARAMS_SHAPE, recordColumns, tryFromJson } from '../contract.ts'
import { keptMembersSql, paramsFromTextSql, unreadSql } from '../nested.ts'

const PROPERTIES_SHAPE = {
  sourceIPAddress: 'VARCHAR',
  logId: 'VARCHAR',
  serviceName: 'VARCHAR',
  userAgent: 'VARCHAR',
  response: 'VARCHAR',
  sessionId: 'VARCHAR',
  actionName: 'VARCHAR',
  requestId: 'VARCHAR',
  requestParams: 'VARCHAR',
} as const

/** A diagnostic record. `properties` is an object; some forwarders write it as text. */
const RECORD_SHAPE = {
  time: 'VARCHAR',
  resourceId: 'VARCHAR',
  operationName: 'VARCHAR',
  identity: 'VARCHAR',
  properties: PROPERTIES_SHAPE,
  // The node that wrote the record: on most records, and no column for it.
  Host: 'VARCHAR',
} as const

/** A Log Analytics row. The tables differ in how they spell the address. */
const ROW_SHAPE = {
  TimeGenerated: 'VARCHAR',
  _ResourceId: 'VARCHAR',
  OperationName: 'VARCHAR',
  Identity: 'VARCHAR',
  LogId: 'VARCHAR',
  ServiceName: 'VARCHAR',
  UserAgent: 'VARCHAR',
  Response: 'VARCHAR',
  SessionId: 'VARCHAR',
  ActionName: 'VARCHAR',
  RequestId: 'VARCHAR',
  RequestParams: 'VARCHAR',
} as const

const ADDRESS_SPELLINGS = ['SourceIPAddress', 'SourceIpAddress', 'SourceIPaddress'] as const

/** How the portal's CSV export heads the column, and the American notation it uses there. */
const PORTAL_TIME_KEY = 'TimeGenerated [UTC]'
const PORTAL_TIME_FORMAT = '%m/%d/%Y, %I:%M:%S.%g %p'

const PORTAL_TIME = `strftime(try_strptime(json ->> '$."${PORTAL_TIME_KEY}"', '${PORTAL_TIME_FORMAT}'), '%Y-%m-%dT%H:%M:%S.%gZ')`

/** Columns that Azure Monitor adds to every row; they say nothing about the event. */
const ROW_KEYS = [
  'Category',
  'OperationVersion',
  'SourceSystem',
  'TenantId',
  'Type',
  '_BilledSize',
  '_IsBillable',
  '_SubscriptionId',
] as const

const IDENTITY_SHAPE = { email: 'VARCHAR', subjectName: 'VARCHAR', subject_name: 'VARCHAR' } as const
const RESPONSE_SHAPE = { statusCode: 'VARCHAR', errorMessage: 'VARCHAR', result: 'VARCHAR' } as const

/** A substring search comes first, and CASE rather than AND, which would ask both: a record is not parsed as a row in vain. */
const IS_ROW = `CASE WHEN contains(json::VARCHAR, 'TimeGenerated')
    THEN coalesce(json_exists(json, '$.TimeGenerated') OR json_exists(json, '$."${PORTAL_TIME_KEY}"'), false) ELSE false END`

/** Both kinds as one struct. */
const FROM_ROW = `{'time': coalesce(w.TimeGenerated, ${PORTAL_TIME}), 'resource': w._ResourceId, 'operation': w.OperationName,
        'identity': w.Identity, 'ip': coalesce(${ADDRESS_SPELLINGS.map((key) => `json ->> '$.${key}'`).join(', ')}), 'log_id': w.LogId,
        'service': w.ServiceName, 'agent': w.UserAgent, 'response': w.Response, 'session': w.SessionId, 'action': w.ActionName,
        'request': w.RequestId, 'params': w.RequestParams, 'host': NULL}`

const FROM_RECORD = `{'time': r.time, 'resource': r.resourceId, 'operation': r.operationName,
        'identity': r.identity, 'ip': p.sourceIPAddress, 'log_id': p.logId,
        'service': p.serviceName, 'agent': p.userAgent, 'response': p.response, 'session': p.sessionId, 'action': p.actionName,
        'request': p.requestId, 'params': p.requestParams, 'host': r.Host}`

const PROPERTIES = `CASE WHEN json_type(json, '$.properties') = 'VARCHAR' THEN ${tryFromJson(`json ->> '$.properties'`, PROPERTIES_SHAPE)} ELSE r.properties END`

/** Azure names the workspace, in whatever case, and tells its number only where the parameters carry it. */
const WORKSPACE = `coalesce(nullif(params['workspace_id'], ''), nullif(params['orgId'], ''), nullif(lower(regexp_extract(f.resource, '(?i)/workspaces/([^/]+)', 1)), ''))`

/** `Microsoft.Databricks/jobs/runSucceeded`, for records whose properties name neither. */
const operationPart = (part: number): string => `nullif(split_part(f.operation, '/', ${part}), '')`

const UNREAD = { identity: unreadSql('f.identity', 'who'), response: unreadSql('f.response', 'answer') }

const ODD = `f.action IS NULL OR (f.params IS NOT NULL AND params IS NULL)
      OR ${Object.values(UNREAD)
        .map((text) => `${text} IS NOT NULL`)
        .join(' OR ')}`

/** Azure diagnostic settings. */
export const azure: Form = {
  name: 'azure',
  doc: 'Azure diagnostic settings: storage, Event Hubs and Log Analytics.',
  toTheSecond: true,
  recognises: (record) =>
    ('operationName' in record && ('properties' in record || 'resourceId' in record)) ||
    ('ActionName' in record && ('LogId' in record || 'TimeGenerated' in record)),
  knownKeys: [
    'category',
    'operationVersion',
    ...Object.keys(RECORD_SHAPE),
    ...Object.keys(ROW_SHAPE),
    ...ADDRESS_SPELLINGS,
    PORTAL_TIME_KEY,
    ...ROW_KEYS,
  ],
  recordSql: (raw, tolerant) => `
  SELECT file, json,
    ${tolerant ? 'false' : ODD} AS odd,
    ${recordColumns({
      native_id: 'f.log_id',
      time_text: 'f.time',
      cloud: "'azure'",
      workspace_id: WORKSPACE,
      audit_level: "'WORKSPACE_LEVEL'",
      service: `coalesce(f.service, ${operationPart(2)})`,
      action: `coalesce(f.action, ${operationPart(3)})`,
      email: 'who.email',
      subject_name: 'coalesce(who.subjectName, who.subject_name)',
      session_id: "nullif(f.session, '')",
      request_id: "nullif(f.request, '')",
      ip_text: 'f.ip',
      user_agent: "nullif(f.agent, '')",
      request_params: 'params',
      status_code: 'answer.statusCode',
      error_message: 'answer.errorMessage',
      response_result: 'answer.result',
      kept_members: keptMembersSql({ resourceId: 'f.resource', Host: 'f.host', ...(tolerant ? UNREAD : {}) }),
    })}
  FROM (
    SELECT file, json, f, ${tryFromJson('f.identity', IDENTITY_SHAPE)} AS who, ${tryFromJson('f.response', RESPONSE_SHAPE)} AS answer,
      ${tolerant ? paramsFromTextSql('f.params') : tryFromJson('f.params', PARAMS_SHAPE)} AS params
    FROM (SELECT file, json, CASE WHEN is_row THEN ${FROM_ROW} ELSE ${FROM_RECORD} END AS f
      FROM (SELECT *, ${tolerant ? PROPERTIES : 'r.properties'} AS p
        FROM (SELECT file, json, is_row, CASE WHEN is_row THEN ${fromJson('json', ROW_SHAPE)} END AS w,
            CASE WHEN NOT is_row THEN ${fromJson('json', RECORD_SHAPE)} END AS r
          FROM (SELECT file, json, ${IS_ROW} AS is_row FROM ${raw})))))`,
}
