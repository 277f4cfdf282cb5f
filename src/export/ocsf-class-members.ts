/** What each exported OCSF class has of its own, as SQL over the staged columns of `formats/ocsf.ts`. */
import { lit } from '../engine/sql.ts'
import { anyOf, isEmail, present } from './event-facts.ts'
import { listOfPresent, type Members, struct, withoutNulls } from './json-sql.ts'
import { BUCKET_TYPES, DATABASE_TYPES, OCSF_CLASSES, type OcsfClassName, TABLE_TYPES } from './ocsf-classes.ts'
import { ACTOR_USER } from './ocsf-objects.ts'

const uid = (name: OcsfClassName): number => OCSF_CLASSES[name].uid
const only = (name: OcsfClassName, value: string): string => `CASE WHEN class_uid = ${uid(name)} THEN ${value} END`
const inTypes = (types: readonly string[]): string => anyOf('target_type', types)

/** A number and the caption that says it in words, chosen by the first condition that holds. */
const enumPair = (
  when: readonly (readonly [condition: string, id: number, caption: string])[],
  other: readonly [id: number, caption: string],
) => ({
  id: `CASE ${when.map(([condition, id]) => `WHEN ${condition} THEN ${id}`).join(' ')} ELSE ${other[0]} END`,
  caption: `CASE ${when.map(([condition, , caption]) => `WHEN ${condition} THEN ${lit(caption)}`).join(' ')} ELSE ${other[1]} END`,
})

const TARGET_IDS = { name: 'target_name', uid: 'target_id' }

/** A `user` that is not the actor: the account changed, or who gains or loses. */
function otherUser(name: string, userUid: string, isService: string): string {
  const type = enumPair(
    [
      [isService, 4, 'Service'],
      [`contains(${name}, '@') OR target_type = 'user'`, 1, 'User'],
    ],
    [0, lit('Unknown')],
  )
  return struct({
    name,
    uid: userUid,
    email_addr: `CASE WHEN ${isEmail(name)} THEN ${name} END`,
    full_name: 'NULL::VARCHAR',
    type_id: type.id,
    type: type.caption,
  })
}

/** A sign-in that failed may name its user in the parameters only; one that names nobody still needs a user. */
const SIGN_IN_USER = `CASE WHEN actor_name IS NOT NULL THEN ${ACTOR_USER}
      ELSE ${otherUser(`coalesce(${present("request_params['user']")}, target_name, 'unknown')`, 'NULL::VARCHAR', 'false')} END`

const USER = `CASE class_uid
      WHEN ${uid('authentication')} THEN ${SIGN_IN_USER}
      WHEN ${uid('accountChange')} THEN ${otherUser('target_name', 'target_id', "target_type = 'service_principal'")}
      WHEN ${uid('userAccess')} THEN ${otherUser('principal', 'NULL::VARCHAR', 'principal_is_service')}
      WHEN ${uid('groupManagement')} THEN CASE WHEN NOT is_group_privilege AND principal IS NOT NULL
        THEN ${otherUser('principal', 'NULL::VARCHAR', 'principal_is_service')} END END`

/** A group that is managed, or the group that gains or loses. */
const GROUP = only(
  'groupManagement',
  struct({
    name: 'CASE WHEN is_group_privilege THEN principal ELSE target_name END',
    uid: 'CASE WHEN NOT is_group_privilege THEN target_id END',
  }),
)

const RESOURCE = struct({ ...TARGET_IDS, type: 'target_type', role_id: '1', role: lit('Target') })

/** Every target that has an id or a name. */
const RESOURCES = listOfPresent(
  `list_transform(targets, lambda item: CASE WHEN coalesce(${present('item.id')}, ${present('item.name')}) IS NOT NULL
        THEN ${withoutNulls(
          struct({ uid: present('item.id'), name: present('item.name'), type: present('item.type') }),
        )} END)`,
)

const ENTITY_TYPE = enumPair(
  [
    ["target_type = 'user' OR target_type = 'service_principal'", 2, 'User'],
    ["target_type = 'group'", 3, 'Group'],
    ["contains(target_type, 'policy')", 5, 'Policy'],
    ["target_type = 'ip_access_list'", 7, 'Network Zone'],
  ],
  [99, "coalesce(target_type, category, 'entity')"],
)

