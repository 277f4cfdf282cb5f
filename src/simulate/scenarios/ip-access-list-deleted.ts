/** The IP access list goes, and a login comes from where it would have been refused. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import { signIn } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** IP access list deleted, then a login from a new network. */
export const ipAccessListDeleted: Scenario = {
  id: 'ip-access-list-deleted',
  title: 'IP access list deleted, then a login from a new network',
  expect: 'deleteIpAccessList succeeds and the same person signs in from an anonymiser soon after.',
  techniques: ['T1562.007', 'T1078.004'],
  rules: ['ip-access-list-deleted', 'ip-restriction-removed-then-login'],
  play({ account, random, at, person, sit, intrude }) {
    const admin = person('admin')
    const thread = sit(admin, at(15.2))
    const ipAccessListId = random.uuid()
    thread.log('accounts', 'updateIpAccessList', { ipAccessListId, userId: admin.userId })
    thread.wait(20, 60).log('accounts', 'deleteIpAccessList', { ipAccessListId, userId: admin.userId })
    const away = intrude(admin, at(15.7), HOSTILE.torUs, HOSTILE_AGENT.linux)
    signIn(away, account, admin.email)
    away.wait(20, 60).log('secrets', 'listScopes', {})
  },
}
