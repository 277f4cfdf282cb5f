/** What people and logs may try: SQL in every parameter, forged cursors, markup in events; and what rows a principal never sees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SqlRow } from '../../ask/small-lake.fixture.ts'
import { lit } from '../../engine/sql.ts'
import { auditEvents } from '../routes/audit-events.ts'
import { downloads } from '../routes/download.ts'
import { entities } from '../routes/entities.ts'
import { event } from '../routes/event.ts'
import { events } from '../routes/events.ts'
import { overviewRoutes } from '../routes/overview.ts'
import { sql } from '../routes/sql.ts'
import type { EventDetail, EventPage, FacetAnswer } from '../shapes/events.ts'
import { type Asked, asked, smallHome } from './asked.fixture.ts'

const NASTY = '<script>alert(1)</script>\u001b[31m\u0000"\'; DROP TABLE events; --\u202e'
/** What stands in rows of the workspace 7 only. */
const HIDDEN = ['admins', 'eve@example.com', 'smith, john@example.com', 'addPrincipalToGroup']

let server: Asked
beforeAll(async () => {
  const home = await smallHome()
  server = await asked(home, [events, downloads, event, entities, overviewRoutes, sql, auditEvents])
  await server.add('2026-11-12', [
    {
      event_id: "'markup'",
      event_time: "TIMESTAMPTZ '2026-11-12 10:00:00Z'",
      service: "'accounts'",
      action: lit(`login${NASTY}`),
      category: "'authentication'",
      workspace_id: "'42'",
      actor: `{'email': ${lit(`mallory${NASTY}@example.com`)}}`,
      user_agent: lit(NASTY),
      request_params: `MAP {${lit(NASTY)}: ${lit(NASTY)}, '__proto__': 'x'}`,
    },
  ])
}, 60_000)
afterAll(() => server.close())

const PATHS = [
  '/api/v1/events',
  '/api/v1/events/facets',
  '/api/v1/events/histogram',
  '/api/v1/events/values?field=actor',
  '/api/v1/events/download',
  '/api/v1/entities',
  '/api/v1/overview',
  '/api/2.0/audit/events',
]
const PARAMETERS = [
  ...[
    'from',
    'to',
    'q',
    'limit',
    'cursor',
    'order',
    'fields',
    'most',
    'by',
    'buckets',
    'field',
    'prefix',
    'format',
    'kind',
  ],
  ...['start_time', 'end_time', 'user', 'service', 'action', 'workspace_id', 'page_token', 'max_results'],
]
const ATTEMPTS = [
  "' OR 1=1 --",
  "'; COPY (SELECT 1) TO '/tmp/owned'; --",
  "x') UNION ALL SELECT * FROM duckdb_secrets() --",
  `actor:"' OR 'a'='a"`,
  "actor:x' OR 1=1",
  "status:success' OR workspace_id = '7",
  '\u0000',
  '%27%20OR%201=1',
  '*',
]

describe('SQL in a parameter', () => {
  it('is a text like any other, everywhere', async () => {
    let nth = 0
    for (const path of PATHS) {
      for (const name of PARAMETERS) {
        for (const attempt of [0, 3, 5].map((step) => ATTEMPTS[(nth++ + step) % ATTEMPTS.length] ?? '')) {
          const url = `${path}${path.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(attempt)}`
          const response = await server.fetch(url, { as: 'admin' })
          const text = await response.text()
          expect([url, response.status === 200 || response.status === 422]).toEqual([url, true])
          expect(text).not.toContain('Parser Error')
          expect(text).not.toContain('Binder Error')
        }
      }
    }
    for (const attempt of ATTEMPTS) {
      for (const path of [
        '/api/v1/entities/actor/',
        '/api/v1/entities/target/',
        '/api/v1/entities/ip/',
        '/api/v1/events/',
      ]) {
        expect((await server.fetch(path + encodeURIComponent(attempt), { as: 'admin' })).status).toBe(404)
      }
    }
  }, 120_000)
})

