/** The metastore gets a new owner: one contractor. */
import type { Scenario } from './contract.ts'

/** Metastore admin changed. */
export const metastoreOwnerChanged: Scenario = {
  id: 'metastore-owner-changed',
  title: 'Metastore ownership moved to a single user',
  expect: 'updateMetastore sets owner to a user instead of the admin group.',
  techniques: ['T1098'],
  rules: ['metastore-owner-changed'],
  play({ account, at, person, sit }) {
    const owner = person('contractor').email
    sit(person('admin'), at(13.3)).uc('updateMetastore', { id: account.metastoreId, owner })
  },
}
