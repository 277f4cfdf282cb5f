/** Table after table tried, refusal after refusal. */
import { failed } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Burst of Unity Catalog refusals. */
export const catalogProbing: Scenario = {
  id: 'catalog-probing',
  title: 'Dozens of Unity Catalog requests refused',
  expect: 'More than twenty-five refused Unity Catalog requests by one user within an hour.',
  techniques: ['T1087', 'T1580', 'T1619'],
  rules: ['many-catalog-requests-refused'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('contractor'), at(14.5))
    const kept = [...account.data.pii, ...account.data.finance, ...account.data.hr]
    for (const table of [...kept, ...random.sample(kept, 10)]) {
      const denied = failed(403, `PERMISSION_DENIED: User does not have SELECT on Table '${table.full}'.`)
      thread
        .wait(2, 25)
        .uc('getTable', { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'false' }, denied)
      if (random.chance(0.4)) {
        const catalog = { securable_type: 'table', securable_full_name: table.full }
        thread.uc('getPermissions', catalog, denied)
      }
    }
  },
}
