/**
 * Immuta's Universal Audit Model: one JSON object a line. Every member that the model lists is always there, null where
 * not known; what it has no place for stands in `auditPayload.bricktrail`.
 */
import { type ExportFormat, RAW_LINES } from '../contract.ts'
import { IS_QUERY, present } from '../event-facts.ts'
import { isoMs, jsonFromText, type Members, struct } from '../json-sql.ts'
import { came, cameJson, cameJsonOr, OTHER_PARAMS, SOME_PAYLOADS, withLeftOver } from '../uam-came.ts'
import { ACTION, ACTOR_TYPE, PAYLOAD_TYPE, TARGET_TYPE, targetTypeSql } from '../uam-words.ts'

/** Immuta cuts the query text here. */
const QUERY_CHARS = 2048

/** Names of the targets of some kind. */
const targetNames = (condition: string): string =>
  `coalesce(list_transform(list_filter(targets, lambda t: t.name IS NOT NULL AND (${condition})), lambda t: t.name), []::VARCHAR[])`

/** Entitlements are text in the event; those that were objects are objects again. */
const entitlements = (list: string): string => `list_transform(coalesce(access_controls.${list}, []::VARCHAR[]),
        lambda t: CASE WHEN starts_with(t, '{') THEN ${jsonFromText('t')} ELSE to_json(t) END)`

const ACCESS_CONTROLS = `CASE WHEN access_controls IS NOT NULL THEN ${struct({
  entitlements: struct({
    project: 'access_controls.project',
    attributes: entitlements('attributes'),
    groups: entitlements('"groups"'),
    impersonatedUsers: entitlements('impersonated_users'),
  }),
})} END`

const POLICY_SET = cameJsonOr(
  'policySet',
  `list_transform(policy_set, lambda p: ${struct({
    type: 'p.type',
    subscriptionPolicyType: 'p.subscription_policy_type',
    ruleAppliedForUser: 'p.rule_applied_for_user',
    rationale: 'p.rationale',
    global: 'p."global"',
    mergedPolicies: jsonFromText('p.merged_policies'),
  })})`,
)

/** A cluster id has dashes, a warehouse id has none. */
const IS_WAREHOUSE =
  "(form IS DISTINCT FROM 'uam' AND query.compute_id IS NOT NULL AND NOT contains(query.compute_id, '-'))"

const TECHNOLOGY_CONTEXT = struct({
  type: `coalesce(${came('technology')}, 'DatabricksContext')`,
  clusterId: `CASE WHEN NOT ${IS_WAREHOUSE} THEN query.compute_id END`,
  clusterName: `coalesce(${came('clusterName')}, request_params['clusterName'], request_params['cluster_name'])`,
  warehouseId: `CASE WHEN ${IS_WAREHOUSE} THEN query.compute_id END`,
  workspaceId: 'workspace_id',
  pathUris: cameJsonOr('pathUris', targetNames("t.type = 'path' OR contains(t.name, ':/')")),
  metastoreTables: cameJsonOr('metastoreTables', targetNames("t.type = 'table'")),
  queryLanguage: `coalesce(${came('queryLanguage')}, query.language)`,
  queryText: `coalesce(${came('queryText')}, query.text)`,
  immutaPluginVersion: came('immutaPluginVersion'),
})

/** What Bricktrail knows beyond the model. */
const BRICKTRAIL = struct({
  eventId: 'event_id',
  service: 'service',
  action: 'action',
  category: 'category',
  verb: 'verb',
  keyEvent: 'key_event',
  actorEmail: 'actor.email',
  runBy: 'actor.run_by',
  runAs: 'actor.run_as',
  userAgent: 'user_agent',
  client: 'client',
  geo: 'geo',
  cloud: 'cloud',
  auditLevel: 'audit_level',
  workspaceId: 'workspace_id',
  statusCode: 'status_code',
  errorMessage: 'error_message',
  sensitivity: 'sensitivity',
  tags: 'tags',
  principals: `list_filter(list_transform(targets, lambda t: ${struct({ principal: 't.principal', privilege: 't.privilege' })}),
      lambda t: t.principal IS NOT NULL OR t.privilege IS NOT NULL)`,
  requestParams: OTHER_PARAMS,
  responseResult: 'response_result',
  extra: jsonFromText('extra'),
  form: 'form',
  sourceObject: 'source_object',
  batchId: 'batch_id',
})

