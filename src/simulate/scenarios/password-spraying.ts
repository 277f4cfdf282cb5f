/** One password tried on many accounts, then one that fits. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import { NOBODY } from '../account/services.ts'
import { failed } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Password spraying followed by a success. */
export const passwordSpraying: Scenario = {
  id: 'password-spraying',
  title: 'Password spraying from one address, then a login',
  expect: 'Many accounts fail to log in from one address within minutes, then one of them succeeds from there.',
  techniques: ['T1110.003', 'T1078.004'],
  rules: ['password-spraying-then-success', 'password-spraying-from-one-address'],
  play({ account, random, at, person, intrude }) {
    const victim = person('analyst')
    const targets = random.sample(account.people, 26).filter((target) => target.email !== victim.email)
    let timeMs = at(2.4)
    for (const { email } of [...targets, victim]) {
      const params = { user: email, authenticationMethod: 'PASSWORD' }
      const attempt = intrude(NOBODY, timeMs, HOSTILE.tor, HOSTILE_AGENT.headless)
      attempt.log('accounts', 'login', params, failed(401, 'Invalid username or password'))
      timeMs += random.int(4000, 19_000)
    }
    const inside = intrude(victim, timeMs + 240_000, HOSTILE.tor, HOSTILE_AGENT.headless)
    inside.log('accounts', 'login', { user: victim.email, authenticationMethod: 'PASSWORD' })
    inside.wait(5, 30).uc('listTables', { catalog_name: 'customer', schema_name: 'profiles', include_browse: 'true' })
  },
}
