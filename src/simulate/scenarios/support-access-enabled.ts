/** Vendor support let into the workspace for a month, and using it. */
import { NOBODY } from '../account/services.ts'
import type { Scenario } from './contract.ts'

/** Vendor support access. */
export const supportAccessEnabled: Scenario = {
  id: 'support-access-enabled',
  title: 'Vendor support access enabled and used',
  expect: 'workspaceConfEdit of customerApprovedWSLoginExpirationTime, genie.databricksAccess, a login by GENIE_AUTH.',
  techniques: ['T1199', 'T1078.004'],
  rules: ['vendor-support-window-opened'],
  play({ account, at, person, sit, intrude }) {
    const admin = person('admin')
    sit(admin, at(10.2)).log('workspace', 'workspaceConfEdit', {
      workspaceConfKeys: 'customerApprovedWSLoginExpirationTime',
      workspaceConfValues: '2026-12-31T00:00:00.000Z',
    })
    const user = 'support.engineer@databricks.com'
    const thread = intrude({ ...NOBODY, email: user }, at(11.1), '52.27.216.188', admin.browser, account.prod)
    thread.log('genie', 'databricksAccess', {
      duration: '3600',
      approver: admin.email,
      reason: 'case 00412345',
      authType: 'GENIE_AUTH',
      user,
    })
    thread.wait(5, 20).log('accounts', 'tokenLogin', { user, tokenId: '', authenticationMethod: 'GENIE_AUTH' })
  },
}
