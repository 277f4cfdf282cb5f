/** Tables dropped by the dozen, then their schema. */
import type { Scenario } from './contract.ts'

/** Mass destruction. */
export const massTableDrop: Scenario = {
  id: 'mass-table-drop',
  title: 'Tables dropped by the dozen',
  expect: 'More than fifty destructive actions by one user within a day.',
  techniques: ['T1485', 'T1490'],
  rules: ['many-tables-dropped', 'schema-dropped-with-content'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('engineer'), at(19.2))
    for (const table of random.sample(account.data.tables, 58)) {
      thread.wait(1, 14).uc('deleteTable', { full_name_arg: table.full })
    }
    for (const [catalog, schema] of account.data.schemas.slice(0, 5)) {
      thread.uc('deleteSchema', { full_name_arg: `${catalog}.${schema}`, force: 'true' })
    }
    thread.uc('deleteVolume', { volume_full_name: 'main.sales.landing_files' })
  },
}
