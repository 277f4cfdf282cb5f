/**
 * Immuta's Universal Audit Model: one JSON object a line. Every member that the model lists is always there, null where
 * not known; what it has no place for stands in `auditPayload.bricktrail`.
 */
import { type ExportFormat, RAW_LINES } from '../contract.ts'
import { IS_QUERY, present } from '../event-facts.ts'
import {
  constant,
  either,
  isoMs,
  type Json,
  json,
  jsonFromText,
  listFrom,
  type Members,
  object,
  objectIfAny,
  plain,
  sqlOf,
  sureJson,
  surePlain,
  when,
  whole,
} from '../json-sql.ts'
import { came, cameJson, cameJsonOr, LEFT_OVER, LEFT_OVER_OF_ACTOR, SOME_PAYLOADS } from '../uam-came.ts'
import { ACTION, ACTOR_TYPE, PAYLOAD_TYPE, TARGET_TYPE, targetTypeSql } from '../uam-words.ts'

/** Immuta cuts the query text here. */
const QUERY_CHARS = 2048

/** A list made from the targets, empty where there are none. */
const fromTargets = (element: Json): Json => either([['len(targets) > 0', listFrom('targets', element)]], constant([]))

/** Names of the targets of some kind. */
const targetNames = (condition: string): Json =>
  fromTargets(when(`item.name IS NOT NULL AND (${condition})`, sureJson('item.name')))

/** Entitlements are text in the event; those that were objects are objects again. */
const entitlements = (name: string): Json =>
  listFrom(`access_controls.${name}`, either([["starts_with(item, '{')", jsonFromText('item')]], json('item')))

const ACCESS_CONTROLS = when(
  'access_controls IS NOT NULL',
  whole({
    entitlements: whole({
      project: json('access_controls.project'),
      attributes: entitlements('attributes'),
      groups: entitlements('"groups"'),
      impersonatedUsers: entitlements('impersonated_users'),
    }),
  }),
)

const POLICY_SET = cameJsonOr(
  'policySet',
  when(
    'policy_set IS NOT NULL',
    listFrom(
      'policy_set',
      whole({
        type: json('item.type'),
        subscriptionPolicyType: json('item.subscription_policy_type'),
        ruleAppliedForUser: plain('item.rule_applied_for_user'),
        rationale: json('item.rationale'),
        global: plain('item."global"'),
        mergedPolicies: jsonFromText('item.merged_policies'),
      }),
    ),
  ),
)

/** A cluster id has dashes, a warehouse id has none. */
const IS_WAREHOUSE =
  "(form IS DISTINCT FROM 'uam' AND query.compute_id IS NOT NULL AND NOT contains(query.compute_id, '-'))"

const TECHNOLOGY_CONTEXT = whole(
  {
    type: sureJson(`coalesce(${came('technology')}, 'DatabricksContext')`),
    clusterId: when(`NOT ${IS_WAREHOUSE}`, json('query.compute_id')),
    clusterName: json(`coalesce(request_params['clusterName'], request_params['cluster_name'])`),
    warehouseId: when(IS_WAREHOUSE, json('query.compute_id')),
    workspaceId: json('workspace_id'),
    pathUris: cameJsonOr('pathUris', targetNames("item.type = 'path' OR contains(item.name, ':/')")),
    metastoreTables: cameJsonOr('metastoreTables', targetNames("item.type = 'table'")),
    queryLanguage: json(`coalesce(${came('queryLanguage')}, query.language)`),
    queryText: json('query.text'),
    immutaPluginVersion: json(came('immutaPluginVersion')),
  },
  LEFT_OVER,
)

const PRINCIPALS = when(
  'len(targets) > 0 AND (targets[1].principal IS NOT NULL OR targets[1].privilege IS NOT NULL)',
  listFrom('targets', objectIfAny({ principal: json('item.principal'), privilege: json('item.privilege') })),
)

/** What Bricktrail knows beyond the model; only what is known. */
const BRICKTRAIL = object({
  eventId: json('event_id'),
  service: json('service'),
  action: json('action'),
  category: json('category'),
  verb: json('verb'),
  keyEvent: json('key_event'),
  actorEmail: json('actor.email'),
  runBy: json('actor.run_by'),
  runAs: json('actor.run_as'),
  userAgent: json('user_agent'),
  client: json('client'),
  geo: json('geo'),
  cloud: json('cloud'),
  auditLevel: json('audit_level'),
  workspaceId: json('workspace_id'),
  statusCode: plain('status_code'),
  errorMessage: json('error_message'),
  sensitivity: json('sensitivity'),
  tags: json('tags'),
  principals: PRINCIPALS,
  requestParams: when("form IS DISTINCT FROM 'uam'", json('request_params')),
  responseResult: json('response_result'),
  extra: jsonFromText('extra'),
  form: json('form'),
  sourceObject: json('source_object'),
  batchId: json('batch_id'),
})

