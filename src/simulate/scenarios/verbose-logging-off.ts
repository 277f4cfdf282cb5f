/** Verbose audit logs off, a look at what should not be looked at, and on again. */
import { readTable } from '../activities/queries.ts'
import type { Scenario } from './contract.ts'

/** Verbose audit logging disabled around a sensitive read. */
export const verboseLoggingOff: Scenario = {
  id: 'verbose-logging-off',
  title: 'Verbose audit logging disabled around a sensitive read',
  expect: 'workspaceConfEdit sets enableVerboseAuditLogs to false; salaries are read; it is set back to true.',
  techniques: ['T1562.008'],
  rules: ['verbose-audit-logging-disabled', 'verbose-logging-gap-around-reads'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('admin'), at(16.4))
    const toggle = (workspaceConfValues: string) =>
      thread.log('workspace', 'workspaceConfEdit', { workspaceConfKeys: 'enableVerboseAuditLogs', workspaceConfValues })
    toggle('false')
    for (const table of random.sample(account.data.hr, 3)) readTable(thread.wait(40, 200), table)
    thread.wait(100, 300)
    toggle('true')
  },
}
