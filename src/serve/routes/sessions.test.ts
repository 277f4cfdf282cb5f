import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../../core/home.ts'
import { Access } from '../auth/access.ts'
import { Browser } from '../browser.fixture.ts'
import type { Role } from '../contract.ts'
import { recordLines } from '../records.fixture.ts'
import { type Served, served } from '../served.fixture.ts'
import { USUAL_SETTINGS } from '../settings.ts'
import type { SessionRow } from '../shapes/access.ts'
import { auth } from './auth.ts'
import { who } from './me.ts'
import { searches } from './searches.ts'
import { sessionRoutes } from './sessions.ts'

const MINUTE_MS = 60_000

let home: Home
let at: Served
let nowMs = 0

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-sessions-')))
  nowMs = Date.parse('2026-11-12T08:00:00Z')
  at = served(home, [auth, who, sessionRoutes, searches], { now: () => new Date(nowMs) })
})
afterEach(async () => {
  await at.close()
  await rm(home.root, { recursive: true })
})

async function signedIn(secret: string, from: string): Promise<Browser> {
  const browser = new Browser(at)
  expect((await browser.visit('/auth/token', { method: 'POST', json: { token: secret }, from })).status).toBe(204)
  return browser
}
const listOf = async (
  browser: Browser,
  path = '/api/v1/me/sessions',
  from?: string,
): Promise<readonly SessionRow[]> => {
  const answer = await browser.visit(path, from === undefined ? {} : { from })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { sessions: SessionRow[] }).sessions
}
const ended = async (browser: Browser, path: string): Promise<number> => {
  const headers = { 'x-csrf-token': await browser.csrf() }
  return (await browser.visit(path, { method: 'DELETE', headers })).status
}

async function byLink(role: Role, name = 'root'): Promise<Browser> {
  const browser = new Browser(at)
  const { code } = at.access.links.make({ name, role })
  expect((await browser.visit(`/auth/link?code=${code}`)).status).toBe(303)
  return browser
}

describe('one-time links of one name', () => {
  it('share nothing across roles: neither sessions nor searches', async () => {
    const [admin, viewer] = [await byLink('admin'), await byLink('viewer')]
    expect(await listOf(viewer)).toMatchObject([{ role: 'viewer', own: true }])
    const [own] = await listOf(admin)
    expect(await ended(viewer, `/api/v1/me/sessions/${own?.id}`)).toBe(404)
    const headers = { 'x-csrf-token': await admin.csrf() }
    const json = { name: 'mine', q: 'service:accounts' }
    expect((await admin.visit('/api/v1/searches', { method: 'POST', json, headers })).status).toBe(201)
    const seenBy = async (browser: Browser) => (await browser.visit('/api/v1/searches')).json()
    expect(await seenBy(viewer)).toEqual({ searches: [] })
    expect(await seenBy(await byLink('admin'))).toMatchObject({ searches: [{ name: 'mine' }] })
  })

  it('of before kept things together, which go to the role of each session, and searches to administrators', async () => {
    at.access.sessions.begin({ holder: 'link:root', name: 'root', role: 'viewer', rows: {} })
    const db = new DatabaseSync(home.access)
    db.exec("INSERT INTO searches VALUES ('s1', 'old', 'x', NULL, NULL, 'link:root', 'root', 0, 1)")
    db.close()
    Access.open(home.access, USUAL_SETTINGS, () => new Date(nowMs)).close()
    expect(at.access.sessions.list('link:viewer:root')).toHaveLength(1)
    expect(await (await (await byLink('admin')).visit('/api/v1/searches')).json()).toMatchObject({
      searches: [{ name: 'old' }],
    })
    expect(await (await (await byLink('viewer')).visit('/api/v1/searches')).json()).toEqual({ searches: [] })
  })
})

