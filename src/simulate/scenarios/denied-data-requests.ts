/** Credentials for other people's data asked for again and again. */

import { HOSTILE_AGENT } from '../account/hostile.ts'
import { failed } from '../event.ts'
import { toolSession } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Burst of refused data requests. */
export const deniedDataRequests: Scenario = {
  id: 'denied-data-requests',
  title: 'Credentials for table data refused again and again',
  expect: 'More than fifteen refused generateTemporary…Credential requests by one user within an hour.',
  techniques: ['T1530'],
  rules: ['many-data-requests-refused'],
  play({ account, at, person, open }) {
    const insider = person('scientist')
    const session = toolSession(insider, account.prod, insider.office, HOSTILE_AGENT.requests)
    const thread = open(session, at(15 - insider.site.utcOffset))
    for (const table of [...account.data.pii, ...account.data.finance]) {
      const denied = failed(403, `PERMISSION_DENIED: User does not have SELECT on Table '${table.full}'.`)
      thread.wait(1, 15).uc('generateTemporaryTableCredential', { table_id: table.id, operation: 'READ' }, denied)
    }
  },
}
