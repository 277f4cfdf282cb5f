/** OCSF objects that every exported class shares, as JSON text over the staged columns of `formats/ocsf.ts`. */
import { present } from './event-facts.ts'
import {
  constant,
  ifAny,
  isoMs,
  json,
  jsonFromText,
  list,
  listFrom,
  object,
  objectIfAny,
  plain,
  quoted,
} from './json-sql.ts'
import { OCSF_CLASSES } from './ocsf-classes.ts'

/** Version of the schema the events follow. */
export const OCSF_VERSION = '1.8.0'

const text = (value: string): string => json(present(value))
const when = (condition: string, value: string): string => `CASE WHEN ${condition} THEN ${value} END`

const PRODUCT = `CASE WHEN form = 'uam' THEN '"Immuta"' ELSE '"Databricks"' END`

/** Host profile: the only way an Application Lifecycle event may name its actor. Security control: a refusal. */
const PROFILES = `concat('["cloud"', CASE WHEN NOT has_endpoint THEN ',"host"' END,
      CASE WHEN is_denied THEN ',"security_control"' END, ']')`

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
  original_time: quoted(isoMs('event_time')),
  logged_time: plain('epoch_ms(received_time)'),
  processed_time: plain('epoch_ms(ingest_time)'),
  labels: when('len(tags) > 0', ifAny(listFrom('tags', json('item')))),
  loggers: constant([{ name: 'Bricktrail' }]),
})

/**
 * `cloud`. The provider must be named, so Databricks stands in where the record does not say whose cloud it was. A
 * Databricks account is an organisation in OCSF's terms, a workspace an account.
 */
export const CLOUD = object({
  provider: `CASE cloud WHEN 'aws' THEN '"AWS"' WHEN 'azure' THEN '"Azure"' WHEN 'gcp' THEN '"GCP"' ELSE '"Databricks"' END`,
  org: when(`${present('account_id')} IS NOT NULL`, object({ uid: json('account_id') })),
  account: when(
    `${present('workspace_id')} IS NOT NULL`,
    object({ uid: json('workspace_id'), type_id: constant(99), type: constant('Databricks Workspace') }),
  ),
})

/** The actor as a `user`; only where a name is known. */
export const ACTOR_USER = object({
  name: json('actor_name'),
  uid: text('actor.id'),
  email_addr: when('actor_has_email', json('actor.email')),
  full_name: when('actor.name IS DISTINCT FROM actor_name', text('actor.name')),
  type_id: `CASE actor.type WHEN 'user' THEN '1' WHEN 'system' THEN '3' WHEN 'service_principal' THEN '4'
      WHEN 'vendor_support' THEN '99' ELSE '0' END`,
  type: `CASE actor.type WHEN 'user' THEN '"User"' WHEN 'system' THEN '"System"' WHEN 'service_principal' THEN '"Service"'
      WHEN 'vendor_support' THEN '"Vendor Support"' ELSE '"Unknown"' END`,
})

/** `actor`: with neither user nor session known, the service itself is the application that acted. */
export const ACTOR = object({
  user: when('actor_name IS NOT NULL', ACTOR_USER),
  session: when(`${present('session_id')} IS NOT NULL`, object({ uid: json('session_id') })),
  idp: when(`${present('actor.identity_provider')} IS NOT NULL`, object({ name: json('actor.identity_provider') })),
  app_name: `CASE WHEN client <> 'unknown' AND client <> '' THEN ${json('client')}
      WHEN actor_name IS NULL AND ${present('session_id')} IS NULL THEN ${json('service_name')} END`,
})

/** `api`: the call as Databricks names it. */
export const API = object({
  operation: json(`coalesce(${present('action')}, 'unknown')`),
  service: object({ name: json('service_name') }),
  request: when(`${present('request_id')} IS NOT NULL`, object({ uid: json('request_id') })),
  response: objectIfAny({
    code: plain('status_code'),
    error: text('status_reason'),
    error_message: text('error_message'),
  }),
})

const LOCATION = { country: text('geo.country'), region: text('geo.region'), city: text('geo.city') }

/** `src_endpoint`: calls Databricks makes to itself have no address and are named by service. */
export const SRC_ENDPOINT = object({
  ip: when('is_ip', json('source_ip')),
  name: when('NOT is_ip', text('source_ip')),
  svc_name: when(`${present('source_ip')} IS NULL`, json('service_name')),
  location: objectIfAny(LOCATION),
  autonomous_system: objectIfAny({ number: plain('geo.asn'), name: text('geo.as_org') }),
  network_scope_id: "CASE geo.scope WHEN 'private' THEN '1' WHEN 'public' THEN '2' END",
  network_scope: `CASE geo.scope WHEN 'private' THEN '"Internal"' WHEN 'public' THEN '"External"' END`,
})

/** `http_request`, absent where no user agent is known. */
export const HTTP_REQUEST = when(`${present('user_agent')} IS NOT NULL`, object({ user_agent: json('user_agent') }))

const IP_AT = `CASE WHEN has_endpoint THEN '"src_endpoint.ip"' ELSE '"unmapped.source_ip"' END`

const observable = (condition: string, name: string, typeId: number, type: string, value: string): string =>
  when(condition, object({ name, type_id: constant(typeId), type: constant(type), value: json(value) }))

/** `observables`: what an investigator pivots on. Names point at members of the same event. */
export const OBSERVABLES = ifAny(
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
      value: json('source_ip'),
      type: constant('network'),
      provider: text('geo.provider'),
      data: object({
        ...LOCATION,
        asn: plain('geo.asn'),
        as_org: text('geo.as_org'),
        scope: text('geo.scope'),
        built: text('geo.built'),
      }),
    }),
  ]),
)

/** The event's remaining columns under their own names. */
export const UNMAPPED = object({
  service: text('service'),
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
  targets: when('len(targets) > 0', json('targets')),
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
  policy_set: when('len(policy_set) > 0', json('policy_set')),
  sensitivity: when('len(sensitivity) > 0', json('sensitivity')),
  request_params: when('cardinality(request_params) > 0', json('request_params')),
  response_result: text('response_result'),
  extra: when('extra IS NOT NULL', jsonFromText('extra')),
  source_object: text('source_object'),
  batch_id: text('batch_id'),
})
