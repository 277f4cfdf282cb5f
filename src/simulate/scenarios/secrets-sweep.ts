/** Every scope listed, every key read. */

import { HOSTILE_AGENT } from '../account/hostile.ts'
import { SCOPES } from '../account/objects.ts'
import { toolSession } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Secrets sweep. */
export const secretsSweep: Scenario = {
  id: 'secrets-sweep',
  title: 'All secret scopes listed and every key read',
  expect: 'listScopes, then more distinct scope and key pairs read by one user than in any ordinary hour.',
  techniques: ['T1555', 'T1552', 'T1526'],
  rules: ['secret-scopes-swept', 'many-different-secrets-read'],
  play({ account, at, person, open }) {
    const insider = person('engineer')
    const thread = open(
      toolSession(insider, account.prod, insider.office, HOSTILE_AGENT.requests),
      at(18.3 - insider.site.utcOffset),
    )
    thread.log('secrets', 'listScopes', {})
    for (const [scope, keys] of SCOPES) {
      thread.wait(1, 6).log('secrets', 'listSecrets', { scope })
      for (const key of keys) thread.wait(1, 8).log('secrets', 'getSecret', { scope, key })
    }
  },
}
