import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit, litOrNull } from '../../engine/sql.ts'
import { loadCatalogue, overrideSql, withTargetsSql } from './sql.ts'

/** A target without the fields that are null. */
type Found = Readonly<Partial<Record<'type' | 'id' | 'name' | 'principal' | 'privilege', string>>>

interface Case {
  /** service.action */
  readonly of: string
  readonly params: Readonly<Record<string, string>>
  readonly result?: string
  readonly targets: readonly Found[]
  /** Verb, key event, category: where the case is about them. */
  readonly verb?: string
  readonly keyEvent?: string
  readonly category?: string
}

const UC = { workspace_id: '30490590956351435170', metastore_id: '8ab5b9bd-f7f2-4a2b-a163-8cb1e53a3fd5' }
const ACL = { shardName: 'test-shard', targetUserId: '954664791769442' }

const CASES: Readonly<Record<string, Case>> = {
  'a token login names the token': {
    of: 'accounts.tokenLogin',
    params: { user: 'ann@example.com', tokenId: '5f2c', authenticationMethod: 'API_INT_PAT_TOKEN' },
    targets: [
      { type: 'user', name: 'ann@example.com' },
      { type: 'token', id: '5f2c' },
    ],
    verb: 'login',
    category: 'authentication',
  },
  'a token login that does not say which token': {
    of: 'accounts.tokenLogin',
    params: { user: 'ann@example.com' },
    targets: [{ type: 'user', name: 'ann@example.com' }],
  },
  'a failed login names the user only in its parameters': {
    of: 'accounts.login',
    params: { user: 'ann@example.com' },
    targets: [{ type: 'user', name: 'ann@example.com' }],
  },
  'a user added by SCIM': {
    of: 'accounts.add',
    params: { targetUserName: 'bob@example.com', endpoint: 'scim', targetUserId: '81' },
    targets: [{ type: 'user', id: '81', name: 'bob@example.com' }],
    keyEvent: 'identity_lifecycle',
  },
  'the snake_case spelling of a user is read too': {
    of: 'accounts.updateUser',
    params: { target_user_name: 'bob@example.com', target_user_id: '81' },
    targets: [{ type: 'user', id: '81', name: 'bob@example.com' }],
  },
  'a member added to a group is its principal': {
    of: 'accounts.addPrincipalToGroup',
    params: { targetGroupId: '7', targetGroupName: 'admins', targetUserId: '81', targetUserName: 'bob@example.com' },
    targets: [{ type: 'group', id: '7', name: 'admins', principal: 'bob@example.com' }],
    verb: 'add',
    keyEvent: 'role_permission_update',
  },
  'a group made by role assignment has its name where users have theirs': {
    of: 'accounts.createGroup',
    params: { endpoint: 'roleAssignment', targetUserName: 'data-owners' },
    targets: [{ type: 'group', name: 'data-owners' }],
  },
  'an account admin gets a right that the parameters do not spell': {
    of: 'accounts.setAccountAdmin',
    params: { targetUserName: 'bob@example.com', targetUserId: '81' },
    targets: [
      { type: 'user', id: '81', name: 'bob@example.com', principal: 'bob@example.com', privilege: 'account admin' },
    ],
    verb: 'grant',
  },
  'a setting is its type and name': {
    of: 'accounts.setSetting',
    params: { settingTypeName: 'csp', settingName: 'compliance', settingValueForAudit: 'true' },
    targets: [{ type: 'setting', name: 'csp.compliance' }],
    keyEvent: 'privileged_setting',
  },
  'a setting without a name is its type': {
    of: 'accounts.setSetting',
    params: { settingTypeName: 'csp' },
    targets: [{ type: 'setting', name: 'csp' }],
  },
  'a credential for a table is a read': {
    of: 'unityCatalog.generateTemporaryTableCredential',
    params: { ...UC, table_id: 't-1', table_full_name: 'main.hr.salaries', operation: 'READ' },
    targets: [{ type: 'table', id: 't-1', name: 'main.hr.salaries' }],
    verb: 'read',
    keyEvent: 'data_access',
    category: 'data_access',
  },
  'a credential for a shared table names share and recipient, and may be a write': {
    of: 'unityCatalog.generateTemporaryTableCredential',
    params: { ...UC, table_id: 't-1', share_name: 's', recipient_name: 'acme', operation: 'READ_WRITE' },
    targets: [
      { type: 'table', id: 't-1' },
      { type: 'share', name: 's' },
      { type: 'recipient', name: 'acme' },
    ],
    verb: 'write',
  },
  'a credential for a path': {
    of: 'unityCatalog.generateTemporaryPathCredential',
    params: { ...UC, url: 's3://bucket/x', operation: 'PATH_CREATE_TABLE' },
    targets: [{ type: 'path', name: 's3://bucket/x' }],
    verb: 'write',
  },
  'a credential for a volume': {
    of: 'unityCatalog.generateTemporaryVolumeCredential',
    params: { ...UC, volume_id: 'v', volume_full_name: 'main.raw.files', operation: 'READ_VOLUME' },
    targets: [{ type: 'volume', id: 'v', name: 'main.raw.files' }],
    verb: 'read',
  },
  'table metadata is read by full name': {
    of: 'unityCatalog.getTable',
    params: { ...UC, full_name_arg: 'main.hr.salaries' },
    targets: [{ type: 'table', name: 'main.hr.salaries' }],
    category: 'catalog',
  },
  'a created table is put together from three parameters': {
    of: 'unityCatalog.createTable',
    params: { ...UC, name: 'salaries', catalog_name: 'main', schema_name: 'hr' },
    targets: [{ type: 'table', name: 'main.hr.salaries' }],
    verb: 'create',
  },
  'leading parts of a name may be missing, the last may not': {
    of: 'unityCatalog.createTable',
    params: { ...UC, catalog_name: 'main', schema_name: 'hr' },
    targets: [],
  },
  'a created schema': {
    of: 'unityCatalog.createSchema',
    params: { ...UC, name: 'hr', catalog_name: 'main' },
    targets: [{ type: 'schema', name: 'main.hr' }],
  },
  'a list of tables is about the schema': {
    of: 'unityCatalog.listTables',
    params: { ...UC, catalog_name: 'main', schema_name: 'hr' },
    targets: [{ type: 'schema', name: 'main.hr' }],
    verb: 'list',
  },
  'a grant names securable, principal and privileges': {
    of: 'unityCatalog.updatePermissions',
    params: {
      ...UC,
      securable_type: 'TABLE',
      securable_full_name: 'main.hr.salaries',
      changes: '[{"principal":"account users","add":["SELECT","MODIFY"],"remove":[]}]',
    },
    targets: [{ type: 'table', name: 'main.hr.salaries', principal: 'account users', privilege: 'SELECT,MODIFY' }],
    verb: 'grant',
    keyEvent: 'role_permission_update',
  },
  'a change that only removes is a revocation': {
    of: 'unityCatalog.updatePermissions',
    params: {
      securable_type: 'STORAGE_CREDENTIAL',
      securable_full_name: 'lake',
      changes: '[{"principal":"a","remove":["READ_FILES"]},{"principal":"b","remove":["READ_FILES"]}]',
    },
    targets: [{ type: 'storage_credential', name: 'lake', principal: 'a,b', privilege: 'READ_FILES,READ_FILES' }],
    verb: 'revoke',
  },
  'changes that were cut at the size limit stay text': {
    of: 'unityCatalog.updatePermissions',
    params: { securable_type: 'SCHEMA', securable_full_name: 'main.hr', changes: '[{"principal":"a","ad... truncated' },
    targets: [{ type: 'schema', name: 'main.hr', privilege: '[{"principal":"a","ad... truncated' }],
    verb: 'grant',
  },
  'a new owner of a table is a change of rights': {
    of: 'unityCatalog.updateTable',
    params: { full_name_arg: 'main.hr.salaries', owner: 'hr-admins' },
    targets: [{ type: 'table', name: 'main.hr.salaries', principal: 'hr-admins', privilege: 'owner' }],
    verb: 'update',
    keyEvent: 'role_permission_update',
  },
  'a table changed without a new owner gives no right': {
    of: 'unityCatalog.updateTables',
    params: { full_name_arg: 'main.hr.salaries', comment: 'x' },
    targets: [{ type: 'table', name: 'main.hr.salaries' }],
  },
  'a metastore whose owner changes has a new admin': {
    of: 'unityCatalog.updateMetastore',
    params: { id: 'm-1', owner: 'metastore-admins' },
    targets: [{ type: 'metastore', id: 'm-1', principal: 'metastore-admins', privilege: 'owner' }],
    keyEvent: 'role_permission_update',
  },
  'an attribute-based policy and what it is on': {
    of: 'unityCatalog.createPolicy',
    params: { name: 'mask_ssn', on_securable_type: 'CATALOG', on_securable_fullname: 'main', policy_info: '{}' },
    targets: [
      { type: 'abac_policy', name: 'mask_ssn' },
      { type: 'catalog', name: 'main' },
    ],
    keyEvent: 'data_policy_change',
  },
  'tags of a column': {
    of: 'unityCatalog.UpdateTagSubentityAssignments',
    params: { securable_type: 'TABLE', securable_full_name: 'main.hr.salaries', subentity_name: 'ssn', changes: '{}' },
    targets: [
      { type: 'table', name: 'main.hr.salaries' },
      { type: 'column', name: 'ssn' },
    ],
  },
  'the request of a recipient names share, schema and table': {
    of: 'unityCatalog.deltaSharingQueryTable',
    params: { share: 'sales', schema: 'eu', name: 'orders', recipient_name: 'acme', is_ip_access_denied: 'false' },
    targets: [
      { type: 'table', name: 'sales.eu.orders' },
      { type: 'share', name: 'sales' },
      { type: 'recipient', name: 'acme' },
    ],
    category: 'data_access',
  },
  'the answer to a recipient names the table in the response': {
    of: 'unityCatalog.deltaSharingQueriedTable',
    params: { recipient_name: 'acme' },
    result: '{"numRecords":"9","tableName":"orders","tableId":"t-9"}',
    targets: [
      { type: 'table', id: 't-9', name: 'orders' },
      { type: 'recipient', name: 'acme' },
    ],
  },
  'a response that is no JSON names nothing': {
    of: 'unityCatalog.deltaSharingQueriedTable',
    params: { recipient_name: 'acme' },
    result: 'numRecords: 9',
    targets: [{ type: 'recipient', name: 'acme' }],
  },
  'a model version': {
    of: 'unityCatalog.deleteModelVersion',
    params: { full_name_arg: 'main.ml.churn', version_arg: '3' },
    targets: [
      { type: 'model', name: 'main.ml.churn' },
      { type: 'model_version', id: '3' },
    ],
  },
  'the id of a created cluster stands in the response': {
    of: 'clusters.create',
    params: { cluster_name: 'etl', num_workers: '4' },
    result: '{"cluster_id":"0515-010532-v1hfphej"}',
    targets: [{ type: 'cluster', id: '0515-010532-v1hfphej', name: 'etl' }],
    keyEvent: 'cluster_configuration',
  },
  'the outcome of a start spells its keys otherwise': {
    of: 'clusters.startResult',
    params: { clusterName: 'etl', clusterId: '0515-010532-v1hfphej', clusterState: 'Running' },
    targets: [{ type: 'cluster', id: '0515-010532-v1hfphej', name: 'etl' }],
    verb: 'complete',
  },
  'rights on a cluster': {
    of: 'clusters.changeClusterAcl',
    params: { ...ACL, resourceId: '0515-010532-v1hfphej', aclPermissionSet: 'Manage' },
    targets: [{ type: 'cluster', id: '0515-010532-v1hfphej', principal: '954664791769442', privilege: 'Manage' }],
    verb: 'grant',
    category: 'permission',
  },
  'an empty permission set takes the right away': {
    of: 'jobs.changeJobAcl',
    params: { ...ACL, resourceId: '42', aclPermissionSet: '' },
    targets: [{ type: 'job', id: '42', principal: '954664791769442', privilege: '' }],
    verb: 'revoke',
    keyEvent: 'role_permission_update',
  },
  'rights on an object of the workspace tree tell its kind': {
    of: 'workspace.changeWorkspaceAcl',
    params: { ...ACL, resourceId: '/workspace/1', aclChangeResourceName: 'dashboardsv3/01ef', aclPermissionSet: 'Run' },
    targets: [{ type: 'dashboard', id: '01ef', principal: '954664791769442', privilege: 'Run' }],
  },
  'an unknown kind of workspace object is just that': {
    of: 'workspace.changeWorkspaceAcl',
    params: { ...ACL, aclChangeResourceName: 'gadgets/9', aclPermissionSet: 'Run' },
    targets: [{ type: 'workspace_object', id: '9', principal: '954664791769442', privilege: 'Run' }],
  },
  'a job created with its id in the response': {
    of: 'jobs.create',
    params: { name: 'nightly', job_type: 'NORMAL' },
    result: '{"job_id":123}',
    targets: [{ type: 'job', id: '123', name: 'nightly' }],
    keyEvent: 'job_configuration',
  },
  'a job renamed by new settings': {
    of: 'jobs.update',
    params: { job_id: '123', new_settings: '{"name":"hourly"}' },
    targets: [{ type: 'job', id: '123', name: 'hourly' }],
  },
  'a run asked for has its id in the response': {
    of: 'jobs.runNow',
    params: { job_id: '123' },
    result: '{"run_id":77}',
    targets: [
      { type: 'job', id: '123' },
      { type: 'job_run', id: '77' },
    ],
    verb: 'execute',
    keyEvent: 'job_execution',
  },
  'a run that succeeded': {
    of: 'jobs.runSucceeded',
    params: { jobId: '123', runId: '77', idInJob: '1', orgId: '1', jobTerminalState: 'Succeeded' },
    targets: [
      { type: 'job', id: '123' },
      { type: 'job_run', id: '77' },
    ],
    verb: 'complete',
  },
  'a notebook cell': {
    of: 'notebook.runCommand',
    params: { notebookId: '99', commandId: 'c', commandText: 'select 1', executionTime: '0.2', status: 'finished' },
    targets: [{ type: 'notebook', id: '99' }],
    category: 'query',
    keyEvent: 'interactive_usage',
  },
  'a cloned notebook and its source': {
    of: 'notebook.cloneNotebook',
    params: { notebookId: '99', path: '/a', clonedNotebookId: '100', destinationPath: '/b' },
    targets: [
      { type: 'notebook', id: '99', name: '/a' },
      { type: 'notebook', id: '100', name: '/b' },
    ],
  },
  'a secret and its scope': {
    of: 'secrets.getSecret',
    params: { scope: 'prod', key: 'db-password' },
    targets: [
      { type: 'secret', name: 'db-password' },
      { type: 'secret_scope', name: 'prod' },
    ],
    keyEvent: 'secret_access',
  },
  'rights on a secret scope': {
    of: 'secrets.putAcl',
    params: { scope: 'prod', principal: 'ann@example.com', permission: 'READ' },
    targets: [{ type: 'secret_scope', name: 'prod', principal: 'ann@example.com', privilege: 'READ' }],
  },
  'a file downloaded': {
    of: 'filesystem.filesGet',
    params: { path: '/Volumes/main/raw/files/x.csv', transferredSize: '10' },
    targets: [{ type: 'file', name: '/Volumes/main/raw/files/x.csv' }],
    verb: 'export',
    keyEvent: 'data_export',
  },
  'verbose logging switched off': {
    of: 'workspace.workspaceConfEdit',
    params: { workspaceConfKeys: 'enableVerboseAuditLogs', workspaceConfValues: 'false' },
    targets: [{ type: 'setting', name: 'enableVerboseAuditLogs' }],
    verb: 'disable',
    keyEvent: 'logging_configuration',
    category: 'audit',
  },
  'the same under the name the documentation gives it, with two keys at once': {
    of: 'workspace.workspaceConfKeys',
    params: { workspaceConfKeys: 'enableTokensConfig,enableVerboseAuditLogs', workspaceConfValues: 'true,false' },
    targets: [{ type: 'setting', name: 'enableTokensConfig,enableVerboseAuditLogs' }],
    verb: 'update',
    keyEvent: 'logging_configuration',
  },
  'another workspace setting': {
    of: 'workspace.workspaceConfEdit',
    params: { workspaceConfKeys: 'enableExportNotebook', workspaceConfValues: 'True' },
    targets: [{ type: 'setting', name: 'enableExportNotebook' }],
    verb: 'enable',
    keyEvent: 'privileged_setting',
    category: 'configuration',
  },
  'a warehouse created': {
    of: 'databrickssql.createWarehouse',
    params: { name: 'bi', cluster_size: 'Small' },
    result: '{"id":"a1b2"}',
    targets: [{ type: 'warehouse', id: 'a1b2', name: 'bi' }],
  },
  'keys that differ only by case': {
    of: 'databrickssql.executeFastQuery',
    params: { DataSourceId: 'ds-1' },
    targets: [{ type: 'data_source', id: 'ds-1' }],
  },
  'a budget policy whose keys have a dot in them': {
    of: 'budgetPolicyCentral.updateBudgetPolicy',
    params: { 'policy.policy_id': 'p-1', 'policy.policy_name': 'team' },
    targets: [{ type: 'budget_policy', id: 'p-1', name: 'team' }],
  },
  'an app described in JSON': {
    of: 'apps.createApp',
    params: { app: '{"name":"portal","description":"x"}' },
    targets: [{ type: 'app', name: 'portal' }],
  },
  'rights on an app given to a group': {
    of: 'apps.changeAppsAcl',
    params: {
      request_object_type: 'apps',
      request_object_id: 'portal',
      access_control_list: '[{"group_name":"account users","permission_level":"CAN_USE"}]',
    },
    targets: [{ type: 'app', id: 'portal', principal: 'account users', privilege: 'CAN_USE' }],
    verb: 'grant',
  },
  'log delivery switched off': {
    of: 'logDelivery.updateLogDeliveryConfiguration',
    params: { config_id: 'c-1', account_id: 'a', status: 'DISABLED' },
    targets: [{ type: 'log_delivery', id: 'c-1' }],
    verb: 'disable',
    keyEvent: 'logging_configuration',
  },
  'vendor personnel let in': {
    of: 'genie.databricksAccess',
    params: { duration: '4h', approver: 'ann@example.com', reason: 'support case', user: 'eng@databricks.com' },
    targets: [
      { type: 'user', name: 'eng@databricks.com', principal: 'eng@databricks.com', privilege: 'workspace access' },
    ],
    verb: 'grant',
    keyEvent: 'vendor_access',
  },
  'the host of a security agent': {
    of: 'capsule8-alerts-dataplane.Kernel Module Loaded',
    params: { instanceId: 'i-0abc' },
    targets: [{ type: 'host', id: 'i-0abc' }],
    verb: 'detect',
    keyEvent: 'security_signal',
  },
  'rules of an account object': {
    of: 'accountsAccessControl.updateRuleSet',
    params: {
      name: 'accounts/a/servicePrincipals/s/ruleSets/default',
      rule_set: '{"grant_rules":[{"role":"roles/servicePrincipal.user","principals":["groups/etl","users/ann"]}]}',
    },
    targets: [
      {
        type: 'rule_set',
        name: 'accounts/a/servicePrincipals/s/ruleSets/default',
        principal: 'groups/etl,users/ann',
        privilege: 'roles/servicePrincipal.user',
      },
    ],
  },
  'parameters that were too long to log name nothing': {
    of: 'jobs.create',
    params: { TRUNCATED: '' },
    targets: [],
  },
  'empty texts name nothing': {
    of: 'accounts.add',
    params: { targetUserName: '', targetUserId: '' },
    targets: [],
  },
  'a plain Immuta record is told by its target type': {
    of: 'immuta.CREATE',
    params: { targetType: 'APIKEY' },
    targets: [],
    category: 'token',
    keyEvent: 'token_lifecycle',
  },
}