describe('a cursor', () => {
  it('that nobody gave is refused', async () => {
    const { nextCursor } = await server.json<EventPage>('/api/v1/events?limit=1')
    const forged = (keys: unknown) => Buffer.from(JSON.stringify(keys)).toString('base64url')
    const cursors = [
      'x',
      '',
      `${nextCursor}AAAA`,
      forged(['1', 'a']),
      forged(["1' OR 1=1", 'a', '1']),
      forged(['1', "a'", '1']),
      forged(['1', 'a', '-1']),
      forged({}),
    ]
    for (const cursor of cursors) {
      const response = await server.fetch(`/api/v1/events?cursor=${encodeURIComponent(cursor)}`, { as: 'admin' })
      expect([cursor, response.status]).toEqual([cursor, 422])
    }
  })

  it('of far away is a place like any other, and one of a version that was never there is none', async () => {
    const at = (...keys: string[]) => Buffer.from(JSON.stringify(keys)).toString('base64url')
    const { version } = await server.json<EventPage>('/api/v1/events')
    for (const cursor of [at('99999999999999999', 'zz', `${version}`), at('-9999999999999999', 'a', `${version}`)]) {
      const page = await server.json<EventPage>(`/api/v1/events?cursor=${cursor}`)
      expect(page.events.length).toBeLessThanOrEqual(4)
    }
    const never = await server.fetch(`/api/v1/events?cursor=${at('1', 'a', '999999999')}`, { as: 'admin' })
    expect([never.status, await never.json()]).toMatchObject([422, { hint: expect.stringContaining('first page') }])
  })
})

describe('paging', () => {
  it('neither repeats nor adds an event while others arrive', async () => {
    const first = await server.json<EventPage>('/api/v1/events?limit=2')
    const arrived: SqlRow = {
      event_id: "'late'",
      event_time: "TIMESTAMPTZ '2026-11-12 08:30:00Z'",
      service: "'late'",
      category: "'job'",
    }
    await server.add('2026-11-12', [arrived])
    server.reader.snapshots.expire()
    const next = await server.json<EventPage>(`/api/v1/events?limit=10&cursor=${first.nextCursor}`)
    expect([...first.events, ...next.events].map(({ id }) => id)).toEqual(['3', 'markup', '2', '1'])
    const again = await server.json<EventPage>('/api/v1/events')
    expect(again.events.map(({ id }) => id)).toEqual(['3', 'markup', '2', 'late', '1'])
  })
})

describe('what stands in a log', () => {
  it('comes out as the JSON text it is', async () => {
    const response = await server.fetch('/api/v1/events/markup', { as: 'admin' })
    expect(response.headers.get('content-type')).toContain('application/json')
    const text = await response.text()
    expect(text).not.toMatch(/[\u0000-\u001f]/)
    const detail = JSON.parse(text) as EventDetail
    expect(detail.event.user_agent).toBe(NASTY.replace('\0', ''))
    expect(Object.keys(detail.event.request_params as object)).toContain('__proto__')
  })

  it('is counted under its own name, whatever that is', async () => {
    const answer = await server.json<FacetAnswer>('/api/v1/events/facets?fields=action')
    const [value] = answer.facets[0]?.values.filter((each) => each.value?.startsWith('login<')) ?? []
    const q = encodeURIComponent(`action:"${(value?.value ?? '').replaceAll(/["\\]/g, '\\$&')}"`)
    expect((await server.json<FacetAnswer>(`/api/v1/events/facets?fields=status&q=${q}`)).total).toBe(1)
  })
})

