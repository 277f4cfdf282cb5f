import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { Browser } from './browser.fixture.ts'
import type { Principal, ServiceChange } from './contract.ts'
import { LiveStream } from './live-stream.ts'
import { auth } from './routes/auth.ts'
import { who } from './routes/me.ts'
import { stream } from './routes/stream.ts'
import { served } from './served.fixture.ts'

const MINUTE_MS = 60_000

it('what a page asks by itself does not keep a session from ending', async () => {
  const home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-background-')))
  let nowMs = Date.parse('2026-11-12T08:00:00Z')
  const at = served(home, [auth, who, stream], { now: () => new Date(nowMs) })
  try {
    const secret = at.token({ role: 'analyst', expiresMs: nowMs + 86_400_000 })
    const signedIn = async () => {
      const browser = new Browser(at)
      expect((await browser.visit('/auth/token', { method: 'POST', json: { token: secret } })).status).toBe(204)
      return browser
    }
    const [left, followed, used] = [await signedIn(), await signedIn(), await signedIn()]
    const headers = { 'x-bricktrail-background': '1' }
    const status = async (browser: Browser, init: object = {}) => (await browser.visit('/api/v1/me', init)).status
    nowMs += 40 * MINUTE_MS
    expect(await status(left, { headers })).toBe(200)
    const opened = await followed.visit('/api/v1/stream')
    expect(opened.status).toBe(200)
    await opened.body?.cancel()
    expect(await status(used)).toBe(200)
    nowMs += 40 * MINUTE_MS
    expect(await status(left, { headers })).toBe(401)
    expect(await status(followed)).toBe(401)
    expect(await status(used)).toBe(200)
  } finally {
    await at.close()
    await rm(home.root, { recursive: true })
  }
})

it('who sees some rows only is told nothing of how often Bricktrail was asked', async () => {
  const told = async (rows: Principal['rows'], change: ServiceChange): Promise<string> => {
    const live = new LiveStream(undefined, 0)
    const ending = new AbortController()
    const principal = { id: 'a', name: 'a', permissions: new Set(), masks: [], rows } as unknown as Principal
    const body = live.open(principal, undefined, ending.signal)
    live.tell(change)
    ending.abort()
    return new Response(body).text()
  }
  const use = { kind: 'events', added: 3, own: 3, rejects: 0, version: 1 } as const
  const both = { ...use, added: 5 }
  expect(await told({}, use)).toContain('"own":3')
  expect(await told({ workspaces: ['1'] }, use)).not.toContain('event: events')
  expect(await told({ workspaces: ['1'] }, both)).toContain('"added":0,"own":0')
})
