/** Unity Catalog: browsing, lineage, tags, functions, volumes, and the ordinary grants that Terraform makes. */
import { serviceNamed } from '../account/account.ts'
import type { Table } from '../account/data.ts'
import { failed } from '../event.ts'
import { serviceSession } from '../sessions.ts'
import type { Thread } from '../thread.ts'
import type { Routine, Work } from './contract.ts'
import { vend } from './queries.ts'

const browse: Work = {
  id: 'catalog-browse',
  roles: { engineer: 3, analyst: 3, scientist: 2, bi: 2, finance: 1, hr: 1, contractor: 2, admin: 2 },
  play(thread, { tables }) {
    const { random } = thread
    const table = random.pickEarly(tables)
    thread.uc('getMetastoreSummary', {})
    thread.uc('listCatalog', { name_arg: '' })
    thread.uc('getCatalog', { name_arg: table.catalog, dependent: 'false' })
    thread.uc('listSchema', { catalog_name: table.catalog })
    thread.wait(2, 10).uc('getSchema', { full_name_arg: `${table.catalog}.${table.schema}`, dependent: 'false' })
    thread.uc('listTableSummaries', { catalog_name: table.catalog, schema_name_pattern: table.schema })
    thread.uc('listTables', { catalog_name: table.catalog, schema_name: table.schema, include_browse: 'true' })
    for (const seen of random.sample(tables, random.int(1, 4))) look(thread, seen)
    if (random.chance(0.2))
      thread.uc('listFunctions', { catalog_name: table.catalog, schema_name: table.schema, include_browse: 'true' })
    if (random.chance(0.2)) thread.uc('listVolumes', { catalog_name: table.catalog, schema_name: table.schema })
    if (random.chance(0.1)) thread.uc('listExternalLocations', { url: '', max_results: '0' })
    if (random.chance(0.1)) thread.uc('getExternalLocation', { name_arg: 'landing', include_browse: 'true' })
    if (random.chance(0.06)) thread.uc('listConnections', { max_results: '0', page_token: '' })
    if (random.chance(0.05)) thread.uc('listCredentials', {})
    if (random.chance(0.03)) thread.uc('getConnection', { name_arg: 'erp_postgres' })
  },
}

function look(thread: Thread, table: Table): void {
  const { random } = thread
  const metastore_id = thread.session.workspace.metastoreId
  thread.wait(3, 40).uc('getTable', { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'true' })
  if (random.chance(0.3)) thread.uc('getPermissions', { securable_type: 'table', securable_full_name: table.full })
  if (random.chance(0.3))
    thread.uc('getTagSecurableAssignments', { securable_type: 'table', securable_full_name: table.full })
  if (random.chance(0.1))
    thread.uc('getTagSubentityAssignments', {
      securable_type: 'table',
      securable_full_name: table.full,
      subentity_name: 'region',
    })
  if (random.chance(0.3))
    thread.log('lineageTracking', 'getTableEntityLineages', { metastore_id, table_name: table.full })
  if (random.chance(0.15))
    thread.log('lineageTracking', 'listColumnLineages', { metastore_id, table_name: table.full, column_name: 'region' })
  if (random.chance(0.1))
    thread.log('lineageTracking', 'getFrequentQueryByTable', { metastore_id, table_name: table.full })
  if (random.chance(0.1))
    thread.log('lineageTracking', 'getTablePopularityByDate', { metastore_id, table_name: table.full })
  if (random.chance(0.05)) {
    thread.log('lineageTracking', 'listSecurableLineagesBySecurable', {
      metastore_id,
      securable_full_name: table.full,
      securable_type: 'TABLE',
      lineage_direction: 'UPSTREAM',
    })
  }
}

const refused: Work = {
  id: 'catalog-refused',
  roles: { analyst: 0.15, contractor: 0.4, scientist: 0.15, engineer: 0.1 },
  play(thread, { account }) {
    const { random } = thread
    const table = random.pick([...account.data.finance, ...account.data.pii])
    const message = `PERMISSION_DENIED: User does not have SELECT on Table '${table.full}'.`
    thread.uc(
      'getTable',
      { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'false' },
      failed(403, message),
    )
    if (random.chance(0.3))
      thread.uc(
        'getTable',
        { full_name_arg: `${table.full}_v2`, dependent: 'false' },
        failed(404, `TABLE_DOES_NOT_EXIST: Table '${table.full}_v2' does not exist.`),
      )
  },
}

const shape: Work = {
  id: 'table-work',
  roles: { engineer: 1.5, scientist: 0.8, analyst: 0.3 },
  play(thread, { account }) {
    const { random } = thread
    const name = `tmp_${random.pick(['join', 'pivot', 'check', 'sample'])}_${random.int(1, 999)}`
    const full = `sandbox.shared.${name}`
    const table = account.data.tables.find((candidate) => candidate.catalog === 'sandbox') as Table
    thread.uc('createTable', {
      name,
      catalog_name: 'sandbox',
      schema_name: 'shared',
      table_type: 'MANAGED',
      data_source_format: 'DELTA',
      dry_run: 'false',
      columns: '[{"name":"id","type_text":"bigint"},{"name":"value","type_text":"double"}]',
      comment: '',
    })
    vend(thread, table, 'READ_WRITE')
    if (random.chance(0.3))
      thread.uc('updateTable', {
        full_name_arg: full,
        columns: '[{"name":"id","comment":"row"}]',
        owner: thread.session.who.email as string,
      })
    if (random.chance(0.1))
      thread.uc('createConstraint', {
        full_name_arg: full,
        constraint: '{"primary_key_constraint":{"name":"pk","child_columns":["id"]}}',
      })
    if (random.chance(0.2))
      thread.uc('updatePermissions', {
        securable_type: 'table',
        changes: '[{"principal":"analysts","add":["SELECT"],"remove":[]}]',
        securable_full_name: full,
      })
    if (random.chance(0.25)) thread.wait(60, 900).uc('deleteTable', { full_name_arg: full })
    if (random.chance(0.08))
      thread.uc('createFunction', {
        function_info: '{"name":"to_week","catalog_name":"sandbox","schema_name":"shared","routine_body":"SQL"}',
      })
    if (random.chance(0.15)) thread.uc('getFunction', { full_name_arg: 'sandbox.shared.to_week' })
  },
}

