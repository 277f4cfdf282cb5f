/** OCSF 1.8.0, one event object a line. Clauses: schema.ocsf.io/1.8.0, classes and objects as named below. */
import { type ExportFormat, RAW_LINES } from '../contract.ts'
import { ACTOR_NAME, IS_QUERY, isEmail, isIpv4, isIpv6, isUuid, present, TARGET_NAME } from '../event-facts.ts'
import { constant, either, json, object, plain, quoted, sqlOf, sureJson, surePlain, when } from '../json-sql.ts'
import { classMembers } from '../ocsf-class-members.ts'
import { activityCaptionSql, categoryNameSql, classNameSql, OCSF_CLASSES, typeUidSql } from '../ocsf-classes.ts'
import {
  ACTOR,
  API,
  CLOUD,
  ENRICHMENTS,
  HTTP_REQUEST,
  METADATA,
  OBSERVABLES,
  SRC_ENDPOINT,
  UNMAPPED,
} from '../ocsf-objects.ts'
import { severitySql } from '../severity.ts'

/** Who gains or loses in a grant; the principal as logged, else the person the event is about. */
const PRINCIPAL = `coalesce(${present('targets[1].principal')},
        CASE WHEN targets[1].type IN ('user', 'service_principal') THEN ${TARGET_NAME} END)`

/** Rule sets name principals with their kind in front; elsewhere the name tells: e-mails and ids are users, UUIDs services. */
const PRINCIPAL_KIND = `CASE WHEN contains(principal_text, ',') THEN 'several'
      WHEN starts_with(principal_text, 'groups/') THEN 'group'
      WHEN starts_with(principal_text, 'servicePrincipals/') OR target_type = 'service_principal' OR ${isUuid('principal_text')} THEN 'service'
      WHEN contains(principal_text, '@') OR target_type = 'user' OR regexp_full_match(principal_text, '[0-9]+') THEN 'user'
      WHEN principal_text IS NOT NULL THEN 'group' END`

/** One text may hold several privileges, as a list or with commas. */
const SPLIT = `CASE WHEN starts_with(item.privilege, '[') THEN coalesce(try(from_json(item.privilege, '["VARCHAR"]')), [item.privilege])
        ELSE string_split(item.privilege, ',') END`

/**
 * Privileges of that principal only; a class names one principal, further ones stand in `unmapped.targets`. Where a right was
 * taken and none is named, every one was.
 */
const PRIVILEGES = `CASE WHEN principal_kind IS NOT NULL AND verb IN ('grant', 'revoke') THEN
        coalesce(nullif(list_sort(list_distinct(list_filter(flatten(list_transform(
          list_filter(targets, lambda item: item.principal IS NOT DISTINCT FROM targets[1].principal),
          lambda item: ${SPLIT})), lambda each: each <> ''))), []), CASE WHEN verb = 'revoke' THEN ['ALL'] END) END`

const GROUP_UID = OCSF_CLASSES.groupManagement.uid

