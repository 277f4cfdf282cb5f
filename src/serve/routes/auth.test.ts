import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../../core/home.ts'
import type { AppDeps } from '../app.ts'
import { neighbourhood } from '../auth/client.ts'
import { Browser } from '../browser.fixture.ts'
import type { RouteGroup } from '../contract.ts'
import { recordLines, recordText } from '../records.fixture.ts'
import { type Served, type ServedOptions, served } from '../served.fixture.ts'
import { USUAL_SETTINGS } from '../settings.ts'
import { accessRoutes } from './access.ts'
import { auth } from './auth.ts'
import { who } from './me.ts'
import { searches } from './searches.ts'
import { sessionRoutes } from './sessions.ts'

const GROUPS: readonly RouteGroup<AppDeps>[] = [auth, who, accessRoutes, searches, sessionRoutes]
const START_MS = Date.parse('2026-11-12T08:00:00Z')
const MINUTE_MS = 60_000
const SEARCH = { name: 'mine', q: 'verb:login' }

let home: Home
let it1: Served
let nowMs: number

const start = (options: ServedOptions = {}): Served => {
  it1 = served(home, GROUPS, { now: () => new Date(nowMs), ...options })
  return it1
}

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-auth-')))
  nowMs = START_MS
})
afterEach(async () => {
  await it1.close()
  await rm(home.root, { recursive: true })
})

async function signedIn(at: Served, secret = at.tokens.analyst): Promise<Browser> {
  const browser = new Browser(at)
  const answer = await browser.visit('/auth/token', { method: 'POST', json: { token: secret } })
  expect(answer.status).toBe(204)
  return browser
}