describe('rows outside the limits of a principal', () => {
  it('are on no route', async () => {
    const secret = server.token({ role: 'admin', rows: { workspaces: ['42'] } })
    const headers = { authorization: `Bearer ${secret}` }
    const asking = [
      ...PATHS,
      '/api/v1/events?q=workspace:7',
      '/api/v1/events/facets?fields=workspace,action,actor,target,target_type',
      '/api/v1/events/histogram?by=workspace',
      '/api/v1/events/histogram?by=workspace&from=2026-11-12T01:01:01Z',
      '/api/v1/events/values?field=target',
      '/api/v1/events/values?field=action',
      '/api/v1/events/download?format=csv',
      '/api/v1/events/2/related?by=actor',
      '/api/v1/entities?kind=target',
      '/api/v1/entities?kind=ip',
      '/api/v1/overview?from=2026-11-12&to=2026-11-13',
    ]
    for (const path of asking) {
      const response = await server.fetch(path, { headers })
      const text = await response.text()
      expect([path, response.status]).toEqual([path, 200])
      for (const hidden of HIDDEN) expect([path, text.includes(hidden)]).toEqual([path, false])
    }
    for (const path of [
      '/api/v1/events/3',
      '/api/v1/events/3/related',
      '/api/v1/events/3/raw',
      '/api/v1/events/3/proof',
      '/api/v1/entities/target/admins',
      '/api/v1/entities/actor/smith%2C%20john%40example.com',
    ]) {
      expect([path, (await server.fetch(path, { headers })).status]).toEqual([path, 404])
    }
    const reveal = { method: 'POST', json: { fields: ['email'], reason: 'to see what is hidden' }, headers }
    expect((await server.fetch('/api/v1/events/3/reveal', reveal)).status).toBe(404)
    const run = async (text: string) =>
      (await server.fetch('/api/v1/sql', { method: 'POST', json: { sql: text }, headers })).text()
    for (const text of [
      'SELECT * FROM events',
      'SELECT extra::INTEGER FROM events',
      'SELECT * FROM rejects',
      "SELECT error(action) FROM events WHERE action LIKE 'addP%'",
    ]) {
      const answer = await run(text)
      for (const hidden of HIDDEN) expect([text, answer.includes(hidden)]).toEqual([text, false])
    }
  }, 60_000)
})

describe('what is masked', () => {
  it('cannot be asked for, and is revealed with a reason to those who may', async () => {
    const secret = server.token({ role: 'viewer' })
    const headers = { authorization: `Bearer ${secret}` }
    const page = async (q: string) =>
      (await (await server.fetch(`/api/v1/events?q=${encodeURIComponent(q)}`, { headers })).json()) as EventPage
    expect((await page('actor:ada@example.com')).events).toEqual([])
    expect((await page('ip:10.1.2.3')).events).toEqual([])
    expect((await page('"ada@example.com"')).events).toEqual([])
    const [ada] = (await page('action:tokenLogin')).events
    expect(ada?.actor).toMatch(/^p-[0-9a-f]{12}@Example\.com$/)
    expect(ada?.ip).toBe('10.1.2.0/24')
    expect((await page(`actor:${ada?.actor} ip:10.1.2.0/24`)).events.map(({ id }) => id)).toEqual(['1'])
    const detail = (await (await server.fetch('/api/v1/events/1', { headers })).json()) as EventDetail
    expect(detail.masked).toEqual(['email', 'ip'])
    expect(JSON.stringify(detail)).not.toMatch(/\bada@/i)
    const related = (await (await server.fetch('/api/v1/events/1/related?by=actor', { headers })).json()) as EventPage
    expect(related.events.map(({ id, actor }) => [id, actor])).toEqual([['1', ada?.actor]])
    const analyst = await server.json<EventDetail>('/api/v1/events/3', { as: 'analyst' })
    expect(analyst.event.query).toMatchObject({ text: '[19 characters]' })
    const shown = await server.json<EventDetail>('/api/v1/events/3/reveal', {
      as: 'analyst',
      method: 'POST',
      json: { fields: ['query'], reason: 'Case 1: what was read?' },
    })
    expect(shown.event.query).toMatchObject({ text: "SELECT 'a*b' FROM t" })
    const refused = await server.fetch('/api/v1/events/1/reveal', {
      headers,
      method: 'POST',
      json: { fields: ['email'], reason: 'curiosity' },
    })
    expect(refused.status).toBe(403)
  }, 30_000)
})
