/** Networks in CIDR notation, as first and last address. */
import { isIPv4, isIPv6 } from 'node:net'

/** Addresses as 8 (version 4) or 32 (version 6) hexadecimal digits in lower case. */
export interface Network {
  readonly version: 4 | 6
  readonly first: string
  readonly last: string
  readonly prefix: number
}

/** IPv4 in the words of IPv6 is below `::ffff:0:0/96`. */
const MAPPED_BITS = 96
const MAPPED = 0xffffn

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32` or one address; undefined if it is neither. Bits beyond the prefix are ignored. A network of IPv4
 * in the words of IPv6 is that of IPv4.
 */
export function readNetwork(text: string): Network | undefined {
  const [address = '', length, ...more] = text.split('/')
  const version = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined
  if (version === undefined || more.length > 0) return undefined
  const width = version === 4 ? 32 : 128
  const prefix = length === undefined ? width : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  if (!(prefix >= 0 && prefix <= width)) return undefined
  const value = version === 4 ? number4(address) : number6(address)
  if (version === 6 && prefix >= MAPPED_BITS && value >> 32n === MAPPED)
    return networkOf(4, value & 0xffff_ffffn, prefix - MAPPED_BITS)
  return networkOf(version, value, prefix)
}

function networkOf(version: 4 | 6, value: bigint, prefix: number): Network {
  const width = version === 4 ? 32 : 128
  const hosts = (1n << BigInt(width - prefix)) - 1n
  const hex = (bits: bigint): string => bits.toString(16).padStart(width / 4, '0')
  return { version, prefix, first: hex(value & ~hosts), last: hex(value | hosts) }
}

const number4 = (address: string): bigint =>
  address.split('.').reduce((sum, octet) => sum * 256n + BigInt(Number(octet)), 0n)

function number6(address: string): bigint {
  const [head = '', tail] = address.split('::')
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const middle = Array<bigint>(8 - left.length - right.length).fill(0n)
  return [...left, ...middle, ...right].reduce((sum, group) => (sum << 16n) | group, 0n)
}

/** A dotted quad at the end is two groups. */
const groups = (half: string): bigint[] =>
  half === ''
    ? []
    : half.split(':').flatMap((group) => {
        if (!group.includes('.')) return [BigInt(`0x${group}`)]
        const quad = number4(group)
        return [quad >> 16n, quad & 0xffffn]
      })
