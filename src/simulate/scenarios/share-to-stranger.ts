/** Customer data shared with a recipient nobody knows, without an IP list, and fetched from abroad. */
import { HOSTILE } from '../account/hostile.ts'
import { querySharedTable, recipientSession } from '../activities/sharing.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Share to a new recipient. */
export const shareToStranger: Scenario = {
  id: 'share-to-stranger',
  title: 'Personal data shared with a new recipient without IP list, then queried from abroad',
  expect:
    'createRecipient without ip_access_list, sensitive tables added to its share, first query from a new country.',
  techniques: ['T1537', 'T1567'],
  rules: ['recipient-created-and-supplied-at-once', 'sensitive-table-put-into-share'],
  play({ account, random, at, person, sit, open }) {
    const name = 'ext_analytics_temp'
    const thread = sit(person('engineer'), at(16.1))
    thread.uc(
      'createRecipient',
      { name, comment: '', ip_access_list: '' },
      created({ name, authentication_type: 'TOKEN' }),
    )
    thread.wait(20, 90).uc('createShare', { name: 'temp_export', comment: '' })
    for (const table of account.data.pii.slice(0, 4)) {
      const updates = `[{"action":"ADD","data_object":{"name":"${table.full}","data_object_type":"TABLE"}}]`
      thread.wait(10, 50).uc('updateShare', { name: 'temp_export', updates })
    }
    thread.uc('updateSharePermissions', {
      name: 'temp_export',
      changes: `[{"principal":"${name}","add":["SELECT"],"remove":[]}]`,
    })
    const recipient = {
      name,
      id: random.uuid(),
      share: 'temp_export',
      ip: HOSTILE.russia,
      userAgent: 'Delta-Sharing-Python/1.3.2 pandas/2.2',
      tables: account.data.pii.slice(0, 4),
    }
    const reader = open(recipientSession(account, recipient), at(18.4))
    reader.account('unityCatalog', 'getActivationUrlInfo', { recipient_name: name, is_ip_access_denied: 'false' })
    reader.account('unityCatalog', 'retrieveRecipientToken', { recipient_name: name, is_ip_access_denied: 'false' })
    for (const table of recipient.tables) querySharedTable(reader.wait(5, 60), recipient, table)
  },
}
