/** Query after query downloaded as files. */

import type { Warehouse } from '../account/objects.ts'
import { selectFrom, statement } from '../activities/queries.ts'
import type { Scenario } from './contract.ts'

/** Mass download of query results. */
export const queryMassDownload: Scenario = {
  id: 'query-mass-download',
  title: 'Dozens of query results downloaded',
  expect: 'More than twenty downloadQueryResult events by one user within an hour.',
  techniques: ['T1567', 'T1530'],
  rules: ['many-downloads-by-one-person'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('analyst'), at(12.1))
    for (let i = 0; i < 34; i++) {
      const table = random.pick(account.data.open)
      if (i % 4 === 0) statement(thread, account.warehouses[1] as Warehouse, selectFrom(table, random), [table])
      thread.wait(15, 70).log('databrickssql', 'downloadQueryResult', {
        queryId: random.uuid(),
        queryResultId: random.uuid(),
        fileType: 'csv',
      })
    }
  },
}
