/** Addresses that only mean something inside: a webhook that leads there would make us knock on our own doors. */
import { lookup as resolveName } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { AppError } from '../core/errors.ts'

/** Ranges of the IANA special-purpose registries (RFC 6890 and later) that no public service has. */
const RANGES_V4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4'
const RANGES_V6 =
  '::/128 ::1/128 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 fc00::/7 fe80::/10 fec0::/10 ff00::/8'

/** IPv4 addresses inside IPv6 ones: mapped (RFC 4291) and translated (RFC 6052). */
const CARRIERS = ['::ffff:', '64:ff9b::']

const inside = new BlockList()
for (const range of RANGES_V4.split(' ')) addRange(range, 'ipv4')
for (const range of RANGES_V6.split(' ')) addRange(range, 'ipv6')

function addRange(range: string, family: 'ipv4' | 'ipv6'): void {
  const [address = '', bits] = range.split('/')
  inside.addSubnet(address, Number(bits), family)
}

/** True for an address, as text, that is not of the public internet. */
export function isPrivate(address: string): boolean {
  if (isIP(address) === 4) return inside.check(address, 'ipv4')
  const full = canonicalV6(address)
  const carrier = CARRIERS.find((prefix) => full.startsWith(prefix))
  if (carrier !== undefined) return isPrivate(dotted(full.slice(carrier.length)))
  return inside.check(full, 'ipv6')
}

/** As URLs write it: compressed, in small letters, without a zone. */
const canonicalV6 = (address: string): string => {
  const plain = address.split('%')[0] ?? address
  return URL.canParse(`http://[${plain}]`) ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain
}

/** The last 32 bits of an IPv6 address, written `a:b`, `b` or nothing, as IPv4. */
function dotted(groups: string): string {
  const words = groups.split(':').filter((word) => word !== '')
  const [high, low] = words.length > 1 ? words : ['0', words[0] ?? '0']
  const bits = Number.parseInt(high ?? '0', 16) * 65_536 + Number.parseInt(low ?? '0', 16)
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.')
}

/** What is said where a name leads inside. */
export const insideError = (host: string): AppError =>
  new AppError('BAD_ARGUMENT', `${host} leads to an address that is not public.`, {
    hint: 'If that is meant, set `allow_private: true` at this destination.',
  })

/**
 * A lookup for connections that finds public addresses only. The address that was looked at is the one connected to, so a name cannot
 * change between the two.
 */
export const publicLookup: LookupFunction = (host, options, done) => {
  resolveName(host, { ...options, all: true }, (error, found) => {
    const addresses = found ?? []
    const refused = addresses.find(({ address }) => isPrivate(address))
    const [first] = addresses
    if (error !== null) done(error, '', 0)
    else if (refused !== undefined || first === undefined) done(insideError(host), '', 0)
    else if (options.all === true) done(null, addresses)
    else done(null, first.address, first.family)
  })
}
