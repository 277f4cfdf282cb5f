/** An administrator turns verbose audit logs off. */
import { browserSession } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Verbose audit logging disabled. */
export const verboseLoggingOff: Scenario = {
  id: 'verbose-logging-off',
  title: 'Verbose audit logging disabled',
  expect: 'workspaceConfEdit sets enableVerboseAuditLogs to false.',
  techniques: ['T1562.008'],
  play({ account, random, at, person, thread }) {
    const admin = person('admin')
    const session = browserSession(admin, account.prod, admin.vpn, random)
    thread(session, at(17.8)).log('workspace', 'workspaceConfEdit', {
      workspaceConfKeys: 'enableVerboseAuditLogs',
      workspaceConfValues: 'false',
    })
  },
}
