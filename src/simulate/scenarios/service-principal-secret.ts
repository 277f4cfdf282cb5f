/** A secret made for a powerful service principal, used from rented hosting. */
import { serviceNamed } from '../account/account.ts'
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Service principal secret created and used elsewhere. */
export const servicePrincipalSecret: Scenario = {
  id: 'service-principal-secret',
  title: 'OAuth secret created for a service principal and used from a new network',
  expect: 'servicePrincipalCredentials.create, then the principal signs in from a network it never used.',
  techniques: ['T1098.001', 'T1078.004'],
  rules: ['new-secret-used-outside-the-cloud'],
  accountLevel: true,
  play({ account, random, at, person, sit, intrude }) {
    const robot = serviceNamed(account, 'sp-terraform')
    const secret_id = random.uuid()
    const params = { account_id: account.accountId, service_principal: robot.email, secret_id }
    sit(person('admin'), at(12.7)).account('servicePrincipalCredentials', 'create', params, created({ id: secret_id }))
    const thread = intrude(robot, at(13.4), HOSTILE.hostingDe, HOSTILE_AGENT.go)
    const login = { user: robot.email, authenticationMethod: 'OAUTH_CLIENT_CREDENTIALS' }
    thread.log('accounts', 'oidcTokenAuthorization', login)
    thread.wait(2, 9).log('secrets', 'listScopes', {})
    thread.uc('listStorageCredentials', {})
    thread.uc('getPermissions', { securable_type: 'metastore', securable_full_name: account.metastoreId })
  },
}
