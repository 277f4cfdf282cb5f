/** Interactive clusters: started in the morning, scaled by load, stopped when idle; libraries, policies, pools. */
import { created } from '../event.ts'
import { systemSession } from '../sessions.ts'
import type { Thread } from '../thread.ts'
import type { Desk, Routine, Work } from './contract.ts'

const result = (clusterId: string, clusterState: string, workers: number, owner: string) => ({
  clusterName: `shared-${clusterId.slice(-4)}`,
  clusterState,
  clusterId,
  clusterWorkers: String(workers),
  clusterOwnerUserId: owner,
})

const start: Work = {
  id: 'cluster-start',
  roles: { engineer: 2, scientist: 3, contractor: 1.5, admin: 0.5 },
  play(thread, { clusterId, person }) {
    const { random } = thread
    const action = random.chance(0.85) ? 'start' : 'restart'
    const safe = action === 'start' ? { init_scripts_safe_mode: 'false' } : {}
    thread.slow('clusters', action, { cluster_id: clusterId, ...safe }, 1)
    const system = thread.as(systemSession(thread.session.workspace))
    system.wait(60, 240).log('clusters', `${action}Result`, result(clusterId, 'Running', 4, person.userId))
    for (let i = random.int(0, 2); i > 0; i--) resize(system, clusterId, person.userId)
    if (random.chance(0.25)) system.wait(3000, 9000)
    else return
    system.log('clusters', 'delete', { cluster_id: clusterId })
    system.wait(5, 60).log('clusters', 'deleteResult', result(clusterId, 'Terminated', 0, person.userId))
  },
}

function resize(system: Thread, clusterId: string, owner: string): void {
  const workers = system.random.int(1, 8)
  const params = {
    cluster_id: clusterId,
    num_workers: String(workers),
    autoscale: '{"min_workers":1,"max_workers":8}',
    cause: 'AUTOSCALE',
  }
  system.wait(300, 1800).log('clusters', 'resize', params)
  system.wait(20, 120).log('clusters', 'resizeResult', result(clusterId, 'Running', workers, owner))
}

const NODES = ['m6gd.xlarge', 'r6gd.2xlarge', 'i4i.xlarge', 'g5.xlarge']

const own: Work = {
  id: 'cluster-create',
  roles: { engineer: 0.3, scientist: 0.4, admin: 0.4 },
  play(thread, { person, account }) {
    const { random } = thread
    const cluster_id = account.dev.clusterIds[random.int(6, 13)] as string
    const owner = person.userId
    const params = {
      cluster_name: `${person.email.split('@')[0]}-personal`,
      spark_version: '16.4.x-scala2.12',
      node_type_id: random.pick(NODES),
      driver_node_type_id: 'm6gd.xlarge',
      num_workers: '0',
      autotermination_minutes: random.pick(['30', '60', '120']),
      cluster_source: 'UI',
      data_security_mode: 'SINGLE_USER',
      single_user_name: person.email,
      policy_id: '0003F1A2B4C5D6E7',
      enable_elastic_disk: 'true',
      spark_conf: '{"spark.master":"local[*, 4]","spark.databricks.cluster.profile":"singleNode"}',
      custom_tags: '{"cost_center":"data"}',
      organization_id: thread.session.workspace.id,
      acl_path_prefix: '/clusters',
      start_cluster: 'true',
    }
    thread.slow('clusters', 'create', params, 1.2, created({ cluster_id }))
    thread.wait(80, 240).log('clusters', 'createResult', result(cluster_id, 'Running', 0, owner))
    if (random.chance(0.5)) {
      const libraries = `[{"pypi":{"package":"${random.pick(['lightgbm==4.6.0', 'prophet==1.1.7', 'great-expectations==1.6.0'])}"}}]`
      thread.log('clusterLibraries', 'installLibraries', { cluster_id, libraries })
      if (random.chance(0.2))
        thread.wait(60, 600).log('clusterLibraries', 'uninstallLibraries', { cluster_id, libraries })
    }
    if (random.chance(0.5)) thread.wait(600, 3000).log('clusters', 'edit', { cluster_id, ...params, num_workers: '2' })
    if (random.chance(0.3)) changeAcl(thread, account, cluster_id)
    if (random.chance(0.15)) thread.log('clusters', 'permanentDelete', { cluster_id })
  },
}

function changeAcl(thread: Thread, account: Desk['account'], clusterId: string): void {
  const colleague = thread.random.pick(account.people)
  thread.log('clusters', 'changeClusterAcl', {
    shardName: 'nvirginia-prod',
    aclPermissionSet: 'Restart',
    targetUserId: colleague.userId,
    resourceId: clusterId,
  })
}

const terminal: Work = {
  id: 'web-terminal',
  roles: { engineer: 0.15, admin: 0.2 },
  play(thread, { clusterId }) {
    const params = { socketGUID: thread.random.uuid(), clusterId, serverPort: '7681', ProxyTargetURI: '/terminal' }
    thread.log('webTerminal', 'startSession', params)
    thread.wait(120, 1200).log('webTerminal', 'closeSession', params)
  },
}

const policies: Routine = {
  id: 'policies-and-pools',
  perDay: 0.3,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.dev)
    const policy_id = '0003F1A2B4C5D6E7'
    const name = 'personal-compute'
    if (random.chance(0.3)) thread.log('clusterPolicies', 'create', { name }, created({ policy_id }))
    else thread.log('clusterPolicies', 'edit', { policy_id, name })
    thread.log('clusterPolicies', 'changeClusterPolicyAcl', {
      shardName: 'nvirginia-prod',
      targetUserId: random.digits(15),
      resourceId: policy_id,
      aclPermissionSet: 'Use',
    })
    const pool = {
      instance_pool_name: 'warm-m6gd',
      idle_instance_autotermination_minutes: '15',
      min_idle_instances: '2',
      max_capacity: '40',
      node_type_id: 'm6gd.xlarge',
      enable_elastic_disk: 'true',
    }
    if (random.chance(0.6))
      thread.log('instancePools', 'edit', { ...pool, instance_pool_id: '1104-082311-warm7-pool-qx4gl2ka' })
    else thread.log('instancePools', 'create', pool, created({ instance_pool_id: `1104-082311-pool-${random.hex(4)}` }))
  },
}

/** Works of this file. */
export const COMPUTE_WORKS: readonly Work[] = [start, own, terminal]

/** Routines of this file. */
export const COMPUTE_ROUTINES: readonly Routine[] = [policies]
