/** The mark and the mask come off, then the data is read. */
import { readTable } from '../activities/queries.ts'
import type { Scenario } from './contract.ts'

/** Classification and masking policy removed before a read. */
export const tagRemovedThenRead: Scenario = {
  id: 'tag-removed-then-read',
  title: 'Classification tag and masking policy removed, then the table read',
  expect: 'deleteEntityTagAssignment and deletePolicy on a personal-data table, then reads of it by the same user.',
  techniques: ['T1562', 'T1530'],
  rules: ['protection-removed-then-data-read', 'masking-or-filter-policy-removed'],
  play({ account, at, person, sit }) {
    const thread = sit(person('engineer'), at(15.6))
    for (const table of account.data.pii.slice(0, 3)) {
      const tag_assignment = `{"entity_type":"tables","entity_name":"${table.full}","tag_key":"class","tag_value":"pii"}`
      thread.wait(5, 30).uc('deleteEntityTagAssignment', { tag_assignment })
    }
    const policy = { name: 'mask_contact', on_securable_type: 'CATALOG', on_securable_fullname: 'customer' }
    thread.uc('deletePolicy', policy)
    for (const table of account.data.pii.slice(0, 3)) readTable(thread.wait(20, 90), table)
  },
}
