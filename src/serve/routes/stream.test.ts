import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import type { TokenWish } from '../auth/tokens.ts'
import type { Principal } from '../contract.ts'
import { LiveStream } from '../live-stream.ts'
import { type Served, served } from '../served.fixture.ts'
import { standing, stream } from './stream.ts'

let folder: string
let server: Served
let nowMs = Date.parse('2026-11-16T12:00:00Z')
const stopping = new AbortController()
const { signal } = new AbortController()
const MINUTE_MS = 60_000

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-stream-'))
  server = served(homeAt(join(folder, 'home')), [stream], { now: () => new Date(nowMs), stopping: stopping.signal })
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

/** Who a new token of a viewer is. */
function reader(wish: Partial<TokenWish> = {}): { readonly who: Principal; readonly id: string } {
  const token = server.access.tokens.ofSecret(server.token({ name: 'reader', ...wish }))
  const who = token === undefined ? undefined : server.access.ofToken(token)
  if (token === undefined || who === undefined) throw new Error('a token that was just made counts')
  return { who, id: token.id }
}

/** All that a stream says until it ends. */
const textOf = (body: ReadableStream<Uint8Array>): Promise<string> => new Response(body).text()

/** As {@link textOf}, of a stream at whose first ping something is done. */
async function textWith(body: ReadableStream<Uint8Array>, atPing: () => void): Promise<string> {
  const decoder = new TextDecoder()
  let [text, hasPinged] = ['', false]
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    if (!hasPinged && text.includes('event: ping')) {
      hasPinged = true
      atPing()
    }
  }
  return text
}

it('ends with the next ping once its token is revoked, and says pings before', async () => {
  const live = new LiveStream(undefined, 0, 20)
  const { who, id } = reader()
  const body = live.open(who, undefined, signal, () => standing(server.access, who))
  const said = await textWith(body, () => server.access.tokens.revoke(id))
  expect(said.match(/^event: .+$/gm)).toEqual(['event: ping'])
  expect(live.streams).toBe(0)
})

it('ends with a session that is signed out or idle, and does not keep one alive', () => {
  const { sessions } = server.access
  const { secret, id } = sessions.begin({ holder: 'link:Ada', name: 'Ada', role: 'viewer', rows: {} })
  const kept = sessions.ofSecret(secret)
  const who = kept === undefined ? undefined : server.access.ofSession(kept)
  if (who === undefined) throw new Error('a session that was just begun counts')
  nowMs += 50 * MINUTE_MS
  expect(standing(server.access, who)).toMatchObject({ id: 'link:Ada', role: 'viewer' })
  nowMs += 11 * MINUTE_MS
  expect(standing(server.access, who)).toBeUndefined()
  const other = sessions.begin({ holder: 'link:Ada', name: 'Ada', role: 'viewer', rows: {} })
  expect(standing(server.access, { ...who, sessionId: `session:${other.id}` })).toBeDefined()
  sessions.end(other.id)
  expect(standing(server.access, { ...who, sessionId: `session:${other.id}` })).toBeUndefined()
  expect(sessions.standing(id)).toBeUndefined()
})

