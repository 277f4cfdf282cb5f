/** A token for two years, used an hour later from rented hosting. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import { vend } from '../activities/queries.ts'
import type { Scenario } from './contract.ts'

const TWO_YEARS_MS = 730 * 86_400_000

/** Long-lived token used from a network never seen for its owner. */
export const tokenFromNewAsn: Scenario = {
  id: 'token-from-new-asn',
  title: 'Long-lived personal access token used from a new network',
  expect: 'A token valid for two years is created and soon used from an autonomous system new to its owner.',
  techniques: ['T1098.001', 'T1550.001', 'T1528'],
  rules: ['token-valid-for-years', 'token-from-new-network'],
  play({ account, random, at, person, sit, intrude }) {
    const owner = person('engineer')
    const created = at(11)
    const tokenId = random.hex(32)
    sit(owner, created, account.dev).log('accounts', 'generateDbToken', {
      userId: owner.userId,
      tokenExpirationTime: String(created + TWO_YEARS_MS),
      tokenHash: tokenId,
    })
    const use = intrude(owner, at(12.2), HOSTILE.hostingUs, HOSTILE_AGENT.requests)
    for (const table of random.sample(account.data.open, 9)) {
      const login = { user: owner.email, tokenId, authenticationMethod: 'API_EXT_PAT_TOKEN' }
      use.wait(2, 15).log('accounts', 'tokenLogin', login)
      vend(use, table, 'READ')
    }
  },
}
