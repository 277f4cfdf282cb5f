/** Where people and machines come from: sites, home providers, cloud egress. */
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

/** Egress of the company VPN for the sites of Europe and India, and of the Americas: nobody's address jumps far overnight. */
export const VPN_EGRESS: Readonly<Record<string, string>> = {
  DE: '18.193.14.66',
  IN: '18.193.14.66',
  US: '44.196.30.41',
  BR: '44.196.30.41',
}

/** First two octets that mobile networks give out, by country. */
const MOBILE: Readonly<Record<string, string>> = { DE: '80.187', US: '172.58', IN: '157.32', BR: '177.26' }

/** Where people are sent now and then: conferences, customers, and a week of work from a holiday flat. */
const GUEST_NETWORKS: readonly string[] = ['86.128', '90.1', '80.58', '77.160', '114.160', '151.20']

/** Egress of the account's own compute and of the tools that run in the cloud. */
export const CLOUD_EGRESS: readonly string[] = ['52.2.10.10', '3.212.44.5', '34.198.20.3', '44.196.3.4', '52.4.81.12']

/** Addresses of two outside recipients of shares, each on its allow list. */
export const RECIPIENT_EGRESS: readonly string[] = ['40.74.28.10', '116.202.10.4', '34.198.77.9']

/** An address of a mobile network of the site's country. */
export const mobileAddress = (site: Site, random: Random): string =>
  `${MOBILE[site.country]}.${random.int(1, 250)}.${random.int(2, 250)}`

/** An address far from every office. */
export const guestAddress = (random: Random): string =>
  `${random.pick(GUEST_NETWORKS)}.${random.int(1, 250)}.${random.int(2, 250)}`

/** The address of a home after its provider has renewed it: the same range. */
export const renewedAddress = (home: string, random: Random): string =>
  `${home.split('.').slice(0, 2).join('.')}.${random.int(1, 250)}.${random.int(2, 250)}`

/** An address of a home provider at the site. */
export const homeAddress = (site: Site, random: Random): string =>
  `${random.pick(site.homes)}.${random.int(1, 250)}.${random.int(2, 250)}`
