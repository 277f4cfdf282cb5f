/** Administration under a change ticket: each is seldom, and each is what an attacker would do too. */
import { peopleOf, serviceNamed } from '../account/account.ts'
import { created } from '../event.ts'
import { serviceSession } from '../sessions.ts'
import type { Routine } from './contract.ts'

const addressList: Routine = {
  id: 'address-list-updated',
  perDay: 0.05,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const list_id = random.uuid()
    const ip_addresses = `["${random.pick(account.people).office}/32","18.193.14.66/32"]`
    const params = { list_id, ip_access_list_id: list_id, label: 'offices', list_type: 'ALLOW', ip_addresses }
    sit(admin, account.prod).log('accounts', 'updateIpAccessList', { ...params, enabled: 'true', userId: admin.userId })
  },
}

/** Settings of a workspace as administrators change them: none of them lowers a protection. */
const SETTINGS: readonly (readonly [key: string, value: string])[] = [
  ['enableProjectTypeInWorkspace', 'true'],
  ['maxTokenLifetimeDays', '90'],
  ['enableDbfsFileBrowser', 'false'],
  ['enableJobViewAcls', 'true'],
  ['rStudioUserDefaultHomeBase', '/Workspace/rstudio'],
]

const settings: Routine = {
  id: 'workspace-setting',
  perDay: 0.15,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const [workspaceConfKeys, workspaceConfValues] = random.pick(SETTINGS)
    sit(admin, random.pick([account.prod, account.dev])).log('workspace', 'workspaceConfEdit', {
      workspaceConfKeys,
      workspaceConfValues,
    })
  },
}

const administrator: Routine = {
  id: 'administrator-appointed',
  perDay: 0.05,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    const member = random.pick(peopleOf(account, 'engineer').slice(0, 6))
    const target = { targetUserId: member.userId, targetUserName: member.email, endpoint: 'adminConsole' }
    if (random.chance(0.3)) thread.account('accounts', 'setAccountAdmin', target)
    else {
      const group = { targetGroupId: random.digits(12), targetGroupName: 'admins' }
      thread.log('accounts', 'addPrincipalToGroup', { ...target, ...group })
    }
  },
}

const rotation: Routine = {
  id: 'machine-secret-rotated',
  perDay: 0.25,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    const service_principal = random.pick(account.services).email
    const secret_id = random.uuid()
    const params = { account_id: account.accountId, service_principal }
    thread.account('servicePrincipalCredentials', 'list', params)
    thread.account('servicePrincipalCredentials', 'create', { ...params, secret_id }, created({ id: secret_id }))
    thread.wait(600, 5000).account('servicePrincipalCredentials', 'delete', { ...params, secret_id: random.uuid() })
  },
}

const location: Routine = {
  id: 'location-registered',
  perDay: 0.07,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 6)
    if (engineer === undefined) return
    const thread = sit(engineer, account.prod)
    const name = `landing_${random.int(10, 99)}`
    thread.uc('createStorageCredential', { name, comment: 'ticket DP-1402' }, created({ name, id: random.uuid() }))
    const url = `s3://halden-landing/${name}`
    thread.wait(60, 300).uc('createExternalLocation', { name, skip_validation: 'false', url, credential_name: name })
    if (random.chance(0.4)) {
      const changes = '[{"principal":"data-engineers","add":["READ_FILES","CREATE_EXTERNAL_TABLE"],"remove":[]}]'
      thread.uc('updatePermissions', { securable_type: 'external_location', changes, securable_full_name: name })
    }
  },
}

const project: Routine = {
  id: 'project-started',
  perDay: 0.15,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    const targetGroupName = `project-${random.int(100, 999)}`
    const group = { targetGroupId: random.digits(12), targetGroupName, endpoint: 'adminConsole' }
    thread.account('accounts', 'createGroup', group)
    for (const person of random.sample(account.people, random.int(4, 9))) {
      const member = { targetUserId: person.userId, targetUserName: person.email }
      thread.wait(4, 20).account('accounts', 'addPrincipalToGroup', { ...group, ...member })
    }
    for (const [catalog, schema] of random.sample(account.data.schemas, random.int(2, 5))) {
      const changes = `[{"principal":"${targetGroupName}","add":["USE_SCHEMA","SELECT"],"remove":[]}]`
      const securable = { securable_type: 'schema', securable_full_name: `${catalog}.${schema}` }
      thread.wait(8, 40).uc('updatePermissions', { ...securable, changes })
    }
  },
}

