/** Saved queries, alerts and schedules of the SQL editor; warehouses and who may use them. */

import { serviceNamed } from '../account/account.ts'
import type { Warehouse } from '../account/objects.ts'
import { created } from '../event.ts'
import { serviceSession } from '../sessions.ts'
import type { Routine, Work } from './contract.ts'
import { selectFrom, statement } from './queries.ts'

const library: Work = {
  id: 'query-library',
  roles: { analyst: 3, bi: 2, finance: 2, hr: 1, contractor: 1 },
  play(thread, { warehouse, tables }) {
    const { random } = thread
    const queryId = random.uuid()
    thread.log('databrickssql', 'listQueries', {
      filter_by: '',
      include_metrics: 'false',
      max_results: '25',
      page_token: '',
    })
    if (random.chance(0.3)) {
      thread.log('databrickssql', 'forkQuery', { originalQueryId: random.uuid(), queryId }, created({ id: queryId }))
    }
    const table = random.pickEarly(tables)
    thread.wait(3, 40).log('databrickssql', 'executeSavedQuery', { queryId })
    statement(thread, warehouse, selectFrom(table, random), [table])
    if (random.chance(0.4)) thread.log('databrickssql', 'updateQuery', { queryId })
    if (random.chance(0.2)) thread.log('databrickssql', 'favoriteQuery', { queryId })
    if (random.chance(0.25))
      thread.log('databrickssql', 'createVisualization', { queryId, visualizationId: random.uuid() })
    if (random.chance(0.1)) thread.log('databrickssql', 'viewAdhocVisualizationQuery', {})
    if (random.chance(0.06)) thread.log('databrickssql', 'moveQueryToTrash', { queryId })
    if (random.chance(0.08)) {
      const grant = { objectId: queryId, objectType: 'queries', granteeAndPermission: '{"analysts":"CAN_RUN"}' }
      thread.log('databrickssql', 'changePermissions', grant)
    }
  },
}

const history: Work = {
  id: 'query-history',
  roles: { analyst: 1, engineer: 1, admin: 2, bi: 1 },
  play(thread) {
    const { random } = thread
    const filter_by = '{"query_start_time_range":{"start_time_ms":1794200000000}}'
    thread.log('databrickssql', 'listHistoryQueries', {
      filter_by,
      include_metrics: 'true',
      max_results: '100',
      page_token: '',
      order_by: '',
    })
    for (let i = random.int(1, 4); i > 0; i--) {
      const id = random.uuid()
      thread
        .wait(4, 60)
        .log('databrickssql', 'getHistoryQuery', { id, queryId: id, include_metrics: 'true', include_plans: 'false' })
    }
    if (random.chance(0.2)) thread.log('databrickssql', 'cancelQueryExecution', { queryExecutionId: random.uuid() })
  },
}

const alerting: Work = {
  id: 'sql-alerts',
  roles: { analyst: 1, bi: 1, engineer: 0.5 },
  play(thread, { tables }) {
    const { random } = thread
    const alertId = random.uuid()
    const queryId = random.uuid()
    if (random.chance(0.5)) {
      thread.log('databrickssql', 'createAlert', { alertId, queryId }, created({ id: alertId }))
      thread.log('databrickssql', 'createRefreshSchedule', { AlertId: alertId, refreshScheduleId: random.uuid() })
      thread.log('databrickssql', 'subscribeAlert', { alertId, destinationId: random.digits(12) })
      if (random.chance(0.3))
        thread.log('databrickssql', 'updateRefreshSchedule', { alertId, refreshScheduleId: random.uuid() })
      if (random.chance(0.3)) thread.log('databrickssql', random.pick(['muteAlert', 'unmuteAlert']), { alertId })
      return
    }
    const table = random.pick(tables)
    const alert = JSON.stringify({ display_name: `${table.name} empty`, query_text: selectFrom(table, random) })
    thread.log('alerts', 'apiCreateAlert', { alert }, created({ id: alertId }))
    thread.wait(10, 90).log('alerts', 'apiGetAlert', { alert_id: alertId })
    if (random.chance(0.4)) thread.log('alerts', 'apiUpdateAlert', { alert_id: alertId })
    if (random.chance(0.2)) thread.log('alerts', 'getAlert', { alert_id: alertId })
  },
}

const ownWarehouse: Work = {
  id: 'warehouse-care',
  roles: { admin: 1, bi: 0.4, engineer: 0.2 },
  play(thread, { account, warehouse }) {
    const { random } = thread
    const { id, name } = warehouse
    thread.slow('databrickssql', 'startWarehouse', { id }, random.int(4, 90))
    if (random.chance(0.3)) {
      const sizes = { cluster_size: random.pick(['Small', 'Medium']), min_num_clusters: '1', max_num_clusters: '3' }
      thread.log('databrickssql', 'editWarehouse', {
        id,
        name,
        ...sizes,
        auto_stop_mins: '10',
        warehouse_type: 'PRO',
        enable_serverless_compute: 'true',
      })
    }
    if (random.chance(0.15)) {
      thread.log('databrickssql', 'changeWarehouseAcls', {
        aclPermissionSet: 'Can Use',
        resourceId: (account.warehouses[1] as Warehouse).id,
        shardName: 'nvirginia-prod',
        targetUserId: random.digits(15),
      })
    }
    if (random.chance(0.3)) thread.wait(600, 3000).log('databrickssql', 'stopWarehouse', { id })
  },
}

const dbtRun: Routine = {
  id: 'dbt-run',
  perDay: 10,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, 'sp-dbt-cloud')
    const thread = start(serviceSession(service, account.prod, random))
    const models = account.data.tables.filter((table) => table.schema === 'dbt_tmp' || table.schema === 'gold')
    const warehouse = account.warehouses[0] as Warehouse
    thread.log('accounts', 'oidcTokenAuthorization', {
      user: service.email,
      authenticationMethod: 'OAUTH_CLIENT_CREDENTIALS',
    })
    thread.uc('getCatalog', { name_arg: 'staging' })
    for (const model of random.sample(models, 5)) {
      const text = `create or replace table ${model.full} using delta as select * from staging.raw_orders.orders_raw /* {"app": "dbt", "node_id": "model.halden.${model.name}"} */`
      statement(thread, warehouse, text, [])
      const { catalog, schema, name } = model
      thread.uc('createTable', {
        name,
        catalog_name: catalog,
        schema_name: schema,
        table_type: 'MANAGED',
        data_source_format: 'DELTA',
        columns: '[{"name":"order_id","type_text":"bigint"},{"name":"net_amount","type_text":"decimal(12,2)"}]',
        dry_run: 'false',
        comment: '',
      })
      thread.uc('updateTables', {
        full_name_arg: model.full,
        table_type: 'MANAGED',
        data_source_format: 'DELTA',
        dependent: 'false',
        owner: service.email,
      })
    }
    const dropped = random.pick(models)
    thread.uc('deleteTable', { full_name_arg: `${dropped.full}__dbt_tmp` })
  },
}

/** Works of this file. */
export const SAVED_QUERY_WORKS: readonly Work[] = [library, history, alerting, ownWarehouse]

/** Routines of this file. */
export const SAVED_QUERY_ROUTINES: readonly Routine[] = [dbtRun]
