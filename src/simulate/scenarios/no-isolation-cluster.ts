/** A cluster without isolation that runs an unknown script at start. */

import { clusterId } from '../account/workspaces.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** No-isolation cluster with init script. */
export const noIsolationCluster: Scenario = {
  id: 'no-isolation-cluster',
  title: 'Cluster without isolation and with an init script',
  expect: 'clusters.create with data_security_mode NONE and init_scripts from DBFS.',
  techniques: ['T1059.004', 'T1611', 'T1037'],
  rules: ['cluster-without-isolation', 'init-script-written-then-used'],
  play({ account, random, at, person, sit }) {
    const owner = person('engineer')
    const thread = sit(owner, at(15.9), account.prod)
    const cluster_id = clusterId(random)
    const path = '/FileStore/init/fast.sh'
    thread.log('dbfs', 'put', { path, overwrite: 'true' })
    const params = {
      cluster_name: 'tmp-fast',
      spark_version: '9.1.x-scala2.12',
      node_type_id: 'i3.2xlarge',
      num_workers: '4',
      data_security_mode: 'NONE',
      init_scripts: `[{"dbfs":{"destination":"dbfs:${path}"}}]`,
      cluster_source: 'UI',
      autotermination_minutes: '0',
      organization_id: account.prod.id,
      spark_env_vars: '{"PYSPARK_PYTHON":"/databricks/python3/bin/python3"}',
    }
    thread.wait(30, 90).slow('clusters', 'create', params, 1.4, created({ cluster_id }))
    thread.wait(90, 200).log('clusters', 'createResult', {
      clusterName: 'tmp-fast',
      clusterState: 'Running',
      clusterId: cluster_id,
      clusterWorkers: '4',
      clusterOwnerUserId: owner.userId,
    })
  },
}