const terraform: Routine = {
  id: 'terraform-large-apply',
  perDay: 0.35,
  hours: 'office',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-terraform'), account.prod, random))
    for (const [catalog, schema] of random.sample(account.data.schemas, random.int(6, 16))) {
      const group = random.pick(['analysts', 'data-scientists', 'bi-developers', 'data-engineers'])
      const changes = `[{"principal":"${group}","add":["USE_SCHEMA","SELECT"],"remove":[]}]`
      const securable = { securable_type: 'schema', securable_full_name: `${catalog}.${schema}` }
      thread.wait(0.5, 3).uc('updatePermissions', { ...securable, changes })
    }
    for (let i = random.int(2, 8); i > 0; i--) {
      const policy_id = `0003F1A2B4C5D6E${i}`
      thread.wait(0.5, 3).log('clusterPolicies', 'edit', { policy_id, name: `team-${i}` })
    }
    if (random.chance(0.1)) thread.account('networkPolicies', 'updateNetworkPolicy', { network_policy_id: 'default' })
  },
}

const review: Routine = {
  id: 'access-reviewed',
  perDay: 0.1,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    for (const table of random.sample(account.data.tables, random.int(30, 60))) {
      const securable = { securable_type: 'table', securable_full_name: table.full }
      thread.wait(2, 15).uc('getPermissions', securable)
      if (!random.chance(0.06)) continue
      const changes = `[{"principal":"${random.pick(account.people).email}","add":[],"remove":["SELECT"]}]`
      thread.uc('updatePermissions', { ...securable, changes })
    }
  },
}

const support: Routine = {
  id: 'vendor-case',
  perDay: 0.05,
  hours: 'office',
  play({ account, random, timeMs, start, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    const thread = sit(admin, account.prod)
    thread.log('workspace', 'workspaceConfEdit', {
      workspaceConfKeys: 'customerApprovedWSLoginExpirationTime',
      workspaceConfValues: new Date(timeMs + 172_800_000).toISOString(),
    })
    const user = `support.${random.int(10, 99)}@databricks.com`
    const vendor = {
      who: { email: user, subject: null },
      ip: '52.27.216.188',
      userAgent: admin.browser,
      id: random.uuid(),
    }
    const approval = {
      duration: '3600',
      approver: admin.email,
      reason: `case 00${random.digits(6)}`,
      authType: 'GENIE_AUTH',
    }
    start({ ...vendor, workspace: account.prod })
      .wait(1800, 9000)
      .log('genie', 'databricksAccess', { ...approval, user })
  },
}

const certificate: Routine = {
  id: 'sign-on-certificate-renewed',
  perDay: 0.02,
  hours: 'office',
  play({ account, colleague, sit }) {
    const admin = colleague(['admin'])
    if (admin === undefined) return
    sit(admin, account.prod).account('ssoConfigBackend', 'update', {
      account_id: account.accountId,
      sso_type: 'SAML',
      config: '{"entity_id":"https://sso.halden-retail.example/idp","sso_url":"https://sso.halden-retail.example/sso"}',
      status: 'ACTIVE',
    })
  },
}

const ownGrant: Routine = {
  id: 'owner-grants-own-table',
  perDay: 0.2,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const engineer = colleague(['engineer'], 8)
    if (engineer === undefined) return
    const table = random.pick(account.data.open)
    const principal = random.pick([engineer.email, 'data-engineers', 'analysts', 'account users'])
    sit(engineer, account.prod).uc('updatePermissions', {
      securable_type: 'table',
      securable_full_name: table.full,
      changes: `[{"principal":"${principal}","add":["SELECT"],"remove":[]}]`,
    })
  },
}

/** Routines of this file. */
export const CHANGE_TICKET_ROUTINES: readonly Routine[] = [
  addressList,
  settings,
  administrator,
  rotation,
  location,
  project,
  terraform,
  review,
  support,
  certificate,
  ownGrant,
]
