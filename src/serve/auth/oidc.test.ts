import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../../core/home.ts'
import { Browser } from '../browser.fixture.ts'
import { recordLines, recordText } from '../records.fixture.ts'
import { accessRoutes } from '../routes/access.ts'
import { auth } from '../routes/auth.ts'
import { who } from '../routes/me.ts'
import { type Served, served } from '../served.fixture.ts'
import type { OidcSettings } from '../settings.ts'
import { personOf } from './oidc.ts'
import { CLIENT, type RunningProvider, signInAt, startProvider } from './provider.fixture.ts'

const CALLBACK = 'http://localhost/auth/oidc/callback'
const ACCOUNTS = {
  ana: { name: 'Ana', email: 'Ana@Example.com', email_verified: true, groups: ['sec-admins', 'all'] },
  bob: { name: 'Bob', email: 'bob@example.com', email_verified: true, groups: ['all'] },
  eve: { name: 'Eve', email: 'boss@example.com', email_verified: false, groups: [] },
}

let provider: RunningProvider
let home: Home
let open: Served[]

beforeAll(async () => {
  provider = await startProvider(ACCOUNTS, CALLBACK)
})
afterAll(() => provider.close())
beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-oidc-')))
  open = []
})
afterEach(async () => {
  for (const each of open) await each.close()
  await rm(home.root, { recursive: true })
})

const settingsOf = (change: Partial<OidcSettings> = {}): OidcSettings => ({
  name: 'Example SSO',
  issuer: provider.issuer,
  clientId: CLIENT.id,
  clientSecret: CLIENT.secret,
  scopes: ['openid', 'profile', 'email', 'groups'],
  groupsClaim: 'groups',
  groups: { 'sec-admins': 'admin' },
  people: { 'boss@example.com': 'admin' },
  domains: [],
  ...change,
})

function start(change: Partial<OidcSettings> = {}): Served {
  const at = served(home, [auth, who, accessRoutes], { settings: { access: { oidc: settingsOf(change) } } })
  open.push(at)
  return at
}

const pathOf = (url: URL): string => `${url.pathname}${url.search}`

async function startUrl(browser: Browser, to = '/'): Promise<string> {
  const answer = await browser.visit(`/auth/oidc/start?to=${encodeURIComponent(to)}`)
  expect(answer.status).toBe(303)
  return answer.headers.get('location') ?? ''
}

async function back(browser: Browser, login: string, to = '/'): Promise<Response> {
  const url = await signInAt(await startUrl(browser, to), login, CALLBACK)
  return browser.visit(pathOf(url), { site: 'cross-site' })
}

