/** What each exported OCSF class has of its own, over the staged columns of `formats/ocsf.ts`. */
import { anyOf, isEmail, present } from './event-facts.ts'
import {
  constant,
  either,
  type Json,
  json,
  list,
  listFrom,
  type Members,
  object,
  plain,
  sureJson,
  when,
} from './json-sql.ts'
import { BUCKET_TYPES, DATABASE_TYPES, OCSF_CLASSES, type OcsfClassName, TABLE_TYPES } from './ocsf-classes.ts'
import { ACTOR_USER, text } from './ocsf-objects.ts'

const uid = (name: OcsfClassName): number => OCSF_CLASSES[name].uid
const isClass = (name: OcsfClassName): string => `class_uid = ${uid(name)}`
const only = (name: OcsfClassName, value: Json): Json => when(isClass(name), value)

/** A number and the caption that says it in words, chosen by the first condition that holds. */
const enumPair = (
  cases: readonly (readonly [condition: string, id: number, caption: string])[],
  other: readonly [id: number, caption: Json],
) => ({
  id: either(
    cases.map(([condition, id]) => [condition, constant(id)] as const),
    constant(other[0]),
  ),
  caption: either(
    cases.map(([condition, , caption]) => [condition, constant(caption)] as const),
    other[1],
  ),
})

/** Only where the event has a target. */
const TARGET_IDS = { name: sureJson('target_name'), uid: json('target_id') }

/** A `user` that is not the actor: the account changed, or who gains or loses. */
function otherUser(name: string, isService: string, userUid?: string): Json {
  const type = enumPair(
    [
      [isService, 4, 'Service'],
      [`contains(${name}, '@') OR target_type = 'user'`, 1, 'User'],
    ],
    [0, constant('Unknown')],
  )
  return object({
    name: sureJson(name),
    ...(userUid === undefined ? {} : { uid: json(userUid) }),
    email_addr: when(isEmail(name), sureJson(name)),
    type_id: type.id,
    type: type.caption,
  })
}

/** A sign-in that failed may name its user in the parameters only; one that names nobody still needs a user. */
const SIGN_IN_USER = either(
  [['actor_name IS NOT NULL', ACTOR_USER]],
  otherUser(`coalesce(${present("request_params['user']")}, target_name, 'unknown')`, 'false'),
)

/** Access lists of workspace objects name the principal by number only. */
const PRINCIPAL_USER = either(
  [
    [
      "regexp_full_match(principal, '[0-9]+')",
      object({ uid: sureJson('principal'), type_id: constant(0), type: constant('Unknown') }),
    ],
  ],
  otherUser('principal', "principal_kind = 'service'"),
)

const USERS: readonly (readonly [condition: string, user: Json])[] = [
  [isClass('authentication'), SIGN_IN_USER],
  [isClass('accountChange'), otherUser('target_name', "target_type = 'service_principal'", 'target_id')],
  [isClass('userAccess'), PRINCIPAL_USER],
  [
    `${isClass('groupManagement')} AND NOT is_group_privilege AND principal_kind IN ('user', 'service')`,
    PRINCIPAL_USER,
  ],
]
const HAS_USER = USERS.map(([condition]) => `(${condition})`).join(' OR ')
const USER = when(HAS_USER, either(USERS, constant(null)))

/** A group that is managed, or the group that gains or loses. */
const GROUP = only(
  'groupManagement',
  either([['is_group_privilege', object({ name: sureJson('principal') })]], object(TARGET_IDS)),
)

const RESOURCE = object({ ...TARGET_IDS, type: json('target_type'), role_id: constant(1), role: constant('Target') })

/** A target among several. */
const ITEM = when(
  `coalesce(${present('item.id')}, ${present('item.name')}) IS NOT NULL`,
  object({
    name: sureJson(`coalesce(${present('item.name')}, item.id)`),
    uid: text('item.id'),
    type: text('item.type'),
  }),
)

/** Every target that has an id or a name; one is the rule, and lists cost more. */
const RESOURCES = either(
  [['len(targets) = 1', list([object({ ...TARGET_IDS, type: json('target_type') })])]],
  listFrom('targets', ITEM),
)

/** Where {@link RESOURCES} has at least one. */
const HAS_RESOURCES = `has_target OR len(list_filter(targets, lambda item:
        coalesce(${present('item.id')}, ${present('item.name')}) IS NOT NULL)) > 0`

