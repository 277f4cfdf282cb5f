/** OCSF objects that every exported class shares, over the staged columns of `formats/ocsf.ts`. */
import { present } from './event-facts.ts'
import {
  constant,
  either,
  isoMs,
  type Json,
  json,
  jsonFromText,
  list,
  object,
  objectIfAny,
  plain,
  sureJson,
  when,
} from './json-sql.ts'
import { OCSF_CLASSES } from './ocsf-classes.ts'

/** Version of the schema the events follow. */
export const OCSF_VERSION = '1.8.0'

/** Text that is there and not empty. */
export const text = (value: string): Json => json(present(value))

/** An object of one text, absent with it. */
const nested = (name: string, value: string): Json =>
  when(`${present(value)} IS NOT NULL`, object({ [name]: sureJson(value) }))

const PRODUCT = either([["form = 'uam'", constant('Immuta')]], constant('Databricks'))

/** Host profile: the only way an Application Lifecycle event may name its actor. Security control: a refusal. */
const PROFILES: Json = {
  pieces: [
    `'["cloud"'`,
    `CASE WHEN NOT has_endpoint THEN ',"host"' END`,
    `CASE WHEN is_denied THEN ',"security_control"' END`,
    `']'`,
  ],
  present: undefined,
}

/** `metadata`: where the event comes from and what it was called there. */
export const METADATA = object({
  version: constant(OCSF_VERSION),
  product: object({ name: PRODUCT, vendor_name: PRODUCT }),
  profiles: PROFILES,
  uid: json('event_id'),
  original_event_uid: text('native_id'),
  event_code: json(`${present('service')} || '.' || ${present('action')}`),
  correlation_uid: text('request_id'),
  tenant_uid: text('account_id'),
  log_name: constant('audit'),
  log_provider: PRODUCT,
  log_format: text('form'),
  log_level: text('audit_level'),
  log_source: text('source'),
  original_time: json(isoMs('event_time')),
  logged_time: plain('epoch_ms(received_time)'),
  processed_time: plain('epoch_ms(ingest_time)'),
  labels: json('nullif(list_filter(tags, lambda item: item IS NOT NULL), [])'),
  loggers: constant([{ name: 'Bricktrail' }]),
})

/**
 * `cloud`. The provider must be named, so Databricks stands in where the record does not say whose cloud it was. A
 * Databricks account is an organisation in OCSF's terms, a workspace an account.
 */
export const CLOUD = object({
  provider: either(
    [
      ["cloud = 'aws'", constant('AWS')],
      ["cloud = 'azure'", constant('Azure')],
      ["cloud = 'gcp'", constant('GCP')],
    ],
    constant('Databricks'),
  ),
  org: nested('uid', 'account_id'),
  account: when(
    `${present('workspace_id')} IS NOT NULL`,
    object({ uid: sureJson('workspace_id'), type_id: constant(99), type: constant('Databricks Workspace') }),
  ),
})

const USER_TYPES = [
  ["actor.type = 'user'", 1, 'User'],
  ["actor.type = 'system'", 3, 'System'],
  ["actor.type = 'service_principal'", 4, 'Service'],
  ["actor.type = 'vendor_support'", 99, 'Vendor Support'],
] as const

/** The actor as a `user`; only where a name is known. */
export const ACTOR_USER = object({
  name: sureJson('actor_name'),
  uid: text('actor.id'),
  email_addr: when('actor_has_email', sureJson('actor.email')),
  full_name: when('actor.name IS DISTINCT FROM actor_name', text('actor.name')),
  type_id: either(
    USER_TYPES.map(([condition, id]) => [condition, constant(id)] as const),
    constant(0),
  ),
  type: either(
    USER_TYPES.map(([condition, , caption]) => [condition, constant(caption)] as const),
    constant('Unknown'),
  ),
})

/** `actor`: with neither user nor session known, the service itself is the application that acted. */
export const ACTOR = object({
  user: when('actor_name IS NOT NULL', ACTOR_USER),
  session: nested('uid', 'session_id'),
  idp: nested('name', 'actor.identity_provider'),
  app_name: json(`CASE WHEN client <> 'unknown' AND client <> '' THEN client
      WHEN actor_name IS NULL AND ${present('session_id')} IS NULL THEN service_name END`),
})

