/** Deactivated in the morning, still reading with a token in the afternoon. */
import { serviceNamed } from '../account/account.ts'
import { readTable } from '../activities/queries.ts'
import { serviceSession, toolSession } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Terminated user still active. */
export const leaverStillActive: Scenario = {
  id: 'leaver-still-active',
  title: 'Deactivated user still active through a token',
  expect: 'Activity of a user after deactivateUser.',
  techniques: ['T1078.004', 'T1550.001'],
  rules: ['deactivated-user-active'],
  accountLevel: true,
  play({ account, random, at, dormant, open }) {
    const leaver = dormant()
    const sync = open(serviceSession(serviceNamed(account, 'sp-scim-sync'), account.prod, random), at(8))
    sync.account('accounts', 'deactivateUser', {
      targetUserName: leaver.email,
      endpoint: 'scim',
      targetUserId: leaver.userId,
    })
    const thread = open(
      toolSession(leaver, account.prod, leaver.home, 'databricks-sdk-py/0.58.0 python/3.11.4 os/linux'),
      at(15.5),
    )
    thread.log('accounts', 'tokenLogin', {
      user: leaver.email,
      tokenId: random.hex(32),
      authenticationMethod: 'API_EXT_PAT_TOKEN',
    })
    for (const table of random.sample(account.data.finance, 5)) readTable(thread.wait(3, 30), table)
  },
}
