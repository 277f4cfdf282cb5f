/** OCSF objects that every exported class shares, as SQL over the staged columns of `formats/ocsf.ts`. */
import { lit } from '../engine/sql.ts'
import { present } from './event-facts.ts'
import { isoMs, jsonFromText, listOfPresent, struct, structIfAny } from './json-sql.ts'
import { OCSF_CLASSES } from './ocsf-classes.ts'

/** Version of the schema the events follow. */
export const OCSF_VERSION = '1.8.0'

const PRODUCT = `CASE WHEN form = 'uam' THEN 'Immuta' ELSE 'Databricks' END`

/** Host profile: the only way an Application Lifecycle event may name its actor. Security control: a refusal. */
const PROFILES = `CASE WHEN has_endpoint THEN CASE WHEN is_denied THEN ['cloud', 'security_control'] ELSE ['cloud'] END
      ELSE CASE WHEN is_denied THEN ['cloud', 'host', 'security_control'] ELSE ['cloud', 'host'] END END`

/** `metadata`: where the event comes from and what it was called there. */
export const METADATA = struct({
  version: lit(OCSF_VERSION),
  product: struct({ name: PRODUCT, vendor_name: PRODUCT }),
  profiles: PROFILES,
  uid: 'event_id',
  original_event_uid: present('native_id'),
  event_code: `${present('service')} || '.' || ${present('action')}`,
  correlation_uid: present('request_id'),
  tenant_uid: present('account_id'),
  log_name: lit('audit'),
  log_provider: PRODUCT,
  log_format: present('form'),
  log_level: present('audit_level'),
  log_source: present('source'),
  original_time: isoMs('event_time'),
  logged_time: 'epoch_ms(received_time)',
  processed_time: 'epoch_ms(ingest_time)',
  labels: `CASE WHEN len(tags) > 0 THEN ${listOfPresent('tags')} END`,
  loggers: `[{'name': 'Bricktrail'}]`,
})

/**
 * `cloud`. The provider must be named, so Databricks stands in where the record does not say whose cloud it was. A
 * Databricks account is an organisation in OCSF's terms, a workspace an account.
 */
export const CLOUD = struct({
  provider: `CASE cloud WHEN 'aws' THEN 'AWS' WHEN 'azure' THEN 'Azure' WHEN 'gcp' THEN 'GCP' ELSE 'Databricks' END`,
  org: structIfAny({ uid: present('account_id') }),
  account: `CASE WHEN ${present('workspace_id')} IS NOT NULL
      THEN ${struct({ uid: 'workspace_id', type_id: '99', type: lit('Databricks Workspace') })} END`,
})

/** The actor as a `user`; only where a name is known. */
export const ACTOR_USER = struct({
  name: 'actor_name',
  uid: present('actor.id'),
  email_addr: 'CASE WHEN actor_has_email THEN actor.email END',
  full_name: `CASE WHEN actor.name IS DISTINCT FROM actor_name THEN ${present('actor.name')} END`,
  type_id: `CASE actor.type WHEN 'user' THEN 1 WHEN 'system' THEN 3 WHEN 'service_principal' THEN 4
      WHEN 'vendor_support' THEN 99 ELSE 0 END`,
  type: `CASE actor.type WHEN 'user' THEN 'User' WHEN 'system' THEN 'System' WHEN 'service_principal' THEN 'Service'
      WHEN 'vendor_support' THEN 'Vendor Support' ELSE 'Unknown' END`,
})

/** `actor`: with neither user nor session known, the service itself is the application that acted. */
export const ACTOR = struct({
  user: `CASE WHEN actor_name IS NOT NULL THEN ${ACTOR_USER} END`,
  session: structIfAny({ uid: present('session_id') }),
  idp: structIfAny({ name: present('actor.identity_provider') }),
  app_name: `CASE WHEN client <> 'unknown' AND client <> '' THEN client
      WHEN actor_name IS NULL AND ${present('session_id')} IS NULL THEN service_name END`,
})

/** `api`: the call as Databricks names it. */
export const API = struct({
  operation: `coalesce(${present('action')}, 'unknown')`,
  service: struct({ name: 'service_name' }),
  request: structIfAny({ uid: present('request_id') }),
  response: structIfAny({
    code: 'status_code',
    error: present('status_reason'),
    error_message: present('error_message'),
  }),
})

