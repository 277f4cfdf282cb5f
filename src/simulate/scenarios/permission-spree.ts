/** One account rewrites access lists all over the workspace within an hour. */
import type { Scenario } from './contract.ts'

/** Many permission changes by one user. */
export const permissionSpree: Scenario = {
  id: 'permission-spree',
  title: 'Dozens of permission changes by one user within an hour',
  expect: 'More permission and ACL changes by one user than any ordinary hour has.',
  techniques: ['T1098', 'T1222'],
  rules: ['permission-change-burst'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('engineer'), at(13.6))
    const targetUserId = person('contractor').userId
    const acl = { shardName: 'nvirginia-prod', targetUserId }
    for (let i = 0; i < 12; i++) {
      thread
        .wait(10, 70)
        .log('jobs', 'changeJobAcl', { ...acl, resourceId: random.pick(account.jobs).id, aclPermissionSet: 'Admin' })
      thread.log('clusters', 'changeClusterAcl', {
        ...acl,
        resourceId: random.pick(account.prod.clusterIds),
        aclPermissionSet: 'Manage',
      })
      const notebook = random.pick(account.notebooks).id
      thread.log('workspace', 'changeWorkspaceAcl', {
        ...acl,
        resourceId: `notebook/${notebook}`,
        aclChangeResourceName: `notebooks/${notebook}`,
        aclPermissionSet: 'Manage',
      })
    }
  },
}
