import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRoute, z } from '@hono/zod-openapi'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../core/home.ts'
import { newRoutes } from './app.ts'
import type { RouteGroup } from './contract.ts'
import { guard, note } from './guard.ts'
import { OwnLog } from './own-log.ts'
import { type Served, type ServedOptions, served } from './served.fixture.ts'
import { USUAL_SETTINGS } from './settings.ts'

let home: Home
let open: Served[]

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-guard-')))
  open = []
})
afterEach(async () => {
  for (const each of open) await each.close()
  await rm(home.root, { recursive: true })
})

let handled = 0
let signal: AbortSignal | undefined
const things: RouteGroup = () => {
  const routes = newRoutes()
  const answers = {
    200: { description: 'It', content: { 'application/json': { schema: z.object({ n: z.number() }) } } },
  }
  const body = {
    content: {
      'application/json': {
        schema: z.object({ reason: z.string().min(3), secret: z.string().optional(), sql: z.string().optional() }),
      },
    },
  }
  routes.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/things/{id}',
      middleware: [guard('events:read', 'getEvent')] as const,
      request: { params: z.object({ id: z.string() }), query: z.object({ n: z.coerce.number().default(1) }) },
      responses: answers,
    }),
    (c) => {
      handled += 1
      note(c, { rows: 7 })
      signal = c.get('signal')
      if (c.req.valid('param').id === 'broken') throw new Error('the password is hunter2')
      return c.json({ n: c.req.valid('query').n }, 200)
    },
  )
  routes.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/things',
      middleware: [guard('access:change', 'createToken')] as const,
      request: { query: z.looseObject({}), body: { ...body, required: true } },
      responses: answers,
    }),
    (c) => {
      handled += 1
      return c.json({ n: 1 }, 200)
    },
  )
  return routes
}

const start = (options: ServedOptions = {}): Served => {
  const it = served(home, [things], options)
  open.push(it)
  handled = 0
  return it
}

type Line = {
  actionName: string
  requestParams: Record<string, string>
  response: { statusCode: number; errorMessage: string | null }
  userIdentity: { email: string }
  sourceIPAddress: string
}