const QUERY_PAYLOAD: Members = {
  queryId: 'query.id',
  query: `left(coalesce(${came('query')}, query.text), ${QUERY_CHARS})`,
  startTime: `coalesce(${came('startTime')}, ${isoMs('event_time')})`,
  endTime: `coalesce(${came('endTime')}, ${isoMs('event_time + to_milliseconds(query.duration_ms)')})`,
  duration: 'query.duration_ms',
  accessControls: ACCESS_CONTROLS,
  policySet: POLICY_SET,
  technologyContext: withLeftOver(`to_json(${TECHNOLOGY_CONTEXT})`),
  ...Object.fromEntries(SOME_PAYLOADS.map((name) => [name, cameJson(name)])),
}

const PAYLOAD_HEAD: Members = {
  type: `coalesce(${came('payloadType')}, ${PAYLOAD_TYPE})`,
  version: `coalesce(try_cast(${came('payloadVersion')} AS INTEGER), 1)`,
}

/** A record that was ours before it came back as UAM brings what Bricktrail knew of it then. */
const EXTENSION = cameJsonOr('bricktrail', BRICKTRAIL)

const OTHER_PAYLOAD = struct({
  ...PAYLOAD_HEAD,
  accessControls: ACCESS_CONTROLS,
  policySet: POLICY_SET,
  bricktrail: EXTENSION,
})

const PAYLOAD = `CASE WHEN is_query THEN to_json(${struct({ ...PAYLOAD_HEAD, ...QUERY_PAYLOAD, bricktrail: EXTENSION })})
    ELSE ${withLeftOver(`to_json(${OTHER_PAYLOAD})`)} END`

const CAME_AS_QUERY = `(action = 'QUERY' OR coalesce(${came('payloadType')} = 'QueryAuditPayload', false))`

const EVENT = struct({
  id: `coalesce(CASE WHEN form = 'uam' THEN ${present('native_id')} END, event_id)`,
  action: ACTION,
  actionStatus: 'status',
  actionStatusReason: `CASE WHEN status IS DISTINCT FROM 'SUCCESS' THEN coalesce(status_reason, error_message) END`,
  eventTimestamp: isoMs('event_time'),
  receivedTimestamp: isoMs('coalesce(received_time, ingest_time)'),
  customerId: 'account_id',
  tenantId: 'account_id',
  actor: struct({
    type: ACTOR_TYPE,
    id: `coalesce(actor.id, CASE WHEN form IS DISTINCT FROM 'uam' THEN actor.email END)`,
    name: 'coalesce(actor.name, actor.email)',
    identityProvider: 'actor.identity_provider',
    profileId: came('profileId'),
    impersonatedBy: 'actor.impersonated_by',
  }),
  actorIp: 'source_ip',
  sessionId: 'session_id',
  requestId: 'request_id',
  targetType: 'target_type',
  targets: cameJsonOr(
    'targets',
    `list_transform(coalesce(list_filter(targets, lambda t: t IS NOT NULL), []), lambda t: ${struct({
      id: 't.id',
      name: 't.name',
      type: targetTypeSql("nullif(t.type, '')"),
      technology: "'DATABRICKS'",
    })})`,
  ),
  relatedResources: cameJsonOr('relatedResources', '[]::VARCHAR[]'),
  auditPayload: PAYLOAD,
})

/** The UAM format. */
export const uam: ExportFormat = {
  name: 'uam',
  extension: 'ndjson',
  doc: "Immuta's Universal Audit Model, one record a line.",
  shape: 'lines',
  gzip: true,
  select: (relation) => `SELECT to_json(${EVENT})::VARCHAR AS line FROM (
    SELECT *, ${TARGET_TYPE} AS target_type FROM (SELECT *, CASE WHEN form = 'uam' THEN ${CAME_AS_QUERY} ELSE ${IS_QUERY} END AS is_query
      FROM ${relation} AS events))`,
  copyOptions: RAW_LINES,
}
