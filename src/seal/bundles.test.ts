import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBundle, ENTRY_LIMIT_BYTES, encodeBundle } from './bundles.ts'

const plain = (entries: readonly Uint8Array[]): string[] => entries.map((entry) => Buffer.from(entry).toString('hex'))

it('gives back the entries it was made of', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 })
  fc.assert(
    fc.property(entries, (given) => {
      expect(plain(decodeBundle(encodeBundle(given)))).toEqual(plain(given))
    }),
    { numRuns: 50 },
  )
})

it('takes an entry of 65,535 bytes and none longer', () => {
  const longest = Buffer.alloc(ENTRY_LIMIT_BYTES, 7)
  expect(decodeBundle(encodeBundle([longest, Buffer.of(1)]))[0]).toEqual(longest)
  expect(() => encodeBundle([Buffer.alloc(ENTRY_LIMIT_BYTES + 1)])).toThrow(/65536 bytes is too long/)
})

it('refuses a bundle that is cut off anywhere', () => {
  const bytes = encodeBundle([Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')])
  const whole = new Set([5, 7, bytes.length, 0])
  for (let length = 0; length <= bytes.length; length++) {
    const read = () => decodeBundle(bytes.subarray(0, length))
    if (whole.has(length)) expect(plain(read()).length).toBeLessThanOrEqual(3)
    else expect(read).toThrow(/in the middle of an entry/)
  }
})

it('refuses more entries than a bundle holds', () => {
  expect(() => decodeBundle(Buffer.alloc(2 * 257))).toThrow(/257 entries/)
  expect(() => encodeBundle(Array(257).fill(Buffer.alloc(0)))).toThrow(RangeError)
})
