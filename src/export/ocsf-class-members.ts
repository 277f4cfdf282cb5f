/** What each exported OCSF class has of its own, as JSON text over the staged columns of `formats/ocsf.ts`. */
import { anyOf, isEmail, present } from './event-facts.ts'
import { constant, ifAny, json, list, listFrom, type Members, object, plain } from './json-sql.ts'
import { BUCKET_TYPES, DATABASE_TYPES, OCSF_CLASSES, type OcsfClassName, TABLE_TYPES } from './ocsf-classes.ts'
import { ACTOR_USER } from './ocsf-objects.ts'

const uid = (name: OcsfClassName): number => OCSF_CLASSES[name].uid
const only = (name: OcsfClassName, value: string): string => `CASE WHEN class_uid = ${uid(name)} THEN ${value} END`
const inTypes = (types: readonly string[]): string => anyOf('target_type', types)

/** A number and the caption that says it in words, chosen by the first condition that holds; both JSON text. */
const enumPair = (
  cases: readonly (readonly [condition: string, id: number, caption: string])[],
  other: readonly [id: number, caption: string],
) => ({
  id: `CASE ${cases.map(([condition, id]) => `WHEN ${condition} THEN '${id}'`).join(' ')} ELSE '${other[0]}' END`,
  caption: `CASE ${cases.map(([condition, , caption]) => `WHEN ${condition} THEN ${constant(caption)}`).join(' ')} ELSE ${other[1]} END`,
})

const TARGET_IDS = { name: json('target_name'), uid: json('target_id') }

/** A `user` that is not the actor: the account changed, or who gains or loses. */
function otherUser(name: string, isService: string, userUid?: string): string {
  const type = enumPair(
    [
      [isService, 4, 'Service'],
      [`contains(${name}, '@') OR target_type = 'user'`, 1, 'User'],
    ],
    [0, constant('Unknown')],
  )
  return object({
    name: json(name),
    ...(userUid === undefined ? {} : { uid: json(userUid) }),
    email_addr: `CASE WHEN ${isEmail(name)} THEN ${json(name)} END`,
    type_id: type.id,
    type: type.caption,
  })
}

/** A sign-in that failed may name its user in the parameters only; one that names nobody still needs a user. */
const SIGN_IN_USER = `CASE WHEN actor_name IS NOT NULL THEN ${ACTOR_USER}
      ELSE ${otherUser(`coalesce(${present("request_params['user']")}, target_name, 'unknown')`, 'false')} END`

/** Access lists of workspace objects name the principal by number only. */
const IS_NUMBER = "regexp_full_match(principal, '[0-9]+')"
const PRINCIPAL_USER = `CASE WHEN ${IS_NUMBER} THEN ${object({ uid: json('principal'), type_id: constant(0), type: constant('Unknown') })}
      ELSE ${otherUser('principal', "principal_kind = 'service'")} END`

const USER = `CASE class_uid
      WHEN ${uid('authentication')} THEN ${SIGN_IN_USER}
      WHEN ${uid('accountChange')} THEN ${otherUser('target_name', "target_type = 'service_principal'", 'target_id')}
      WHEN ${uid('userAccess')} THEN ${PRINCIPAL_USER}
      WHEN ${uid('groupManagement')} THEN CASE WHEN NOT is_group_privilege AND principal_kind IN ('user', 'service')
        THEN ${PRINCIPAL_USER} END END`

/** A group that is managed, or the group that gains or loses. */
const GROUP = only(
  'groupManagement',
  `CASE WHEN is_group_privilege THEN ${object({ name: json('principal') })} ELSE ${object(TARGET_IDS)} END`,
)

const RESOURCE = object({ ...TARGET_IDS, type: json('target_type'), role_id: constant(1), role: constant('Target') })

/** Every target that has an id or a name; one is the rule, and lists cost more. */
const RESOURCES = `CASE WHEN len(targets) = 1 THEN CASE WHEN has_target THEN ${list([
  object({ ...TARGET_IDS, type: json('target_type') }),
])} END ELSE ${ifAny(
  listFrom(
    'targets',
    `CASE WHEN coalesce(${present('item.id')}, ${present('item.name')}) IS NOT NULL THEN ${object({
      name: json(present('item.name')),
      uid: json(present('item.id')),
      type: json(present('item.type')),
    })} END`,
  ),
)} END`

const ENTITY_TYPE = enumPair(
  [
    ["target_type = 'user' OR target_type = 'service_principal'", 2, 'User'],
    ["target_type = 'group'", 3, 'Group'],
    ["contains(target_type, 'policy')", 5, 'Policy'],
    ["target_type = 'ip_access_list'", 7, 'Network Zone'],
  ],
  [99, json("coalesce(target_type, category, 'entity')")],
)

