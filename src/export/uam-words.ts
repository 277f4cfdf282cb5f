/** The words of Immuta's Universal Audit Model for what Databricks events say: actor, action, target and payload types. */
import { lit } from '../engine/sql.ts'
import { anyOf } from './event-facts.ts'
import { came } from './uam-came.ts'

/** Actor types. `USER_ACTOR` and `unknown` are Immuta's; the others follow their pattern for actors Immuta does not know. */
const ACTOR_TYPES = {
  user: 'USER_ACTOR',
  service_principal: 'SERVICE_PRINCIPAL_ACTOR',
  system: 'SYSTEM_ACTOR',
  vendor_support: 'VENDOR_SUPPORT_ACTOR',
} as const

/** For each verb the UAM action and how the event's name says it happened. */
export const UAM_VERBS: Readonly<Record<string, readonly [action: string, happened: string]>> = {
  login: ['AUTHENTICATE', 'Authenticated'],
  logout: ['LOGOUT', 'Logout'],
  issue: ['CREATE', 'Issued'],
  read: ['READ', 'Read'],
  list: ['READ', 'Listed'],
  create: ['CREATE', 'Created'],
  update: ['UPDATE', 'Updated'],
  write: ['UPDATE', 'Written'],
  delete: ['DELETE', 'Deleted'],
  restore: ['CREATE', 'Restored'],
  grant: ['APPLY', 'Applied'],
  revoke: ['REMOVE', 'Removed'],
  deny: ['DENY', 'Denied'],
  add: ['APPLY', 'Added'],
  remove: ['REMOVE', 'Removed'],
  execute: ['EXECUTE', 'Executed'],
  start: ['EXECUTE', 'Started'],
  stop: ['EXECUTE', 'Stopped'],
  restart: ['EXECUTE', 'Restarted'],
  cancel: ['EXECUTE', 'Cancelled'],
  complete: ['EXECUTE', 'Completed'],
  export: ['EXPORT', 'Exported'],
  import: ['IMPORT', 'Imported'],
  share: ['APPLY', 'Shared'],
  unshare: ['REMOVE', 'Unshared'],
  send: ['EXECUTE', 'Sent'],
  request: ['REQUEST', 'Requested'],
  approve: ['APPROVE', 'Approved'],
  enable: ['UPDATE', 'Enabled'],
  disable: ['UPDATE', 'Disabled'],
  rotate: ['UPDATE', 'Rotated'],
  detect: ['DETECT', 'Detected'],
}

/** Target types that Immuta has its own word for; every other type is itself in capitals. */
export const UAM_TARGETS: Readonly<Record<string, string>> = {
  table: 'DATASOURCE',
  feature_table: 'DATASOURCE',
  vector_index: 'DATASOURCE',
  volume: 'DATASOURCE',
  path: 'DATASOURCE',
  securable: 'DATASOURCE',
  service_principal: 'USER',
  token: 'APIKEY',
  setting: 'CONFIGURATION',
  sso_configuration: 'CONFIGURATION',
  log_delivery: 'CONFIGURATION',
  abac_policy: 'GLOBAL_POLICY',
}

const choose = (subject: string, pairs: Iterable<readonly [string, string]>, otherwise: string): string =>
  `CASE ${subject} ${[...pairs].map(([from, to]) => `WHEN ${lit(from)} THEN ${lit(to)}`).join(' ')} ELSE ${otherwise} END`

/** SQL: `actor.type`. */
export const ACTOR_TYPE = choose('actor.type', Object.entries(ACTOR_TYPES), lit('unknown'))

/** SQL: a target type in UAM's words. */
export const targetTypeSql = (type: string): string => choose(type, Object.entries(UAM_TARGETS), `upper(${type})`)

/** SQL: the event's `targetType`; what it is about where it names no target. */
export const TARGET_TYPE = `CASE WHEN ${came('targetType')} IS NOT NULL THEN ${came('targetType')}
      WHEN is_query THEN 'DATASOURCE' WHEN category = 'permission' THEN 'PERMISSION'
      ELSE coalesce(${targetTypeSql("nullif(targets[1].type, '')")}, upper(category)) END`

/** SQL: the event's `action`; as it came for events that came as UAM. */
export const ACTION = `CASE WHEN form = 'uam' THEN action WHEN is_query THEN 'QUERY'
      WHEN category = 'authentication' AND verb = 'issue' THEN 'AUTHENTICATE' ELSE ${choose(
        'verb',
        Object.entries(UAM_VERBS).map(([verb, [action]]) => [verb, action] as const),
        "'OTHER'",
      )} END`

/** `IP_ACCESS_LIST` → `IpAccessList`; letters and digits only, whatever the record holds. */
const camel = (words: string): string =>
  `array_to_string(list_transform(string_split(regexp_replace(lower(${words}), '[^a-z0-9]+', '_', 'g'), '_'),
        lambda w: upper(w[1]) || w[2:]), '')`

const HAPPENED = choose(
  'verb',
  Object.entries(UAM_VERBS).map(([verb, [, happened]]) => [verb, happened] as const),
  lit('Event'),
)

/**
 * SQL: `auditPayload.type`, Immuta's name where it has one for the event, else made the same way: what it is about, what
 * happened, `AuditPayload`.
 */
export const PAYLOAD_TYPE = `CASE
      WHEN is_query THEN 'QueryAuditPayload'
      WHEN verb = 'login' THEN 'UserAuthenticatedAuditPayload'
      WHEN verb = 'logout' THEN 'UserLogoutAuditPayload'
      WHEN targets[1].type = 'group' AND ${anyOf('verb', ['add', 'remove'])} THEN 'GroupMember' || ${HAPPENED} || 'AuditPayload'
      WHEN target_type = 'APIKEY' THEN 'ApiKey' || CASE verb WHEN 'revoke' THEN 'Deleted' ELSE ${HAPPENED} END || 'AuditPayload'
      ELSE coalesce(${camel('target_type')}, 'Databricks') || ${HAPPENED} || 'AuditPayload' END`