describe('sessions of oneself', () => {
  it('are seen without any permission, with where each was last used from, and those of others are not', async () => {
    const secret = at.token({ name: 'ana', scopes: ['health:read'] })
    const here = await signedIn(secret, '198.51.100.7')
    await signedIn(at.tokens.admin, '203.0.113.9')
    nowMs += MINUTE_MS
    const there = await signedIn(secret, '2001:db8::1')
    nowMs += MINUTE_MS
    expect(await listOf(here, undefined, '198.51.100.8')).toMatchObject([
      { name: 'ana', way: 'token', own: false, address: '2001:db8::1', began: '2026-11-12T08:01:00.000Z' },
      { own: true, address: '198.51.100.8', began: '2026-11-12T08:00:00.000Z', lastSeen: '2026-11-12T08:02:00.000Z' },
    ])
    expect((await listOf(there)).map(({ own }) => own)).toEqual([true, false])
  })

  it('are ended by whoever has them, and nobody else is signed out so', async () => {
    const secret = at.token({ name: 'ana', scopes: ['health:read'] })
    const [here, there] = [await signedIn(secret, '127.0.0.1'), await signedIn(secret, '127.0.0.2')]
    const other = await signedIn(at.tokens.viewer, '127.0.0.3')
    const lost = (await listOf(here)).find(({ own }) => !own)
    const path = `/api/v1/me/sessions/${lost?.id}`
    expect(await ended(other, path)).toBe(404)
    expect((await there.visit('/api/v1/me')).status).toBe(200)
    expect(await ended(here, path)).toBe(204)
    expect((await there.visit('/api/v1/me')).status).toBe(401)
    expect(await listOf(here)).toMatchObject([{ own: true }])
    const records = (await recordLines(home)).filter(({ actionName }) => actionName === 'endSession')
    expect(records.map(({ response }) => response.statusCode)).toEqual([404, 204])
    expect(records[1]?.requestParams).toMatchObject({ name: 'ana', id: lost?.id })
  })

  it('need the csrf token to be ended', async () => {
    const here = await signedIn(at.tokens.viewer, '127.0.0.1')
    const [own] = await listOf(here)
    expect((await here.visit(`/api/v1/me/sessions/${own?.id}`, { method: 'DELETE' })).status).toBe(403)
    expect(await listOf(here)).toHaveLength(1)
  })
})

it('addresses of others are not shown to those for whom addresses are masked', async () => {
  await at.close()
  const access = {
    ...USUAL_SETTINGS.access,
    roles: { auditor: { masks: ['ip'] as const, deny: ['events:raw'] as const } },
  }
  at = served(home, [auth, who, sessionRoutes], { now: () => new Date(nowMs), settings: { access } })
  await signedIn(at.tokens.viewer, '198.51.100.7')
  nowMs += 1
  const browser = await signedIn(at.tokens.auditor, '198.51.100.8')
  expect(await listOf(browser, '/api/v1/sessions')).toMatchObject([
    { own: true, address: '198.51.100.8' },
    { own: false, address: null },
  ])
})

it('a session that a version before began, which knew no addresses, goes on', async () => {
  const { secret } = at.access.sessions.begin({ holder: 'link:Ada', name: 'Ada', role: 'viewer', rows: {} })
  await at.close()
  const db = new DatabaseSync(home.access)
  db.exec('ALTER TABLE sessions DROP COLUMN address')
  db.close()
  at = served(home, [sessionRoutes], { now: () => new Date(nowMs) })
  expect(at.access.sessions.ofSecret(secret)).toMatchObject({ name: 'Ada', address: null })
  nowMs += MINUTE_MS
  at.access.sessions.ofSecret(secret, '127.0.0.1')
  expect(at.access.sessions.ofSecret(secret)?.address).toBe('127.0.0.1')
  const again = Access.open(join(dirname(home.access), 'access.db'), USUAL_SETTINGS, () => new Date(nowMs))
  expect(again.sessions.list()).toHaveLength(1)
  again.close()
})
