/** Somebody else's bucket mounted into DBFS. */
import type { Scenario } from './contract.ts'

/** Mount of a foreign bucket. */
export const foreignBucketMounted: Scenario = {
  id: 'foreign-bucket-mounted',
  title: 'Foreign bucket mounted into DBFS',
  expect: 'dbfs.mount, and files moved below the mount point.',
  techniques: ['T1074.002', 'T1537'],
  rules: ['files-moved-onto-a-new-mount', 'storage-mounted'],
  play({ account, at, person, sit }) {
    const owner = person('engineer')
    const thread = sit(owner, at(10.9), account.dev)
    const mountPoint = '/mnt/zx'
    thread.log('dbfs', 'mount', { mountPoint, owner: owner.email })
    for (const file of ['customers.parquet', 'addresses.parquet', 'card_tokens.parquet']) {
      thread.wait(5, 40).log('dbfs', 'move', { source_path: `/tmp/${file}`, destination_path: `${mountPoint}/${file}` })
    }
  },
}
