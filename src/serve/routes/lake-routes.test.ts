import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceChange, ServiceView } from '../contract.ts'
import { type Asked, asked, simulatedHome } from '../read/asked.fixture.ts'
import type { Entity, EntityRow, Overview } from '../shapes/entities.ts'
import type { EventPage, FacetAnswer, SqlAnswer } from '../shapes/events.ts'
import { auditEvents } from './audit-events.ts'
import { downloads } from './download.ts'
import { entities } from './entities.ts'
import { events } from './events.ts'
import { overviewRoutes } from './overview.ts'
import { sql } from './sql.ts'
import { stream } from './stream.ts'

const EVENTS = 8000

let listener: (change: ServiceChange) => void = () => {}
const service: ServiceView = {
  startedMs: 0,
  stages: () => [],
  sources: async () => [],
  nudge: () => {},
  listen: (told) => {
    listener = told
    return () => {}
  },
}

let server: Asked
beforeAll(async () => {
  const groups = [events, downloads, entities, overviewRoutes, sql, auditEvents, stream]
  server = await asked(await simulatedHome(EVENTS), groups, { service })
}, 120_000)
afterAll(() => server.close())

const ask = (text: string, more: object = {}) => ({ method: 'POST', json: { sql: text, ...more } })
const total = async (q: string, span = ''): Promise<number> =>
  (await server.json<FacetAnswer>(`/api/v1/events/facets?fields=status&q=${encodeURIComponent(q)}${span}`)).total

describe('the overview', () => {
  it('is of the day up to the newest event where the logs are old, and every figure is the number of its search', async () => {
    const told = await server.json<Overview>('/api/v1/overview')
    expect(Date.parse(told.to) - Date.parse(told.from)).toBe(86_400_000)
    expect(Date.parse(told.newestEvent ?? '')).toBeLessThan(Date.parse(told.to))
    expect(told.figures.events.value).toBeGreaterThan(100)
    const span = `&from=${told.from}&to=${told.to}`
    for (const [name, { value, q }] of Object.entries(told.figures)) {
      if (q === null || ['actors', 'newActors', 'newActions', 'newCountries'].includes(name)) continue
      expect([name, value]).toEqual([name, await total(q, span)])
    }
    expect(told.seal?.unsealed).toBe(0)
    expect(told.topReaders.length).toBeGreaterThan(0)
  })

  it('compares with the span before', async () => {
    const [from, to] = ['2026-11-12T00:00:00Z', '2026-11-13T00:00:00Z']
    const told = await server.json<Overview>(`/api/v1/overview?from=${from}&to=${to}`)
    expect(told.figures.events.before).toBe(await total('', '&from=2026-11-11T00:00:00Z&to=2026-11-12T00:00:00Z'))
    const fresh = told.newActors.map(({ value }) => value)
    for (const actor of fresh) expect(await total(`actor:"${actor}"`, '&to=2026-11-12T00:00:00Z')).toBe(0)
  })
})

describe('entities', () => {
  it('are listed and shown whole', async () => {
    for (const kind of ['actor', 'target', 'ip'] as const) {
      const { entities: rows } = await server.json<{ entities: EntityRow[] }>(`/api/v1/entities?kind=${kind}&limit=5`)
      expect(rows).toHaveLength(5)
      const [first] = rows
      const page = await server.json<Entity>(`/api/v1/entities/${kind}/${encodeURIComponent(first?.id ?? '')}`)
      const { events: count, hours, days } = page
      expect([kind, page.firstSeen, page.lastSeen]).toEqual([kind, first?.firstSeen, first?.lastSeen])
      // An event may touch a thing twice.
      if (kind !== 'target') expect(count).toBe(first?.events)
      expect(hours.flat().reduce((sum, n) => sum + n, 0)).toBe(count)
      expect(days.reduce((sum, each) => sum + each.events, 0)).toBe(count)
      expect(kind === 'target' ? page.touchedBy.length : page.touched.length).toBeGreaterThan(0)
    }
  })

  it('are looked for by a part of their name, and not found where nothing names them', async () => {
    const { entities: rows } = await server.json<{ entities: EntityRow[] }>('/api/v1/entities?kind=target&q=salar')
    expect(rows.every(({ id }) => id.toLowerCase().includes('salar'))).toBe(true)
    expect((await server.fetch('/api/v1/entities/actor/nobody%40example.com', { as: 'admin' })).status).toBe(404)
    expect((await server.fetch('/api/v1/entities/planet/earth', { as: 'admin' })).status).toBe(422)
  })
})

