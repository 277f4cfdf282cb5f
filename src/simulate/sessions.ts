/** Sessions: who comes in, from where, with which client. */
import type { Account } from './account/account.ts'
import { guestAddress, mobileAddress, renewedAddress, SITES } from './account/networks.ts'
import type { Person } from './account/people.ts'
import { type ServicePrincipal, SYSTEM_USER } from './account/services.ts'
import type { Workspace } from './account/workspaces.ts'
import { Random } from './random.ts'
import type { Session, Thread } from './thread.ts'

const DAY_MS = 86_400_000

/** Part of the weeks in which somebody visits another office from Wednesday to Thursday. */
const TRIP_RATE = 0.008

/** Part of the weeks in which somebody works from abroad, at a conference or from a holiday flat, from Wednesday to Thursday. */
const ABROAD_RATE = 0.006

/** Parts of the days. */
const RATES = { telephone: 0.015, vpnFromNoon: 0.02, otherBrowser: 0.02 } as const

/** Browsers come out so often, and reach people within two weeks. */
const BROWSER_DAYS = 28
const BROWSER_SPREAD_DAYS = 14

/** The day that the versions in `account/people.ts` came out: 20 October 2026. */
const BROWSERS_FROM_DAY = Date.UTC(2026, 9, 20) / DAY_MS

/** A private browser, for those who sometimes use another. */
const OTHER_BROWSER =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1'

const localTime = (person: Person, timeMs: number): number => timeMs + person.site.utcOffset * 3_600_000

/** Where somebody works at a moment: mostly the same place from morning to evening. Null on the days of a flight. */
export function placeOf(person: Person, timeMs: number): string | null {
  const localMs = localTime(person, timeMs)
  const day = Math.floor(localMs / DAY_MS)
  // Day 4 after the epoch was a Monday.
  const week = Math.floor((day - 4) / 7)
  const trip = new Random(`${person.userId}-week-${week}`)
  const [visits, abroad] = [trip.chance(TRIP_RATE), trip.chance(ABROAD_RATE)]
  if (visits || abroad) {
    const weekday = (day - 4) % 7
    if (weekday === 1 || weekday === 4) return null
    if (weekday === 2 || weekday === 3) return abroad ? guestAddress(trip) : (trip.pick(SITES).offices[0] as string)
  }
  const today = new Random(`${person.userId}-day-${day}`)
  const x = today.float()
  if (today.chance(RATES.telephone)) return mobileAddress(person.site, today)
  if (today.chance(RATES.vpnFromNoon) && localMs % DAY_MS > DAY_MS / 2) return person.vpn
  return usualPlace(person, x, new Random(`${person.userId}-lease-${week}`))
}

function usualPlace(person: Person, x: number, lease: Random): string {
  const home = () => (lease.chance(0.5) ? person.home : renewedAddress(person.home, lease))
  if (person.role === 'contractor') return x < 0.85 ? person.vpn : home()
  if (person.role === 'admin') return x < 0.5 ? person.vpn : person.office
  if (x < 0.06) return person.vpn
  return x < 0.4 ? home() : person.office
}

/** The browser somebody uses on a day: it renews itself, and now and then it is another one. */
export function browserOf(person: Person, timeMs: number): string {
  const day = Math.floor(localTime(person, timeMs) / DAY_MS)
  if (new Random(`${person.userId}-browser-${day}`).chance(RATES.otherBrowser)) return OTHER_BROWSER
  const lag = new Random(`${person.userId}-updates`).int(0, BROWSER_SPREAD_DAYS)
  const releases = Math.max(0, Math.floor((day - BROWSERS_FROM_DAY - lag) / BROWSER_DAYS))
  return person.browser.replaceAll(/(Chrome|Edg|Firefox|rv)([/:])(\d+)/g, (_all, name, between, version) => {
    return `${name}${between}${Number(version) + releases}`
  })
}

/** A person at a browser. */
export const browserSession = (
  person: Person,
  workspace: Workspace,
  ip: string,
  timeMs: number,
  random: Random,
): Session => ({
  who: person,
  workspace,
  ip,
  userAgent: browserOf(person, timeMs),
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
