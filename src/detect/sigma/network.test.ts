import { expect, it } from 'vitest'
import { readNetwork } from './network.ts'

it.each([
  ['10.1.2.3/8', '0a000000', '0affffff'],
  ['192.168.1.130/25', 'c0a80180', 'c0a801ff'],
  ['0.0.0.0/0', '00000000', 'ffffffff'],
  ['1.2.3.4', '01020304', '01020304'],
  ['2001:db8::/32', `20010db8${'0'.repeat(24)}`, `20010db8${'f'.repeat(24)}`],
  ['::1', `${'0'.repeat(31)}1`, `${'0'.repeat(31)}1`],
  ['::ffff:10.0.0.0/104', '0a000000', '0affffff'],
  ['::ffff:a00:1', '0a000001', '0a000001'],
  ['::ffff:0:0/95', `${'0'.repeat(20)}fffe00000000`, `${'0'.repeat(20)}ffffffffffff`],
])('%s goes from first to last address', (text, first, last) => {
  expect(readNetwork(text)).toMatchObject({ first, last })
})

it.each(['10.0.0/8', '10.0.0.0/33', '10.0.0.0/', '::/129', 'x', '1::2::3/8', '10.0.0.0/8/8', 'fe80::1%eth0/64'])(
  '%s is no network',
  (text) => {
    expect(readNetwork(text)).toBeUndefined()
  },
)
