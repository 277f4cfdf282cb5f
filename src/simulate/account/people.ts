/** The staff: who they are, where they sit, which tools they use. */
import type { Principal } from '../event.ts'
import type { Random } from '../random.ts'
import { homeAddress, SITES, type Site, VPN_EGRESS } from './networks.ts'
import { DOMAIN } from './workspaces.ts'

/** What somebody does for a living, and so what their sessions look like. */
export type Role = 'admin' | 'engineer' | 'analyst' | 'scientist' | 'bi' | 'contractor' | 'finance' | 'hr'

/** One person. */
export interface Person extends Principal {
  readonly email: string
  readonly name: string
  readonly userId: string
  readonly role: Role
  readonly site: Site
  readonly office: string
  readonly home: string
  readonly vpn: string
  readonly browser: string
  /** The sensitive tables that are this person's daily work. */
  readonly reads: 'pii' | 'finance' | 'hr' | null
  /** True: no ordinary activity in the whole period (on long leave, or left the company). */
  readonly dormant: boolean
  /** Part of a longer period after which this person starts at the company; null: has been there all along. */
  readonly joinsAfter: number | null
}

const FIRST: Readonly<Record<string, readonly string[]>> = {
  DE: 'anna jonas lena felix marie lukas sophie paul clara moritz nina tobias julia stefan katrin'.split(' '),
  US: 'emily jacob olivia michael ava daniel grace ethan sarah noah megan tyler rachel kevin laura'.split(' '),
  IN: 'priya arjun kavya rohan ananya vikram divya rahul meera karthik sneha aditya pooja nikhil isha'.split(' '),
  BR: 'beatriz rafael camila thiago larissa bruno juliana felipe amanda gustavo'.split(' '),
}

const LAST: Readonly<Record<string, readonly string[]>> = {
  DE: 'schmidt weber fischer wagner becker hoffmann koch richter klein wolf neumann braun zimmermann'.split(' '),
  US: 'johnson miller davis wilson anderson taylor thomas moore jackson martin white harris clark'.split(' '),
  IN: 'sharma iyer reddy nair patel gupta menon rao kulkarni das joshi verma bhat'.split(' '),
  BR: 'silva santos oliveira souza lima pereira costa almeida ribeiro carvalho'.split(' '),
}

const BROWSERS: readonly string[] = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
]

/** The first analysts work for customer care and so read personal data every day. */
const CARE_ANALYSTS = 5

/** Head count by role: 122 people, two of them dormant. */
const STAFF: readonly (readonly [Role, number])[] = [
  ['admin', 5],
  ['engineer', 30],
  ['analyst', 34],
  ['scientist', 20],
  ['bi', 12],
  ['finance', 6],
  ['hr', 4],
  ['contractor', 11],
]

/** Who starts during a period: role, place among those of the role, part of the period that has passed. */
const NEWCOMERS: readonly (readonly [Role, number, number])[] = [
  ['analyst', 20, 0.3],
  ['engineer', 17, 0.55],
  ['contractor', 6, 0.75],
]

/** In a period of fewer days nobody starts. */
export const DAYS_WITH_NEWCOMERS = 14

/** Makes the staff. */
export function makePeople(random: Random): readonly Person[] {
  const people: Person[] = []
  const taken = new Set<string>()
  for (const [role, count] of STAFF) {
    for (let i = 0; i < count; i++)
      people.push(makePerson(role, i, i === count - 1, random.fork(`${role}-${i}`), taken))
  }
  return people
}

function makePerson(role: Role, index: number, last: boolean, random: Random, taken: Set<string>): Person {
  const site = pickSite(random)
  const dormant = last && (role === 'engineer' || role === 'contractor')
  let handle: string
  do {
    handle = `${random.pick(FIRST[site.country] as string[])}.${random.pick(LAST[site.country] as string[])}`
  } while (taken.has(handle))
  taken.add(handle)
  return {
    email: `${handle}${role === 'contractor' ? '.ext' : ''}@${DOMAIN}`,
    subject: null,
    name: handle
      .split('.')
      .map((word) => (word[0] as string).toUpperCase() + word.slice(1))
      .join(' '),
    userId: random.digits(16),
    role,
    site,
    office: random.pick(site.offices),
    home: homeAddress(site, random),
    vpn: VPN_EGRESS[site.country] as string,
    browser: random.pick(BROWSERS),
    reads: role === 'finance' || role === 'hr' ? role : role === 'analyst' && index < CARE_ANALYSTS ? 'pii' : null,
    dormant,
    joinsAfter: NEWCOMERS.find(([of, at]) => of === role && at === index)?.[2] ?? null,
  }
}

function pickSite(random: Random): Site {
  let x = random.float()
  for (const site of SITES) {
    x -= site.share
    if (x < 0) return site
  }
  return SITES[0] as Site
}
