import { describe, expect, it } from 'vitest'
import { isPrivate, publicLookup } from './addresses.ts'

describe('private addresses', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.100.100.200',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:10.0.0.1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '64:ff9b::10.0.0.1',
    'ff02::1',
    '2001:db8::1',
  ])('%s is one', (address) => expect(isPrivate(address)).toBe(true))

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '172.15.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])('%s is none', (address) => expect(isPrivate(address)).toBe(false))
})

describe('the lookup of public names', () => {
  const found = (all: boolean) =>
    new Promise<{ error: unknown; address: unknown }>((resolve) => {
      publicLookup('localhost', { all }, (error, address) => resolve({ error, address }))
    })

  it('refuses a name that leads inside, and says what to do', async () => {
    for (const all of [true, false]) {
      const { error } = await found(all)
      expect(error).toMatchObject({ code: 'BAD_ARGUMENT', hint: expect.stringContaining('allow_private') })
    }
  })
})