const BUCKET_TYPE = enumPair(
  [
    ["starts_with(target_name, 's3')", 1, 'S3'],
    ["starts_with(target_name, 'abfss:') OR starts_with(target_name, 'wasbs:')", 2, 'Azure Blob'],
    ["starts_with(target_name, 'gs:')", 3, 'GCP Bucket'],
  ],
  [99, 'target_type'],
)

const isTable = `(has_target AND ${inTypes(TABLE_TYPES)})`
const isBucket = `(has_target AND ${inTypes(BUCKET_TYPES)})`
const isDatabase = `(has_target AND ${inTypes(DATABASE_TYPES)})`

/** A query whose tables are not known ran somewhere: on the compute it names, else in the workspace. */
const DATABASE = struct({
  name: `CASE WHEN ${isDatabase} THEN target_name ELSE 'Databricks' END`,
  uid: `CASE WHEN ${isDatabase} THEN target_id ELSE coalesce(${present('query.compute_id')}, ${present('workspace_id')}) END`,
  type_id: '1',
  type: lit('Relational'),
})

const DATASTORE: Members = {
  table: `CASE WHEN ${isTable} THEN ${struct(TARGET_IDS)} END`,
  databucket: `CASE WHEN ${isBucket} THEN ${struct({ ...TARGET_IDS, type_id: BUCKET_TYPE.id, type: BUCKET_TYPE.caption })} END`,
  database: `CASE WHEN NOT (${isTable} OR ${isBucket}) THEN ${DATABASE} END`,
  query_info: `CASE WHEN ${present('query.text')} IS NOT NULL THEN ${struct({
    query_string: 'query.text',
    uid: `coalesce(${present('query.id')}, ${present('request_id')}, event_id)`,
    bytes: 'query.bytes_read',
  })} END`,
  type_id: `CASE WHEN ${isTable} THEN 3 WHEN ${isBucket} THEN 2 ELSE 1 END`,
  type: `CASE WHEN ${isTable} THEN 'Table' WHEN ${isBucket} THEN 'Databucket' ELSE 'Database' END`,
}

const FILE_TYPE = enumPair(
  [
    ["target_type = 'directory'", 2, 'Folder'],
    ["target_type = 'file'", 1, 'Regular File'],
  ],
  [99, 'target_type'],
)

/** A file's name is the last part of its path; the path stays whole beside it. */
const FILE = struct({
  name: `coalesce(${present("regexp_extract(target_name, '([^/]+)/*$', 1)")}, target_name)`,
  path: "CASE WHEN contains(target_name, '/') THEN target_name END",
  uid: 'target_id',
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
  [99, "coalesce(action, 'unknown')"],
)

/** Members of the event object that only some classes have; NULL, hence absent, for the others. */
export function classMembers(): Members {
  return {
    user: USER,
    service: only('authentication', struct({ name: 'service_name' })),
    auth_protocol_id: only('authentication', PROTOCOL.id),
    auth_protocol: only('authentication', PROTOCOL.caption),
    is_mfa: only('authentication', "CASE WHEN starts_with(action_lower, 'mfa') THEN true END"),
    is_remote: only('authentication', 'true'),
    privileges: `CASE WHEN class_uid = ${uid('userAccess')} OR is_group_privilege THEN privileges END`,
    group: GROUP,
    entity: only('entityManagement', struct({ ...TARGET_IDS, type_id: ENTITY_TYPE.id, type: ENTITY_TYPE.caption })),
    app: only('applicationLifecycle', struct(TARGET_IDS)),
    resource: `CASE WHEN is_group_privilege AND has_target THEN ${RESOURCE} END`,
    resources: `CASE class_uid WHEN ${uid('apiActivity')} THEN ${RESOURCES}
      WHEN ${uid('userAccess')} THEN CASE WHEN has_target THEN [${withoutNulls(RESOURCE)}] END END`,
    ...Object.fromEntries(Object.entries(DATASTORE).map(([name, value]) => [name, only('datastoreActivity', value)])),
    file: only('fileHosting', FILE),
  }
}
