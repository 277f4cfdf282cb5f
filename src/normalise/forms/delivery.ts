/**
 * Delivery JSON 2.0: what audit log delivery writes on AWS and GCP.
 * Source: docs.databricks.com, "Configure audit log delivery" (record shape, level, request parameters).
 */
import { type Form, fromJson, PARAMS_SHAPE, recordColumns, tryFromJson } from '../contract.ts'
import { eitherWayParamsSql, eitherWaySql, keptMembersSql, misreadSql, unreadSql } from '../nested.ts'

const SHAPE = {
  timestamp: 'VARCHAR',
  auditLevel: 'VARCHAR',
  orgId: 'VARCHAR',
  workspaceId: 'VARCHAR',
  shardName: 'VARCHAR',
  accountId: 'VARCHAR',
  sourceIPAddress: 'VARCHAR',
  userAgent: 'VARCHAR',
  sessionId: 'VARCHAR',
  userIdentity: { email: 'VARCHAR', subjectName: 'VARCHAR', subject_name: 'VARCHAR' },
  // Mostly absent: as text first, so that it costs nothing then.
  identityMetadata: 'VARCHAR',
  serviceName: 'VARCHAR',
  actionName: 'VARCHAR',
  requestId: 'VARCHAR',
  requestParams: PARAMS_SHAPE,
  response: { statusCode: 'VARCHAR', errorMessage: 'VARCHAR', result: 'VARCHAR' },
} as const

const METADATA_SHAPE = {
  runBy: 'VARCHAR',
  runAs: 'VARCHAR',
  actingResource: 'VARCHAR',
  run_by: 'VARCHAR',
  run_as: 'VARCHAR',
  acting_resource: 'VARCHAR',
} as const

const NESTED_ODDLY = [
  misreadSql('requestParams', 'r.requestParams'),
  misreadSql('response', 'r.response.statusCode'),
  misreadSql('userIdentity', 'r.userIdentity.email'),
].join(' OR ')

const EITHER_WAY = `${eitherWaySql('userIdentity', SHAPE.userIdentity)} AS who,
      ${eitherWayParamsSql('requestParams')} AS params, ${eitherWaySql('response', SHAPE.response)} AS answer`
const UNREAD = {
  userIdentity: unreadSql("(json ->> '$.userIdentity')", 'who'),
  response: unreadSql("(json ->> '$.response')", 'answer'),
}
const ONE_WAY = 'r.userIdentity AS who, r.requestParams AS params, r.response AS answer'

/** Delivery JSON 2.0. */
export const delivery: Form = {
  name: 'delivery',
  doc: 'Audit log delivery JSON 2.0 (AWS, GCP).',
  recognises: (record) => 'actionName' in record && 'serviceName' in record && !('properties' in record),
  knownKeys: ['version', 'MAX_LOG_MESSAGE_LENGTH', ...Object.keys(SHAPE)],
  recordSql: (raw, tolerant) => `
  SELECT file, json,
    ${tolerant ? 'false' : NESTED_ODDLY} AS odd,
    ${recordColumns({
      time_text: 'r."timestamp"',
      account_id: 'r.accountId',
      workspace_id: 'coalesce(r.workspaceId, r.orgId)',
      audit_level: 'r.auditLevel',
      service: 'r.serviceName',
      action: 'r.actionName',
      email: 'who.email',
      subject_name: 'coalesce(who.subjectName, who.subject_name)',
      run_by: 'coalesce(meta.runBy, meta.run_by)',
      run_as: 'coalesce(meta.runAs, meta.run_as)',
      acting_resource: 'coalesce(meta.actingResource, meta.acting_resource)',
      session_id: 'r.sessionId',
      request_id: 'r.requestId',
      ip_text: 'r.sourceIPAddress',
      user_agent: 'r.userAgent',
      request_params: 'params',
      status_code: 'answer.statusCode',
      error_message: 'answer.errorMessage',
      response_result: 'answer.result',
      kept_members: keptMembersSql({ shardName: 'r.shardName', ...(tolerant ? UNREAD : {}) }),
    })}
  FROM (SELECT file, json, r, ${tryFromJson('r.identityMetadata', METADATA_SHAPE)} AS meta,
      ${tolerant ? EITHER_WAY : ONE_WAY}
    FROM (SELECT json, file, ${fromJson('json', SHAPE)} AS r FROM ${raw}))`,
}
