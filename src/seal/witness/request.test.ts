import { describe, expect, it } from 'vitest'
import { formatAddCheckpoint, MAX_PROOF_LINES, parseAddCheckpoint, parseHeldSize } from './request.ts'

const HASH = Buffer.alloc(32, 7)
const LINE = `${HASH.toString('base64')}\n`
const NOTE = 'example.com/log\n5\nAAAA\n\n— example.com/log BBBB\n'

/** The example of C2SP tlog-witness, v1.0.0. */
const EXAMPLE = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`

describe('the body of add-checkpoint', () => {
  it('is read as the specification shows it, and written the same', () => {
    const request = parseAddCheckpoint(Buffer.from(EXAMPLE))
    expect(request?.oldSize).toBe(20852014n)
    expect(request?.proof).toHaveLength(4)
    expect(Buffer.from(request?.note ?? []).toString()).toMatch(/^example\.com\/behind-the-sofa\n20852163\n/)
    expect(formatAddCheckpoint(request ?? { oldSize: 0n, proof: [], note: HASH }).toString()).toBe(EXAMPLE)
  })

  it('may have no proof, or one of full length, and sizes up to 2^64 - 1', () => {
    expect(parseAddCheckpoint(Buffer.from(`old 0\n\n${NOTE}`))).toMatchObject({ oldSize: 0n, proof: [] })
    const long = parseAddCheckpoint(Buffer.from(`old 18446744073709551615\n${LINE.repeat(MAX_PROOF_LINES)}\n${NOTE}`))
    expect(long?.oldSize).toBe(2n ** 64n - 1n)
    expect(long?.proof).toHaveLength(63)
  })

  it.each([
    ['nothing', ''],
    ['no blank line', `old 1\n${LINE}${NOTE.replace('\n\n', '\n')}`],
    ['a proof of 64 lines', `old 1\n${LINE.repeat(64)}\n${NOTE}`],
    ['a size with a leading zero', `old 01\n\n${NOTE}`],
    ['a size with a sign', `old +1\n\n${NOTE}`],
    ['a size beyond 64 bits', `old 18446744073709551616\n\n${NOTE}`],
    ['no size', `old \n\n${NOTE}`],
    ['two spaces', `old  1\n\n${NOTE}`],
    ['a carriage return', `old 1\r\n\n${NOTE}`],
    ['another word', `Old 1\n\n${NOTE}`],
    ['a short hash', `old 1\n${Buffer.alloc(31).toString('base64')}\n\n${NOTE}`],
    ['a hash without padding', `old 1\n${LINE.replace('=', '')}\n${NOTE}`],
    ['a hash in other letters', `old 1\n${LINE.replace('Bw', '-_')}\n${NOTE}`],
    ['bits that mean nothing', `old 1\n${LINE.replace('c=', 'd=')}\n${NOTE}`],
    ['digits that are not ASCII', `old ١\n\n${NOTE}`],
    ['a blank at the front', `\nold 1\n\n${NOTE}`],
  ])('is refused with %s', (_, body) => {
    expect(parseAddCheckpoint(Buffer.from(body))).toBeUndefined()
  })

  it('is refused, and no crash, where it is bytes of any kind', () => {
    const bytes = Buffer.alloc(60_000).map((_, at) => (at * 7919) >> 3)
    for (const body of [bytes, Buffer.concat([Buffer.from('old 1\n'), bytes])]) {
      expect(parseAddCheckpoint(body)).toBeUndefined()
    }
  })
})

describe('the size in a 409', () => {
  it('is decimal digits and a line feed, nothing else', () => {
    expect(parseHeldSize(Buffer.from('20852014\n'))).toBe(20852014n)
    expect(parseHeldSize(Buffer.from('0\n'))).toBe(0n)
    for (const body of ['', '\n', '5', '05\n', ' 5\n', '5\n5\n', '-5\n', '18446744073709551616\n']) {
      expect(parseHeldSize(Buffer.from(body))).toBeUndefined()
    }
  })
})