const mapSql = (params: Readonly<Record<string, string>>): string =>
  `map([${Object.keys(params).map(lit).join(', ')}]::VARCHAR[], [${Object.values(params).map(lit).join(', ')}]::VARCHAR[])`

describe('through DuckDB', () => {
  let engine: Engine
  const rows = new Map<string, Record<string, unknown>>()

  beforeAll(async () => {
    engine = await Engine.open()
    await loadCatalogue(engine)
    const values = Object.entries(CASES).map(([title, { of, params, result }]) => {
      const [service = '', ...action] = of.split('.')
      return `(${[title, service, action.join('.')].map(lit).join(', ')}, ${mapSql(params)}, ${litOrNull(result)})`
    })
    const said = `(SELECT title, params, result, c.target_plan, c.action IS NOT NULL AS known,
        ${overrideSql('verb', 'c.verb', 'params', 'c.override')} AS verb,
        ${overrideSql('key_event', 'c.key_event', 'params', 'c.override')} AS "keyEvent",
        ${overrideSql('category', 'c.category', 'params', 'c.override')} AS category
      FROM (VALUES ${values.join(',\n')}) record(title, service, action, params, result)
      LEFT JOIN catalogue_actions c ON c.service_lower = lower(record.service) AND c.action_lower = lower(record.action))`
    const found = await engine.rows(withTargetsSql(said, { params: 'params', result: 'result' }, 'target_plan'))
    for (const row of found) rows.set(String(row.title), row)
  })
  afterAll(() => engine.close())

  it.each(Object.entries(CASES))('%s', (title, expected) => {
    const row = rows.get(title)
    expect(row?.known).toBe(true)
    const targets = ((row?.targets ?? []) as Record<string, string | null>[]).map((target) =>
      Object.fromEntries(Object.entries(target).filter(([, value]) => value !== null)),
    )
    expect(targets).toEqual(expected.targets)
    for (const column of ['verb', 'keyEvent', 'category'] as const) {
      if (expected[column] !== undefined) expect(row?.[column], column).toBe(expected[column])
    }
  })
})
