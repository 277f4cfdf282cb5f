import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from './duckdb.ts'
import { type Plain, plainBytes, plainValue } from './plain-values.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

async function plainOf(sql: string): Promise<Plain | undefined> {
  const result = await engine.connection.stream(`SELECT ${sql}`)
  const chunk = await result.fetchChunk()
  return chunk?.convertRowValues<Plain>(0, plainValue)[0]
}

it('keeps whole numbers exact: numbers to 2^53, text beyond', async () => {
  expect(await plainOf('9007199254740991::BIGINT')).toBe(9007199254740991)
  expect(await plainOf('9007199254740993::BIGINT')).toBe('9007199254740993')
  expect(await plainOf('(-9223372036854775808)::BIGINT')).toBe('-9223372036854775808')
  expect(await plainOf('18446744073709551615::UBIGINT')).toBe('18446744073709551615')
  expect(await plainOf('170141183460469231731687303715884105727::HUGEINT')).toBe(
    '170141183460469231731687303715884105727',
  )
})

it('writes instants as ISO in UTC with as many digits as they have', async () => {
  expect(await plainOf("timestamptz '2026-11-12 08:15:30.123+00'")).toBe('2026-11-12T08:15:30.123Z')
  expect(await plainOf("timestamptz '2026-11-12 10:15:30+02'")).toBe('2026-11-12T08:15:30.000Z')
  expect(await plainOf("timestamptz '2026-11-12 08:15:30.123456Z'")).toBe('2026-11-12T08:15:30.123456Z')
  expect(await plainOf("timestamptz '1969-12-31 23:59:59.999999Z'")).toBe('1969-12-31T23:59:59.999999Z')
  expect(await plainOf("timestamp '2026-11-12 08:15:30.5'")).toBe('2026-11-12T08:15:30.500')
  expect(await plainOf("date '2026-11-12'")).toBe('2026-11-12')
  expect(await plainOf("timestamptz 'infinity'")).toBe('infinity')
})

it('makes objects of maps and structs, keeping keys that JavaScript treats specially', async () => {
  const map = await plainOf("map {'__proto__': 'x', 'Key': 'a', 'key': 'b', 'none': NULL}")
  expect(JSON.stringify(map)).toBe('{"__proto__":"x","Key":"a","key":"b","none":null}')
  expect(await plainOf("map {1: 'a'}")).toEqual({ '1': 'a' })
  expect(await plainOf("{'type': 'table', 'ids': [1, 2], 'inner': {'n': 9007199254740993}}")).toEqual({
    type: 'table',
    ids: [1, 2],
    inner: { n: '9007199254740993' },
  })
})

it('writes bytes as base64, decimals exactly, and what is no number in JSON as text', async () => {
  expect(await plainOf("'\\xDE\\xAD'::BLOB")).toBe('3q0=')
  expect(await plainOf('1.50::DECIMAL(10, 2)')).toBe(1.5)
  expect(await plainOf('12345678901234567.89::DECIMAL(20, 2)')).toBe('12345678901234567.89')
  expect(await plainOf("'nan'::DOUBLE")).toBe('NaN')
  expect(await plainOf("'-inf'::DOUBLE")).toBe('-Infinity')
  expect(await plainOf('NULL')).toBe(null)
  expect(await plainOf("interval '1 day 2 hours'")).toBe('1 day 02:00:00')
})

it('counts the bytes of nested values', () => {
  expect(plainBytes('x'.repeat(1000))).toBeGreaterThan(999)
  expect(plainBytes({ list: ['x'.repeat(500), 'y'.repeat(500)] })).toBeGreaterThan(1000)
  expect(plainBytes(null)).toBeLessThan(20)
})
