/**
 * Addresses as numbers. One 64-bit key for both versions: IPv4 as it is, IPv6 by its upper half, because finer than /64
 * says nothing about place. No IPv6 in use has an upper half below 2^32, so the two do not meet.
 */

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const GROUPS = '[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*'

const v4KeySql = (ip: string): string =>
  `CASE WHEN regexp_full_match(${ip}, '(?:${OCTET}\\.){3}${OCTET}') THEN
     split_part(${ip}, '.', 1)::UBIGINT * 16777216 + split_part(${ip}, '.', 2)::UBIGINT * 65536 + split_part(${ip}, '.', 3)::UBIGINT * 256 + split_part(${ip}, '.', 4)::UBIGINT END`

/** `::` stands for as many groups as are missing from eight, at least one. */
const v6KeySql = (ip: string): string => {
  const groupCount = `len(list_filter(string_split(${ip}, ':'), lambda g: g <> ''))`
  const filled = `CASE WHEN contains(${ip}, '::') THEN
      split_part(${ip}, '::', 1) || repeat(':0', 8 - ${groupCount}) || ':' || split_part(${ip}, '::', 2)
    ELSE ${ip} END`
  const groups = `list_filter(string_split(${filled}, ':'), lambda g: g <> '')`
  const hex = `array_to_string(list_transform((${groups})[1:4], lambda g: lpad(g, 4, '0')), '')`
  return `CASE WHEN regexp_full_match(${ip}, '(?:${GROUPS})?(?:::(?:${GROUPS})?)?')
      AND CASE WHEN contains(${ip}, '::') THEN ${groupCount} < 8 ELSE ${groupCount} = 8 END THEN ('0x' || ${hex})::UBIGINT END`
}

/** SQL: the key of an address given as lower-case text, a UBIGINT; NULL if the text is no address. */
export const keySql = (ip: string): string =>
  `CASE WHEN contains(${ip}, ':') THEN ${v6KeySql(ip)} ELSE ${v4KeySql(ip)} END`

/** Bits of the key that tell the place in a network of some length: `key >> bits = value`. */
interface Network {
  readonly bits: number
  readonly value: number
}

/** `10.0.0.0/8` as a test on the key. */
function v4Network(cidr: string): Network {
  const [base = '', length = '32'] = cidr.split('/')
  const key = base.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const bits = 32 - Number(length)
  return { bits, value: key / 2 ** bits }
}

/** Ranges that no database places: the IANA special-purpose registries (RFC 6890). */
const V4_SCOPES: readonly (readonly [scope: string, cidrs: readonly string[]])[] = [
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']],
  ['loopback', ['127.0.0.0/8']],
  ['link_local', ['169.254.0.0/16']],
  ['shared', ['100.64.0.0/10']],
  [
    'reserved',
    ['0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
  ],
]

/** The same for IPv6: unique local, link-local, documentation; whatever else is not global unicast. */
const V6_SCOPES: readonly (readonly [scope: string, networks: readonly Network[]])[] = [
  ['private', [{ bits: 57, value: 0xfc >> 1 }]],
  ['link_local', [{ bits: 54, value: 0xfe80 >> 6 }]],
  ['reserved', [{ bits: 32, value: 0x20010db8 }]],
  ['public', [{ bits: 61, value: 1 }]],
]

const branchesSql = (key: string, scopes: readonly (readonly [string, readonly Network[]])[]): string =>
  scopes
    .map(
      ([scope, networks]) =>
        `WHEN ${networks.map(({ bits, value }) => `${key} >> ${bits} = ${value}`).join(' OR ')} THEN '${scope}'`,
    )
    .join('\n        ')

/**
 * SQL: public, private, loopback, link_local, shared (carrier NAT), reserved, or invalid for text that is no address.
 *
 * The key goes through a list of one, so that it is worked out once and not in every branch.
 */
export const scopeSql = (ip: string): string => {
  const v4 = V4_SCOPES.map(([scope, cidrs]) => [scope, cidrs.map(v4Network)] as const)
  return `list_transform([${keySql(ip)}], lambda k: CASE
      WHEN k IS NULL THEN 'invalid'
      WHEN NOT contains(${ip}, ':') THEN CASE ${branchesSql('k', v4)} ELSE 'public' END
      WHEN regexp_full_match(${ip}, '[0:]*:0*1') THEN 'loopback'
      ELSE CASE ${branchesSql('k', V6_SCOPES)} ELSE 'reserved' END END)[1]`
}
