/** A clean room with a stranger, filled with personal data, its results written to a catalog. */
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Clean room misuse. */
export const cleanRoomMisuse: Scenario = {
  id: 'clean-room-misuse',
  title: 'Clean room with a new collaborator gets personal data',
  expect: 'createCleanRoom with an unknown collaborator, sensitive tables as assets, an output catalog.',
  techniques: ['T1537', 'T1213'],
  rules: ['clean-room-built-and-drained', 'sensitive-asset-in-clean-room'],
  accountLevel: true,
  play({ account, random, at, person, sit }) {
    const clean_room_name = 'quick_overlap'
    const thread = sit(person('engineer'), at(16.6))
    const collaborators = `[{"collaborator_alias":"partner","global_metastore_id":"aws:eu-west-3:${random.uuid()}"}]`
    thread.account(
      'clean-room',
      'createCleanRoom',
      { clean_room_name, cloud_vendor: 'aws', collaborators, metastore_id: account.metastoreId },
      created({ name: clean_room_name }),
    )
    for (const table of account.data.pii.slice(0, 5)) {
      const asset = `{"name":"${table.full}","asset_type":"TABLE"}`
      thread.wait(20, 60).account('clean-room', 'createCleanRoomAsset', { asset, clean_room_name })
    }
    thread.account('clean-room', 'createCleanRoomOutputCatalog', {
      clean_room_name,
      output_catalog_name: 'overlap_out',
    })
  },
}
