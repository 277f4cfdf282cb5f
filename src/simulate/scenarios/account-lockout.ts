/** Users and groups deleted one after another. */
import { GROUPS } from '../account/objects.ts'
import type { Scenario } from './contract.ts'

/** Users and groups removed. */
export const accountLockout: Scenario = {
  id: 'account-lockout',
  title: 'Users and groups deleted one after another',
  expect: 'Several delete and removeGroup events by one administrator within minutes.',
  techniques: ['T1531'],
  rules: ['identities-deleted-in-bulk'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('admin'), at(22.1))
    for (const target of random.sample(account.people, 9)) {
      const params = { targetUserId: target.userId, targetUserName: target.email, endpoint: 'adminConsole' }
      thread.wait(5, 30).log('accounts', 'delete', params)
    }
    for (const targetGroupName of GROUPS.slice(2, 5)) {
      thread.log('accounts', 'removeGroup', {
        targetGroupId: random.digits(12),
        targetGroupName,
        endpoint: 'adminConsole',
      })
    }
  },
}
