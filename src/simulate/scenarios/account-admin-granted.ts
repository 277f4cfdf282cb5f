/** A contractor becomes account administrator. */
import type { Scenario } from './contract.ts'

/** Account admin granted. */
export const accountAdminGranted: Scenario = {
  id: 'account-admin-granted',
  title: 'Account administrator role granted to a contractor',
  expect: 'setAccountAdmin at the account level, followed by the new administrator changing a rule set.',
  techniques: ['T1098.003', 'T1078.004'],
  rules: ['account-admin-granted', 'new-administrator-acts-at-once'],
  accountLevel: true,
  play({ account, at, person, sit }) {
    const friend = person('contractor')
    const target = { targetUserName: friend.email, endpoint: 'adminConsole', targetUserId: friend.userId }
    sit(person('admin'), at(17.1)).account('accounts', 'setAccountAdmin', target)
    sit(friend, at(17.4)).account('accountsAccessControl', 'updateRuleSet', {
      account_id: account.accountId,
      name: `accounts/${account.accountId}/ruleSets/default`,
      rule_set: `{"grant_rules":[{"role":"roles/servicePrincipal.manager","principals":["users/${friend.email}"]}]}`,
      authz_identity: 'USER_CONTEXT',
    })
  },
}
