/** An administrator grants himself a catalog, reads it through, and takes the grant back. */
import { readTable } from '../activities/queries.ts'
import type { Scenario } from './contract.ts'

/** Grant, use, revoke. */
export const selfGrantReadRevoke: Scenario = {
  id: 'self-grant-read-revoke',
  title: 'Administrator grants himself personal data, reads it, revokes the grant',
  expect:
    'updatePermissions adds the actor himself; many sensitive tables are read; the grant is removed within hours.',
  techniques: ['T1098', 'T1530', 'T1070'],
  rules: ['self-grant-then-read-then-revoke', 'privilege-granted-to-oneself'],
  play({ account, at, person, sit }) {
    const admin = person('admin')
    const thread = sit(admin, at(14.1))
    const change = (add: string, remove: string) =>
      thread.uc('updatePermissions', {
        securable_type: 'catalog',
        changes: `[{"principal":"${admin.email}","add":[${add}],"remove":[${remove}]}]`,
        securable_full_name: 'customer',
      })
    const privileges = '"USE_CATALOG","USE_SCHEMA","SELECT"'
    change(privileges, '')
    for (const table of account.data.pii) readTable(thread.wait(5, 60), table)
    thread.wait(100, 900)
    change('', privileges)
  },
}
