/** Sessions: who comes in, from where, with which client. */
import type { Account } from './account/account.ts'
import { SITES } from './account/networks.ts'
import type { Person } from './account/people.ts'
import { type ServicePrincipal, SYSTEM_USER } from './account/services.ts'
import type { Workspace } from './account/workspaces.ts'
import { Random } from './random.ts'
import type { Session, Thread } from './thread.ts'

const DAY_MS = 86_400_000

/** Part of the weeks in which somebody visits another office from Wednesday to Thursday. */
const TRIP_RATE = 0.008

/** Where somebody works on a day: the same place from morning to evening. Null on the days of a flight. */
export function placeOf(person: Person, timeMs: number): string | null {
  const localMs = timeMs + person.site.utcOffset * 3_600_000
  const day = Math.floor(localMs / DAY_MS)
  // Day 4 after the epoch was a Monday.
  const week = Math.floor((day - 4) / 7)
  const trip = new Random(`${person.userId}-week-${week}`)
  if (trip.chance(TRIP_RATE)) {
    const weekday = (day - 4) % 7
    if (weekday === 1 || weekday === 4) return null
    if (weekday === 2 || weekday === 3) return trip.pick(SITES).offices[0] as string
  }
  const x = new Random(`${person.userId}-day-${day}`).float()
  if (person.role === 'contractor') return x < 0.85 ? person.vpn : person.home
  if (person.role === 'admin') return x < 0.5 ? person.vpn : person.office
  if (x < 0.06) return person.vpn
  return x < 0.4 ? person.home : person.office
}

/** A person at a browser. */
export const browserSession = (person: Person, workspace: Workspace, ip: string, random: Random): Session => ({
  who: person,
  workspace,
  ip,
  userAgent: person.browser,
  id: random.uuid(),
})

/** A person with a tool: no web session. */
export const toolSession = (person: Person, workspace: Workspace, ip: string, userAgent: string): Session => ({
  who: person,
  workspace,
  ip,
  userAgent,
  id: null,
})

/** A service principal. A few records carry a port, an empty or a placeholder address, as seen in real logs. */
export function serviceSession(service: ServicePrincipal, workspace: Workspace, random: Random): Session {
  const x = random.next() % 100
  const ip = x < 4 ? `${service.ip}:0` : x < 6 ? '' : x < 7 ? '0.0.0.0' : service.ip
  const id = x % 2 === 0 ? `ephemeral-${random.uuid()}` : null
  return { who: service, workspace, ip, userAgent: service.userAgent, id }
}

/** The platform acting by itself. */
export const systemSession = (workspace: Workspace): Session => ({
  who: SYSTEM_USER,
  workspace,
  ip: null,
  userAgent: null,
  id: null,
})

/** Signs a person in through the identity provider, as the cloud logs it. */
export function signIn(thread: Thread, account: Account, user: string): void {
  if (account.cloud === 'azure') thread.log('accounts', 'aadBrowserLogin', { user })
  else thread.log('accounts', 'samlLogin', { user, authentication_method: 'BROWSER_BYO_IDP_SAML' })
}

/** Signs a tool in with a token of the identity provider or of Databricks. */
export function tokenSignIn(thread: Thread, account: Account, user: string): void {
  if (account.cloud === 'azure') thread.log('accounts', 'aadTokenLogin', { user })
  else thread.log('accounts', 'oidcTokenAuthorization', { user, authenticationMethod: 'OAUTH' })
}
