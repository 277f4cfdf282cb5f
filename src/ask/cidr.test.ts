import { BlockList } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AppError } from '../core/errors.ts'
import { Engine } from '../engine/duckdb.ts'
import { litList } from '../engine/sql.ts'
import { addressHex, addressHexSql, inRangeSql, parseCidr } from './cidr.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

/** Which of `addresses` SQL puts in the range. */
async function matched(addresses: readonly string[], cidr: string): Promise<string[]> {
  const sql = `SELECT ip FROM (SELECT unnest(${litList(addresses)}) AS ip) WHERE ${inRangeSql('ip', parseCidr(cidr))}`
  return (await engine.rows<{ ip: string }>(sql)).map((row) => row.ip)
}

it('finds IPv4 addresses in a range and in no other', async () => {
  const addresses = ['10.0.0.1', '10.255.255.255', '11.0.0.0', '9.255.255.255', '192.168.1.7', '::ffff:10.1.2.3']
  expect(await matched(addresses, '10.0.0.0/8')).toEqual(['10.0.0.1', '10.255.255.255', '::ffff:10.1.2.3'])
  expect(await matched(addresses, '192.168.1.7')).toEqual(['192.168.1.7'])
  expect(await matched(addresses, '10.1.2.3/32')).toEqual(['::ffff:10.1.2.3'])
  expect(await matched(addresses, '10.77.5.5/8')).toHaveLength(3)
  expect(await matched(addresses, '0.0.0.0/0')).toEqual(addresses)
  expect(await matched(addresses, '::/0')).toEqual([])
})

it('finds IPv6 addresses however they are written', async () => {
  const addresses = [
    '2001:db8::1',
    '2001:0DB8:0000:0000:0000:0000:0000:0002',
    '2001:db8::ffff:1.2.3.4',
    'fe80::1%eth0',
    '2001:db9::1',
    '::1',
    '::',
    '1::',
    '10.0.0.1',
  ]
  expect(await matched(addresses, '2001:db8::/32')).toEqual(addresses.slice(0, 3))
  expect(await matched(addresses, 'fe80::/10')).toEqual(['fe80::1%eth0'])
  expect(await matched(addresses, '::1')).toEqual(['::1'])
  expect(await matched(addresses, '::/128')).toEqual(['::'])
  expect(await matched(addresses, '::/0')).toEqual(addresses.slice(0, 8))
})

it('finds no range for what is no address', async () => {
  const texts = [
    '',
    'x',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7:8:9',
  ]
  expect(await matched(texts, '0.0.0.0/0')).toEqual([])
  expect(await matched(texts, '::/0')).toEqual([])
  expect(await engine.rows(`SELECT (${inRangeSql('NULL::VARCHAR', parseCidr('::/0'))}) AS found`)).toEqual([
    { found: false },
  ])
})

it('refuses what is no range', () => {
  for (const text of [
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    '10.0.0',
    '10.0.0.0/',
    '1.2.3.*',
  ]) {
    expect(() => parseCidr(text), text).toThrowError(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  }
})

it('names the range that somebody means by a star', () => {
  const hintOf = (text: string) => {
    try {
      return parseCidr(text)
    } catch (cause) {
      return (cause as AppError).hint
    }
  }
  expect(() => parseCidr('12.*')).toThrow('"12.*" is no address or address range.')
  expect(hintOf('12.*')).toMatch(/^Stars do not work in addresses: write 12\.0\.0\.0\/8\. /)
  expect(hintOf('10.1.*.*')).toContain('write 10.1.0.0/16.')
  expect(hintOf('10.1.2.*')).toContain('write 10.1.2.0/24.')
  for (const text of ['*', '10.1*', '300.*', 'a.*', '10.*.1', '10.1.2.3.*']) expect(hintOf(text)).toMatch(/^Use for/)
})

const v4 = fc
  .tuple(...([1, 2, 3, 4].map(() => fc.nat(255)) as [fc.Arbitrary<number>]))
  .map((octets) => octets.join('.'))
const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
const groups = fc.array(group, { minLength: 8, maxLength: 8 })

/** One of the ways to write eight groups. */
function written(of: readonly number[], style: number): string {
  const text = of.map((value) => (style & 1 ? value.toString(16).padStart(4, '0') : value.toString(16)))
  const cased = text.map((value) => (style & 2 ? value.toUpperCase() : value))
  const zeros = style & 4 ? of.findIndex((value, at) => value === 0 && of[at + 1] === 0) : -1
  if (zeros < 0) return cased.join(':')
  let end = zeros
  while (of[end] === 0) end += 1
  return `${cased.slice(0, zeros).join(':')}::${cased.slice(end).join(':')}`
}

it('agrees with arithmetic on the numbers, for any address and prefix', async () => {
  const v6 = fc.tuple(groups, fc.nat(7)).map(([of, style]) => ({
    text: written(of, style),
    value: of.reduce((sum, part) => sum * 65_536n + BigInt(part), 0n),
    bits: 128,
  }))
  const anyV4 = v4.map((text) => ({
    text,
    value: text.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n),
    bits: 32,
  }))
  const address = fc.oneof(v6, anyV4)
  const property = fc.asyncProperty(
    fc.array(address, { minLength: 1, maxLength: 30 }),
    fc.nat(29),
    fc.nat(128),
    async (addresses, pick, prefix) => {
      const base = addresses[pick % addresses.length]
      if (base === undefined) return
      const length = prefix % (base.bits + 1)
      const shift = BigInt(base.bits - length)
      const mapped = (of: { value: bigint; bits: number }) => of.bits === 128 && of.value >> 32n === 0xffffn
      const expected = addresses.filter((one) =>
        mapped(one) === mapped(base) || base.bits === one.bits
          ? one.bits === base.bits && one.value >> shift === base.value >> shift
          : false,
      )
      const found = await matched(
        addresses.map((one) => one.text),
        `${base.text}/${length}`,
      )
      expect(found).toEqual(expected.map((one) => one.text))
    },
  )
  await fc.assert(property, { numRuns: 150 })
})

it("agrees with the platform's own block list", async () => {
  const property = fc.asyncProperty(
    fc.array(v4, { maxLength: 30 }),
    v4,
    fc.nat(32),
    async (addresses, base, prefix) => {
      const list = new BlockList()
      list.addSubnet(base, prefix, 'ipv4')
      expect(await matched(addresses, `${base}/${prefix}`)).toEqual(addresses.filter((one) => list.check(one)))
    },
  )
  await fc.assert(property, { numRuns: 60 })
})

it('gives the same digits in SQL as in JavaScript, for addresses and for other text', async () => {
  const texts = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,40}$/)), {
    minLength: 1,
    maxLength: 40,
  })
  const property = fc.asyncProperty(texts, async (all) => {
    const clean = all.map((text) => text.replaceAll('\0', '').split('%')[0] ?? '')
    const rows = await engine.rows<{ hex: string | null }>(
      `SELECT ${addressHexSql('ip')} AS hex FROM (SELECT unnest(${litList(clean)}) AS ip)`,
    )
    expect(rows.map((row) => row.hex ?? undefined)).toEqual(clean.map(addressHex))
  })
  await fc.assert(property, { numRuns: 150 })
})