/** Step by step, so that each fact is worked out once; subqueries, because DuckDB would store a CTE of whole events. */
const staged = (relation: string): string => {
  const facts = `SELECT *,
      lower(action) AS action_lower,
      ${present('targets[1].type')} AS target_type,
      ${TARGET_NAME} AS target_name,
      ${present('targets[1].id')} AS target_id,
      ${TARGET_NAME} IS NOT NULL AS has_target,
      ${ACTOR_NAME} AS actor_name,
      coalesce(${present('service')}, 'Databricks') AS service_name,
      ${IS_QUERY} AS has_query,
      ${PRINCIPAL} AS principal_text,
      ${isIpv4('source_ip')} OR ${isIpv6('source_ip')} AS is_ip
    FROM ${relation} AS events`
  const named = `SELECT *,
      ${PRINCIPAL_KIND} AS principal_kind,
      regexp_replace(principal_text, '^(users|groups|servicePrincipals)/', '') AS principal
    FROM (${facts})`
  const granted = `SELECT *, ${PRIVILEGES} AS privileges FROM (${named})`
  const judged = `SELECT *,
      len(privileges) > 0 AND principal_kind IN ('user', 'service') AS has_user_privilege,
      len(privileges) > 0 AND principal_kind = 'group' AS has_group_privilege
    FROM (${granted})`
  const typed = `SELECT *, ${typeUidSql()} AS type_uid FROM (${judged})`
  const classed = `SELECT *, (type_uid // 100)::INTEGER AS class_uid FROM (${typed})`
  return `SELECT *,
      ${classNameSql()} AS class_name,
      ${activityCaptionSql()} AS activity_caption,
      ${severitySql('ocsf')} AS severity_id,
      ${severitySql('caption')} AS severity_caption,
      ${isEmail('actor.email')} AS actor_has_email,
      class_uid <> ${OCSF_CLASSES.applicationLifecycle.uid} AS has_endpoint,
      coalesce(status = 'UNAUTHORIZED', false) AS is_denied,
      type_uid IN (${GROUP_UID}01, ${GROUP_UID}02) AS is_group_privilege
    FROM (${classed})`
}

/** One sentence for people: what, by whom, on what, how it ended. */
const MESSAGE = `concat(coalesce(${present('action')}, 'event'), ' by ' || actor_name, ' on ' || target_name, ': ' || status)`

const STATUSES = [
  ["status = 'SUCCESS'", 1, 'Success'],
  ['status IS NULL', 0, 'Unknown'],
] as const

/** Members of the event object; OCSF knows no null, so members not known are left out. */
const EVENT = object({
  activity_id: surePlain('type_uid % 100'),
  activity_name: sureJson(`coalesce(activity_caption, ${present('action')}, 'unknown')`),
  category_uid: surePlain('class_uid // 1000'),
  category_name: quoted(categoryNameSql()),
  class_uid: surePlain('class_uid'),
  class_name: quoted('class_name'),
  type_uid: surePlain('type_uid'),
  type_name: quoted("class_name || ': ' || coalesce(activity_caption, 'Other')"),
  time: plain('epoch_ms(event_time)'),
  severity_id: surePlain('severity_id'),
  severity: quoted('severity_caption'),
  status_id: either(
    STATUSES.map(([condition, id]) => [condition, constant(id)] as const),
    constant(2),
  ),
  status: either(
    STATUSES.map(([condition, , caption]) => [condition, constant(caption)] as const),
    constant('Failure'),
  ),
  status_code: when('status_code IS NOT NULL', quoted('status_code')),
  status_detail: json(`coalesce(${present('error_message')}, ${present('status_reason')})`),
  action_id: when('is_denied', constant(2)),
  action: when('is_denied', constant('Denied')),
  disposition_id: when('is_denied', constant(26)),
  disposition: when('is_denied', constant('Unauthorized')),
  message: sureJson(MESSAGE),
  duration: plain('query.duration_ms'),
  metadata: METADATA,
  cloud: CLOUD,
  actor: ACTOR,
  api: API,
  src_endpoint: when('has_endpoint', SRC_ENDPOINT),
  http_request: when('has_endpoint', HTTP_REQUEST),
  ...classMembers(),
  observables: OBSERVABLES,
  enrichments: ENRICHMENTS,
  unmapped: UNMAPPED,
})

/** The OCSF format. Every line passes the validator of `ocsf-validate.ts`. */
export const ocsf: ExportFormat = {
  name: 'ocsf',
  extension: 'ndjson',
  doc: 'Open Cybersecurity Schema Framework 1.8.0, one event object a line.',
  shape: 'lines',
  gzip: true,
  select: (relation, also = []) => `SELECT ${[...also, sqlOf(EVENT)].join(', ')} AS line FROM (${staged(relation)})`,
  copyOptions: RAW_LINES,
}
