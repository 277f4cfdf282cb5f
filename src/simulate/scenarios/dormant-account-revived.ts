/** An account silent for the whole period signs in and looks around. */
import { HOSTILE } from '../account/hostile.ts'
import { readTable } from '../activities/queries.ts'
import { signIn } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Dormant account revived. */
export const dormantAccountRevived: Scenario = {
  id: 'dormant-account-revived',
  title: 'Dormant account signs in and reads tables',
  expect: 'First activity of an account in a long time, from a network never seen for it.',
  techniques: ['T1078.004'],
  rules: ['dormant-account-revived', 'login-from-hosting-network'],
  play({ account, random, at, dormant, intrude }) {
    const sleeper = dormant()
    const thread = intrude(sleeper, at(20.2), HOSTILE.relay, sleeper.browser)
    signIn(thread, account, sleeper.email)
    thread.wait(5, 30).uc('listCatalog', { name_arg: '' })
    for (const table of random.sample(account.data.open, 12)) readTable(thread.wait(4, 40), table)
  },
}
