/** Identity: failed and refused logins, tokens, SCIM joiners and leavers, sessions of machines. */
import { serviceNamed } from '../account/account.ts'
import { GROUPS } from '../account/objects.ts'
import { NOBODY, UNKNOWN_USER } from '../account/services.ts'
import { DOMAIN } from '../account/workspaces.ts'
import { created, failed } from '../event.ts'
import { browserSession, serviceSession, signIn } from '../sessions.ts'
import type { Thread } from '../thread.ts'
import type { Routine } from './contract.ts'

const DAY_MS = 86_400_000

const EVERYBODY = ['engineer', 'analyst', 'scientist', 'bi', 'finance', 'hr', 'contractor'] as const

const mistyped: Routine = {
  id: 'login-mistyped',
  perDay: 5,
  hours: 'office',
  play({ account, random, start, colleague, sit }) {
    const person = colleague(EVERYBODY)
    if (person === undefined) return
    const { session } = sit(person, account.prod)
    const thread = start({ ...session, who: NOBODY })
    const action =
      account.cloud === 'azure' ? 'aadBrowserLogin' : random.pick(['samlLogin', 'samlLogin', 'oidcBrowserLogin'])
    for (let i = random.int(1, 2); i > 0; i--) {
      thread.log(
        'accounts',
        action,
        { user: person.email },
        failed(401, 'Authentication failed: invalid or expired assertion'),
      )
      thread.wait(5, 40)
    }
    signIn(start(session).wait(90, 120), account, person.email)
  },
}

const expired: Routine = {
  id: 'token-expired',
  perDay: 4,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, random.pick(['sp-datadog', 'sp-airflow', 'sp-looker']))
    const thread = start(serviceSession(service, account.prod, random))
    thread.log(
      'accounts',
      'tokenLogin',
      { user: service.email, tokenId: random.hex(32), authenticationMethod: 'API_EXT_PAT_TOKEN' },
      failed(401, 'Token is expired'),
    )
    thread.log('accounts', 'tokenLogin', {
      user: service.email,
      tokenId: random.hex(32),
      authenticationMethod: 'API_EXT_PAT_TOKEN',
    })
  },
}

const wrongNetwork: Routine = {
  id: 'ip-denied',
  perDay: 0.4,
  hours: 'office',
  play({ account, random, timeMs, start, colleague }) {
    const person = colleague(EVERYBODY)
    if (person === undefined) return
    const thread = start({ ...browserSession(person, account.prod, person.home, timeMs, random), who: UNKNOWN_USER })
    thread.log(
      'accounts',
      'IpAccessDenied',
      { path: '/', user: person.email, userId: person.userId },
      failed(403, 'Source IP address is blocked by Databricks IP ACL for workspace'),
    )
  },
}

const tokens: Routine = {
  id: 'tokens',
  perDay: 1.4,
  hours: 'office',
  play({ account, random, timeMs, colleague, sit }) {
    const person = colleague(['engineer', 'scientist'])
    if (person === undefined) return
    const thread = sit(person, account.dev)
    const days = random.pick([1, 7, 30, 30, 60])
    const tokenHash = random.hex(32)
    thread.log('accounts', 'generateDbToken', {
      userId: person.userId,
      tokenExpirationTime: String(timeMs + days * DAY_MS),
      tokenHash,
    })
    if (random.chance(0.4))
      thread.wait(20, 300).log('accounts', 'revokeDbToken', { userId: person.userId, tokenHash: random.hex(32) })
  },
}

const garbage: Routine = {
  id: 'token-garbage',
  perDay: 3,
  hours: 'any',
  play({ account, random, timeMs, start }) {
    const person = random.pick(account.people)
    const thread = start({ who: UNKNOWN_USER, workspace: account.dev, ip: '127.0.0.1', userAgent: null, id: null })
    thread.log('accounts', 'garbageCollectDbToken', {
      tokenExpirationTime: String(timeMs - 3_600_000),
      tokenClientId: random.hex(16),
      userId: person.userId,
      tokenCreationTime: String(timeMs - 30 * DAY_MS),
      tokenFirstAccessed: String(timeMs - 29 * DAY_MS),
    })
  },
}

const appLogins: Routine = {
  id: 'app-logins',
  perDay: 80,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(EVERYBODY)
    if (person === undefined) return
    const thread = sit(person, account.prod)
    const client_id = random.pick(['databricks-cli', 'databricks-sdk-py', 'power-bi', 'tableau'])
    thread.log('accounts', 'mintOAuthAuthorizationCode', { client_id })
    thread.log('accounts', 'mintOAuthToken', {
      grant_type: 'authorization_code',
      scope: 'all-apis offline_access',
      expires_in: '3600',
      client_id,
    })
    thread.log('accounts', 'workspaceInHouseOAuthClientAuthentication', {
      user: person.email,
      authenticationMethod: 'OAUTH',
      client_id,
    })
    if (random.chance(0.3)) thread.log('accounts', 'accountLoginCodeAuthentication', { user: person.email })
    if (random.chance(0.1)) thread.log('accounts', 'workspaceLoginCodeAuthentication', { user: person.email })
    if (random.chance(0.2)) thread.wait(600, 4000).log('accounts', 'logout', { user: person.email })
  },
}

const endpoint = 'scim'

const scim: Routine = {
  id: 'scim-sync',
  perDay: 3,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-scim-sync'), account.prod, random))
    const person = random.pick(account.people)
    const target = { targetUserName: person.email, targetUserId: person.userId, endpoint }
    thread.account('accounts', 'updateUser', { ...target, targetUserExternalId: random.uuid() })
    if (random.chance(0.15)) joiner(thread, random.int(100, 999), random.pick(GROUPS.slice(2, 6)))
    if (random.chance(0.1)) {
      thread.account('accounts', 'deactivateUser', {
        ...target,
        targetUserName: `former.${random.int(100, 999)}@${DOMAIN}`,
      })
      thread.account('accounts', 'removePrincipalFromGroup', {
        ...target,
        targetUserName: `former.${random.int(100, 999)}@${DOMAIN}`,
        targetGroupId: random.digits(12),
        targetGroupName: 'analysts',
      })
    }
    if (random.chance(0.05))
      thread.account('accounts', 'updateGroup', {
        endpoint,
        targetGroupId: random.digits(12),
        targetGroupName: 'analysts',
      })
    if (random.chance(0.3)) thread.log('groups', 'getGroups', {})
    if (random.chance(0.3)) thread.log('groups', 'getGroupMembers', { group_name: 'data-engineers' })
  },
}

function joiner(thread: Thread, number: number, group: string): void {
  const target = { targetUserName: `joiner.${number}@${DOMAIN}`, targetUserId: thread.random.digits(16), endpoint }
  thread.account('accounts', 'add', target, created({ id: target.targetUserId }))
  thread.account('accounts', 'activateUser', target)
  thread.account('accounts', 'addPrincipalToGroup', {
    ...target,
    targetGroupId: thread.random.digits(12),
    targetGroupName: group,
  })
}

/** Routines of this file. */
export const IDENTITY_ROUTINES: readonly Routine[] = [mistyped, expired, wrongNetwork, tokens, garbage, appLogins, scim]