const BUCKET_TYPE = enumPair(
  [
    ["starts_with(target_name, 's3')", 1, 'S3'],
    ["starts_with(target_name, 'abfss:') OR starts_with(target_name, 'wasbs:')", 2, 'Azure Blob'],
    ["starts_with(target_name, 'gs:')", 3, 'GCP Bucket'],
  ],
  [99, json('target_type')],
)

const isTable = `(has_target AND ${inTypes(TABLE_TYPES)})`
const isBucket = `(has_target AND ${inTypes(BUCKET_TYPES)})`
const isDatabase = `(has_target AND ${inTypes(DATABASE_TYPES)})`

/** A query whose tables are not known ran somewhere: on the compute it names, else in the workspace. */
const DATABASE = object({
  name: `CASE WHEN ${isDatabase} THEN ${json('target_name')} ELSE '"Databricks"' END`,
  uid: json(
    `CASE WHEN ${isDatabase} THEN target_id ELSE coalesce(${present('query.compute_id')}, ${present('workspace_id')}) END`,
  ),
  type_id: constant(1),
  type: constant('Relational'),
})

const DATASTORE: Members = {
  table: `CASE WHEN ${isTable} THEN ${object(TARGET_IDS)} END`,
  databucket: `CASE WHEN ${isBucket} THEN ${object({ ...TARGET_IDS, type_id: BUCKET_TYPE.id, type: BUCKET_TYPE.caption })} END`,
  database: `CASE WHEN NOT (${isTable} OR ${isBucket}) THEN ${DATABASE} END`,
  query_info: `CASE WHEN ${present('query.text')} IS NOT NULL THEN ${object({
    query_string: json('query.text'),
    uid: json(`coalesce(${present('query.id')}, ${present('request_id')}, event_id)`),
    bytes: plain('query.bytes_read'),
  })} END`,
  type_id: `CASE WHEN ${isTable} THEN '3' WHEN ${isBucket} THEN '2' ELSE '1' END`,
  type: `CASE WHEN ${isTable} THEN '"Table"' WHEN ${isBucket} THEN '"Databucket"' ELSE '"Database"' END`,
}

const FILE_TYPE = enumPair(
  [
    ["target_type = 'directory'", 2, 'Folder'],
    ["target_type = 'file'", 1, 'Regular File'],
  ],
  [99, json('target_type')],
)

/** A file's name is the last part of its path; the path stays whole beside it. */
const FILE = object({
  name: json(`coalesce(${present("regexp_extract(target_name, '([^/]+)/*$', 1)")}, target_name)`),
  path: `CASE WHEN contains(target_name, '/') THEN ${json('target_name')} END`,
  uid: json('target_id'),
  type_id: FILE_TYPE.id,
  type: FILE_TYPE.caption,
})

/** Authentication protocols, from what the action is called. */
const PROTOCOL = enumPair(
  [
    ["contains(action_lower, 'saml')", 5, 'SAML'],
    ["contains(action_lower, 'oauth') OR contains(action_lower, 'logincode')", 6, 'OAUTH 2.0'],
    ["contains(action_lower, 'oidc') OR contains(action_lower, 'aad')", 4, 'OpenID'],
    ["action_lower = 'passwordverifyauthentication'", 11, 'Basic Authentication'],
  ],
  [99, json("coalesce(action, 'unknown')")],
)

/** Members of the event object that only some classes have; NULL, hence absent, for the others. */
export function classMembers(): Members {
  return {
    user: USER,
    service: only('authentication', object({ name: json('service_name') })),
    auth_protocol_id: only('authentication', PROTOCOL.id),
    auth_protocol: only('authentication', PROTOCOL.caption),
    is_mfa: only('authentication', "CASE WHEN starts_with(action_lower, 'mfa') THEN 'true' END"),
    is_remote: only('authentication', constant(true)),
    privileges: `CASE WHEN class_uid = ${uid('userAccess')} OR is_group_privilege THEN ${json('privileges')} END`,
    group: GROUP,
    entity: only('entityManagement', object({ ...TARGET_IDS, type_id: ENTITY_TYPE.id, type: ENTITY_TYPE.caption })),
    app: only('applicationLifecycle', object(TARGET_IDS)),
    resource: `CASE WHEN is_group_privilege AND has_target THEN ${RESOURCE} END`,
    resources: `CASE class_uid WHEN ${uid('apiActivity')} THEN ${RESOURCES}
      WHEN ${uid('userAccess')} THEN CASE WHEN has_target THEN ${list([RESOURCE])} END END`,
    ...Object.fromEntries(Object.entries(DATASTORE).map(([name, value]) => [name, only('datastoreActivity', value)])),
    file: only('fileHosting', FILE),
  }
}