/** `src_endpoint`: calls Databricks makes to itself have no address and are named by service. */
export const SRC_ENDPOINT = struct({
  ip: 'CASE WHEN is_ip THEN source_ip END',
  name: `CASE WHEN NOT is_ip THEN ${present('source_ip')} END`,
  svc_name: `CASE WHEN ${present('source_ip')} IS NULL THEN service_name END`,
  location: structIfAny({
    country: present('geo.country'),
    region: present('geo.region'),
    city: present('geo.city'),
  }),
  autonomous_system: structIfAny({ number: 'geo.asn', name: present('geo.as_org') }),
  network_scope_id: "CASE geo.scope WHEN 'private' THEN 1 WHEN 'public' THEN 2 END",
  network_scope: `CASE geo.scope WHEN 'private' THEN 'Internal' WHEN 'public' THEN 'External' END`,
})

/** `http_request`, absent where no user agent is known. */
export const HTTP_REQUEST = structIfAny({ user_agent: present('user_agent') })

const IP_AT = `CASE WHEN has_endpoint THEN 'src_endpoint.ip' ELSE 'unmapped.source_ip' END`

/** A list of one observable, empty where it does not apply. */
const observable = (when: string, name: string, typeId: number, type: string, value: string): string =>
  `CASE WHEN ${when} THEN [${struct({ name, type_id: String(typeId), type: lit(type), value })}] ELSE [] END`

const OBSERVED = [
  observable('is_ip', IP_AT, 2, 'IP Address', 'source_ip'),
  observable('actor_name IS NOT NULL', lit('actor.user.name'), 4, 'User Name', 'actor_name'),
  observable('actor_has_email', lit('actor.user.email_addr'), 5, 'Email Address', 'actor.email'),
  observable(
    `has_endpoint AND ${present('user_agent')} IS NOT NULL`,
    lit('http_request.user_agent'),
    16,
    'HTTP User-Agent',
    'user_agent',
  ),
  observable(
    `class_uid = ${OCSF_CLASSES.apiActivity.uid} AND target_id IS NOT NULL`,
    lit('resources[0].uid'),
    10,
    'Resource UID',
    'target_id',
  ),
]

/** `observables`: what an investigator pivots on. Names point at members of the same event. */
export const OBSERVABLES = `nullif(list_concat(${OBSERVED.join(',\n      ')}), [])`

/** `enrichments`: the network facts with the database they come from. Elements of lists keep their nulls, so none is optional. */
export const ENRICHMENTS = `CASE WHEN ${present('source_ip')} IS NOT NULL AND (geo.country IS NOT NULL OR geo.asn IS NOT NULL)
    THEN [${struct({
      name: IP_AT,
      value: 'source_ip',
      type: lit('network'),
      provider: `coalesce(${present('geo.provider')}, 'unknown')`,
      data: 'geo',
    })}] END`

const ifAny = (list: string): string => `CASE WHEN len(${list}) > 0 THEN ${list} END`

/** The event's remaining columns under their own names. */
export const UNMAPPED = struct({
  service: present('service'),
  category: present('category'),
  verb: present('verb'),
  key_event: present('key_event'),
  source_ip: `CASE WHEN NOT has_endpoint THEN ${present('source_ip')} END`,
  user_agent: `CASE WHEN NOT has_endpoint THEN ${present('user_agent')} END`,
  actor: struct({
    type: present('actor.type'),
    run_by: present('actor.run_by'),
    run_as: present('actor.run_as'),
    acting_resource: present('actor.acting_resource'),
    impersonated_by: present('actor.impersonated_by'),
  }),
  targets: ifAny('targets'),
  query: structIfAny({
    id: present('query.id'),
    language: present('query.language'),
    type: present('query.type'),
    rows_produced: 'query.rows_produced',
    bytes_read: 'query.bytes_read',
    compute_id: present('query.compute_id'),
  }),
  access_controls: 'access_controls',
  policy_set: ifAny('policy_set'),
  sensitivity: ifAny('sensitivity'),
  request_params: 'CASE WHEN cardinality(request_params) > 0 THEN request_params END',
  response_result: present('response_result'),
  extra: jsonFromText('extra'),
  source_object: present('source_object'),
  batch_id: present('batch_id'),
})
