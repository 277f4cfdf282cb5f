/** One password tried on many accounts, then one that fits. */
import { HOSTILE } from '../account/networks.ts'
import { NOBODY } from '../account/services.ts'
import { failed } from '../event.ts'
import { browserSession } from '../sessions.ts'
import type { Scenario } from './contract.ts'

const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36'

/** Password spraying followed by a success. */
export const passwordSpraying: Scenario = {
  id: 'password-spraying',
  title: 'Password spraying from one address, then a login',
  expect: 'Many accounts fail to log in from one address within minutes, then one of them succeeds from there.',
  techniques: ['T1110.003', 'T1078.004'],
  play({ account, random, at, person, thread }) {
    const victim = person('analyst')
    const targets = random.sample(account.people, 26).filter((target) => target.email !== victim.email)
    let timeMs = at(2.4)
    for (const { email } of [...targets, victim]) {
      const attempt = { who: NOBODY, workspace: account.prod, ip: HOSTILE.tor, userAgent: AGENT, id: null }
      const params = { user: email, authenticationMethod: 'PASSWORD' }
      thread(attempt, timeMs).log('accounts', 'login', params, failed(401, 'Invalid username or password'))
      timeMs += random.int(4000, 19_000)
    }
    const session = { ...browserSession(victim, account.prod, HOSTILE.tor, random), userAgent: AGENT }
    const inside = thread(session, timeMs + 240_000)
    inside.log('accounts', 'login', { user: victim.email, authenticationMethod: 'PASSWORD' })
    inside.wait(5, 30).uc('listTables', { catalog_name: 'customer', schema_name: 'profiles', include_browse: 'true' })
  },
}