const ENTITY_TYPE = enumPair(
  [
    ["target_type = 'user' OR target_type = 'service_principal'", 2, 'User'],
    ["target_type = 'group'", 3, 'Group'],
    ["contains(target_type, 'policy')", 5, 'Policy'],
    ["target_type = 'ip_access_list'", 7, 'Network Zone'],
  ],
  [99, sureJson("coalesce(target_type, category, 'entity')")],
)

const BUCKET_TYPE = enumPair(
  [
    ["starts_with(target_name, 's3')", 1, 'S3'],
    ["starts_with(target_name, 'abfss:') OR starts_with(target_name, 'wasbs:')", 2, 'Azure Blob'],
    ["starts_with(target_name, 'gs:')", 3, 'GCP Bucket'],
  ],
  [99, sureJson('target_type')],
)

const isTable = `(has_target AND ${anyOf('target_type', TABLE_TYPES)})`
const isBucket = `(has_target AND ${anyOf('target_type', BUCKET_TYPES)})`
const isDatabase = `(has_target AND ${anyOf('target_type', DATABASE_TYPES)})`

/** A query whose tables are not known ran somewhere: on the compute it names, else in the workspace. */
const DATABASE = object({
  name: sureJson(`CASE WHEN ${isDatabase} THEN target_name ELSE 'Databricks' END`),
  uid: json(
    `CASE WHEN ${isDatabase} THEN target_id ELSE coalesce(${present('query.compute_id')}, ${present('workspace_id')}) END`,
  ),
  type_id: constant(1),
  type: constant('Relational'),
})

const STORE_TYPE = enumPair(
  [
    [isTable, 3, 'Table'],
    [isBucket, 2, 'Databucket'],
  ],
  [1, constant('Database')],
)

const DATASTORE: Members = {
  table: when(isTable, object(TARGET_IDS)),
  databucket: when(isBucket, object({ ...TARGET_IDS, type_id: BUCKET_TYPE.id, type: BUCKET_TYPE.caption })),
  database: when(`NOT (${isTable} OR ${isBucket})`, DATABASE),
  query_info: when(
    `${present('query.text')} IS NOT NULL`,
    object({
      query_string: sureJson('query.text'),
      uid: sureJson(`coalesce(${present('query.id')}, ${present('request_id')}, event_id)`),
      bytes: plain('query.bytes_read'),
    }),
  ),
  type_id: STORE_TYPE.id,
  type: STORE_TYPE.caption,
}

const FILE_TYPE = enumPair(
  [
    ["target_type = 'directory'", 2, 'Folder'],
    ["target_type = 'file'", 1, 'Regular File'],
  ],
  [99, sureJson('target_type')],
)

/** A file's name is the last part of its path; the path stays whole beside it. */
const FILE = object({
  name: sureJson(`coalesce(${present("regexp_extract(target_name, '([^/]+)/*$', 1)")}, target_name)`),
  path: when("contains(target_name, '/')", sureJson('target_name')),
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
  [99, sureJson("coalesce(action, 'unknown')")],
)

/** Members of the event object that only some classes have. */
export function classMembers(): Members {
  return {
    user: USER,
    service: only('authentication', object({ name: sureJson('service_name') })),
    auth_protocol_id: only('authentication', PROTOCOL.id),
    auth_protocol: only('authentication', PROTOCOL.caption),
    is_mfa: when(`${isClass('authentication')} AND starts_with(action_lower, 'mfa')`, constant(true)),
    is_remote: only('authentication', constant(true)),
    privileges: when(`${isClass('userAccess')} OR is_group_privilege`, sureJson('privileges')),
    group: GROUP,
    entity: only('entityManagement', object({ ...TARGET_IDS, type_id: ENTITY_TYPE.id, type: ENTITY_TYPE.caption })),
    app: only('applicationLifecycle', object(TARGET_IDS)),
    resource: when('is_group_privilege AND has_target', RESOURCE),
    resources: when(
      `(${isClass('apiActivity')} AND (${HAS_RESOURCES})) OR (${isClass('userAccess')} AND has_target)`,
      either([[isClass('userAccess'), list([RESOURCE])]], RESOURCES),
    ),
    ...Object.fromEntries(Object.entries(DATASTORE).map(([name, value]) => [name, only('datastoreActivity', value)])),
    file: only('fileHosting', FILE),
  }
}
