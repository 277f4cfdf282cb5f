/** Declarative pipelines: edited by engineers, updated on schedule, their tables maintained by the platform. */
import { serviceNamed } from '../account/account.ts'
import { created } from '../event.ts'
import { serviceSession, systemSession } from '../sessions.ts'
import type { Routine, Work } from './contract.ts'
import { vend } from './queries.ts'

const shape = (name: string) => ({
  name,
  allow_duplicate_names: 'false',
  continuous: 'false',
  development: 'true',
  channel: 'CURRENT',
  edition: 'ADVANCED',
  photon: 'true',
  libraries: '[{"notebook":{"path":"/Repos/production/pipelines/silver"}}]',
  clusters: '[{"label":"default","autoscale":{"min_workers":1,"max_workers":5}}]',
  configuration: '{"env":"dev"}',
  storage: '',
  target: 'sales',
})

const edit: Work = {
  id: 'pipeline-edit',
  roles: { engineer: 0.9, contractor: 0.3 },
  play(thread, { account }) {
    const { random } = thread
    const fresh = random.chance(0.2)
    const pipeline_id = random.uuid()
    const name = `${random.pick(['sales', 'web', 'stock'])}_silver`
    if (fresh) {
      thread.log('deltaPipelines', 'create', shape(name), created({ pipeline_id }))
      thread.uc('createPipeline', { target_catalog_name: 'dev', has_workspace_definition: 'true', id: pipeline_id })
    } else {
      thread.log('deltaPipelines', 'edit', { ...shape(name), pipeline_id, expected_last_modified: '1794200000000' })
      thread.uc('updatePipeline', { id_arg: pipeline_id, definition_json: '{"catalog":"dev"}', id: pipeline_id })
    }
    thread.log('deltaPipelines', 'startUpdate', {
      cause: 'USER_ACTION',
      full_refresh: 'false',
      job_task: '',
      pipeline_id,
    })
    if (random.chance(0.15)) thread.wait(60, 400).log('deltaPipelines', 'stop', { pipeline_id })
    if (random.chance(0.05)) thread.log('deltaPipelines', 'delete', { pipeline_id })
    if (random.chance(0.1)) {
      thread.log('deltaPipelines', 'changePipelineAcls', {
        shardName: 'nvirginia-prod',
        targetId: random.pick(account.people).userId,
        resourceId: pipeline_id,
        aclPermissionSet: 'View',
      })
    }
  },
}

const update: Routine = {
  id: 'pipeline-update',
  perDay: 36,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, random.pick(['sp-etl-web-events', 'sp-etl-inventory']))
    const thread = start(serviceSession(service, account.prod, random))
    const pipeline_id = account.prod.metastoreId.replace(/^.{4}/, random.pick(['a1c0', 'b2d1', 'c3e2']))
    thread.log('deltaPipelines', 'startUpdate', {
      cause: 'JOB_TASK',
      full_refresh: 'false',
      job_task: `{"job_id":${random.digits(12)}}`,
      pipeline_id,
    })
    thread.uc('getPipeline', { id: pipeline_id })
    const silver = account.data.open.filter((table) => table.schema === 'web' || table.schema === 'inventory')
    for (const table of random.sample(silver, 4)) {
      thread.wait(4, 40)
      vend(thread, table, 'READ_WRITE')
      thread.uc('updateTables', {
        full_name_arg: table.full,
        table_type: 'STREAMING_TABLE',
        data_source_format: 'DELTA',
        dependent: 'false',
      })
    }
    thread.uc('createStagingTable', {
      name: `__materialization_${random.hex(4)}`,
      catalog_name: 'main',
      schema_name: 'web',
    })
  },
}

const maintenance: Routine = {
  id: 'predictive-optimization',
  perDay: 30,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(systemSession(account.prod))
    const table = random.pickEarly(account.data.open)
    thread.log('predictiveOptimization', 'PutMetrics', {
      table_metrics_list: `[{"table_id":"${table.id}","operation":"COMPACTION"}]`,
    })
    thread.uc('metadataSnapshot', {
      securables: `[{"type":"TABLE","full_name":"${table.full}"}]`,
      include_delta_metadata: 'false',
    })
    thread.uc('updateMetadataSnapshot', {
      table_list_snapshots: `[{"schema":"${table.catalog}.${table.schema}"}]`,
      schema_list_snapshots: '[]',
    })
  },
}

const monitoring: Routine = {
  id: 'data-monitoring',
  perDay: 6,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, 'sp-dq-checks')
    const thread = start(serviceSession(service, account.prod, random))
    const table = random.pickEarly(account.data.open)
    if (random.chance(0.04)) {
      thread.log('dataMonitoring', 'createMonitor', {
        full_table_name_arg: table.full,
        assets_dir: '/Workspace/monitoring',
        output_schema_name: 'ml.inference',
      })
    }
    if (random.chance(0.04)) thread.log('dataMonitoring', 'UpdateMonitor', { full_table_name_arg: table.full })
    thread.log('dataMonitoring', 'RunRefresh', { full_table_name_arg: table.full })
    vend(thread, table, 'READ')
  },
}

/** Works of this file. */
export const PIPELINE_WORKS: readonly Work[] = [edit]

/** Routines of this file. */
export const PIPELINE_ROUTINES: readonly Routine[] = [update, maintenance, monitoring]
