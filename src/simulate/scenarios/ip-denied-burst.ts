/** Somebody keeps knocking from an address the list refuses. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import { UNKNOWN_USER } from '../account/services.ts'
import { failed } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Burst of IP denials. */
export const ipDeniedBurst: Scenario = {
  id: 'ip-denied-burst',
  title: 'Burst of requests refused by the IP access list',
  expect: 'Dozens of IpAccessDenied from one address within minutes.',
  techniques: ['T1078', 'T1595'],
  rules: ['denied-address-burst'],
  play({ account, random, at, person, intrude }) {
    const victim = person('engineer')
    const thread = intrude(UNKNOWN_USER, at(5.3), HOSTILE.russia, HOSTILE_AGENT.curl)
    const message = `Source IP address: ${HOSTILE.russia} is blocked by Databricks IP ACL for workspace: ${account.prod.id}`
    for (let i = 0; i < 32; i++) {
      const path = random.pick(['/api/2.0/clusters/list', '/api/2.0/secrets/scopes/list', '/api/2.1/jobs/list'])
      thread
        .wait(2, 20)
        .log('accounts', 'IpAccessDenied', { path, user: victim.email, userId: victim.userId }, failed(403, message))
    }
  },
}
