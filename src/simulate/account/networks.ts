/** Where people and machines come from: sites, home providers, cloud egress, and networks no employee uses. */
import type { Random } from '../random.ts'

/** A place people work: its clock and its addresses. */
export interface Site {
  readonly city: string
  readonly country: string
  /** Hours ahead of UTC. */
  readonly utcOffset: number
  /** Part of the staff. */
  readonly share: number
  /** Addresses the office reaches the internet from. */
  readonly offices: readonly string[]
  /** First two octets of the ranges home providers there give out. */
  readonly homes: readonly string[]
}

/** The four offices. Ranges are announced by providers of the country, so that location databases agree. */
export const SITES: readonly Site[] = [
  {
    city: 'Hamburg',
    country: 'DE',
    utcOffset: 1,
    share: 0.36,
    offices: ['217.110.42.10', '62.156.24.18'],
    homes: ['91.12', '87.150', '84.140'],
  },
  {
    city: 'New York',
    country: 'US',
    utcOffset: -5,
    share: 0.27,
    offices: ['12.190.14.7', '50.228.100.20'],
    homes: ['73.162', '71.190', '98.113'],
  },
  {
    city: 'Bengaluru',
    country: 'IN',
    utcOffset: 5.5,
    share: 0.25,
    offices: ['14.140.116.5', '115.110.200.9'],
    homes: ['122.166', '49.37', '106.51'],
  },
  {
    city: 'São Paulo',
    country: 'BR',
    utcOffset: -3,
    share: 0.12,
    offices: ['201.48.90.4'],
    homes: ['177.32', '189.40', '187.56'],
  },
]

/** Egress of the company VPN (contractors and administrators). */
export const VPN_EGRESS: readonly string[] = ['18.193.14.66', '44.196.30.41']

/** Egress of the account's own compute and of the tools that run in the cloud. */
export const CLOUD_EGRESS: readonly string[] = ['52.2.10.10', '3.212.44.5', '34.198.20.3', '44.196.3.4', '52.4.81.12']

/** Addresses of two outside recipients of shares, each on its allow list. */
export const RECIPIENT_EGRESS: readonly string[] = ['40.74.28.10', '116.202.10.4', '34.198.77.9']

/** Networks attackers come from: anonymisers, bulletproof and cheap hosting, far countries. */
export const HOSTILE = {
  tor: '185.220.101.34',
  torUs: '23.129.64.5',
  russia: '45.155.205.12',
  moscowHome: '95.25.30.2',
  nigeria: '102.89.33.10',
  china: '222.186.30.5',
  malaysia: '103.75.190.3',
  vpnRelay: '146.70.10.10',
  hostingDe: '159.65.120.4',
  hostingUs: '45.33.32.156',
  hostingPin: '5.188.206.14',
} as const

/** An address of a home provider at the site. */
export const homeAddress = (site: Site, random: Random): string =>
  `${random.pick(site.homes)}.${random.int(1, 250)}.${random.int(2, 250)}`
