import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { anyOf, isEmail, isIpv4, isIpv6, isUuid } from './event-facts.ts'
import { shippedOcsfSchema } from './ocsf-sample.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

async function those(texts: readonly (string | null)[], condition: (text: string) => string): Promise<string[]> {
  const values = texts.map((text) => `(${text === null ? 'NULL' : lit(text)})`).join(', ')
  const rows = await engine.rows<{ t: string }>(`SELECT t FROM (VALUES ${values}) AS v(t) WHERE ${condition('t')}`)
  return rows.map(({ t }) => t)
}

const hex = fc.stringMatching(/^[0-9a-fA-F]{1,4}$/)
const nearlyIpv6 = fc.oneof(
  fc.ipV6(),
  fc.array(fc.oneof(hex, fc.constant('')), { minLength: 1, maxLength: 10 }).map((groups) => groups.join(':')),
)

it('takes for addresses only what is one', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.ipV4(), nearlyIpv6, fc.stringMatching(/^[0-9.]{1,16}$/), fc.string()), {
        minLength: 1,
        maxLength: 200,
      }),
      async (texts) => {
        const plain = texts.filter((text) => !text.includes('\0'))
        if (plain.length === 0) return
        for (const text of await those(plain, isIpv4)) expect(isIPv4(text), text).toBe(true)
        for (const text of await those(plain, isIpv6)) expect(isIPv6(text), text).toBe(true)
      },
    ),
    { numRuns: 50 },
  ))

it('misses no address in the usual notations', async () => {
  const v4 = ['0.0.0.0', '1.2.3.4', '10.20.30.40', '192.168.100.255', '255.255.255.255']
  const v6 = [
    '::1',
    '::',
    '1::',
    'fe80::1',
    '2001:db8::8:800:200c:417a',
    '2001:DB8:0:0:8:800:200C:417A',
    '1::8',
    '1:2:3:4:5:6:7::',
  ]
  expect(await those(v4, isIpv4)).toEqual(v4)
  expect((await those(v6, isIpv6)).sort()).toEqual([...v6].sort())
})

it('agrees with the OCSF schema on what an e-mail address and a UUID are', async () => {
  const { patterns } = shippedOcsfSchema()
  const texts = ['a@b.co', "o'hara+x@ex-ample.co.uk", 'System-User', 'a@b', 'a b@c.de', '@x.y', 'ü@x.de', 'a@x.de\n']
  for (const text of await those(texts, isEmail)) expect(patterns.get('email_t')?.test(text), text).toBe(true)
  expect((await those(texts, isEmail)).sort()).toEqual(['a@b.co', "o'hara+x@ex-ample.co.uk"])
  expect(await those(['2f1c7a4e-5b0d-4a9e-9d3c-0a6b1c2d3e4f', '2f1c7a4e', '', null], isUuid)).toHaveLength(1)
})

it('knows members of a list, and says false of NULL', async () => {
  expect(await those(['a', 'b', "it's", null], (text) => anyOf(text, ['a', "it's"]))).toEqual(['a', "it's"])
  expect(await those(['a', null], (text) => `NOT ${anyOf(text, ['a'])}`)).toEqual([null])
})
