/** The rest of the platform: node agents, apps, Lakebase, clean rooms, marketplace, and what no catalogue knows yet. */
import { serviceNamed } from '../account/account.ts'
import { created, OK } from '../event.ts'
import { serviceSession, systemSession } from '../sessions.ts'
import type { Routine } from './contract.ts'

const agents: Routine = {
  id: 'node-agents',
  perDay: 24,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start({ ...systemSession(account.prod), ip: '', id: null })
    const instanceId = `i-0${random.hex(8)}`
    const x = random.float()
    if (x < 0.3) {
      thread.log(
        'clamAVScanService-dataplane',
        'clamAVScanAction',
        { instanceId },
        { ...OK, result: 'Infected files: 0' },
      )
    } else if (x < 0.6) {
      thread.log(
        'monit',
        random.pick(['processNotRunning', 'processRestarting']),
        { instanceId },
        { ...OK, result: 'syslog-ng restarted' },
      )
    } else {
      thread.log(
        'syslog',
        'processEvent',
        { instanceId, processName: random.pick(['sshd', 'cron', 'kernel', 'systemd']) },
        { ...OK, result: `<${random.int(10, 90)}>1 session opened for user root by (uid=0)` },
      )
    }
  },
}

const apps: Routine = {
  id: 'apps',
  perDay: 2,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 6)
    if (engineer === undefined) return
    const thread = sit(engineer, account.dev)
    const name = random.pick(['store-cockpit', 'promo-planner', 'stock-helper'])
    if (random.chance(0.1)) thread.log('apps', 'createApp', { app: `{"name":"${name}-dev","description":""}` })
    thread.log('apps', 'deployApp', {
      app_deployment: `{"source_code_path":"/Workspace/apps/${name}","mode":"SNAPSHOT"}`,
    })
    thread.log('apps', random.pick(['startApp', 'stopApp']), { name })
    if (random.chance(0.2)) thread.log('apps', 'updateApp', { app: `{"name":"${name}"}` })
    if (random.chance(0.1)) {
      const list = '[{"group_name":"analysts","permission_level":"CAN_USE"}]'
      thread.log('apps', 'changeAppsAcl', {
        request_object_type: 'apps',
        request_object_id: name,
        access_control_list: list,
      })
    }
  },
}

const lakebase: Routine = {
  id: 'lakebase',
  perDay: 24,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-store-app'), account.prod, random))
    thread.log('databaseInstances', 'getDatabaseInstance', { name: 'store-state' })
    thread.log('databaseInstances', 'generateDatabaseCredential', { instance_names: '["store-state"]' })
    if (random.chance(0.1)) thread.log('databaseInstances', 'listDatabaseInstances', {})
  },
}

const cleanRooms: Routine = {
  id: 'clean-rooms',
  perDay: 1,
  hours: 'office',
  play({ account, colleague, sit }) {
    const engineer = colleague(['engineer'], 4)
    if (engineer === undefined) return
    const thread = sit(engineer, account.prod)
    const clean_room_name = 'brightads_overlap'
    thread.account('clean-room', 'listCleanRooms', { page_size: '50' })
    thread.account('clean-room', 'getCleanRoom', { clean_room_name })
    thread.account('clean-room', 'listCleanRoomAssets', { clean_room_name })
    thread.account('clean-room', 'listCleanRoomNotebookTaskRuns', {
      clean_room_name,
      notebook_name: 'overlap',
      page_size: '20',
    })
  },
}

const marketplace: Routine = {
  id: 'marketplace',
  perDay: 0.7,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const analyst = colleague(['analyst'])
    if (analyst === undefined) return
    const thread = sit(analyst, account.prod)
    const listing = {
      listing_id: random.uuid(),
      listing_name: 'Weather history',
      share_name: 'weather',
      catalog_name: '',
      request_context: '{"source":"UI"}',
    }
    thread.log('marketplaceConsumer', 'getDataProduct', listing)
    if (random.chance(0.1)) thread.log('partnerConnect', 'createOrReusePartnerConnection', { partner_name: 'fivetran' })
  },
}

/** Actions newer than the catalogue: they must be kept and counted. */
const novelties: Routine = {
  id: 'novelties',
  perDay: 6,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    if (random.chance(0.5)) thread.log('tagPolicies', 'listTagPolicies', { page_size: '100' })
    else
      thread.log('agentBricks', 'getKnowledgeAssistant', { assistant_id: random.uuid() }, created({ state: 'ONLINE' }))
  },
}

/** Routines of this file. */
export const PLATFORM_ROUTINES: readonly Routine[] = [agents, apps, lakebase, cleanRooms, marketplace, novelties]
