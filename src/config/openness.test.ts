import { expect, it } from 'vitest'
import type { ServeSettings } from '../serve/settings.ts'
import { USUAL_SETTINGS } from '../serve/settings.ts'
import { configOf } from './config.ts'
import { checkOpenness, isLoopbackHost } from './openness.ts'

const OIDC = configOf('access: {oidc: {issuer: "https://a.b", client_id: c}}', 'x.yaml').serve.access
const TLS: Partial<ServeSettings> = { tls: { certFile: 'a', keyFile: 'b' } }

const check = (host: string, serve: Partial<ServeSettings> = {}, hasTokens = false) =>
  checkOpenness({ listen: { host, port: 1 }, serve: { ...USUAL_SETTINGS, ...serve } }, hasTokens)

it('lets a server listen on this machine as it is', () => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) expect(() => check(host)).not.toThrow()
})

it.each(['0.0.0.0', '::', '192.168.1.5', 'audit.example.com', '127.0.0.1.example.com', ''])(
  'lets no server without a certificate listen on %j',
  (host) => {
    expect(isLoopbackHost(host)).toBe(false)
    expect(() => check(host, { access: OIDC }, true)).toThrow(/^Listening on .* in the open\.$/)
  },
)

it('lets no server listen to a network to which nobody could sign in', () => {
  expect(() => check('0.0.0.0', TLS)).toThrow(/nobody could sign in/)
  expect(() => check('0.0.0.0', TLS, true)).not.toThrow()
  expect(() => check('0.0.0.0', { ...TLS, access: OIDC })).not.toThrow()
  expect(() => check('0.0.0.0', { behindProxy: ['10.0.0.7'], access: OIDC })).not.toThrow()
})