const PAYLOAD_HEAD: Members = {
  type: sureJson(`coalesce(${came('payloadType')}, ${PAYLOAD_TYPE})`),
  version: surePlain(`coalesce(try_cast(${came('payloadVersion')} AS INTEGER), 1)`),
}

/** A record that was ours before it came back as UAM brings what Bricktrail knew of it then. */
const PAYLOAD_TAIL: Members = { bricktrail: cameJsonOr('bricktrail', BRICKTRAIL) }

const QUERY_PAYLOAD = whole({
  ...PAYLOAD_HEAD,
  queryId: json('query.id'),
  query: json(`left(coalesce(${came('query')}, query.text), ${QUERY_CHARS})`),
  startTime: json(`coalesce(${came('startTime')}, ${isoMs('event_time')})`),
  endTime: json(`coalesce(${came('endTime')}, ${isoMs('event_time + to_milliseconds(query.duration_ms)')})`),
  duration: plain('query.duration_ms'),
  accessControls: ACCESS_CONTROLS,
  policySet: POLICY_SET,
  technologyContext: TECHNOLOGY_CONTEXT,
  ...Object.fromEntries(SOME_PAYLOADS.map((name) => [name, cameJson(name)])),
  ...PAYLOAD_TAIL,
})

const OTHER_PAYLOAD = whole(
  { ...PAYLOAD_HEAD, accessControls: ACCESS_CONTROLS, policySet: POLICY_SET, ...PAYLOAD_TAIL },
  LEFT_OVER,
)

const CAME_AS_QUERY = `(action = 'QUERY' OR coalesce(${came('payloadType')} = 'QueryAuditPayload', false))`

const TARGETS = fromTargets(
  when(
    'item IS NOT NULL',
    whole({
      id: json('item.id'),
      name: json('item.name'),
      type: json(targetTypeSql("nullif(item.type, '')")),
      technology: constant('DATABRICKS'),
    }),
  ),
)

const EVENT = whole({
  id: json(`coalesce(CASE WHEN form = 'uam' THEN ${present('native_id')} END, event_id)`),
  action: json(ACTION),
  actionStatus: json('status'),
  actionStatusReason: when("status IS DISTINCT FROM 'SUCCESS'", json('coalesce(status_reason, error_message)')),
  eventTimestamp: sureJson(isoMs('event_time')),
  receivedTimestamp: sureJson(isoMs('coalesce(received_time, ingest_time)')),
  customerId: json('account_id'),
  tenantId: json('account_id'),
  actor: whole(
    {
      type: sureJson(ACTOR_TYPE),
      id: json(`coalesce(actor.id, CASE WHEN form IS DISTINCT FROM 'uam' THEN actor.email END)`),
      name: json('coalesce(actor.name, actor.email)'),
      identityProvider: json('actor.identity_provider'),
      profileId: json(came('profileId')),
      impersonatedBy: json('actor.impersonated_by'),
    },
    LEFT_OVER_OF_ACTOR,
  ),
  actorIp: json('source_ip'),
  sessionId: json('session_id'),
  requestId: json('request_id'),
  targetType: json('target_type'),
  targets: cameJsonOr('targets', TARGETS),
  relatedResources: cameJsonOr('relatedResources', constant([])),
  auditPayload: either([['is_query', QUERY_PAYLOAD]], OTHER_PAYLOAD),
})

/** The UAM format. */
export const uam: ExportFormat = {
  name: 'uam',
  extension: 'ndjson',
  doc: "Immuta's Universal Audit Model, one record a line.",
  shape: 'lines',
  gzip: true,
  select: (relation, also = []) => `SELECT ${[...also, sqlOf(EVENT)].join(', ')} AS line FROM (
    SELECT *, ${TARGET_TYPE} AS target_type FROM (SELECT *, CASE WHEN form = 'uam' THEN ${CAME_AS_QUERY} ELSE ${IS_QUERY} END AS is_query
      FROM ${relation} AS events))`,
  copyOptions: RAW_LINES,
}
