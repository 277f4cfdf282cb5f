/**
 * Delivery JSON 2.0: what audit log delivery writes on AWS and GCP.
 * Source: docs.databricks.com, "Configure audit log delivery" (record shape, level, request parameters).
 */
import { type Form, fromJson, type JsonShape, PARAMS_SHAPE, recordColumns, tryFromJson } from '../contract.ts'

const SHAPE = {
  timestamp: 'VARCHAR',
  auditLevel: 'VARCHAR',
  orgId: 'VARCHAR',
  workspaceId: 'VARCHAR',
  accountId: 'VARCHAR',
  sourceIPAddress: 'VARCHAR',
  userAgent: 'VARCHAR',
  sessionId: 'VARCHAR',
  userIdentity: { email: 'VARCHAR', subjectName: 'VARCHAR', subject_name: 'VARCHAR' },
  identityMetadata: {
    runBy: 'VARCHAR',
    runAs: 'VARCHAR',
    actingResource: 'VARCHAR',
    run_by: 'VARCHAR',
    run_as: 'VARCHAR',
    acting_resource: 'VARCHAR',
  },
  serviceName: 'VARCHAR',
  actionName: 'VARCHAR',
  requestId: 'VARCHAR',
  requestParams: 'MAP(VARCHAR,VARCHAR)',
  response: { statusCode: 'VARCHAR', errorMessage: 'VARCHAR', result: 'VARCHAR' },
} as const

/** Nested objects come as JSON text where a pipeline has flattened them; the typed read finds nothing there. */
const isText = (key: string): string => `json_type(json, '$.${key}') = 'VARCHAR'`

const NESTED_TEXT = `(CASE WHEN r.requestParams IS NULL THEN coalesce(${isText('requestParams')}, false) ELSE false END)
      OR (CASE WHEN r.response.statusCode IS NULL THEN coalesce(${isText('response')}, false) ELSE false END)
      OR (CASE WHEN r.userIdentity.email IS NULL THEN coalesce(${isText('userIdentity')}, false) ELSE false END)`

const eitherWay = (key: string, shape: JsonShape | string): string =>
  `CASE WHEN ${isText(key)} THEN ${tryFromJson(`json ->> '$.${key}'`, shape)} ELSE r.${key} END`
const EITHER_WAY = `${eitherWay('userIdentity', SHAPE.userIdentity)} AS who,
      ${eitherWay('requestParams', PARAMS_SHAPE)} AS params, ${eitherWay('response', SHAPE.response)} AS answer`

/** Delivery JSON 2.0. */
export const delivery: Form = {
  name: 'delivery',
  doc: 'Audit log delivery JSON 2.0 (AWS, GCP).',
  recognises: (record) =>
    'actionName' in record && 'serviceName' in record && !('TimeGenerated' in record) && !('properties' in record),
  knownKeys: ['version', 'MAX_LOG_MESSAGE_LENGTH', ...Object.keys(SHAPE)],
  recordSql: (raw, tolerant) => `
  SELECT file, json,
    ${tolerant ? 'false' : NESTED_TEXT} AS odd,
    ${recordColumns({
      time_text: 'r."timestamp"',
      account_id: 'r.accountId',
      workspace_id: 'coalesce(r.workspaceId, r.orgId)',
      audit_level: 'r.auditLevel',
      service: 'r.serviceName',
      action: 'r.actionName',
      email: 'who.email',
      subject_name: 'coalesce(who.subjectName, who.subject_name)',
      run_by: 'coalesce(r.identityMetadata.runBy, r.identityMetadata.run_by)',
      run_as: 'coalesce(r.identityMetadata.runAs, r.identityMetadata.run_as)',
      acting_resource: 'coalesce(r.identityMetadata.actingResource, r.identityMetadata.acting_resource)',
      session_id: 'r.sessionId',
      request_id: 'r.requestId',
      ip_text: 'r.sourceIPAddress',
      user_agent: 'r.userAgent',
      request_params: 'params',
      status_code: 'answer.statusCode',
      error_message: 'answer.errorMessage',
      response_result: 'answer.result',
    })}
  FROM (SELECT file, json, r, ${tolerant ? EITHER_WAY : 'r.userIdentity AS who, r.requestParams AS params, r.response AS answer'}
    FROM (SELECT json, file, ${fromJson('json', SHAPE)} AS r FROM ${raw}))`,
}