async function records(): Promise<Line[]> {
  const days = await readdir(home.own)
  const texts = await Promise.all(
    days.flatMap(async (day) => {
      const files = await readdir(join(home.own, day))
      return Promise.all(files.map((file) => readFile(join(home.own, day, file), 'utf8')))
    }),
  )
  return texts
    .flat()
    .flatMap((text) => text.trimEnd().split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

describe('the guard', () => {
  it('lets through who may, and records who asked what with which outcome', async () => {
    const { fetch } = start()
    const answer = await fetch('/api/v1/things/a%2Fb?n=3', { as: 'viewer', from: '10.9.8.7' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ n: 3 })
    const [record] = await records()
    expect(record).toMatchObject({
      serviceName: 'bricktrail',
      actionName: 'getEvent',
      sourceIPAddress: '10.9.8.7',
      userIdentity: { email: 'a viewer' },
      requestParams: { id: 'a/b', n: '3', rows: '7', method: 'GET', path: '/api/v1/things/a%2Fb' },
      response: { statusCode: 200, errorMessage: null },
    })
  })

  it('records what it refuses: nobody, and who may not', async () => {
    const { fetch } = start()
    expect((await fetch('/api/v1/things/1')).status).toBe(401)
    const refused = await fetch('/api/v1/things', { method: 'POST', as: 'auditor', json: { reason: 'why not' } })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('content-type')).toContain('application/problem+json')
    expect(await refused.json()).toMatchObject({ code: 'FORBIDDEN', status: 403, requestId: expect.any(String) })
    expect(handled).toBe(0)
    expect(
      (await records()).map(({ actionName, response, userIdentity }) => [
        actionName,
        response.statusCode,
        userIdentity.email,
      ]),
    ).toEqual([
      ['getEvent', 401, 'unknown'],
      ['createToken', 403, 'a auditor'],
    ])
  })

  it('names each wrong parameter', async () => {
    const { fetch } = start()
    const answer = await fetch('/api/v1/things/1?n=x', { as: 'viewer' })
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ code: 'BAD_ARGUMENT', errors: [{ in: 'query', name: 'n' }] })
    expect((await records())[0]?.response.statusCode).toBe(422)
  })

  it('keeps a body in the record, but no secret of it', async () => {
    const { fetch, tokens } = start()
    const json = { reason: `asked with ${tokens.admin}`, secret: 'hunter2' }
    expect((await fetch('/api/v1/things', { method: 'POST', as: 'admin', json })).status).toBe(200)
    const [record] = await records()
    expect(record?.requestParams).toEqual({
      reason: expect.stringMatching(/^asked with btk_\[removed, SHA-256 [0-9a-f]{16}\]$/),
      method: 'POST',
      path: '/api/v1/things',
    })
    expect(JSON.stringify(await records())).not.toContain(tokens.admin)
  })

  it('keeps what was asked whatever else the query names, and no more names than a record holds', async () => {
    const { fetch } = start()
    const names = (count: number) => Array.from({ length: count }, (_, n) => `${n}=x`).join('&')
    const post = { method: 'POST', as: 'admin', json: { reason: 'to see' } } as const
    expect((await fetch(`/api/v1/things?reason=other&path=p&${names(58)}`, post)).status).toBe(200)
    expect((await fetch(`/api/v1/things?${names(200)}`, post)).status).toBe(200)
    expect((await fetch(`/api/v1/things/1?m=2&${names(200)}`, { as: 'viewer' })).status).toBe(422)
    const [first, second, refused] = await records()
    const asked = { method: 'POST', path: '/api/v1/things' }
    expect(first?.requestParams).toMatchObject({ ...asked, reason: 'to see', 57: 'x' })
    expect(second?.requestParams).toMatchObject({ ...asked, reason: 'to see' })
    expect(Object.keys(second?.requestParams ?? {})).toHaveLength(63)
    expect(refused).toMatchObject({
      requestParams: { path: '/api/v1/things/1', id: '1' },
      userIdentity: { email: 'a viewer' },
      response: { errorMessage: expect.stringContaining('BAD_ARGUMENT') },
    })
    expect(handled).toBe(2)
  })

  it('keeps a change before it is done, and tells at the next start of one that was cut off', async () => {
    const { fetch, ownLog } = start()
    const post = { method: 'POST', as: 'admin', json: { reason: 'to see' } } as const
    expect((await fetch('/api/v1/things', post)).status).toBe(200)
    expect(await readdir(`${home.own}-begun`)).toEqual([])
    await Promise.all([ownLog.close(), fetch('/api/v1/things', post)])
    expect(handled).toBe(2)
    expect(await records()).toHaveLength(1)
    await writeFile(join(`${home.own}-begun`, 'half.json'), '{"version"')
    const next = new OwnLog(home.own, () => new Date())
    expect(await next.recover()).toBe(2)
    await next.close()
    expect(await readdir(`${home.own}-begun`)).toEqual([])
    expect((await records()).filter(({ response }) => response.statusCode === 500)).toMatchObject([
      {
        actionName: 'createToken',
        userIdentity: { email: 'a admin' },
        requestParams: { method: 'POST', path: '/api/v1/things' },
        response: { errorMessage: expect.stringContaining('may have been done') },
      },
    ])
  })

  it('lets go of the time a request may take once it is answered', async () => {
    const { fetch } = start({ settings: { limits: { ...USUAL_SETTINGS.limits, requestSeconds: 1 } } })
    expect((await fetch('/api/v1/things/1', { as: 'viewer' })).status).toBe(200)
    await new Promise((done) => setTimeout(done, 1200))
    expect(signal?.aborted).toBe(false)
  })

  it('shows and changes nothing that cannot be recorded', async () => {
    const { fetch } = start()
    await writeFile(home.own, 'a file where the folder should be')
    const read = await fetch('/api/v1/things/1', { as: 'viewer' })
    expect(read.status).toBe(503)
    expect(await read.json()).toMatchObject({ code: 'NOT_RECORDED' })
    handled = 0
    expect((await fetch('/api/v1/things', { method: 'POST', as: 'admin', json: { reason: 'why' } })).status).toBe(503)
    expect(handled).toBe(0)
    await rm(home.own)
    expect((await fetch('/api/v1/things/1', { as: 'viewer' })).status).toBe(200)
    await rm(home.own, { recursive: true, force: true })
  })

  it('tells nothing of what it did not expect, but to its log', async () => {
    const met: unknown[] = []
    const { fetch } = start({ unexpected: (_, cause) => met.push(cause) })
    const answer = await fetch('/api/v1/things/broken', { as: 'viewer' })
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('hunter2')
    expect(met).toHaveLength(1)
    expect((await records())[0]?.response).toMatchObject({ statusCode: 500, errorMessage: 'ENGINE' })
  })

  it('slows down who asks too often, and records that once', async () => {
    const limits = {
      requestsPerMinute: 3,
      bodyBytes: 1000,
      headerBytes: 1000,
      requestSeconds: 5,
      signInFailures: 5,
      connections: 10,
    }
    const { fetch } = start({ settings: { limits } })
    const statuses = []
    for (let n = 0; n < 6; n++) statuses.push((await fetch('/api/v1/things/1', { as: 'viewer' })).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429])
    expect((await fetch('/api/v1/things/1', { as: 'analyst' })).status).toBe(200)
    expect((await records()).map(({ response }) => response.statusCode)).toEqual([200, 200, 200, 429, 200])
  })

  it('does not let strangers flood the record, nor lock out who has a token behind the same address', async () => {
    const limits = {
      requestsPerMinute: 9,
      bodyBytes: 1000,
      headerBytes: 1000,
      requestSeconds: 5,
      signInFailures: 5,
      connections: 10,
    }
    const { fetch } = start({ settings: { limits } })
    const statuses = []
    for (let n = 0; n < 6; n++) statuses.push((await fetch('/api/v1/things/1')).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429])
    expect(await records()).toHaveLength(6)
    for (let n = 0; n < 30; n++) await fetch('/api/v1/things/1')
    expect(await records()).toHaveLength(10)
    expect((await fetch('/api/v1/things/1', { as: 'viewer' })).status).toBe(200)
  })

  it('keeps of a statement that it does not take beginning, end, length and digest', async () => {
    const { fetch } = start()
    const sql = `SELECT ${'1, '.repeat(20_000)}2`
    const ask = (reason: string) => fetch('/api/v1/things', { method: 'POST', as: 'admin', json: { reason, sql } })
    expect((await ask('x')).status).toBe(422)
    expect((await ask('a good reason')).status).toBe(200)
    const [refused = '', taken] = (await records()).map(({ requestParams }) => requestParams.sql)
    expect(taken).toBe(sql)
    expect(refused.length).toBeLessThan(8000)
    expect(refused).toMatch(/^SELECT 1, .*… \[60008 characters, SHA-256 [0-9a-f]{64}\] ….*, 2$/)
  })

  it('records questions to routes that do not exist', async () => {
    const { fetch } = start()
    expect((await fetch('/api/v9/nothing')).status).toBe(401)
    expect((await fetch('/api/v9/nothing', { as: 'viewer' })).status).toBe(404)
    expect((await records()).map(({ actionName }) => actionName)).toEqual(['unknownRoute', 'unknownRoute'])
  })

  it('refuses a method that a path does not have, says which it has, and records who asked', async () => {
    const { fetch } = start()
    const wrong = await fetch('/api/v1/things/1', { method: 'DELETE', as: 'viewer' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect(wrong.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await wrong.json()).toMatchObject({ code: 'WRONG_METHOD', status: 405 })
    const unread = await fetch('/api/v1/things', { as: 'viewer' })
    expect([unread.status, unread.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    expect((await fetch('/api/v1/things', { method: 'HEAD', as: 'viewer' })).status).toBe(405)
    expect((await fetch('/api/v1/things/1', { method: 'HEAD', as: 'viewer' })).status).toBe(200)
    expect((await fetch('/api/v1/things/1', { method: 'DELETE' })).status).toBe(401)
    const told = (await records()).filter(({ actionName }) => actionName === 'unknownRoute')
    expect(told.map(({ response }) => response.statusCode)).toEqual([405, 405, 405, 401])
    expect(told[0]).toMatchObject({
      userIdentity: { email: 'a viewer' },
      requestParams: { method: 'DELETE', path: '/api/v1/things/1' },
    })
    expect(handled).toBe(1)
  })

  it('tells which methods a path has, and lets no other site in by that', async () => {
    const { fetch } = start()
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    const stranger = await fetch('/api/v1/things', { method: 'OPTIONS', headers })
    expect(stranger.status).toBe(401)
    const known = await fetch('/api/v1/things', { method: 'OPTIONS', as: 'viewer', headers })
    expect([known.status, known.headers.get('allow')]).toEqual([204, 'POST, OPTIONS'])
    for (const answer of [stranger, known])
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('refuses a body that is too large, whatever it says of its length', async () => {
    const limits = {
      requestsPerMinute: 9,
      bodyBytes: 100,
      headerBytes: 1000,
      requestSeconds: 5,
      signInFailures: 5,
      connections: 10,
    }
    const { fetch } = start({ settings: { limits } })
    const json = { reason: 'x'.repeat(200) }
    expect((await fetch('/api/v1/things', { method: 'POST', as: 'admin', json })).status).toBe(413)
    const stream = new Blob([JSON.stringify(json)]).stream()
    const chunked = await fetch('/api/v1/things', {
      method: 'POST',
      as: 'admin',
      headers: { 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    expect(chunked.status).toBe(413)
    expect(handled).toBe(0)
  })
})
