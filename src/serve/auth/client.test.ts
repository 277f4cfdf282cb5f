import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../../core/home.ts'
import { recordLines } from '../records.fixture.ts'
import { auth } from '../routes/auth.ts'
import { health } from '../routes/health.ts'
import { who } from '../routes/me.ts'
import { type Served, type ServedOptions, served } from '../served.fixture.ts'

let home: Home
let it1: Served

const start = (options: ServedOptions = {}): Served => {
  it1 = served(home, [auth, who, health], options)
  return it1
}

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-client-')))
})
afterEach(async () => {
  await it1.close()
  await rm(home.root, { recursive: true })
})

describe('where requests come from', () => {
  const behindProxy = ['10.0.0.0/8']

  it('is believed of trusted proxies only', async () => {
    const at = start({ settings: { behindProxy } })
    const ask = (from: string, forwarded: string) =>
      at.fetch('/api/v1/me', { as: 'viewer', from, headers: { 'x-forwarded-for': forwarded } })
    await ask('10.0.0.1', '203.0.113.5')
    await ask('10.0.0.1', '1.1.1.1, 203.0.113.5, 10.0.0.2')
    await ask('203.0.113.9', '1.1.1.1')
    await ask('::ffff:10.0.0.1', '203.0.113.6')
    await ask('10.0.0.1', 'nonsense')
    expect((await recordLines(home)).map(({ sourceIPAddress }) => sourceIPAddress)).toEqual([
      '203.0.113.5',
      '203.0.113.5',
      '203.0.113.9',
      '203.0.113.6',
      '10.0.0.1',
    ])
  })

  it('past the proxy and without TLS is refused, but on this machine and for those who watch over its health', async () => {
    const at = start({ settings: { behindProxy } })
    const ask = async (from: string, path = '/api/v1/me') => (await at.fetch(path, { as: 'viewer', from })).status
    expect(await ask('203.0.113.9')).toBe(403)
    expect(await ask('203.0.113.9', '/auth/ways')).toBe(403)
    expect(await ask('10.0.0.1')).toBe(200)
    expect(await ask('127.0.0.1')).toBe(200)
    expect(await ask('::1')).toBe(200)
    const headers = { host: 'pod-7', authorization: `Bearer ${at.tokens.viewer}` }
    const asked = (path: string, socket: object) =>
      at.app.request(`http://localhost${path}`, { headers }, { incoming: { socket } })
    expect((await asked('/healthz', { remoteAddress: '203.0.113.9' })).status).toBe(200)
    expect((await asked('/api/v1/me', { remoteAddress: '203.0.113.9', encrypted: true })).status).toBe(421)
    const secure = { remoteAddress: '203.0.113.9', encrypted: true }
    const right = at.app.request(
      'http://localhost/api/v1/me',
      { headers: { ...headers, host: 'localhost' } },
      { incoming: { socket: secure } },
    )
    expect((await right).status).toBe(200)
  })

  it('behind TLS gets a cookie of this host alone, and is told to stay there', async () => {
    const at = start({ settings: { behindProxy, publicUrl: 'https://audit.example.com' } })
    const headers = { host: 'audit.example.com', 'x-forwarded-proto': 'https', origin: 'https://audit.example.com' }
    const answer = await at.fetch('/auth/token', {
      method: 'POST',
      from: '10.0.0.1',
      headers,
      json: { token: at.tokens.viewer },
    })
    expect(answer.status).toBe(204)
    expect(answer.headers.getSetCookie()[0]).toMatch(/^__Host-bricktrail=.*Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    expect(answer.headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
  })

  it('by a name that is not ours is refused, so that no page of others becomes ours', async () => {
    const at = start({ settings: { publicUrl: 'https://audit.example.com', names: ['audit.internal'] } })
    const by = async (host: string) => (await at.fetch('/auth/ways', { headers: { host } })).status
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'audit.example.com.',
      'a@localhost',
      '',
    ])
      expect(await by(host), host).toBe(421)
    for (const host of [
      'localhost',
      'localhost:7420',
      '127.0.0.1:7420',
      '[::1]:7420',
      '192.168.1.5',
      'AUDIT.example.com',
      'audit.internal:7420',
    ])
      expect(await by(host), host).toBe(200)
  })
})

describe('every answer', () => {
  it('tells browsers to keep, guess, show and tell nothing', async () => {
    const at = start()
    for (const path of ['/api/v1/me', '/auth/ways', '/nothing']) {
      const { headers } = await at.fetch(path)
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers.has('access-control-allow-origin')).toBe(false)
    }
  })
})
