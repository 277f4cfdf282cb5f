/** Many passwords tried on one account until one fits. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import { NOBODY } from '../account/services.ts'
import { failed } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Brute force of one account. */
export const bruteForceLogin: Scenario = {
  id: 'brute-force-login',
  title: 'Brute force of one account, then a login',
  expect: 'One account fails to log in dozens of times within minutes and then succeeds.',
  techniques: ['T1110.001', 'T1078.004'],
  rules: ['failed-logins-then-success', 'failed-logins-of-one-account'],
  play({ at, person, intrude }) {
    const victim = person('bi')
    const params = { user: victim.email, authenticationMethod: 'PASSWORD' }
    const attempts = intrude(NOBODY, at(3.1), HOSTILE.hostingDe, HOSTILE_AGENT.requests)
    for (let i = 0; i < 38; i++) {
      attempts.log('accounts', 'passwordVerifyAuthentication', params, failed(401, 'Invalid username or password'))
      attempts.wait(3, 14)
    }
    const inside = intrude(victim, attempts.timeMs, HOSTILE.hostingDe, HOSTILE_AGENT.requests)
    inside.log('accounts', 'login', params)
    inside.wait(4, 20).uc('getMetastoreSummary', {})
    inside.uc('listCatalog', { name_arg: '' })
  },
}
