/**
 * Immuta's Universal Audit Model: who queried which data source, with the entitlements and policies of that moment.
 * Source: documentation.immuta.com, "UAM schema" and the query audit pages for Databricks.
 *
 * The columns of the event take what they have a place for. Everything else of the payload, its technology context and the
 * actor stays in the request parameters under its own name, so that an export to UAM gives every field back.
 */
import { lit, litList } from '../../engine/sql.ts'
import { type Form, fromJson, PARAMS_SHAPE, recordColumns, tryFromJson } from '../contract.ts'
import { UNPARSED_KEY } from '../nested.ts'

const SHAPE = {
  id: 'VARCHAR',
  action: 'VARCHAR',
  actionStatus: 'VARCHAR',
  actionStatusReason: 'VARCHAR',
  eventTimestamp: 'VARCHAR',
  receivedTimestamp: 'VARCHAR',
  tenantId: 'VARCHAR',
  customerId: 'VARCHAR',
  actor: 'VARCHAR',
  actorIp: 'VARCHAR',
  sessionId: 'VARCHAR',
  requestId: 'VARCHAR',
  userAgent: 'VARCHAR',
  targetType: 'VARCHAR',
  targets: 'VARCHAR',
  relatedResources: 'VARCHAR',
  auditPayload: 'VARCHAR',
} as const

const ACTOR_SHAPE = {
  type: 'VARCHAR',
  id: 'VARCHAR',
  name: 'VARCHAR',
  email: 'VARCHAR',
  identityProvider: 'VARCHAR',
  impersonatedBy: 'VARCHAR',
} as const

const PAYLOAD_SHAPE = {
  type: 'VARCHAR',
  version: 'VARCHAR',
  queryId: 'VARCHAR',
  query: 'VARCHAR',
  duration: 'VARCHAR',
  accessControls: { entitlements: 'VARCHAR', policySet: 'VARCHAR' },
  policySet: 'VARCHAR',
  technologyContext: 'VARCHAR',
} as const

const CONTEXT_SHAPE = {
  type: 'VARCHAR',
  clusterId: 'VARCHAR',
  warehouseId: 'VARCHAR',
  workspaceId: 'VARCHAR',
  queryLanguage: 'VARCHAR',
  queryText: 'VARCHAR',
  rowsProduced: 'VARCHAR',
} as const

const ENTITLEMENTS_SHAPE = {
  project: 'VARCHAR',
  groups: 'VARCHAR',
  attributes: 'VARCHAR',
  impersonatedUsers: 'VARCHAR',
} as const

const TARGET_SHAPE = [{ type: 'VARCHAR', id: 'VARCHAR', name: 'VARCHAR', technology: 'VARCHAR' }] as const

const POLICY_SHAPE = [
  {
    type: 'VARCHAR',
    subscriptionPolicyType: 'VARCHAR',
    ruleAppliedForUser: 'VARCHAR',
    rationale: 'VARCHAR',
    global: 'VARCHAR',
    mergedPolicies: 'VARCHAR',
  },
] as const

/** Actor types in the event's words; Immuta's own are the first and `unknown`. */
const ACTOR_TYPES = {
  USER_ACTOR: 'user',
  SYSTEM_ACTOR: 'system',
  SERVICE_PRINCIPAL_ACTOR: 'service_principal',
  VENDOR_SUPPORT_ACTOR: 'vendor_support',
} as const

/** Target types that the catalogue calls otherwise; the rest is the same in lower case. */
const TARGET_TYPES = {
  DATASOURCE: 'table',
  APIKEY: 'token',
  CONFIGURATION: 'setting',
  GLOBAL_POLICY: 'abac_policy',
} as const

const choose = (subject: string, words: Readonly<Record<string, string>>, otherwise: string): string =>
  `CASE ${subject} ${Object.entries(words)
    .map(([from, to]) => `WHEN ${lit(from)} THEN ${lit(to)}`)
    .join(' ')} ELSE ${otherwise} END`