describe('SQL of people', () => {
  it('reads events, rejects, findings and objects', async () => {
    const counts =
      '(SELECT count(*) FROM events) AS e, (SELECT count(*) FROM rejects) AS r, (SELECT count(*) FROM findings) AS f'
    const answer = await server.json<SqlAnswer>(
      '/api/v1/sql',
      ask(`SELECT ${counts}, (SELECT count(*) > 0 FROM objects) AS o`),
    )
    expect(answer.rows).toEqual([[EVENTS, 0, 0, true]])
    expect(answer.columns.map(({ name }) => name)).toEqual(['e', 'r', 'f', 'o'])
  }, 30_000)

  it('says why objects may not be read by who sees a part, and names the other tables', async () => {
    const asked = async (wish: Parameters<typeof server.token>[0], text: string) => {
      const headers = { authorization: `Bearer ${server.token({ role: 'analyst', ...wish })}` }
      return (await server.fetch('/api/v1/sql', { headers, ...ask(text) })).json()
    }
    const few = { rows: { workspaces: ['1'] } }
    expect(await asked(few, 'SELECT * FROM objects')).toMatchObject({
      code: 'SQL_REFUSED',
      detail:
        'Who sees rows of some workspaces or categories only may not read the table objects: it names files of all.',
      hint: 'The tables you may read are events, rejects, findings.',
    })
    const { hint } = (await asked(few, 'SELECT * FROM object')) as { hint: string }
    expect(hint).not.toContain('objects')
  }, 30_000)

  it('is cut at a limit, and says so', async () => {
    const answer = await server.json<SqlAnswer>('/api/v1/sql', ask('SELECT event_id FROM events', { limit: 3 }))
    expect([answer.rows.length, answer.truncated]).toEqual([3, true])
  }, 30_000)

  it('refuses what reads anything else', async () => {
    const wrong = [
      "SELECT * FROM read_text('/etc/passwd')",
      'SELECT * FROM duckdb_views()',
      "COPY events TO '/tmp/x'",
      'SELECT 1; SELECT 2',
      'SELECT * FROM kinds',
    ]
    for (const text of wrong) {
      const response = await server.fetch('/api/v1/sql', { as: 'admin', ...ask(text) })
      expect([text, response.status]).toEqual([text, 422])
    }
  }, 30_000)

  it('ends when its client leaves, and goes on answering', async () => {
    const gone = new AbortController()
    const endless = 'SELECT count(*) FROM range(1000000000000) a, range(1000000000) b'
    const asking = server.fetch('/api/v1/sql', {
      as: 'admin',
      ...ask(endless, { timeoutSeconds: 60 }),
      signal: gone.signal,
    })
    setTimeout(() => gone.abort(), 400)
    const startMs = performance.now()
    const gave = await asking
    expect([gave.status, await gave.text()]).toEqual([503, expect.stringContaining('The client left')])
    expect(performance.now() - startMs).toBeLessThan(8000)
    const answer = await server.json<SqlAnswer>('/api/v1/sql', ask('SELECT 1 AS one'))
    expect(answer.rows).toEqual([[1]])
  }, 40_000)

  it('shows no plan to those from whom something is masked', async () => {
    const token = server.token({ role: 'analyst' })
    const asking = (text: string) =>
      server.fetch('/api/v1/sql', { ...ask(text), headers: { authorization: `Bearer ${token}` } })
    expect((await asking('/* a plan */ EXPLAIN SELECT * FROM events')).status).toBe(422)
    expect((await asking('SELECT count(*) FROM events')).status).toBe(200)
  }, 30_000)
})

