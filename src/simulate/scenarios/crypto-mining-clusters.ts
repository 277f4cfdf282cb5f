/** Large GPU clusters started at night, one after another. */
import { clusterId } from '../account/workspaces.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Resource hijacking. */
export const cryptoMiningClusters: Scenario = {
  id: 'crypto-mining-clusters',
  title: 'Large GPU clusters created in the night',
  expect: 'Several large GPU clusters without auto-termination by one user outside office hours.',
  techniques: ['T1496', 'T1578.002'],
  rules: ['several-gpu-clusters-without-end'],
  play({ account, random, at, person, open }) {
    const miner = person('contractor')
    const session = { who: miner, workspace: account.dev, ip: miner.vpn, userAgent: miner.browser, id: random.uuid() }
    const thread = open(session, at(25.5 - miner.site.utcOffset))
    for (let i = 0; i < 6; i++) {
      const cluster_id = clusterId(random)
      const params = {
        cluster_name: `train-${i}`,
        spark_version: '16.4.x-gpu-ml-scala2.12',
        node_type_id: 'p4d.24xlarge',
        num_workers: '24',
        autotermination_minutes: '0',
        data_security_mode: 'SINGLE_USER',
        single_user_name: miner.email,
        cluster_source: 'API',
        organization_id: account.dev.id,
      }
      thread.wait(20, 90).slow('clusters', 'create', params, 1.1, created({ cluster_id }))
    }
  },
}
