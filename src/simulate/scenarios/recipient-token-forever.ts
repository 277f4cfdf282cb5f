/** Recipient tokens of the whole metastore made to live forever. */
import type { Scenario } from './contract.ts'

/** Sharing token lifetime removed. */
export const recipientTokenForever: Scenario = {
  id: 'recipient-token-forever',
  title: 'Delta Sharing recipient token lifetime set to unlimited',
  expect: 'updateMetastore with delta_sharing_recipient_token_lifetime_in_seconds 0.',
  techniques: ['T1556', 'T1562'],
  rules: ['recipient-token-lifetime-unlimited'],
  play({ account, at, person, sit }) {
    const params = { id: account.metastoreId, delta_sharing_recipient_token_lifetime_in_seconds: '0' }
    sit(person('admin'), at(10.6)).uc('updateMetastore', params)
  },
}