describe('one who comes back', () => {
  const change = { kind: 'findings', added: 1 } as const
  const told = (live: LiveStream, lastId: string | undefined): Promise<string> => {
    const leaving = new AbortController()
    const body = live.open(reader().who, lastId, leaving.signal)
    leaving.abort()
    return textOf(body)
  }
  const lastOf = (text: string): string => [...text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? ''

  it('is told what was missed, though nothing had been told before', async () => {
    const live = new LiveStream(undefined, 7)
    const id = lastOf(await told(live, undefined))
    live.tell(change)
    const text = await told(live, id)
    expect(text).toContain('event: findings')
    expect(text).not.toContain('event: reset')
    expect(await told(live, lastOf(text))).not.toContain('event:')
  })

  it.each([
    ['is of another run', () => '6-1'],
    ['is no id of ours', () => 'x'.repeat(3000)],
    ['is one that was not given yet', () => '7-5000'],
    ['is older than what is remembered', () => '7-1'],
  ])('is told to ask again where the id %s, and from then on what comes', async (_, id) => {
    const live = new LiveStream(undefined, 7)
    for (let nth = 0; nth < 1002; nth++) live.tell(change)
    const text = await told(live, id())
    expect(text.match(/^event: .+$/gm)).toEqual(['event: reset'])
    live.tell(change)
    expect((await told(live, lastOf(text))).match(/^event: .+$/gm)).toEqual(['event: findings'])
  })

  it('is told all that is remembered where nothing is lost', async () => {
    const live = new LiveStream(undefined, 7)
    for (let nth = 0; nth < 1002; nth++) live.tell(change)
    expect((await told(live, '7-2')).match(/^event: .+$/gm)).toHaveLength(1000)
  })

  it('and was told only of what is not for them has missed nothing', async () => {
    const live = new LiveStream(undefined, 7, 20)
    const { who } = reader({ scopes: ['events:read'] })
    const body = live.open(who, undefined, signal)
    for (let nth = 0; nth < 1002; nth++)
      live.tell({ kind: 'stage', stage: { name: 'a', state: 'idle', failuresInRow: 0, runs: 1 } })
    expect(lastOf(await textWith(body, () => live.close()))).toBe('7-1002')
  })
})

describe('one whose rows are limited', () => {
  const change = { kind: 'events', added: 5, own: 3, rejects: 2, version: 7 } as const
  const told = async (wish: Partial<TokenWish>): Promise<unknown[]> => {
    const live = new LiveStream(undefined, 7)
    const body = live.open(reader(wish).who, undefined, signal)
    live.tell(change)
    live.tell({ ...change, added: 3, rejects: 0 })
    live.tell({ kind: 'findings', added: 4 })
    live.tell({ kind: 'alerts', opened: 2, updated: 1 })
    live.close()
    return [...(await textOf(body)).matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? ''))
  }
  const unknown = [
    { kind: 'findings', added: 0 },
    { kind: 'alerts', opened: 0, updated: 0 },
  ]

  it('by the record of use is told nothing of it: no number of its events, nor of findings and alerts it may be in', async () => {
    expect(await told({ role: 'viewer' })).toEqual([{ ...change, added: 2, own: 0 }, ...unknown])
  })

  it('by workspaces is told of no number at all', async () => {
    const rows = { workspaces: ['1'] }
    const nothing = { ...change, added: 0, own: 0, rejects: 0 }
    expect(await told({ role: 'viewer', rows })).toEqual([nothing, ...unknown])
  })

  it('by nothing is told all', async () => {
    expect(await told({ role: 'auditor' })).toEqual([
      change,
      { ...change, added: 3, rejects: 0 },
      { kind: 'findings', added: 4 },
      { kind: 'alerts', opened: 2, updated: 1 },
    ])
  })
})

it('one reader has ten at most, and another still gets one', () => {
  const live = new LiveStream(undefined, 0)
  const [{ who }, { who: other }] = [reader(), reader()]
  for (let nth = 0; nth < 10; nth++) live.open(who, undefined, signal)
  expect(() => live.open(who, undefined, signal)).toThrow('10 streams open already')
  live.open(other, undefined, signal)
  expect(live.streams).toBe(11)
  live.close()
  expect(live.streams).toBe(0)
})

it('is not opened for one who asks for its headers only', async () => {
  for (let nth = 0; nth < 12; nth++)
    expect((await server.fetch('/api/v1/stream', { as: 'viewer', method: 'HEAD' })).status).toBe(200)
  const { body, status } = await server.fetch('/api/v1/stream', { as: 'viewer' })
  await body?.cancel()
  expect(status).toBe(200)
})

it('ends when the server is to end, and no other begins', async () => {
  const body = (await server.fetch('/api/v1/stream', { as: 'viewer' })).body
  if (body === null) throw new Error('a stream has a body')
  stopping.abort()
  expect(await textOf(body)).toMatch(/^retry: 3000\nid: [0-9a-z]+-0\n\n$/)
  expect((await server.fetch('/api/v1/stream', { as: 'viewer' })).status).toBe(503)
})
