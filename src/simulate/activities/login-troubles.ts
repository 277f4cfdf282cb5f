/** Sign-ins that go wrong for innocent reasons: forgotten passwords, expired secrets, an identity provider that is down, hotel networks. */
import { type Account, peopleOf, serviceNamed } from '../account/account.ts'
import { guestAddress } from '../account/networks.ts'
import { NOBODY, UNKNOWN_USER } from '../account/services.ts'
import { created, failed } from '../event.ts'
import { browserSession, placeOf, serviceSession, signIn } from '../sessions.ts'
import type { Thread } from '../thread.ts'
import type { Routine } from './contract.ts'

const EVERYBODY = ['engineer', 'analyst', 'scientist', 'bi', 'finance', 'hr', 'contractor'] as const

const REFUSED = failed(401, 'Authentication failed: invalid or expired assertion')

const refuseSignIn = (thread: Thread, account: Account, user: string): void => {
  const action = account.cloud === 'azure' ? 'aadBrowserLogin' : 'samlLogin'
  thread.log('accounts', action, { user }, REFUSED)
}

const forgotten: Routine = {
  id: 'password-forgotten',
  perDay: 0.14,
  hours: 'office',
  play({ account, random, start, colleague, sit }) {
    const person = colleague(EVERYBODY)
    if (person === undefined) return
    const { session } = sit(person, account.prod)
    const attempts = start({ ...session, who: NOBODY })
    for (let i = random.int(4, 9); i > 0; i--) refuseSignIn(attempts.wait(8, 90), account, person.email)
    const inside = attempts.as(session).wait(400, 2400)
    signIn(inside, account, person.email)
    inside.uc('getMetastoreSummary', {})
  },
}

const expired: Routine = {
  id: 'machine-secret-expired',
  perDay: 0.06,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, random.pick(['sp-fivetran', 'sp-looker', 'sp-collibra', 'sp-tableau-server']))
    const session = serviceSession(service, account.prod, random)
    const attempts = start({ ...session, who: NOBODY })
    const login = { user: service.email, authenticationMethod: 'OAUTH_CLIENT_CREDENTIALS' }
    for (let i = random.int(30, 90); i > 0; i--) {
      attempts.wait(20, 90).log('accounts', 'oidcTokenAuthorization', login, failed(401, 'Client secret has expired'))
    }
    const admin = random.pick(peopleOf(account, 'admin'))
    const place = placeOf(admin, attempts.timeMs) ?? admin.vpn
    const secret_id = random.uuid()
    const params = { account_id: account.accountId, service_principal: service.email, secret_id }
    attempts
      .as(browserSession(admin, account.prod, place, attempts.timeMs, random))
      .account('servicePrincipalCredentials', 'create', params, created({ id: secret_id }))
    attempts.as(session).wait(300, 900).log('accounts', 'oidcTokenAuthorization', login)
  },
}

const outage: Routine = {
  id: 'identity-provider-down',
  perDay: 0.04,
  hours: 'office',
  play({ account, random, timeMs, start, colleague }) {
    const first = colleague(EVERYBODY)
    if (first === undefined) return
    const office = account.people.filter((person) => person.office === first.office && !person.dormant)
    for (const person of random.sample(office, 14)) {
      const session = browserSession(person, account.prod, person.office, timeMs, random)
      const attempts = start({ ...session, who: NOBODY }).wait(0, 600)
      for (let i = random.int(1, 3); i > 0; i--) refuseSignIn(attempts.wait(5, 60), account, person.email)
      const back = start(session)
      back.timeMs = timeMs + 900_000 + random.int(0, 600_000)
      signIn(back, account, person.email)
    }
  },
}

const hotel: Routine = {
  id: 'hotel-network',
  perDay: 0.15,
  hours: 'office',
  play({ account, random, timeMs, start, colleague }) {
    const person = colleague(['engineer', 'analyst', 'admin', 'contractor'])
    if (person === undefined) return
    const guest = browserSession(person, account.prod, guestAddress(random), timeMs, random)
    const thread = start({ ...guest, who: UNKNOWN_USER })
    const params = { path: '/', user: person.email, userId: person.userId }
    const reply = failed(403, 'Source IP address is blocked by Databricks IP ACL for workspace')
    for (let i = random.int(3, 14); i > 0; i--) thread.wait(2, 60).log('accounts', 'IpAccessDenied', params, reply)
    const inside = thread.as(browserSession(person, account.prod, person.vpn, timeMs, random)).wait(60, 300)
    signIn(inside, account, person.email)
  },
}

const phone: Routine = {
  id: 'new-phone',
  perDay: 0.12,
  hours: 'office',
  play({ account, random, colleague, sit }) {
    const person = colleague(EVERYBODY)
    if (person === undefined) return
    const thread = sit(person, account.prod)
    const params = { user: person.email, userId: person.userId, id: random.uuid() }
    thread.account('accounts', 'mfaAddKey', params)
    if (random.chance(0.5)) thread.wait(60, 900).account('accounts', 'mfaDeleteKey', { ...params, id: random.uuid() })
  },
}

/** Routines of this file. */
export const LOGIN_TROUBLE_ROUTINES: readonly Routine[] = [forgotten, expired, outage, hotel, phone]