describe('a download', () => {
  const get = (format: string, more = '') =>
    server.fetch(`/api/v1/events/download?format=${format}&q=status:failure,unauthorized${more}`, { as: 'analyst' })

  it('has all events of the search, oldest first, in each format', async () => {
    const found = await total('status:failure,unauthorized')
    const response = await get('ndjson')
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect([response.headers.get('x-events'), lines.length]).toEqual([String(found), found])
    const times = lines.map(({ event_time }) => event_time)
    expect(times[0]).toMatch(/^2026-11-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect([...times].sort()).toEqual(times)
    const csv = await (await get('csv')).text()
    expect(csv.startsWith('event_id,')).toBe(true)
    expect(csv.match(/^event_id,/gm)).toHaveLength(1)
    const path = join(server.home.tmp, 'got.parquet')
    await writeFile(path, Buffer.from(await (await get('parquet')).arrayBuffer()))
    const engine = await server.reader.beside()
    expect(await engine.rows(`SELECT count(*)::INTEGER AS n FROM read_parquet('${path}')`)).toEqual([{ n: found }])
    engine.close()
  })

  it('of the first of more is of the oldest, as Parquet too', async () => {
    const ids = (await (await get('ndjson', '&limit=40')).text()).match(/(?<="event_id":")[^"]+/g)?.sort()
    const path = join(server.home.tmp, 'first.parquet')
    await writeFile(path, Buffer.from(await (await get('parquet', '&limit=40')).arrayBuffer()))
    const engine = await server.reader.beside()
    const rows = await engine.rows(`SELECT event_id FROM read_parquet('${path}') ORDER BY 1`)
    engine.close()
    expect(rows.map(({ event_id }) => event_id)).toEqual(ids)
    expect(rows).toHaveLength(40)
  })

  it('says that there are more', async () => {
    const response = await get('ndjson', '&limit=5')
    const lines = (await response.text()).trim().split('\n')
    expect(lines).toHaveLength(6)
    expect(JSON.parse(lines[5] ?? '')).toMatchObject({ truncated: true, events: 5 })
    expect(response.headers.get('content-disposition')).toContain('events-first-5.ndjson')
  })

  it('stops when its client leaves', async () => {
    const response = await server.fetch('/api/v1/events/download', { as: 'admin' })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    expect(server.reader.connections.load().running).toBe(0)
  })

  it('is for those who may', async () => {
    expect((await server.fetch('/api/v1/events/download', { as: 'viewer' })).status).toBe(403)
  })
})

describe('audit events of the older API', () => {
  it('are what delivery writes', async () => {
    const answer = await server.json<{ events: Record<string, unknown>[]; next_page_token?: string }>(
      '/api/2.0/audit/events?service=unityCatalog&action=getTable&max_results=2',
    )
    expect(answer.events).toHaveLength(2)
    expect(answer.events[0]).toMatchObject({
      version: '2.0',
      serviceName: 'unityCatalog',
      actionName: 'getTable',
      requestParams: { full_name_arg: expect.any(String) },
      response: { statusCode: expect.any(Number) },
    })
    const next = await server.json<typeof answer>(
      `/api/2.0/audit/events?service=unityCatalog&action=getTable&max_results=2&page_token=${answer.next_page_token}`,
    )
    expect(new Set([...answer.events, ...next.events].map((each) => digest(each))).size).toBe(4)
  })

  it('are filtered by user, workspace and time', async () => {
    const [one] = (await server.json<EventPage>('/api/v1/events?q=actor_type:user&limit=1')).events
    const path = `/api/2.0/audit/events?user=${encodeURIComponent(one?.actor ?? '')}&workspace_id=${one?.workspace}`
    const found = await server.json<{ events: { userIdentity: object; timestamp: number }[] }>(path)
    expect(found.events.length).toBeGreaterThan(0)
    const ms = Date.parse(one?.time ?? '')
    const narrow = await server.json<typeof found>(`${path}&start_time=${ms}&end_time=${ms + 1}`)
    expect(narrow.events.every(({ timestamp }) => timestamp === ms)).toBe(true)
    expect((await server.fetch('/api/2.0/audit/events?start_time=soon', { as: 'viewer' })).status).toBe(422)
  })
})

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

describe('the stream', () => {
  const follow = (as: 'viewer' | 'admin', last?: string) =>
    server.fetch('/api/v1/stream', { as, ...(last === undefined ? {} : { headers: { 'last-event-id': last } }) })

  it('tells what happens, and to one who comes back what was missed', async () => {
    const first = (await follow('viewer')).body?.getReader()
    const read = async (from: typeof first) => new TextDecoder().decode((await from?.read())?.value)
    expect(await read(first)).toContain('retry:')
    listener({ kind: 'events', added: 3, rejects: 0, version: 7 })
    const text = await read(first)
    expect(text).toContain('event: events\ndata: {"kind":"events","added":3,"rejects":0,"version":7,"own":0}')
    const [, id] = /^id: (.+)$/m.exec(text) ?? []
    await first?.cancel()
    listener({ kind: 'findings', added: 1 })
    const again = (await follow('admin', id)).body?.getReader()
    await read(again)
    expect(await read(again)).toContain('event: findings')
    await again?.cancel()
  })

  it('tells nobody how much came of what they do not see', async () => {
    const token = server.token({ role: 'viewer', rows: { workspaces: ['42'] } })
    const response = await server.fetch('/api/v1/stream', { headers: { authorization: `Bearer ${token}` } })
    const reader = response.body?.getReader()
    await reader?.read()
    listener({ kind: 'events', added: 3, rejects: 1, version: 8 })
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('"added":0,"rejects":0,"version":8')
    await reader?.cancel()
  })
})

describe('a question', () => {
  it('is stopped when its client leaves', async () => {
    const before = server.reader.connections.interrupted
    const gone = new AbortController()
    const asking = server.reader.rows(
      { masks: [], rows: {} },
      ({ events: all }) =>
        `SELECT count(*) AS n FROM ${all} a, ${all} b, ${all} c WHERE a.event_id < b.event_id AND b.event_id < c.event_id`,
      { signal: gone.signal },
    )
    setTimeout(() => gone.abort(), 200)
    await expect(asking).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
    await expect.poll(() => server.reader.connections.interrupted, { timeout: 5000 }).toBe(before + 1)
    await expect.poll(() => server.reader.connections.load().running, { timeout: 5000 }).toBe(0)
  })
})
