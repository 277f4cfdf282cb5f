/** An engineer adds himself to the workspace admins. */
import type { Scenario } from './contract.ts'

/** Workspace admin group addition. */
export const workspaceAdminsJoined: Scenario = {
  id: 'workspace-admins-joined',
  title: 'Member added to the workspace admins group',
  expect: 'addPrincipalToGroup with targetGroupName admins.',
  techniques: ['T1098.003'],
  rules: ['workspace-admins-joined'],
  play({ random, at, person, sit }) {
    const member = person('engineer')
    sit(person('admin'), at(11.8)).log('accounts', 'addPrincipalToGroup', {
      targetGroupId: random.digits(12),
      endpoint: 'adminConsole',
      targetUserId: member.userId,
      targetGroupName: 'admins',
      targetUserName: member.email,
    })
  },
}
