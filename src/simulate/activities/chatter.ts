/** Machine chatter: token logins and metadata reads outside any job run. It fills every slot to its exact count. */
import type { Account } from '../account/account.ts'
import type { Table } from '../account/data.ts'
import type { ServicePrincipal } from '../account/services.ts'
import type { Emit } from '../event.ts'
import type { Random } from '../random.ts'
import { serviceSession } from '../sessions.ts'
import { Thread } from '../thread.ts'
import { vend } from './queries.ts'

/** One to four events of one service principal at `timeMs`. */
export type Chatter = (timeMs: number, random: Random, emit: Emit) => void

/** Binds the chatter of an account; each principal keeps to tables of its own. */
export function makeChatter(account: Account, random: Random): Chatter {
  const wheel: { service: ServicePrincipal; tables: readonly Table[] }[] = []
  for (const service of account.services) {
    const tables = random.fork(service.name).sample(account.data.open, 14)
    for (let i = 0; i < service.chatter; i++) wheel.push({ service, tables })
  }
  return (timeMs, slotRandom, emit) => {
    const { service, tables } = slotRandom.pick(wheel)
    const workspace = slotRandom.chance(0.8) ? account.prod : account.dev
    const thread = new Thread(serviceSession(service, workspace, slotRandom), timeMs, slotRandom, emit)
    speak(thread, service, tables)
  }
}

function speak(thread: Thread, service: ServicePrincipal, tables: readonly Table[]): void {
  const table = thread.random.pickEarly(tables)
  const kind = thread.random.next() % 100
  if (kind < 34) {
    const inHouse = kind < 20
    thread.log('accounts', inHouse ? 'accountInHouseOAuthClientAuthentication' : 'oidcTokenAuthorization', {
      user: service.email,
      authenticationMethod: inHouse ? 'OAUTH_CLIENT_CREDENTIALS' : 'OAUTH',
    })
  } else if (kind < 64) {
    thread.uc('getTable', { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'false' })
  } else if (kind < 84) {
    vend(thread, table, 'READ')
  } else {
    thread.uc('listTables', { catalog_name: table.catalog, schema_name: table.schema, include_browse: 'true' })
  }
}
