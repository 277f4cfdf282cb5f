/** A Genie space over personal data opened to everybody, then questioned at length. */

import type { Warehouse } from '../account/objects.ts'
import { statement } from '../activities/queries.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Genie space shared with all, then used to extract. */
export const genieExfil: Scenario = {
  id: 'genie-exfil',
  title: 'Genie space over personal data shared with all users, then drained',
  expect: 'changeWorkspaceAcl on genie/… for account users, then dozens of Genie queries by one user.',
  techniques: ['T1213', 'T1530', 'T1222'],
  rules: ['genie-space-shared-with-all', 'genie-space-questioned-in-bulk'],
  play({ account, random, at, person, sit }) {
    const space_id = random.hex(16)
    const author = sit(person('bi'), at(12.3))
    author.log('aibiGenie', 'createSpace', {}, created({ space_id }))
    author.wait(60, 200).log('workspace', 'changeWorkspaceAcl', {
      shardName: 'nvirginia-prod',
      targetUserId: 'account users',
      aclPermissionSet: 'Run',
      resourceId: `genie/${space_id}`,
      aclChangeResourceName: `genie/${space_id}`,
    })
    const reader = sit(person('contractor'), at(13.1))
    const conversation_id = random.hex(16)
    reader.log('aibiGenie', 'createConversation', { space_id }, created({ conversation_id }))
    for (let i = 0; i < 24; i++) {
      const message = { space_id, conversation_id, message_id: random.hex(16) }
      reader.wait(8, 40).log('aibiGenie', 'createConversationMessage', { space_id, conversation_id })
      reader.log('aibiGenie', 'executeMessageQuery', message)
      const table = random.pick(account.data.pii)
      if (i % 3 === 0) statement(reader, account.warehouses[1] as Warehouse, `SELECT * FROM ${table.full}`, [table])
      reader.log('aibiGenie', 'getMessageQueryResult', message)
    }
  },
}