/** Members of a JSON object as parameters, without those that have a column, and without nulls. */
const restSql = (object: string, without: readonly string[], key = 'kv.key'): string =>
  `map_from_entries(list_transform(list_filter(map_entries(${tryFromJson(object, PARAMS_SHAPE)}),
        lambda kv: kv.value IS NOT NULL AND NOT list_contains(${litList(without)}, kv.key)), lambda kv: {'key': ${key}, 'value': kv.value}))`

const oneSql = (key: string, value: string): string =>
  `CASE WHEN ${value} IS NOT NULL THEN map([${lit(key)}], [${value}]) END`

const notAnObject = (text: string): string => `CASE WHEN ${tryFromJson(text, PARAMS_SHAPE)} IS NULL THEN ${text} END`

const STATUS = `CASE WHEN upper(r.actionStatus) IN ('SUCCESS', 'FAILURE', 'UNAUTHORIZED') THEN upper(r.actionStatus) END`

/** A list's text, where its objects have members that the columns have no place for, or where it is no list of objects. */
const unmappedSql = (list: string, known: readonly string[], odd: string): string =>
  `CASE WHEN ${list} IS NOT NULL AND coalesce(len(list_filter(${tryFromJson(list, ['JSON'])}, lambda o:
        json_type(o) <> 'OBJECT' OR NOT list_has_all(${litList(known)}, json_keys(o)) OR ${odd})) > 0, true) THEN ${list} END`

const TARGETS_UNMAPPED = unmappedSql(
  'r.targets',
  Object.keys(TARGET_SHAPE[0]),
  `coalesce(o ->> '$.technology', 'DATABRICKS') <> 'DATABRICKS'`,
)
const POLICIES_UNMAPPED = unmappedSql('policies', Object.keys(POLICY_SHAPE[0]), 'false')

/** Whatever has no column. Where two have one name, the later one here stands. */
const PARAMS = `coalesce(try(map_concat(${[
  restSql('r.actor', Object.keys(ACTOR_SHAPE), "CASE kv.key WHEN 'profileId' THEN kv.key ELSE 'actor.' || kv.key END"),
  restSql('payload.technologyContext', [
    'type',
    'clusterId',
    'warehouseId',
    'workspaceId',
    'queryText',
    'rowsProduced',
  ]),
  restSql('r.auditPayload', Object.keys(PAYLOAD_SHAPE)),
  oneSql('query', 'CASE WHEN context.queryText IS NOT NULL THEN payload.query END'),
  oneSql('technology', 'context.type'),
  oneSql('payloadType', 'payload.type'),
  oneSql('payloadVersion', 'payload.version'),
  oneSql('targetType', 'r.targetType'),
  oneSql('relatedResources', "CASE WHEN r.relatedResources <> '[]' THEN r.relatedResources END"),
  oneSql('actionStatus', `CASE WHEN ${STATUS} IS NULL THEN r.actionStatus END`),
  oneSql('actor', notAnObject('r.actor')),
  oneSql('auditPayload', notAnObject('r.auditPayload')),
  oneSql('targets', TARGETS_UNMAPPED),
  oneSql('policySet', POLICIES_UNMAPPED),
].join(',\n      ')})), map([${lit(UNPARSED_KEY)}], [r.auditPayload]))`

/** Whole numbers are milliseconds, as in Immuta's query log; numbers with a fraction are seconds. */
const DURATION_MS = `round(try_cast(payload.duration AS DOUBLE) * CASE WHEN contains(payload.duration, '.') THEN 1000 ELSE 1 END)::BIGINT`

const QUERY = `CASE WHEN coalesce(payload.queryId, payload.query, context.queryText) IS NOT NULL THEN {
        'id': payload.queryId, 'text': coalesce(context.queryText, payload.query), 'language': lower(context.queryLanguage), 'type': NULL::VARCHAR,
        'duration_ms': ${DURATION_MS}, 'rows_produced': try_cast(context.rowsProduced AS BIGINT), 'bytes_read': NULL::BIGINT,
        'compute_id': coalesce(context.clusterId, context.warehouseId)} END`