describe('a token typed into the sign-in page', () => {
  it('begins a session in a cookie that scripts and other sites do not get', async () => {
    const browser = await signedIn(start())
    expect(browser.setCookies).toHaveLength(1)
    expect(browser.setCookies[0]).toMatch(
      /^bricktrail=bts_[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    const me = (await (await browser.visit('/api/v1/me')).json()) as Record<string, unknown>
    expect(me).toMatchObject({ name: 'a analyst', kind: 'session', role: 'analyst', masks: ['query'] })
  })

  it('that does not count begins none, and says the same whatever is wrong with it', async () => {
    const at = start()
    const revoked = at.token({ name: 'old one' })
    at.access.tokens.revoke(at.access.tokens.ofSecret(revoked)?.id ?? '')
    const details = []
    for (const token of [revoked, `btk_${'A'.repeat(43)}`, 'btk_short', "' OR 1=1 --"]) {
      const answer = await at.fetch('/auth/token', { method: 'POST', json: { token } })
      expect(answer.status).toBe(401)
      expect(answer.headers.getSetCookie()).toEqual([])
      details.push(((await answer.json()) as { detail: string }).detail)
    }
    expect(new Set(details).size).toBe(1)
    expect(await recordText(home)).not.toContain(revoked)
    expect((await recordLines(home)).map(({ actionName, response }) => [actionName, response.statusCode])).toEqual(
      Array(4).fill(['signIn', 401]),
    )
  })

  it('is not taken from the page of another site', async () => {
    const at = start()
    const browser = new Browser(at)
    const json = { token: at.tokens.admin }
    for (const visit of [{ site: 'cross-site' }, { origin: 'https://evil.example' }, { origin: 'null' }] as const)
      expect((await browser.visit('/auth/token', { method: 'POST', json, ...visit })).status).toBe(403)
    expect(browser.cookies.size).toBe(0)
    expect((await recordLines(home)).map(({ response }) => response.statusCode)).toEqual([403, 403, 403])
  })

  it('that cannot be read is recorded as refused', async () => {
    const at = start({ settings: { limits: { ...USUAL_SETTINGS.limits, requestsPerMinute: 12 } } })
    const statuses = []
    for (let n = 0; n < 3; n++) {
      statuses.push((await at.fetch('/auth/token', { method: 'POST', json: { token: '' } })).status)
      statuses.push((await at.fetch('/auth/link')).status)
    }
    expect(statuses).toEqual([422, 422, 422, 422, 429, 429])
    expect((await recordLines(home)).map(({ actionName, response }) => [actionName, response.statusCode])).toEqual([
      ...Array(4).fill(['signIn', 422]),
      ['signIn', 429],
      ['signIn', 429],
    ])
  })
})

describe('a session', () => {
  it('never takes up the secret that a browser brings along, and ends the one before', async () => {
    const at = start()
    const browser = new Browser(at)
    const planted = `bts_${'B'.repeat(43)}`
    browser.cookies.set('bricktrail', planted)
    await browser.visit('/auth/token', { method: 'POST', json: { token: at.tokens.viewer } })
    const first = browser.cookies.get('bricktrail')
    expect(first).not.toBe(planted)
    const thief = new Browser(at)
    thief.cookies.set('bricktrail', planted)
    expect((await thief.visit('/api/v1/me')).status).toBe(401)
    await browser.visit('/auth/token', { method: 'POST', json: { token: at.tokens.viewer } })
    thief.cookies.set('bricktrail', first ?? '')
    expect((await thief.visit('/api/v1/me')).status).toBe(401)
    expect((await browser.visit('/api/v1/me')).status).toBe(200)
  })

  it('changes nothing without its own csrf token', async () => {
    const at = start()
    const [browser, other] = [await signedIn(at), await signedIn(at, at.tokens.admin)]
    const post = { method: 'POST', json: SEARCH }
    expect((await browser.visit('/api/v1/searches', post)).status).toBe(403)
    const wrong = { ...post, headers: { 'x-csrf-token': await other.csrf() } }
    expect((await browser.visit('/api/v1/searches', wrong)).status).toBe(403)
    const right = { ...post, headers: { 'x-csrf-token': await browser.csrf() } }
    expect((await browser.visit('/api/v1/searches', right)).status).toBe(201)
  })

  it('changes nothing for the page of another site, even with the csrf token', async () => {
    const at = start()
    const browser = await signedIn(at)
    const post = { method: 'POST', json: SEARCH, headers: { 'x-csrf-token': await browser.csrf() } }
    for (const visit of [
      { site: 'cross-site' },
      { site: 'same-site' },
      { origin: 'http://localhost:9999' },
      { origin: 'https://localhost' },
      { origin: 'null' },
    ] as const)
      expect((await browser.visit('/api/v1/searches', { ...post, ...visit })).status, JSON.stringify(visit)).toBe(403)
    expect((await browser.visit('/api/v1/me', { site: 'cross-site' })).status).toBe(403)
    const silent = { ...post, headers: { ...post.headers, cookie: `bricktrail=${browser.cookies.get('bricktrail')}` } }
    expect((await at.fetch('/api/v1/searches', silent)).status).toBe(403)
    expect((await browser.visit('/api/v1/searches', { ...post, origin: 'http://localhost' })).status).toBe(201)
  })

  it('ends after an hour without use, and after twelve hours whatever happens', async () => {
    const at = start()
    const [idle, busy] = [await signedIn(at), await signedIn(at, at.token({ expiresMs: START_MS + 30 * 86_400_000 }))]
    nowMs += 61 * MINUTE_MS - 1000
    expect((await idle.visit('/api/v1/me')).status).toBe(401)
    const last = new Browser(at)
    last.cookies.set('bricktrail', busy.cookies.get('bricktrail') ?? '')
    nowMs = START_MS
    for (let minutes = 0; minutes < 12 * 60; minutes += 50) {
      nowMs = START_MS + minutes * MINUTE_MS
      expect((await last.visit('/api/v1/me')).status, `${minutes} minutes`).toBe(200)
    }
    nowMs = START_MS + 12 * 60 * MINUTE_MS
    expect((await last.visit('/api/v1/me')).status).toBe(401)
  })

  it('ends with its token, and when its person signs out', async () => {
    const at = start()
    const [browser, other] = [await signedIn(at), await signedIn(at)]
    const headers = { 'x-csrf-token': await browser.csrf() }
    const secret = browser.cookies.get('bricktrail') ?? ''
    expect((await browser.visit('/auth/signout', { method: 'POST', headers })).status).toBe(204)
    expect(browser.cookies.size).toBe(0)
    browser.cookies.set('bricktrail', secret)
    expect((await browser.visit('/api/v1/me')).status).toBe(401)
    const id = at.access.tokens.ofSecret(at.tokens.analyst)?.id
    expect((await at.fetch(`/api/v1/tokens/${id}`, { method: 'DELETE', as: 'admin' })).status).toBe(204)
    expect((await other.visit('/api/v1/me')).status).toBe(401)
    expect((await at.fetch('/api/v1/me', { as: 'analyst' })).status).toBe(401)
  })

  it('is listed for those who may see who has access, and ended by those who may change it', async () => {
    const at = start()
    const browser = new Browser(at)
    const { code } = at.access.links.make({ name: 'ana', role: 'admin' })
    await browser.visit(`/auth/link?code=${code}`)
    nowMs += MINUTE_MS
    await signedIn(at)
    expect((await at.fetch('/api/v1/sessions', { as: 'analyst' })).status).toBe(403)
    const { sessions } = (await (await browser.visit('/api/v1/sessions')).json()) as { sessions: { id: string }[] }
    expect(sessions).toMatchObject([
      { name: 'a analyst', way: 'token', role: 'analyst', own: false },
      { name: 'ana', way: 'link', role: 'admin', own: true, expires: '2026-11-12T20:00:00.000Z' },
    ])
    const path = `/api/v1/sessions/${sessions[1]?.id}`
    expect((await at.fetch(path, { method: 'DELETE', as: 'auditor' })).status).toBe(403)
    expect((await at.fetch(path, { method: 'DELETE', as: 'admin' })).status).toBe(204)
    expect((await browser.visit('/api/v1/me')).status).toBe(401)
    expect((await at.fetch(path, { method: 'DELETE', as: 'admin' })).status).toBe(404)
    const [record] = (await recordLines(home)).filter(({ response }) => response.statusCode === 204)
    expect(record).toMatchObject({ actionName: 'endSession', requestParams: { name: 'ana' } })
  })

  it('of a person ends at the first start with other settings of who may what, unless an administrator gave the role', async () => {
    const { access } = start()
    const oidc = {
      name: 'SSO',
      issuer: 'https://sso.example.com',
      clientId: 'c',
      scopes: [],
      groupsClaim: 'groups',
      groups: {},
      people: { 'ana@example.com': 'admin' as const },
      domains: [],
    }
    access.settle({ oidc })
    const secrets = ['ana', 'bob'].map((id) => {
      access.people.signedIn({ id, name: id, email: null, role: 'admin', from: 'settings' })
      return access.sessions.begin({ holder: `person:${id}`, name: id, role: null, rows: {} }).secret
    })
    access.people.give('bob', 'auditor')
    expect(access.settle({ oidc: { ...oidc, clientSecret: 'another' } })).toBe(0)
    expect(access.settle({ oidc: { ...oidc, people: { 'ana@example.com': 'viewer' } } })).toBe(1)
    expect(secrets.map((secret) => access.sessions.ofSecret(secret)?.name)).toEqual([undefined, 'bob'])
  })

  it('does not begin where it cannot be recorded', async () => {
    const at = start()
    await at.ownLog.close()
    const answer = await at.fetch('/auth/token', { method: 'POST', json: { token: at.tokens.admin } })
    expect(answer.status).toBe(503)
    expect(answer.headers.getSetCookie()).toEqual([])
  })
})

describe('a one-time link', () => {
  const link = (at: Served): string => `/auth/link?code=${at.access.links.make({ name: 'ana', role: 'admin' }).code}`

  it('signs in once, and says afterwards that it was used', async () => {
    const at = start()
    const path = link(at)
    const [browser, second] = [new Browser(at), new Browser(at)]
    const answer = await browser.visit(path, { site: 'none' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    expect(await (await browser.visit('/api/v1/me')).json()).toMatchObject({ name: 'ana', role: 'admin' })
    const again = await second.visit(path, { site: 'none' })
    expect([again.status, again.headers.get('location')]).toEqual([303, '/?signin=link'])
    expect(second.cookies.size).toBe(0)
    const records = await recordLines(home)
    expect(records.map(({ actionName, response }) => [actionName, response.statusCode])).toEqual([
      ['signIn', 200],
      ['getMe', 200],
      ['signIn', 401],
    ])
    expect(await recordText(home)).not.toContain(path.slice(-43))
  })

  it('is not used up by who only looks where it leads', async () => {
    const at = start()
    const path = link(at)
    const looked = await at.fetch(path, { method: 'HEAD' })
    expect([looked.status, looked.headers.get('set-cookie')]).toEqual([204, null])
    expect((await new Browser(at).visit(path, { site: 'none' })).headers.get('location')).toBe('/')
  })

  it('signs in only one of many who follow it at the same time', async () => {
    const at = start()
    const path = link(at)
    const browsers = Array.from({ length: 4 }, () => new Browser(at))
    await Promise.all(browsers.map((browser) => browser.visit(path, { site: 'none' })))
    expect(browsers.filter(({ cookies }) => cookies.size > 0)).toHaveLength(1)
  })

  it('is not used up while whom it signs in is locked out', async () => {
    const at = start()
    const path = link(at)
    for (let n = 0; n < 5; n++) at.access.failures.failed(['link:link:admin:ana'])
    expect((await new Browser(at).visit(path)).headers.get('location')).toBe('/?signin=locked')
    nowMs += MINUTE_MS
    expect((await new Browser(at).visit(path)).headers.get('location')).toBe('/')
  })

  it('is too old after ten minutes', async () => {
    const at = start()
    const path = link(at)
    nowMs += 10 * MINUTE_MS
    expect((await new Browser(at).visit(path)).headers.get('location')).toBe('/?signin=link')
  })

  it('in the page of another site asks first, and is not used up by a preview', async () => {
    const at = start()
    const path = link(at)
    const browser = new Browser(at)
    const asked = await browser.visit(path, { site: 'cross-site', headers: { 'sec-fetch-dest': 'document' } })
    expect(asked.status).toBe(200)
    expect(await asked.text()).toContain(`href="${path}&amp;to=%2F"`)
    expect(browser.cookies.size).toBe(0)
    const image = await browser.visit(path, { site: 'cross-site', headers: { 'sec-fetch-dest': 'image' } })
    expect(image.status).toBe(403)
    const markup = await browser.visit(`/auth/link?code=${encodeURIComponent('"><script>')}`, { site: 'cross-site' })
    expect(markup.status).toBe(403)
    expect((await browser.visit(path)).headers.get('location')).toBe('/')
  })

  it.each([
    ['/events?q=verb%3Alogin#top', '/events?q=verb%3Alogin#top'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/..//evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/a\r\nset-cookie: x=1', '/'],
  ])('leads to no other site: %j', async (to, expected) => {
    const at = start()
    const answer = await new Browser(at).visit(`${link(at)}&to=${encodeURIComponent(to)}`)
    expect(answer.headers.get('location')).toBe(expected)
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })
})

describe('failed sign-ins', () => {
  const wrong = { method: 'POST', json: { token: `btk_${'x'.repeat(43)}` } }

  it('lock out an address for longer and longer, and no other', async () => {
    const at = start()
    const right = { method: 'POST', json: { token: at.tokens.viewer } }
    const statuses = []
    for (let n = 0; n < 7; n++) statuses.push((await at.fetch('/auth/token', { ...wrong, from: '192.0.2.7' })).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    const locked = await at.fetch('/auth/token', { ...right, from: '192.0.2.7' })
    expect([locked.status, Number(locked.headers.get('retry-after'))]).toEqual([429, 60])
    expect((await at.fetch('/auth/token', { ...right, from: '192.0.2.8' })).status).toBe(204)
    nowMs += MINUTE_MS
    for (let n = 0; n < 5; n++) await at.fetch('/auth/token', { ...wrong, from: '192.0.2.7' })
    const longer = await at.fetch('/auth/token', { ...right, from: '192.0.2.7' })
    expect(Number(longer.headers.get('retry-after'))).toBe(120)
    nowMs += 2 * MINUTE_MS
    expect((await at.fetch('/auth/token', { ...right, from: '192.0.2.7' })).status).toBe(204)
  })

  it('lock out all that one who has an IPv6 address has', async () => {
    const at = start()
    for (let n = 0; n < 5; n++) await at.fetch('/auth/token', { ...wrong, from: `2001:db8:1:2::${n}` })
    expect((await at.fetch('/auth/token', { ...wrong, from: '2001:db8:1:2:ffff::1' })).status).toBe(429)
    expect((await at.fetch('/auth/token', { ...wrong, from: '2001:db8:1:3::1' })).status).toBe(401)
    expect(neighbourhood('::1')).toBe('0:0:0:0::/64')
    expect(neighbourhood('1:2:3:4:5:6:7:8')).toBe('1:2:3:4::/64')
    expect(neighbourhood('2001:db8::')).toBe('2001:db8:0:0::/64')
    expect(neighbourhood('192.0.2.1')).toBe('192.0.2.1')
  })

  it('lock out a token that counts no longer wherever it is tried from, and none of the same name', async () => {
    const at = start()
    const secret = at.token({ name: 'robot', expiresMs: START_MS + MINUTE_MS })
    nowMs += 2 * MINUTE_MS
    for (let n = 0; n < 5; n++)
      await at.fetch('/auth/token', { method: 'POST', json: { token: secret }, from: `192.0.2.${n}` })
    const again = { method: 'POST', json: { token: secret }, from: '192.0.2.99' }
    expect((await at.fetch('/auth/token', again)).status).toBe(429)
    const another = { ...again, json: { token: at.token({ name: 'robot' }) } }
    expect((await at.fetch('/auth/token', another)).status).toBe(204)
  })

  it('do not hinder programs that have a token', async () => {
    const at = start()
    for (let n = 0; n < 7; n++) await at.fetch('/auth/token', wrong)
    expect((await at.fetch('/api/v1/me', { as: 'viewer' })).status).toBe(200)
  })

  it('are remembered over a restart', async () => {
    const at = start()
    for (let n = 0; n < 5; n++) await at.fetch('/auth/token', wrong)
    await at.close()
    expect((await start().fetch('/auth/token', wrong)).status).toBe(429)
  })
})

describe('tokens', () => {
  it('of every kind that does not count are refused alike', async () => {
    const at = start()
    const expired = at.token({ expiresMs: START_MS + 1 })
    const real = at.tokens.admin
    nowMs += 2
    const forged = [
      expired,
      `${real.slice(0, -1)}${real.endsWith('A') ? 'E' : 'A'}`,
      real.toUpperCase(),
      `${real} x`,
      `${real}x`,
      'btk_',
      '',
      `btk_${'é'.repeat(43)}`.normalize('NFD').replace(/[^\x20-\x7e]/g, '?'),
    ]
    for (const token of forged) {
      const answer = await at.fetch('/api/v1/me', { headers: { authorization: `Bearer ${token}` } })
      expect(answer.status, token).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="bricktrail"')
    }
    expect((await at.fetch('/api/v1/me', { headers: { authorization: `Basic ${btoa(`x:${real}`)}` } })).status).toBe(
      401,
    )
    const text = await recordText(home)
    for (const token of [expired, real]) expect(text).not.toContain(token)
  })

  it('may only what their scopes say, of what their role may', async () => {
    const at = start()
    const scoped = at.token({ role: 'admin', scopes: ['events:read'] })
    const viewer = at.token({ role: 'viewer', scopes: ['access:read'] })
    const as = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } })
    expect((await at.fetch('/api/v1/searches', as(scoped))).status).toBe(200)
    expect((await at.fetch('/api/v1/tokens', as(scoped))).status).toBe(403)
    expect((await at.fetch('/api/v1/tokens', as(viewer))).status).toBe(403)
    const me = (await (await at.fetch('/api/v1/me', as(viewer))).json()) as { permissions: string[] }
    expect(me.permissions).toEqual([])
  })

  it('are made, listed and revoked by admins, and listed by auditors', async () => {
    const at = start()
    const json = { name: 'export', role: 'viewer', workspaces: ['42'], expires: '30d' }
    expect((await at.fetch('/api/v1/tokens', { method: 'POST', as: 'analyst', json })).status).toBe(403)
    const made = await at.fetch('/api/v1/tokens', { method: 'POST', as: 'admin', json })
    expect(made.status).toBe(201)
    const { token, secret } = (await made.json()) as { token: { id: string; createdBy: string }; secret: string }
    expect(token).toMatchObject({ name: 'export', role: 'viewer', rows: { workspaces: ['42'] }, createdBy: 'a admin' })
    const listed = await (await at.fetch('/api/v1/tokens', { as: 'auditor' })).text()
    expect(listed).toContain(token.id)
    expect(listed).not.toContain(secret)
    expect(await recordText(home)).not.toContain(secret)
    expect((await at.fetch(`/api/v1/tokens/${token.id}`, { method: 'DELETE', as: 'auditor' })).status).toBe(403)
    expect((await at.fetch(`/api/v1/tokens/${token.id}`, { method: 'DELETE', as: 'admin' })).status).toBe(204)
    expect((await at.fetch('/api/v1/me', { headers: { authorization: `Bearer ${secret}` } })).status).toBe(401)
    expect((await at.fetch('/api/v1/tokens/none', { method: 'DELETE', as: 'admin' })).status).toBe(404)
  })

  it('have no name that the record of use would take for a person', async () => {
    const json = { name: 'ana@example.com', role: 'viewer' }
    const answer = await start().fetch('/api/v1/tokens', { method: 'POST', as: 'admin', json })
    expect(answer.status).toBe(422)
  })

  it('live at most a year, and have no limits or scopes that could never count', async () => {
    const at = start()
    const ends = ['400d', '0d', 'never', '-1d'].map((expires) => ({ expires }))
    for (const wish of [...ends, { categories: ['permision'] }, { scopes: ['sql:run'] }]) {
      const json = { name: 'x', role: 'viewer', ...wish }
      const answer = await at.fetch('/api/v1/tokens', { method: 'POST', as: 'admin', json })
      expect(answer.status, JSON.stringify(wish)).toBe(422)
    }
  })

  it('give nothing that their maker does not have', async () => {
    const at = start()
    const limited = at.token({
      role: 'admin',
      scopes: ['access:change', 'events:read'],
      rows: { workspaces: ['1', '2'] },
    })
    const make = async (json: object) => {
      const headers = { authorization: `Bearer ${limited}` }
      return at.fetch('/api/v1/tokens', { method: 'POST', headers, json: { name: 'x', ...json } })
    }
    expect((await make({ role: 'admin' })).status).toBe(403)
    expect((await make({ role: 'viewer' })).status).toBe(403)
    const made = await make({ role: 'admin', scopes: ['events:read'], workspaces: ['2', '3'] })
    expect(made.status).toBe(201)
    expect(((await made.json()) as { token: { rows: object } }).token.rows).toEqual({ workspaces: ['2'] })
    const all = await make({ role: 'viewer', scopes: ['events:read'] })
    expect(((await all.json()) as { token: { rows: object } }).token.rows).toEqual({ workspaces: ['1', '2'] })
    const others = at.access.tokens.list().find(({ role }) => role === 'auditor')
    const taken = await at.fetch(`/api/v1/tokens/${others?.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${limited}` },
    })
    expect(taken.status).toBe(403)
    expect(at.access.tokens.list().find(({ id }) => id === others?.id)?.revoked).toBeNull()
  })

  it('note their last use once a minute', async () => {
    const at = start()
    const used = () => at.access.tokens.ofSecret(at.tokens.viewer)?.last_used_ms
    await at.fetch('/api/v1/me', { as: 'viewer' })
    nowMs += 30_000
    await at.fetch('/api/v1/me', { as: 'viewer' })
    expect(used()).toBe(START_MS)
    nowMs += 31_000
    await at.fetch('/api/v1/me', { as: 'viewer' })
    expect(used()).toBe(nowMs)
  })
})