/** `api`: the call as Databricks names it. */
export const API = object({
  operation: sureJson(`coalesce(${present('action')}, 'unknown')`),
  service: object({ name: sureJson('service_name') }),
  request: nested('uid', 'request_id'),
  response: objectIfAny({
    code: plain('status_code'),
    error: text('status_reason'),
    error_message: text('error_message'),
  }),
})

/** `src_endpoint`: calls Databricks makes to itself have no address and are named by service. */
export const SRC_ENDPOINT = object({
  ip: when('is_ip', sureJson('source_ip')),
  name: when('NOT is_ip', text('source_ip')),
  svc_name: when(`${present('source_ip')} IS NULL`, sureJson('service_name')),
  location: objectIfAny({ country: text('geo.country'), region: text('geo.region'), city: text('geo.city') }),
  autonomous_system: objectIfAny({ number: plain('geo.asn'), name: text('geo.as_org') }),
  network_scope_id: plain("CASE geo.scope WHEN 'private' THEN 1 WHEN 'public' THEN 2 END"),
  network_scope: json("CASE geo.scope WHEN 'private' THEN 'Internal' WHEN 'public' THEN 'External' END"),
})

/** `http_request`, absent where no user agent is known. */
export const HTTP_REQUEST = nested('user_agent', 'user_agent')

const IP_AT = either([['has_endpoint', constant('src_endpoint.ip')]], constant('unmapped.source_ip'))

const observable = (condition: string, name: Json, typeId: number, type: string, value: string): Json =>
  when(condition, object({ name, type_id: constant(typeId), type: constant(type), value: sureJson(value) }))

/** `observables`: what an investigator pivots on. Names point at members of the same event. */
export const OBSERVABLES = when(
  `is_ip OR actor_name IS NOT NULL OR (has_endpoint AND ${present('user_agent')} IS NOT NULL)
      OR (class_uid = ${OCSF_CLASSES.apiActivity.uid} AND target_id IS NOT NULL)`,
  list([
    observable('is_ip', IP_AT, 2, 'IP Address', 'source_ip'),
    observable('actor_name IS NOT NULL', constant('actor.user.name'), 4, 'User Name', 'actor_name'),
    observable('actor_has_email', constant('actor.user.email_addr'), 5, 'Email Address', 'actor.email'),
    observable(
      `has_endpoint AND ${present('user_agent')} IS NOT NULL`,
      constant('http_request.user_agent'),
      16,
      'HTTP User-Agent',
      'user_agent',
    ),
    observable(
      `class_uid = ${OCSF_CLASSES.apiActivity.uid} AND target_id IS NOT NULL`,
      constant('resources[0].uid'),
      10,
      'Resource UID',
      'target_id',
    ),
  ]),
)

/** `enrichments`: the network facts with the database they come from. */
export const ENRICHMENTS = when(
  `${present('source_ip')} IS NOT NULL AND (geo.country IS NOT NULL OR geo.asn IS NOT NULL)`,
  list([
    object({
      name: IP_AT,
      value: sureJson('source_ip'),
      type: constant('network'),
      provider: text('geo.provider'),
      data: sureJson('geo'),
    }),
  ]),
)

const ifAny = (values: string): Json => when(`len(${values}) > 0`, json(values))

/** The event's remaining columns under their own names. */
export const UNMAPPED = object({
  service: sureJson('service_name'),
  category: text('category'),
  verb: text('verb'),
  key_event: text('key_event'),
  source_ip: when('NOT has_endpoint', text('source_ip')),
  user_agent: when('NOT has_endpoint', text('user_agent')),
  actor: objectIfAny({
    run_by: text('actor.run_by'),
    run_as: text('actor.run_as'),
    acting_resource: text('actor.acting_resource'),
    impersonated_by: text('actor.impersonated_by'),
  }),
  targets: ifAny('targets'),
  query: when(
    'query IS NOT NULL',
    objectIfAny({
      id: text('query.id'),
      language: text('query.language'),
      type: text('query.type'),
      rows_produced: plain('query.rows_produced'),
      bytes_read: plain('query.bytes_read'),
      compute_id: text('query.compute_id'),
    }),
  ),
  access_controls: json('access_controls'),
  policy_set: ifAny('policy_set'),
  sensitivity: ifAny('sensitivity'),
  request_params: when('cardinality(request_params) > 0', json('request_params')),
  response_result: text('response_result'),
  extra: jsonFromText('extra'),
  source_object: text('source_object'),
  batch_id: text('batch_id'),
})
