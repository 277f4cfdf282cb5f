/** A storage credential and an external location for somebody else's bucket, then writes into it. */

import { readTable } from '../activities/queries.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Exfiltration to a foreign bucket. */
export const externalLocationExfil: Scenario = {
  id: 'external-location-exfil',
  title: 'External location on a foreign bucket, then a burst of writes',
  expect:
    'createStorageCredential and createExternalLocation for an unknown bucket, then PATH_READ_WRITE credentials for it.',
  techniques: ['T1537', 'T1567.002'],
  rules: ['new-location-then-many-writes', 'external-location-outside-own-storage'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('engineer'), at(17.4))
    const name = 'backup_ext'
    thread.uc('createStorageCredential', { name, comment: '' }, created({ name, id: random.uuid() }))
    thread.wait(30, 90).uc('createExternalLocation', {
      name,
      skip_validation: 'true',
      url: 's3://zx-archive-7731/in',
      credential_name: name,
    })
    for (const table of random.sample(account.data.pii, 12)) {
      readTable(thread.wait(5, 30), table)
      thread.uc('generateTemporaryPathCredential', {
        url: `s3://zx-archive-7731/in/${table.name}`,
        operation: 'PATH_READ_WRITE',
        make_path_only_parent: 'false',
      })
    }
  },
}
