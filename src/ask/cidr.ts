/** Address ranges as SQL: the engine has no address type here, so addresses are compared as 32 hexadecimal digits. */
import { isIPv4, isIPv6 } from 'node:net'
import { AppError } from '../core/errors.ts'
import { lit } from '../engine/sql.ts'

/** First and last address of a range, each as 32 hexadecimal digits; IPv4 stands at ::ffff:0:0/96. */
export interface AddressRange {
  readonly first: string
  readonly last: string
}

const V4_PREFIX = '00000000000000000000ffff'
const V4_OFFSET_BITS = 96

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Bits beyond the prefix are ignored. Throws BAD_ARGUMENT. */
export function parseCidr(text: string): AddressRange {
  const [address = '', prefix, ...rest] = text.trim().split('/')
  const hex = addressHex(address)
  if (hex === undefined || rest.length > 0) throw notAnAddress(text)
  const bits = prefixBits(prefix, isIPv4(address))
  if (bits === undefined) throw notAnAddress(text)
  const hostMask = (1n << BigInt(128 - bits)) - 1n
  const value = BigInt(`0x${hex}`)
  return { first: hex32(value & ~hostMask), last: hex32(value | hostMask) }
}

/** A condition true where the address text in `column` lies in the range, false where it does not or is no address. */
export function inRangeSql(column: string, range: AddressRange): string {
  const hex = addressHexSql(column)
  const within = `${hex} BETWEEN ${lit(range.first)} AND ${lit(range.last)}`
  // ::/0 and the like are about IPv6 addresses; IPv4 has 0.0.0.0/0.
  const holdsAllV4 = range.first < `${V4_PREFIX}00000000` && range.last > `${V4_PREFIX}ffffffff`
  const exact = holdsAllV4 ? `${within} AND NOT starts_with(${hex}, ${lit(V4_PREFIX)})` : within
  return `(CASE WHEN ${mayBeInRangeSql(column, range)} THEN coalesce(${exact}, false) ELSE false END)`
}

/** A cheap look at the text that leaves few rows for the exact one: true wherever the address could be in the range. */
function mayBeInRangeSql(column: string, { first, last }: AddressRange): string {
  if (first.startsWith(V4_PREFIX) && last.startsWith(V4_PREFIX)) {
    const octets = [24, 26, 28, 30].map((at) => [first.slice(at, at + 2), last.slice(at, at + 2)] as const)
    const open = octets.findIndex(([low, high]) => low !== high)
    const same = octets.slice(0, open < 0 ? 4 : open).map(([octet]) => Number.parseInt(octet, 16))
    const start = open < 0 ? same.join('.') : same.map((octet) => `${octet}.`).join('')
    return `starts_with(${column}, ${lit(start)}) OR contains(lower(${column}), 'ffff')`
  }
  const group = first.slice(0, 4) === last.slice(0, 4) ? Number.parseInt(first.slice(0, 4), 16) : 0
  if (group === 0) return `contains(${column}, ':')`
  return `starts_with(ltrim(lower(${column}), '0'), ${lit(`${group.toString(16)}:`)})`
}

/** 32 hexadecimal digits of the address text in `column`, or null. Takes ::, mapped IPv4 and zones (`%eth0`). */
export function addressHexSql(column: string): string {
  const text = `lower(split_part(${column}, '%', 1))`
  return (
    `CASE WHEN contains(${column}, ':') THEN ${v6HexSql(text)} ` +
    `WHEN ${isV4Sql(column)} THEN ${lit(V4_PREFIX)} || ${v4HexSql(column)} END`
  )
}

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
const isV4Sql = (text: string): string => `regexp_full_match(${text}, '(?:${OCTET}[.]){3}${OCTET}')`

/** Eight digits of a dotted quad already known to be one. */
const v4HexSql = (text: string): string =>
  `printf('%02x%02x%02x%02x', ${[1, 2, 3, 4].map((at) => `split_part(${text}, '.', ${at})::INTEGER`).join(', ')})`

/** Digits of one group of an IPv6 address; `x` for anything that is no group, which spoils the whole. */
const groupSql =
  `CASE WHEN regexp_full_match(g, '[0-9a-f]{1,4}') THEN lpad(g, 4, '0') ` +
  `WHEN ${isV4Sql('g')} THEN ${v4HexSql('g')} ELSE 'x' END`

/** Each lambda over a list of one is a name for a value that is used more than once. */
function v6HexSql(text: string): string {
  const groups = `list_transform(CASE WHEN half = '' THEN [] ELSE string_split(half, ':') END, lambda g: ${groupSql})`
  const halves = `list_transform(string_split(${text}, '::'), lambda half: coalesce(array_to_string(${groups}, ''), ''))`
  const whole =
    `CASE len(h) WHEN 1 THEN h[1] ` +
    `WHEN 2 THEN h[1] || repeat('0', 32 - length(h[1]) - length(h[2])) || h[2] ELSE '' END`
  return `nullif(regexp_extract(list_transform([${halves}], lambda h: ${whole})[1], '^[0-9a-f]{32}$'), '')`
}

/** 32 hexadecimal digits of an address, or undefined if it is none. */
export function addressHex(text: string): string | undefined {
  if (isIPv4(text)) return V4_PREFIX + v4Hex(text)
  const [address = ''] = text.toLowerCase().split('%')
  if (!isIPv6(address)) return undefined
  const [head = '', tail] = address.split('::').map(groupsHex)
  return tail === undefined ? head : head + '0'.repeat(32 - head.length - tail.length) + tail
}

const v4Hex = (text: string): string =>
  text
    .split('.')
    .map((octet) => Number(octet).toString(16).padStart(2, '0'))
    .join('')

const groupsHex = (half: string): string =>
  half === ''
    ? ''
    : half
        .split(':')
        .map((group) => (group.includes('.') ? v4Hex(group) : group.padStart(4, '0')))
        .join('')

function prefixBits(prefix: string | undefined, v4: boolean): number | undefined {
  if (prefix === undefined) return 128
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (v4 ? 32 : 128)) return undefined
  return Number(prefix) + (v4 ? V4_OFFSET_BITS : 0)
}

const hex32 = (value: bigint): string => value.toString(16).padStart(32, '0')

function notAnAddress(text: string): AppError {
  const range = starredRange(text.trim())
  const meant = range === undefined ? '' : `Stars do not work in addresses: write ${range}. `
  return new AppError('BAD_ARGUMENT', `"${text}" is no address or address range.`, {
    hint: `${meant}Use for example 10.1.2.3, 10.0.0.0/8 or 2001:db8::/32.`,
  })
}

/** The range somebody means by `12.*` or `10.1.*.*`; undefined for anything else. */
function starredRange(text: string): string | undefined {
  const octets = /^((?:\d{1,3}\.){1,3})\*(?:\.\*)*$/.exec(text)?.[1]?.split('.').slice(0, -1)
  if (octets === undefined) return undefined
  const base = [...octets, '0', '0', '0'].slice(0, 4).join('.')
  return isIPv4(base) ? `${base}/${octets.length * 8}` : undefined
}
