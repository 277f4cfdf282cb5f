/** A second factor removed, a password set, a login past single sign-on. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import type { Scenario } from './contract.ts'

/** MFA key removed, then a password login. */
export const mfaRemoved: Scenario = {
  id: 'mfa-removed',
  title: 'MFA key deleted and password changed, then a login without single sign-on',
  expect: 'mfaDeleteKey and changePassword for an administrator, then a password login from a new network.',
  techniques: ['T1556.006', 'T1098'],
  rules: ['mfa-removed-then-password-login'],
  play({ random, at, person, intrude }) {
    const admin = person('admin')
    const thread = intrude(admin, at(1.3), HOSTILE.malaysia, HOSTILE_AGENT.linux)
    thread.log('accounts', 'mfaDeleteKey', { id: random.uuid() })
    thread.wait(20, 60).log('accounts', 'changePassword', {
      newPasswordSource: 'user',
      targetUserId: admin.userId,
      serviceSource: 'account',
      wasPasswordChanged: 'true',
      userId: admin.userId,
    })
    thread.wait(30, 90).log('accounts', 'login', { user: admin.email, authenticationMethod: 'PASSWORD' })
    thread.log('accounts', 'mfaAddKey', {})
  },
}
