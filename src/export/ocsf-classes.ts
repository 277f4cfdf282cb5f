/**
 * Which OCSF 1.8.0 class and activity an event becomes: a table of rules, first match wins, over the catalogue's
 * category and verb and the type of the first target. What no rule takes is API Activity, which fits every call.
 */
import { lit } from '../engine/sql.ts'
import { anyOf } from './event-facts.ts'

/** A class as the schema names it, with its activities' captions. */
export interface OcsfClass {
  readonly uid: number
  readonly caption: string
  readonly category: string
  readonly activities: Readonly<Record<number, string>>
}

/** Activity for what the class has no number for; `activity_name` is then the Databricks action. */
export const OTHER_ACTIVITY = 99

const IAM = 'Identity & Access Management'
const APPLICATION = 'Application Activity'

/** The classes exported. Numbers and captions are the schema's. */
export const OCSF_CLASSES = {
  accountChange: {
    uid: 3001,
    caption: 'Account Change',
    category: IAM,
    activities: {
      1: 'Create',
      2: 'Enable',
      3: 'Password Change',
      4: 'Password Reset',
      5: 'Disable',
      6: 'Delete',
      10: 'MFA Factor Enable',
      11: 'MFA Factor Disable',
    },
  },
  authentication: {
    uid: 3002,
    caption: 'Authentication',
    category: IAM,
    activities: { 1: 'Logon', 2: 'Logoff' },
  },
  entityManagement: {
    uid: 3004,
    caption: 'Entity Management',
    category: IAM,
    activities: { 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete', 8: 'Enable', 9: 'Disable' },
  },
  userAccess: {
    uid: 3005,
    caption: 'User Access Management',
    category: IAM,
    activities: { 1: 'Assign Privileges', 2: 'Revoke Privileges' },
  },
  groupManagement: {
    uid: 3006,
    caption: 'Group Management',
    category: IAM,
    activities: {
      1: 'Assign Privileges',
      2: 'Revoke Privileges',
      3: 'Add User',
      4: 'Remove User',
      5: 'Delete',
      6: 'Create',
    },
  },
  applicationLifecycle: {
    uid: 6002,
    caption: 'Application Lifecycle',
    category: APPLICATION,
    activities: { 3: 'Start', 4: 'Stop', 5: 'Restart' },
  },
  apiActivity: {
    uid: 6003,
    caption: 'API Activity',
    category: APPLICATION,
    activities: { 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete' },
  },
  datastoreActivity: {
    uid: 6005,
    caption: 'Datastore Activity',
    category: APPLICATION,
    activities: { 1: 'Read', 2: 'Update', 4: 'Query', 5: 'Write', 6: 'Create', 7: 'Delete', 8: 'List' },
  },
  fileHosting: {
    uid: 6006,
    caption: 'File Hosting Activity',
    category: APPLICATION,
    activities: {
      1: 'Upload',
      2: 'Download',
      3: 'Update',
      4: 'Delete',
      5: 'Rename',
      6: 'Copy',
      7: 'Move',
      8: 'Restore',
      12: 'Share',
      14: 'Open',
    },
  },
} as const satisfies Record<string, OcsfClass>

/** Name of an exported class. */
export type OcsfClassName = keyof typeof OCSF_CLASSES

/** Target types that are tables to OCSF. */
export const TABLE_TYPES = ['table', 'feature_table', 'database_table']
/** Target types that are databases to OCSF. */
export const DATABASE_TYPES = ['catalog', 'schema', 'metastore', 'database_instance', 'database_catalog']
/** Target types that are storage buckets to OCSF. */
export const BUCKET_TYPES = ['volume', 'path', 'external_location']
/** Target types that are files or folders to OCSF. */
export const FILE_TYPES = [
  'file',
  'directory',
  'notebook',
  'repo',
  'workspace_object',
  'listing_file',
  'dbfs_handle',
  'path',
]
const ACCOUNT_TYPES = ['user', 'service_principal', 'mfa_key']
const ENTITY_CATEGORIES = ['token', 'secret', 'network', 'data_policy']
const ENTITY_TYPES = ['cluster_policy', 'budget_policy', 'federation_policy', 'oauth_app', 'git_credential']
/** In these categories a path is a file; elsewhere it is cloud storage that data is read from. */
const FILE_CATEGORIES = ['storage', 'workspace_object', 'notebook', 'marketplace', 'data_access']
const DATA_CATEGORIES = ['data_access', 'catalog', 'query', 'sharing']
const APP_CATEGORIES = ['compute', 'warehouse', 'app', 'model', 'database', 'pipeline']

/** Verbs that count as one in the rules. */
const VERBS = {
  create: ['create', 'add', 'import', 'issue'],
  read: ['read', 'list', 'export'],
  update: [
    'update',
    'write',
    'restore',
    'enable',
    'disable',
    'rotate',
    'grant',
    'revoke',
    'approve',
    'share',
    'unshare',
  ],
  remove: ['delete', 'remove'],
} as const

/** A row of the table: every condition named must hold. */
export interface OcsfRule {
  readonly to: OcsfClassName
  readonly activity: number
  readonly categories?: readonly string[]
  readonly verbs?: readonly string[]
  /** Type of the first target. */
  readonly targets?: readonly string[]
  /** Lower-cased action names. */
  readonly actions?: readonly string[]
  /**
   * What the class cannot do without: a first target with an id or name; a person or group who gains or loses, with
   * privileges; or a query with text or id.
   */
  readonly needs?: 'target' | 'user_privilege' | 'group_privilege' | 'query'
}

const verbTable = (
  to: OcsfClassName,
  base: Omit<OcsfRule, 'to' | 'activity' | 'verbs'>,
  activities: readonly (readonly [number, readonly string[] | undefined])[],
): OcsfRule[] =>
  activities.map(([activity, verbs]) => ({ to, activity, ...base, ...(verbs === undefined ? {} : { verbs }) }))

const actionTable = (to: OcsfClassName, base: Pick<OcsfRule, 'targets' | 'needs'>, rows: Record<string, number>) =>
  Object.entries(rows).map(([action, activity]): OcsfRule => ({ to, activity, ...base, actions: [action] }))

/** File activities that the catalogue's verbs do not tell apart. */
const FILE_ACTIONS = {
  clonenotebook: 6,
  movefolder: 7,
  movenotebook: 7,
  moveworkspacenode: 7,
  renamefolder: 5,
  renamenotebook: 5,
  renameworkspacenode: 5,
}

/** The rules in order. */
export const OCSF_RULES: readonly OcsfRule[] = [
  ...verbTable('authentication', { categories: ['authentication'] }, [
    [1, ['login']],
    [2, ['logout']],
    [OTHER_ACTIVITY, undefined],
  ]),
  { to: 'authentication', activity: 1, actions: ['ipaccessdenied', 'accountipaclsvalidationfailed'] },
  { to: 'entityManagement', activity: 2, categories: ['identity'], verbs: ['read', 'list'], needs: 'target' },
  // Membership before grants: the principal of a group event joins the group, it does not gain the privilege itself.
  ...verbTable('groupManagement', { targets: ['group'], categories: ['identity', 'permission'], needs: 'target' }, [
    [3, ['add', 'grant']],
    [4, ['remove', 'revoke']],
    [6, ['create']],
    [5, ['delete']],
    [OTHER_ACTIVITY, undefined],
  ]),
  ...verbTable('userAccess', { needs: 'user_privilege' }, [
    [1, ['grant']],
    [2, ['revoke']],
  ]),
  ...verbTable('groupManagement', { needs: 'group_privilege' }, [
    [1, ['grant']],
    [2, ['revoke']],
  ]),
  ...actionTable(
    'accountChange',
    { targets: ACCOUNT_TYPES, needs: 'target' },
    {
      changepassword: 3,
      resetpassword: 4,
      accountuserresetpassword: 4,
      activateuser: 2,
      deactivateuser: 5,
      mfaaddkey: 10,
      mfadeletekey: 11,
    },
  ),
  ...verbTable('accountChange', { categories: ['identity'], targets: ACCOUNT_TYPES, needs: 'target' }, [
    [1, ['create', 'add']],
    [2, ['enable']],
    [5, ['disable']],
    [6, ['delete', 'remove']],
    [OTHER_ACTIVITY, undefined],
  ]),
  ...[{ categories: ENTITY_CATEGORIES }, { targets: ENTITY_TYPES }].flatMap((base) =>
    verbTable('entityManagement', { ...base, needs: 'target' }, [
      [1, VERBS.create],
      [2, VERBS.read],
      [4, [...VERBS.remove, 'revoke']],
      [8, ['enable']],
      [9, ['disable']],
      [3, VERBS.update],
      [OTHER_ACTIVITY, undefined],
    ]),
  ),
  ...verbTable('applicationLifecycle', { categories: APP_CATEGORIES, needs: 'target' }, [
    [3, ['start']],
    [4, ['stop']],
    [5, ['restart']],
  ]),
  { to: 'datastoreActivity', activity: 4, needs: 'query' },
  ...actionTable('fileHosting', { targets: FILE_TYPES, needs: 'target' }, FILE_ACTIONS),
  { to: 'fileHosting', activity: 2, categories: FILE_CATEGORIES, targets: ['file'], verbs: ['read'], needs: 'target' },
  ...[
    { categories: FILE_CATEGORIES, targets: FILE_TYPES.filter((type) => type !== 'path') },
    { categories: ['storage', 'workspace_object'], targets: ['path'] },
  ].flatMap((base) =>
    verbTable('fileHosting', { ...base, needs: 'target' }, [
      [1, ['import', 'write']],
      [2, ['export']],
      [3, ['update']],
      [4, ['delete', 'remove']],
      [8, ['restore']],
      [12, ['share']],
      [14, ['read']],
    ]),
  ),
  ...verbTable(
    'datastoreActivity',
    {
      categories: DATA_CATEGORIES,
      targets: [...TABLE_TYPES, ...DATABASE_TYPES, ...BUCKET_TYPES],
      needs: 'target',
    },
    [
      [8, ['list']],
      [4, ['execute', 'complete']],
      [1, ['read', 'export', 'issue']],
      [5, ['write']],
      [6, VERBS.create],
      [7, VERBS.remove],
      [2, VERBS.update],
      [OTHER_ACTIVITY, undefined],
    ],
  ),
  ...verbTable('apiActivity', {}, [
    [1, VERBS.create],
    [2, VERBS.read],
    [3, VERBS.update],
    [4, VERBS.remove],
    [OTHER_ACTIVITY, undefined],
  ]),
]

/** Columns the rules read; the caller's relation must have them. */
export const RULE_NEEDS = {
  target: 'has_target',
  user_privilege: 'has_user_privilege',
  group_privilege: 'has_group_privilege',
  query: 'has_query',
} as const

const oneOf = (column: string, values: readonly string[] | undefined): string[] =>
  values === undefined ? [] : [anyOf(column, values)]

const condition = (rule: OcsfRule): string =>
  [
    ...oneOf('category', rule.categories),
    ...oneOf('target_type', rule.targets),
    ...oneOf('verb', rule.verbs),
    ...oneOf('action_lower', rule.actions),
    ...(rule.needs === undefined ? [] : [RULE_NEEDS[rule.needs]]),
  ].join(' AND ') || 'true'

/** SQL giving `type_uid`, over the columns `category, verb, target_type, action_lower` and those of {@link RULE_NEEDS}. */
export const typeUidSql = (): string =>
  `CASE ${OCSF_RULES.map((rule) => `WHEN ${condition(rule)} THEN ${OCSF_CLASSES[rule.to].uid * 100 + rule.activity}`).join('\n      ')} END`

const classes = Object.values(OCSF_CLASSES) as readonly OcsfClass[]

/** SQL giving the class caption, over `class_uid`. */
export const classNameSql = (): string =>
  `CASE class_uid ${classes.map((c) => `WHEN ${c.uid} THEN ${lit(c.caption)}`).join(' ')} END`

/** SQL giving the category caption, over `class_uid`. */
export const categoryNameSql = (): string => `CASE WHEN class_uid < 4000 THEN ${lit(IAM)} ELSE ${lit(APPLICATION)} END`

/** SQL giving the activity caption, NULL for {@link OTHER_ACTIVITY}, over `type_uid`. */
export const activityCaptionSql = (): string =>
  `CASE type_uid ${classes
    .flatMap((c) =>
      Object.entries(c.activities).map(([id, name]) => `WHEN ${c.uid * 100 + Number(id)} THEN ${lit(name)}`),
    )
    .join(' ')} END`
