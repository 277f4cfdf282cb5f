/** The agents on a node report a container escape and an infected file. */
import { OK } from '../event.ts'
import { systemSession } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Node agents raise alarms. */
export const nodeCompromise: Scenario = {
  id: 'node-compromise',
  title: 'Container escape and infected file on a node',
  expect: 'capsule8 container escape and privileged container alerts, ClamAV finding on the same instance.',
  techniques: ['T1611', 'T1204.003'],
  rules: ['node-taken-over', 'container-escape'],
  play({ account, random, at, open }) {
    const instanceId = `i-0${random.hex(8)}`
    const thread = open({ ...systemSession(account.dev), ip: '' }, at(23.3))
    const alert = (name: string) => {
      const result = JSON.stringify({ notification: { name, priority: 'High', instance_id: instanceId } })
      thread.wait(2, 40).log('capsule8-alerts-dataplane', name, { instanceId }, { ...OK, result })
    }
    alert('Suspicious Interactive Shell')
    alert('Privileged Container Launched')
    alert('Userland Container Escape')
    const found = '/local_disk0/tmp/xmrig: Multios.Coinminer.Miner-6781728-2 FOUND'
    thread
      .wait(60, 600)
      .log('clamAVScanService-dataplane', 'clamAVScanAction', { instanceId }, { ...OK, result: found })
  },
}
