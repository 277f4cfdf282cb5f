/**
 * Rows of `system.access.audit`: JSON lines, CSV or Parquet that somebody exported, so structs and the map may be objects, JSON
 * text or lists of pairs, and the inner names snake_case (the table today) or camelCase (older pages and exports).
 * Source: docs.databricks.com, "Audit log system table reference".
 */
import { type Form, fromJson, PARAMS_SHAPE, recordColumns, tryFromJson } from '../contract.ts'
import { eitherWayParamsSql, eitherWaySql, keptMembersSql, misreadSql, unreadSql } from '../nested.ts'

const SHAPE = {
  account_id: 'VARCHAR',
  workspace_id: 'VARCHAR',
  event_time: 'VARCHAR',
  source_ip_address: 'VARCHAR',
  user_agent: 'VARCHAR',
  session_id: 'VARCHAR',
  user_identity: { email: 'VARCHAR', subject_name: 'VARCHAR', subjectName: 'VARCHAR' },
  service_name: 'VARCHAR',
  action_name: 'VARCHAR',
  request_id: 'VARCHAR',
  request_params: PARAMS_SHAPE,
  response: {
    status_code: 'VARCHAR',
    error_message: 'VARCHAR',
    result: 'VARCHAR',
    statusCode: 'VARCHAR',
    errorMessage: 'VARCHAR',
  },
  audit_level: 'VARCHAR',
  event_id: 'VARCHAR',
  identity_metadata: 'VARCHAR',
} as const

const METADATA_SHAPE = {
  run_by: 'VARCHAR',
  run_as: 'VARCHAR',
  acting_resource: 'VARCHAR',
  runBy: 'VARCHAR',
  runAs: 'VARCHAR',
  actingResource: 'VARCHAR',
} as const

const NESTED_ODDLY = [
  misreadSql('request_params', 'r.request_params'),
  misreadSql('response', 'coalesce(r.response.status_code, r.response.statusCode)'),
  misreadSql('user_identity', 'r.user_identity.email'),
].join(' OR ')

const EITHER_WAY = `${eitherWaySql('user_identity', SHAPE.user_identity)} AS who,
      ${eitherWayParamsSql('request_params')} AS params, ${eitherWaySql('response', SHAPE.response)} AS answer`
const UNREAD = keptMembersSql({
  user_identity: unreadSql("(json ->> '$.user_identity')", 'who'),
  response: unreadSql("(json ->> '$.response')", 'answer'),
})
const ONE_WAY = 'r.user_identity AS who, r.request_params AS params, r.response AS answer'

/** Rows of `system.access.audit`. */
export const systemTable: Form = {
  name: 'system-table',
  doc: 'Rows of system.access.audit as JSON lines, CSV or Parquet.',
  recognises: (record) => 'action_name' in record && 'service_name' in record,
  knownKeys: ['version', 'event_date', ...Object.keys(SHAPE)],
  recordSql: (raw, tolerant) => `
  SELECT file, json,
    ${tolerant ? 'false' : NESTED_ODDLY} AS odd,
    ${recordColumns({
      native_id: 'r.event_id',
      time_text: 'r.event_time',
      account_id: 'r.account_id',
      workspace_id: 'r.workspace_id',
      audit_level: 'r.audit_level',
      service: 'r.service_name',
      action: 'r.action_name',
      email: 'who.email',
      subject_name: 'coalesce(who.subject_name, who.subjectName)',
      run_by: 'coalesce(meta.run_by, meta.runBy)',
      run_as: 'coalesce(meta.run_as, meta.runAs)',
      acting_resource: 'coalesce(meta.acting_resource, meta.actingResource)',
      session_id: "nullif(r.session_id, '')",
      request_id: "nullif(r.request_id, '')",
      ip_text: 'r.source_ip_address',
      user_agent: "nullif(r.user_agent, '')",
      request_params: 'params',
      status_code: 'coalesce(answer.status_code, answer.statusCode)',
      error_message: 'coalesce(answer.error_message, answer.errorMessage)',
      response_result: 'answer.result',
      ...(tolerant ? { kept_members: UNREAD } : {}),
    })}
  FROM (SELECT file, json, r, ${tryFromJson('r.identity_metadata', METADATA_SHAPE)} AS meta,
      ${tolerant ? EITHER_WAY : ONE_WAY}
    FROM (SELECT json, file, ${fromJson('json', SHAPE)} AS r FROM ${raw}))`,
}
