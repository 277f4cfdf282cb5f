/** A finance dashboard published with the author's own rights, for everybody. */
import type { Scenario } from './contract.ts'

/** Dashboard published to all users with embedded credentials. */
export const dashboardPublishedToAll: Scenario = {
  id: 'dashboard-published-to-all',
  title: 'Dashboard published with embedded credentials and shared with all users',
  expect: 'publishDashboard with credentials_embedded true and changeWorkspaceAcl on dashboardsv3/… for account users.',
  techniques: ['T1213', 'T1222'],
  rules: ['dashboard-published-with-own-rights-to-all'],
  play({ account, random, at, person, sit }) {
    const dashboard_id = random.pick(account.dashboards)
    const thread = sit(person('finance'), at(11.4))
    const warehouse_id = account.warehouses[1]?.id as string
    thread.log('dashboards', 'publishDashboard', { dashboard_id, credentials_embedded: 'true', warehouse_id })
    thread.wait(30, 90).log('workspace', 'changeWorkspaceAcl', {
      shardName: 'nvirginia-prod',
      targetUserId: 'account users',
      aclPermissionSet: 'Read',
      resourceId: `dashboardsv3/${dashboard_id}`,
      aclChangeResourceName: `dashboardsv3/${dashboard_id}`,
    })
  },
}