const steward: Work = {
  id: 'data-steward',
  roles: { engineer: 0.3, bi: 0.2 },
  play(thread, { account }) {
    const { random } = thread
    const table = random.pick(account.data.open)
    const tag = { entity_type: 'tables', entity_name: table.full, tag_key: 'domain', tag_value: table.schema }
    thread.uc('getTagSecurableAssignments', { securable_type: 'table', securable_full_name: table.full })
    if (random.chance(0.6)) thread.uc('createEntityTagAssignment', { tag_assignment: JSON.stringify(tag) })
    else
      thread.uc('UpdateTagSecurableAssignments', {
        securable_type: 'table',
        securable_full_name: table.full,
        changes: `[{"add":{"domain":"${table.schema}"}}]`,
      })
    if (random.chance(0.3))
      thread.uc('listPolicies', { on_securable_type: 'CATALOG', on_securable_fullname: 'customer' })
    if (random.chance(0.2))
      thread.uc('getPolicy', { name: 'mask_contact', on_securable_type: 'CATALOG', on_securable_fullname: 'customer' })
  },
}

const terraform: Routine = {
  id: 'terraform-apply',
  perDay: 1.2,
  hours: 'office',
  play({ account, random, start }) {
    const service = serviceNamed(account, 'sp-terraform')
    const thread = start(serviceSession(service, account.prod, random))
    thread.log('accounts', 'oidcTokenAuthorization', {
      user: service.email,
      authenticationMethod: 'OAUTH_CLIENT_CREDENTIALS',
    })
    for (const [catalog, schema] of random.sample(account.data.schemas, 6)) {
      thread.uc('getSchema', { full_name_arg: `${catalog}.${schema}` })
      thread.uc('getPermissions', { securable_type: 'schema', securable_full_name: `${catalog}.${schema}` })
    }
    for (const [catalog, schema] of random.sample(
      account.data.schemas.filter(([name]) => name === 'main' || name === 'ml'),
      random.int(1, 3),
    )) {
      const group = random.pick(['analysts', 'data-scientists', 'bi-developers', 'data-engineers'])
      thread.uc('updatePermissions', {
        securable_type: 'schema',
        changes: `[{"principal":"${group}","add":["USE_SCHEMA","SELECT"],"remove":[]}]`,
        securable_full_name: `${catalog}.${schema}`,
      })
    }
    if (random.chance(0.2)) {
      const name = `area_${random.int(10, 99)}`
      thread.uc('createSchema', { name, catalog_name: 'sandbox', comment: 'managed by terraform' })
    }
    if (random.chance(0.1)) {
      thread.uc('updateSchema', { full_name_arg: 'sandbox.shared', comment: 'scratch space', owner: 'data-engineers' })
    }
    if (random.chance(0.05)) thread.uc('updateCatalog', { name_arg: 'sandbox', isolation_mode: 'OPEN' })
    if (random.chance(0.3)) thread.uc('getStorageCredential', { name_arg: 'uc-root' })
    thread.log('workspace', 'getPermissionAssignment', {
      workspaceId: account.prod.id,
      permissionId: random.digits(15),
    })
    thread.uc('listStorageCredentials', {})
    thread.uc('metadataAndPermissionsSnapshot', {
      securables: '[{"type":"CATALOG","full_name":"main"}]',
      include_delta_metadata: 'false',
    })
  },
}

const governanceScan: Routine = {
  id: 'governance-scan',
  perDay: 4,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, 'sp-collibra')
    const thread = start(serviceSession(service, account.prod, random))
    thread.uc('getInformationSchema', {
      schema_name: 'information_schema',
      page_token: '',
      required_column_names: '["table_name"]',
      row_set_type: 'TABLES',
    })
    for (const [catalog, schema] of account.data.schemas) {
      thread.uc('listTableSummaries', { catalog_name: catalog, schema_name_pattern: schema })
      if (random.chance(0.2))
        thread.uc('getTagSecurableAssignments', {
          securable_type: 'schema',
          securable_full_name: `${catalog}.${schema}`,
        })
    }
    thread.log('lineageTracking', 'getTableEntityLineages', {
      metastore_id: account.metastoreId,
      table_name: random.pick(account.data.open).full,
    })
    thread.log('lineageTracking', 'getColumnLineages', {
      metastore_id: account.metastoreId,
      table_name: random.pick(account.data.open).full,
      column_name: 'order_id',
    })
  },
}

/** Works of this file. */
export const CATALOG_WORKS: readonly Work[] = [browse, refused, shape, steward]

/** Routines of this file. */
export const CATALOG_ROUTINES: readonly Routine[] = [terraform, governanceScan]
