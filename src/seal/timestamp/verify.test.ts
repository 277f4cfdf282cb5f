import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { imprintOf } from './imprint.ts'
import { timestampRequest } from './request.ts'
import { verifyTimestamp } from './verify.ts'

const FOLDER = join(import.meta.dirname, '../../../fixtures/timestamps')
const read = (name: string): Buffer => readFileSync(join(FOLDER, name))
const NOTE = read('checkpoint')
const CA = read('ca.pem').toString()
const OTHER_CA = read('other-ca.pem').toString()
const NONCE = Buffer.from('4142434445464748', 'hex')

describe('a request for a timestamp', () => {
  it('is the DER that openssl answered', () => {
    expect(timestampRequest(imprintOf(NOTE), NONCE)).toEqual(read('query.tsq'))
  })

  it('is made for SHA-256 and a nonce of full length only', () => {
    expect(() => timestampRequest(Buffer.alloc(20), NONCE)).toThrow(RangeError)
    expect(() => timestampRequest(Buffer.alloc(32), Buffer.alloc(7))).toThrow(RangeError)
  })
})

describe('a recorded answer', () => {
  it('of a P-256 key under the root proves its time', async () => {
    const stamp = await verifyTimestamp(read('good.tsr'), NOTE, CA)
    expect(stamp).toMatchObject({ ok: true, tsa: 'Test stamper', nonce: NONCE.toString('hex') })
    expect(stamp.ok && stamp.time.getUTCFullYear()).toBeGreaterThanOrEqual(2026)
  })

  it('of an RSA key under an intermediate, naming its certificate by SHA-1, proves its time', async () => {
    expect(await verifyTimestamp(read('chained.tsr'), NOTE, CA)).toMatchObject({
      ok: true,
      tsa: 'Test chained stamper',
    })
  })

  it('is good for a reader who trusts the intermediate, or one of several roots', async () => {
    const intermediate = read('intermediate.pem').toString()
    expect(await verifyTimestamp(read('chained.tsr'), NOTE, intermediate)).toMatchObject({ ok: true })
    expect(await verifyTimestamp(read('good.tsr'), NOTE, `Our roots:\n${OTHER_CA}\n${CA}`)).toMatchObject({ ok: true })
  })

  it('stays good when witnesses sign the checkpoint later', async () => {
    const cosigned = Buffer.concat([NOTE, Buffer.from('— witness.example/w1 jWbPPwAAAABkGFDL\n')])
    expect(await verifyTimestamp(read('good.tsr'), cosigned, CA)).toMatchObject({ ok: true })
  })

  const refused: readonly [string, string, RegExp][] = [
    ['by an authority that the reader does not trust', 'good.tsr', /no chain from "Test stamper"/],
    ['by a chain to another root', 'chained.tsr', /no chain from "Test chained stamper"/],
  ]
  it.each(refused)('%s proves nothing', async (_, name, reason) => {
    expect(await verifyTimestamp(read(name), NOTE, OTHER_CA)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(reason),
    })
  })

  it.each([
    ['expired', /"Test stamper" was not valid at/],
    ['unmarked', /not one for timestamps/],
    ['uncritical', /not one for timestamps/],
    ['two-uses', /not one for timestamps/],
    ['weak', /weak or unknown digest/],
    ['refused', /the authority refused: status 2/],
  ])('%s.tsr proves nothing', async (name, reason) => {
    expect(await verifyTimestamp(read(`${name}.tsr`), NOTE, CA)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(reason),
    })
  })

  it('of another checkpoint proves nothing, however little differs', async () => {
    const other = Buffer.from(NOTE.toString().replace('\n42\n', '\n43\n'))
    expect(await verifyTimestamp(read('good.tsr'), other, CA)).toEqual({
      ok: false,
      reason: 'it is of another checkpoint',
    })
  })

  it('says what is wrong with a CA file', async () => {
    expect(await verifyTimestamp(read('good.tsr'), NOTE, '')).toMatchObject({ reason: /holds no certificate/ })
    const broken = CA.replace(/\n\w{10}/, '\nAAAAAAAAAA')
    expect(await verifyTimestamp(read('good.tsr'), NOTE, broken)).toMatchObject({ reason: /CA file cannot be read/ })
  })

  it('is listed above, each one', () => {
    const answers = readdirSync(FOLDER).filter((name) => name.endsWith('.tsr'))
    expect(answers.sort()).toEqual(
      ['chained', 'expired', 'good', 'refused', 'two-uses', 'uncritical', 'unmarked', 'weak'].map(
        (name) => `${name}.tsr`,
      ),
    )
  })
})

describe('an answer that was changed', () => {
  it.each(['good.tsr', 'chained.tsr'])(
    '%s never proves another time, by another authority, or throws',
    async (name) => {
      const genuine = await verifyTimestamp(read(name), NOTE, CA)
      let accepted = 0
      let tried = 0
      for (let at = 0; at < read(name).length; at += 7) {
        tried += 1
        const changed = read(name)
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
        const stamp = await verifyTimestamp(changed, NOTE, CA)
        if (!stamp.ok) continue
        accepted += 1
        expect(stamp).toEqual(genuine)
      }
      // What is left is how the answer is wrapped, which nothing signs.
      expect(accepted).toBeLessThan(tried * 0.1)
    },
    60_000,
  )

  it('cut short, lengthened or replaced by junk is no timestamp', async () => {
    const good = read('good.tsr')
    const junk = [
      Buffer.alloc(0),
      Buffer.from('<html>no such page</html>'),
      Buffer.alloc(5000, 0x30),
      Buffer.from('3080', 'hex'),
      Buffer.from('3084ffffffff', 'hex'),
      Buffer.concat([good, Buffer.from([0])]),
      ...[1, 2, 57, 500, good.length - 1].map((length) => good.subarray(0, length)),
    ]
    for (const bytes of junk) expect(await verifyTimestamp(bytes, NOTE, CA)).toMatchObject({ ok: false })
  })
})
