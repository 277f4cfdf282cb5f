import { expect, it } from 'vitest'
import { below, serverAddress, shownAddress } from './address.ts'

const of = (text: string, plainHttp = false) => serverAddress(text, { plainHttp })

it.each([
  ['https://audit.example.com', 'https://audit.example.com'],
  [' https://audit.example.com/ ', 'https://audit.example.com'],
  ['https://proxy.example.com/audit/', 'https://proxy.example.com/audit'],
  ['http://127.0.0.1:7420', 'http://127.0.0.1:7420'],
  ['http://localhost:7420', 'http://localhost:7420'],
  ['http://[::1]:7420', 'http://[::1]:7420'],
])('%s is a server', (text, shown) => {
  expect(shownAddress(of(text))).toBe(shown)
})

it.each([
  ['audit.example.com', /takes an address/],
  ['ftp://audit.example.com', /takes an address/],
  ['https://ana:hunter2@audit.example.com', /^No name and no password/],
  ['https://audit.example.com/?token=x', /ends before \?/],
  ['http://audit.example.com', /could read the token/],
  ['http://127.0.0.1.evil.example', /could read the token/],
  ['http://localhost.evil.example', /could read the token/],
  ['http://10.0.0.1:7420', /could read the token/],
])('%s is refused, and nothing secret of it is repeated', (text, message) => {
  let said = ''
  try {
    of(text)
  } catch (cause) {
    const { message: told, hint, code } = cause as { message: string; hint: string; code: string }
    expect(code).toBe('BAD_ARGUMENT')
    expect(told).toMatch(message)
    said = `${told} ${hint}`
  }
  expect(said).not.toBe('')
  expect(said).not.toContain('hunter2')
})

it('is asked in the open where that is really wanted', () => {
  expect(of('http://10.0.0.1:7420', true).host).toBe('10.0.0.1:7420')
})

it('keeps the path that a proxy has it under', () => {
  const at = (server: string) => below(of(server), '/api/v1/me?x=1').href
  expect(at('https://a.example')).toBe('https://a.example/api/v1/me?x=1')
  expect(at('https://a.example/audit/')).toBe('https://a.example/audit/api/v1/me?x=1')
})
