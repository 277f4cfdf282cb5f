/** Personal data read in bulk at three in the morning. */
import type { Warehouse } from '../account/objects.ts'
import { vendVolume } from '../activities/files.ts'
import { statement } from '../activities/queries.ts'
import { browserSession, signIn } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Off-hours bulk read. */
export const offHoursPiiRead: Scenario = {
  id: 'off-hours-pii-read',
  title: 'Personal data read in bulk in the middle of the night',
  expect: 'Far more sensitive tables read than usual, hours outside anything the reader ever worked.',
  techniques: ['T1530', 'T1213'],
  rules: ['sensitive-data-read-off-hours', 'sensitive-tables-read-in-bulk'],
  play({ account, random, at, person, open }) {
    const reader = person('analyst', ({ reads }) => reads === 'pii')
    const startMs = at(26.8 - reader.site.utcOffset)
    const thread = open(browserSession(reader, account.prod, reader.home, startMs, random), startMs)
    signIn(thread, account, reader.email)
    for (let round = 0; round < 3; round++) {
      for (const table of account.data.pii) {
        statement(thread.wait(4, 30), account.warehouses[1] as Warehouse, `SELECT * FROM ${table.full}`, [table])
      }
    }
    for (const volume of account.data.volumes) vendVolume(thread, volume, 'READ_VOLUME')
  },
}