const TARGETS = `list_transform(${tryFromJson('r.targets', TARGET_SHAPE)}, lambda t: {
        'type': ${choose("upper(coalesce(nullif(t.type, ''), r.targetType))", TARGET_TYPES, "lower(coalesce(nullif(t.type, ''), r.targetType))")},
        'id': t.id, 'name': t.name, 'principal': NULL::VARCHAR, 'privilege': NULL::VARCHAR})`

/** A list of texts or objects as texts; one lone value as a list of one. */
const textsSql = (value: string): string =>
  `CASE WHEN ${value} IS NOT NULL THEN coalesce(${tryFromJson(value, ['VARCHAR'])}, [${value}]) END`

const ACCESS_CONTROLS = `CASE WHEN who_may IS NOT NULL THEN {'project': who_may.project, 'groups': ${textsSql('who_may."groups"')},
        'attributes': ${textsSql('who_may.attributes')}, 'impersonated_users': ${textsSql('who_may.impersonatedUsers')}} END`

const POLICY_SET = `list_transform(${tryFromJson('policies', POLICY_SHAPE)}, lambda p: {
        'type': p.type, 'subscription_policy_type': p.subscriptionPolicyType, 'rule_applied_for_user': try_cast(p.ruleAppliedForUser AS BOOLEAN),
        'rationale': p.rationale, 'global': try_cast(p."global" AS BOOLEAN), 'merged_policies': p.mergedPolicies})`

/** Texts found by a JSON path, each once; NULL for none. */
const foundSql = (path: string): string =>
  `nullif(list_sort(list_distinct(json_extract_string(try_cast(r.auditPayload AS JSON), ${lit(path)}))), [])`

/** Immuta Universal Audit Model. */
export const uam: Form = {
  name: 'uam',
  doc: "Immuta's Universal Audit Model, one record a line.",
  recognises: (record) => 'auditPayload' in record || ('actionStatus' in record && 'eventTimestamp' in record),
  givesTargets: true,
  givesQuery: true,
  knownKeys: Object.keys(SHAPE),
  recordSql: (raw) => `
  SELECT file, json, false AS odd,
    ${recordColumns({
      native_id: 'r.id',
      time_text: 'r.eventTimestamp',
      received_text: 'r.receivedTimestamp',
      account_id: 'coalesce(r.tenantId, r.customerId)',
      workspace_id: 'context.workspaceId',
      service: "'immuta'",
      action: 'r.action',
      email: `coalesce(actor.email, CASE WHEN contains(actor.name, '@') THEN actor.name END)`,
      subject_name: `nullif(actor.name, '')`,
      actor_type: choose('actor.type', ACTOR_TYPES, "'unknown'"),
      actor_id: `nullif(actor.id, '')`,
      identity_provider: 'actor.identityProvider',
      impersonated_by: `nullif(actor.impersonatedBy, '')`,
      session_id: 'r.sessionId',
      request_id: 'r.requestId',
      ip_text: 'r.actorIp',
      user_agent: 'r.userAgent',
      request_params: PARAMS,
      status_text: STATUS,
      status_reason: 'r.actionStatusReason',
      query: QUERY,
      targets: TARGETS,
      access_controls: ACCESS_CONTROLS,
      policy_set: POLICY_SET,
      sensitivity: foundSql('$.objectsAccessed[*].securityProfile.sensitivity.score'),
      tags: foundSql('$.objectsAccessed[*].columns[*].tags[*].name'),
    })}
  FROM (SELECT *, ${tryFromJson('payload.technologyContext', CONTEXT_SHAPE)} AS context,
      ${tryFromJson('payload.accessControls.entitlements', ENTITLEMENTS_SHAPE)} AS who_may,
      coalesce(payload.policySet, payload.accessControls.policySet) AS policies
    FROM (SELECT *, ${tryFromJson('r.actor', ACTOR_SHAPE)} AS actor, ${tryFromJson('r.auditPayload', PAYLOAD_SHAPE)} AS payload
      FROM (SELECT json, file, ${fromJson('json', SHAPE)} AS r FROM ${raw})))`,
}
