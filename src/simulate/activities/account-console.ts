/** The account console: administrators and tools look at the account, and change little. */
import { serviceNamed } from '../account/account.ts'
import { created } from '../event.ts'
import { serviceSession } from '../sessions.ts'
import type { Routine } from './contract.ts'

const LOOKS: readonly (readonly [service: string, action: string, keys: readonly string[]])[] = [
  ['accountsManager', 'listWorkspaceConfigurations', ['account_id']],
  ['accountsManager', 'getWorkspaceConfiguration', ['account_id', 'workspace_id']],
  ['accountsManager', 'listNetworkConfigurations', ['account_id']],
  ['accountsManager', 'listCredentialsConfigurations', ['account_id']],
  ['accountsManager', 'listStorageConfigurations', ['account_id']],
  ['accountsManager', 'listPrivateAccessSettingsConfigurations', ['account_id']],
  ['accountsManager', 'listVpcEndpoints', ['account_id']],
  ['accountsManager', 'listSubscriptions', ['account_id']],
  ['logDelivery', 'listLogDeliveryConfigurations', ['storage_configuration_id', 'credentials_id', 'status']],
  ['networkConnectivity', 'listNetworkConnectivityConfigs', ['account_id']],
  ['networkPolicies', 'listNetworkPolicies', ['account_id']],
  ['ssoConfigBackend', 'get', ['account_id', 'sso_type']],
  ['accountBillableUsage', 'getAggregatedUsage', ['account_id', 'window_size', 'start_time', 'end_time']],
]

const look: Routine = {
  id: 'console-look',
  perDay: 4,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    const known: Readonly<Record<string, string>> = {
      account_id: account.accountId,
      workspace_id: account.prod.id,
      sso_type: 'SAML',
      status: 'ENABLED',
      window_size: 'DAY',
      start_time: '2026-10-01',
      end_time: '2026-11-01',
    }
    thread.account('accounts', 'oidcBrowserLogin', { user: admin.email })
    for (const [service, action, keys] of random.sample(LOOKS, 4)) {
      thread.wait(3, 40).account(service, action, Object.fromEntries(keys.map((key) => [key, known[key] ?? ''])))
    }
    thread.account('accountsAccessControl', 'updateRuleSet', {
      account_id: account.accountId,
      name: `accounts/${account.accountId}/groups/${random.digits(12)}/ruleSets/default`,
      rule_set: '{"grant_rules":[{"role":"roles/group.manager","principals":["groups/data-platform"]}]}',
      authz_identity: 'USER_CONTEXT',
    })
  },
}

const billing: Routine = {
  id: 'billing-pull',
  perDay: 2,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-datadog'), account.prod, random))
    thread.account('accountBillableUsage', 'getDetailedUsage', {
      account_id: account.accountId,
      start_month: '2026-10',
      end_month: '2026-11',
      with_pii: 'false',
    })
    if (random.chance(0.3))
      thread.account('accountsManager', 'listWorkspaceConfigurations', { account_id: account.accountId })
  },
}

const housekeeping: Routine = {
  id: 'console-change',
  perDay: 0.3,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    switch (random.int(0, 3)) {
      case 0:
        thread.account('budgetPolicyCentral', 'updateBudgetPolicy', {
          'policy.policy_id': random.uuid(),
          'policy.policy_name': 'data-platform',
        })
        break
      case 1: {
        const name = `sp-project-${random.int(10, 99)}`
        const target = {
          targetServicePrincipalId: random.digits(15),
          targetServicePrincipalName: name,
          endpoint: 'adminConsole',
        }
        thread.account('accounts', 'createServicePrincipal', target, created({ id: target.targetServicePrincipalId }))
        thread.account('servicePrincipalCredentials', 'list', {
          account_id: account.accountId,
          service_principal: name,
        })
        break
      }
      case 2:
        thread.account('accounts', 'createGroup', {
          endpoint: 'adminConsole',
          targetGroupId: random.digits(12),
          targetGroupName: `project-${random.int(10, 99)}`,
        })
        break
      default:
        thread.log('workspace', 'addPermissionAssignment', {
          principal_id: random.digits(15),
          principal_display_name: 'project-readers',
          workspace_id: account.dev.id,
        })
        thread.log('workspace', 'updatePermissionAssignment', {
          principal_id: random.digits(15),
          permissions: '["USER"]',
          workspace_id: account.dev.id,
        })
    }
  },
}

/** Routines of this file. */
export const CONSOLE_ROUTINES: readonly Routine[] = [look, billing, housekeeping]
