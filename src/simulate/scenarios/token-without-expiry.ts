/** A token that never expires. */
import type { Scenario } from './contract.ts'

/** Token without expiry. */
export const tokenWithoutExpiry: Scenario = {
  id: 'token-without-expiry',
  title: 'Personal access token that never expires',
  expect: 'generateDbToken with no expiry (tokenExpirationTime -1).',
  techniques: ['T1098.001'],
  rules: ['token-without-expiry'],
  play({ random, at, person, sit }) {
    const owner = person('contractor')
    sit(owner, at(14)).log('accounts', 'generateDbToken', {
      userId: owner.userId,
      tokenExpirationTime: '-1',
      tokenHash: random.hex(32),
    })
  },
}