describe('sign-in by an OpenID provider', () => {
  it('begins a session with the role of a group, and leads to the page that was asked for', async () => {
    const at = start()
    const browser = new Browser(at)
    const url = new URL(await startUrl(browser))
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ code_challenge_method: 'S256', response_type: 'code' })
    expect(url.searchParams.get('state')).toMatch(/^[\w-]{43}$/)
    expect(url.searchParams.get('nonce')).toMatch(/^[\w-]{43}$/)
    const answer = await back(browser, 'ana', '/events?q=x')
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/events?q=x'])
    expect(browser.setCookies.find((line) => line.startsWith('bricktrail='))).toContain('SameSite=Strict')
    const me = await (await browser.visit('/api/v1/me')).json()
    expect(me).toMatchObject({ name: 'ana@example.com', kind: 'session', role: 'admin' })
    const [record] = await recordLines(home)
    expect(record).toMatchObject({
      actionName: 'signIn',
      userIdentity: { email: 'ana@example.com', subjectName: `person:${provider.issuer}#ana` },
      requestParams: { way: 'oidc', role: 'admin', path: '/auth/oidc/callback' },
      response: { statusCode: 200 },
    })
  })

  it('lets nobody in whom no setting, group or administrator gave a role', async () => {
    const at = start()
    const browser = new Browser(at)
    expect((await back(browser, 'bob')).headers.get('location')).toBe('/?signin=no-role')
    expect(browser.cookies.has('bricktrail')).toBe(false)
    const { people } = (await (await at.fetch('/api/v1/people', { as: 'admin' })).json()) as {
      people: { id: string }[]
    }
    expect(people).toMatchObject([{ name: 'bob@example.com', role: null, sessions: 0 }])
    const path = `/api/v1/people/${encodeURIComponent(people[0]?.id ?? '')}/role`
    expect((await at.fetch(path, { method: 'PUT', as: 'auditor', json: { role: 'admin' } })).status).toBe(403)
    expect((await at.fetch(path, { method: 'PUT', as: 'admin', json: { role: 'analyst' } })).status).toBe(200)
    expect((await back(browser, 'bob')).headers.get('location')).toBe('/')
    expect(await (await browser.visit('/api/v1/me')).json()).toMatchObject({ role: 'analyst' })
    expect((await at.fetch(path, { method: 'PUT', as: 'admin', json: { role: null } })).status).toBe(200)
    expect((await browser.visit('/api/v1/me')).status).toBe(401)
  })

  it('gives nothing for an address that the provider has not checked', async () => {
    const browser = new Browser(start())
    expect((await back(browser, 'eve')).headers.get('location')).toBe('/?signin=no-role')
    expect((await recordLines(home))[0]?.requestParams.name).toBe('Eve')
  })

  it('ends only in the browser in which it began, and only once', async () => {
    const at = start()
    const [mine, theirs] = [new Browser(at), new Browser(at)]
    const first = await signInAt(await startUrl(mine), 'ana', CALLBACK)
    expect((await theirs.visit(pathOf(first))).headers.get('location')).toBe('/?signin=oidc')
    expect(theirs.cookies.has('bricktrail')).toBe(false)
    expect((await mine.visit(pathOf(first))).headers.get('location')).toBe('/?signin=oidc')
    const second = await signInAt(await startUrl(mine), 'ana', CALLBACK)
    const other = new URL(second)
    other.searchParams.set('state', 'x'.repeat(43))
    expect((await mine.visit(pathOf(other))).headers.get('location')).toBe('/?signin=oidc')
    expect((await mine.visit(pathOf(second))).headers.get('location')).toBe('/')
    expect((await mine.visit(pathOf(second))).headers.get('location')).toBe('/?signin=oidc')
    const text = await recordText(home)
    for (const url of [first, second]) {
      expect(text).not.toContain(url.searchParams.get('code'))
      expect(text).not.toContain(url.searchParams.get('state'))
    }
  })

  it('locks nobody out for coming back without having been sent, which any page can make a browser do', async () => {
    const browser = new Browser(start())
    for (let n = 0; n < 6; n++) {
      const answer = await browser.visit('/auth/oidc/callback?state=x', { site: 'cross-site' })
      expect(answer.headers.get('location')).toBe('/?signin=oidc')
    }
    expect((await back(browser, 'ana')).headers.get('location')).toBe('/')
    expect((await recordLines(home)).map(({ response }) => response.statusCode)).toEqual([...Array(6).fill(401), 200])
  })

  it('believes no code but that of its own beginning', async () => {
    const at = start()
    const browser = new Browser(at)
    const [one, two] = [await signInAt(await startUrl(browser), 'ana', CALLBACK), new URL(await startUrl(browser))]
    one.searchParams.set('state', two.searchParams.get('state') ?? '')
    expect((await browser.visit(pathOf(one))).headers.get('location')).toBe('/?signin=oidc')
    expect(browser.cookies.has('bricktrail')).toBe(false)
    expect((await recordLines(home))[0]?.response.errorMessage).toContain('invalid_grant')
  })

  it('leads to no other site', async () => {
    const browser = new Browser(start())
    expect((await back(browser, 'ana', 'https://evil.example/')).headers.get('location')).toBe('/')
  })

  it('says no more than that it failed, and keeps the client’s secret to itself', async () => {
    const browser = new Browser(start({ clientSecret: 'a wrong secret' }))
    expect((await back(browser, 'ana')).headers.get('location')).toBe('/?signin=oidc')
    const text = await recordText(home)
    expect(text).toContain('invalid_client')
    expect(text).not.toContain('a wrong secret')
  })

  it('fails for now while the provider cannot be reached, and works once it can', async () => {
    const gone = await startProvider(ACCOUNTS, CALLBACK)
    await gone.close()
    const browser = new Browser(start({ issuer: gone.issuer }))
    const answer = await browser.visit('/auth/oidc/start')
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/?signin=oidc'])
    expect((await recordLines(home))[0]).toMatchObject({ actionName: 'signIn', response: { statusCode: 401 } })
    const returned = await startProvider(ACCOUNTS, CALLBACK, Number(new URL(gone.issuer).port))
    try {
      expect((await back(browser, 'ana')).headers.get('location')).toBe('/')
    } finally {
      await returned.close()
    }
  })

  it('is not offered where no provider is set up', async () => {
    const at = served(home, [auth])
    open.push(at)
    expect(await (await at.fetch('/auth/ways')).json()).toEqual({ oidc: null, token: true })
    expect((await at.fetch('/auth/oidc/start')).status).toBe(404)
  })
})

describe('the claims of a person', () => {
  const claims = { iss: 'https://sso.example.com', sub: '7', email: 'Ana@Example.com', email_verified: true }
  const roleOf = (more: object, change: Partial<OidcSettings> = {}) =>
    personOf({ ...claims, ...more }, settingsOf(change)).role

  it('give the role that may most of all groups, and a person’s own before it', () => {
    const groups = { a: 'viewer', b: 'auditor', c: 'analyst' } as const
    expect(roleOf({ groups: ['a', 'b', 'c', 'toString'] }, { groups })).toBe('auditor')
    expect(roleOf({ groups: 'a' }, { groups })).toBe('viewer')
    expect(roleOf({ groups: { b: true } }, { groups })).toBeNull()
    expect(roleOf({ groups: ['b'] }, { groups, people: { 'ana@example.com': 'viewer' } })).toBe('viewer')
    expect(roleOf({ groups: ['x'] }, { groups, defaultRole: 'viewer' })).toBe('viewer')
  })

  it('count only for the domains that may sign in', () => {
    const change = { domains: ['example.com'], defaultRole: 'viewer' as const }
    expect(roleOf({}, change)).toBe('viewer')
    expect(roleOf({ email: 'ana@evil.example' }, change)).toBeNull()
    expect(roleOf({ email: 'ana@example.com@evil.example' }, change)).toBeNull()
    expect(roleOf({ email_verified: false }, change)).toBeNull()
    expect(roleOf({ email_verified: undefined }, { ...change, trustEmail: true })).toBe('viewer')
  })

  it('never name somebody by an address that is not checked', () => {
    const settings = settingsOf()
    expect(personOf({ ...claims, email_verified: false }, settings).name).toBe('ana@example.com (unverified)')
    expect(personOf({ sub: '7', preferred_username: 'ana@example.com' }, settings).name).toContain('(unverified)')
    expect(() => personOf({ email: 'a@b.c' }, settings)).toThrow('nobody')
  })
})
