/** An app that runs with its own rights, opened to everybody. */
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** App shared with all users. */
export const appOpenedToAll: Scenario = {
  id: 'app-opened-to-all',
  title: 'New app shared with all account users',
  expect: 'createApp and changeAppsAcl naming the group account users.',
  techniques: ['T1222', 'T1505'],
  rules: ['app-opened-to-all'],
  play({ at, person, sit }) {
    const thread = sit(person('engineer'), at(15.4))
    const name = 'quick-export'
    thread.log('apps', 'createApp', { app: `{"name":"${name}"}` }, created({ name }))
    thread
      .wait(60, 200)
      .log('apps', 'deployApp', { app_deployment: '{"source_code_path":"/Workspace/Shared/quick-export"}' })
    thread.wait(10, 60).log('apps', 'changeAppsAcl', {
      request_object_type: 'apps',
      request_object_id: name,
      access_control_list: '[{"group_name":"account users","permission_level":"CAN_USE"}]',
    })
  },
}
