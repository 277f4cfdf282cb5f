/** A script that runs on every cluster of the workspace. */
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Global init script created. */
export const globalInitScript: Scenario = {
  id: 'global-init-script',
  title: 'Global init script created and enabled',
  expect: 'globalInitScripts.create, then update with enabled true.',
  techniques: ['T1037', 'T1059.004', 'T1543'],
  rules: ['global-init-script-enabled'],
  play({ random, at, person, sit }) {
    const thread = sit(person('admin'), at(19.4))
    const script = { name: 'node-tuning', position: '0', 'script-SHA256': random.hex(32) }
    const script_id = random.hex(8).toUpperCase()
    thread.log('globalInitScripts', 'create', { ...script, enabled: 'false' }, created({ script_id }))
    thread.wait(60, 200).log('globalInitScripts', 'update', { ...script, script_id, enabled: 'true' })
  },
}
