/** A recipient's token tried from somewhere else; the IP list holds. */
import { HOSTILE } from '../account/hostile.ts'
import type { Recipient } from '../account/objects.ts'
import { querySharedTable, recipientSession } from '../activities/sharing.ts'
import type { Scenario } from './contract.ts'

/** Sharing requests refused by IP list. */
export const sharingTokenStolen: Scenario = {
  id: 'sharing-token-stolen',
  title: 'Recipient token used from an address outside its IP list',
  expect: 'A burst of Delta Sharing requests with is_ip_access_denied true.',
  techniques: ['T1528', 'T1078'],
  rules: ['recipient-token-used-from-elsewhere'],
  accountLevel: true,
  play({ account, at, open }) {
    const recipient = account.recipients[0] as Recipient
    const thread = open(recipientSession(account, recipient, HOSTILE.nigeria), at(4.2))
    for (const table of recipient.tables) querySharedTable(thread.wait(5, 30), recipient, table, true)
    for (const table of recipient.tables) querySharedTable(thread.wait(5, 30), recipient, table, true)
  },
}
