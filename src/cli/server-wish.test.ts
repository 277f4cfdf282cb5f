import { expect, it } from 'vitest'
import { homeOnly, serverNamed } from './server-wish.ts'

const ENV = { BRICKTRAIL_SERVER: 'https://a.example', BRICKTRAIL_TOKEN: 'btk_x' }

it('asks a home where nothing names a server, and where --home does not leave it to the variable', () => {
  expect(serverNamed({}, {})).toBeUndefined()
  expect(serverNamed({}, { BRICKTRAIL_SERVER: '' })).toBeUndefined()
  expect(serverNamed({ home: 'h' }, ENV)).toBeUndefined()
})

it('asks the server of the option, else that of the variable, with the token of the variable', () => {
  expect(serverNamed({}, ENV)).toEqual({ address: 'https://a.example', token: 'btk_x', plainHttp: false })
  const flags = { server: 'https://b.example', tokenFile: 't', caFile: 'c', plainHttp: true }
  expect(serverNamed(flags, ENV)).toEqual({
    address: 'https://b.example',
    token: 'btk_x',
    tokenFile: 't',
    caFile: 'c',
    plainHttp: true,
  })
})

it('asks nothing where it cannot know what is meant', () => {
  expect(() => serverNamed({ home: 'h', server: 'https://a.example' }, {})).toThrow(
    '--home and --server are both given',
  )
  expect(() => serverNamed({ server: ' ' }, {})).toThrow('--server is empty')
})

it('says how a command that needs a home is to be run', () => {
  expect(homeOnly({ server: 'https://a.example' }).hint).toMatch(/without --server/)
  expect(homeOnly({}).hint).toMatch(/BRICKTRAIL_SERVER is set: name a home with --home/)
})
