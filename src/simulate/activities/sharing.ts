/** Delta Sharing: outside recipients read their shares; data engineers tend them. */

import type { Account } from '../account/account.ts'
import type { Table } from '../account/data.ts'
import type { Recipient } from '../account/objects.ts'
import { UNKNOWN_USER } from '../account/services.ts'
import { created } from '../event.ts'
import type { Session, Thread } from '../thread.ts'
import type { Routine } from './contract.ts'

/** An outside recipient's client: no Databricks identity, no workspace. */
export const recipientSession = (account: Account, recipient: Recipient, ip = recipient.ip): Session => ({
  who: UNKNOWN_USER,
  workspace: account.prod,
  ip,
  userAgent: recipient.userAgent,
  id: null,
})

/** One table read through a share: the query, then what it got. */
export function querySharedTable(thread: Thread, recipient: Recipient, table: Table, denied = false): void {
  const { random } = thread
  const common = {
    share: recipient.share,
    schema: table.schema,
    name: table.name,
    recipient_name: recipient.name,
    is_ip_access_denied: String(denied),
  }
  const reply = denied
    ? {
        status: 403,
        error:
          'DatabricksServiceException: PERMISSION_DENIED: IP address is not in the IP access list of the recipient',
        result: null,
      }
    : undefined
  thread.account('unityCatalog', 'deltaSharingGetTableMetadata', common, reply)
  thread.account(
    'unityCatalog',
    'deltaSharingQueryTable',
    { ...common, recipient_authentication_type: 'TOKEN', predicateHints: '[]', limitHints: '' },
    reply,
  )
  if (denied) return
  thread.wait(0.5, 6).account(
    'unityCatalog',
    'deltaSharingQueriedTable',
    { recipient_name: recipient.name, is_ip_access_denied: 'false' },
    created({
      numRecords: String(random.int(1000, 90_000)),
      activeAddFiles: String(random.int(1, 40)),
      numAddFiles: String(random.int(1, 40)),
      scannedAddFileSize: String(random.int(100_000, 40_000_000)),
      tableName: table.name,
      tableId: table.id,
      tableVersion: String(random.int(10, 900)),
      deltaSharingRecipientIdHash: recipient.id.slice(0, 8),
      metastoreId: thread.session.workspace.metastoreId,
      userAgent: recipient.userAgent,
    }),
  )
}

const reading: Routine = {
  id: 'share-reading',
  perDay: 30,
  hours: 'any',
  play({ account, random, start }) {
    const recipient = random.pick(account.recipients)
    const thread = start(recipientSession(account, recipient))
    const who = { recipient_name: recipient.name, is_ip_access_denied: 'false' }
    thread.account('unityCatalog', 'deltaSharingListShares', { ...who, options: '{"max_results":100}' })
    thread.account('unityCatalog', 'deltaSharingListSchemas', { share: recipient.share, ...who, options: '{}' })
    thread.account('unityCatalog', 'deltaSharingListAllTables', { share: recipient.share, ...who })
    const [first] = recipient.tables
    if (first !== undefined && random.chance(0.4)) {
      thread.account('unityCatalog', 'deltaSharingGetTableVersion', {
        share: recipient.share,
        schema: first.schema,
        name: first.name,
        ...who,
      })
    }
    if (first !== undefined && random.chance(0.1)) {
      thread.account('unityCatalog', 'deltaSharingQueryTableChanges', {
        share: recipient.share,
        schema: first.schema,
        name: first.name,
        ...who,
        cdf_options: '{"starting_version":12}',
      })
      thread.account('unityCatalog', 'deltaSharingQueriedTableChanges', who)
    }
    for (const table of random.sample(recipient.tables, random.int(1, 3)))
      querySharedTable(thread.wait(1, 20), recipient, table)
  },
}

const tending: Routine = {
  id: 'share-tending',
  perDay: 1,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 6)
    if (engineer === undefined) return
    const thread = sit(engineer, account.prod)
    const recipient = random.pick(account.recipients)
    thread.uc('listShares', {})
    thread.uc('getShare', { name: recipient.share, include_shared_data: 'true' })
    thread.uc('getSharePermissions', { name: recipient.share })
    thread.uc('listRecipients', {})
    thread.uc('getRecipient', { name: recipient.name })
    thread.uc('getRecipientSharePermissions', { name: recipient.name })
    if (random.chance(0.2)) thread.uc('listProviders', {})
    if (random.chance(0.1)) {
      const table = random.pick(account.data.open)
      thread.uc('updateShare', {
        name: recipient.share,
        updates: `[{"action":"ADD","data_object":{"name":"${table.full}","data_object_type":"TABLE"}}]`,
        comment: '',
      })
    }
    if (random.chance(0.05)) thread.uc('updateRecipient', { name: recipient.name, updates: '{"comment":"reviewed"}' })
  },
}

/** Routines of this file. */
export const SHARING_ROUTINES: readonly Routine[] = [reading, tending]
