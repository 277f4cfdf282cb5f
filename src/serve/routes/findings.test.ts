import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NOON } from '../../alert/findings.fixture.ts'
import type { FindingDetail, FindingPage } from '../shapes/alerts.ts'
import { type Alerted, alerted, digest } from './alerted.fixture.ts'
import { findings } from './findings.ts'

const MINUTE_MS = 60_000
const at = (minutes: number) => ({
  firstMs: NOON.getTime() + minutes * MINUTE_MS,
  lastMs: NOON.getTime() + minutes * MINUTE_MS,
})

let server: Alerted
beforeAll(async () => {
  server = await alerted(
    [findings],
    [
      { id: digest(1), ...at(-10), workspace: '1', entity: 'ana@example.com', level: 'high' },
      { id: digest(2), ...at(-10), workspace: '1', entity: 'bob@example.com', level: 'low' },
      {
        id: digest(3),
        ...at(-30),
        workspace: '2',
        entity: 'eve@example.com',
        level: 'critical',
        title: "It's <b>bold</b>",
      },
      { id: digest(4), ...at(-60), entity: 'ana@example.com', level: 'medium', threat: 'exfiltration' },
      {
        id: digest(5),
        ...at(-90),
        workspace: '1',
        category: 'data_access',
        entity: '10.1.2.3',
        entityField: 'source_ip',
        level: 'low',
      },
    ],
  )
}, 60_000)
afterAll(async () => server?.close())

const page = async (query: string, as: 'admin' | 'viewer' = 'admin'): Promise<FindingPage> =>
  (await server.fetch(`/api/v1/findings${query}`, { as })).json() as Promise<FindingPage>
const idsOf = ({ findings: rows }: FindingPage) => rows.map(({ id }) => id)

describe('the list of findings', () => {
  it('has the newest first', async () => {
    expect(idsOf(await page(''))).toEqual([1, 2, 3, 4, 5].map(digest))
  })

  it('is told by level, rule, entity, threat and time', async () => {
    expect(idsOf(await page('?level=high'))).toEqual([digest(1), digest(3)])
    expect(idsOf(await page('?entity=ana*'))).toEqual([digest(1), digest(4)])
    expect(idsOf(await page('?threat=exfiltration'))).toEqual([digest(4)])
    expect(idsOf(await page('?rule=bold'))).toEqual([digest(3)])
    expect(idsOf(await page('?from=45m%20ago&to=20m%20ago'))).toEqual([digest(3)])
    expect(idsOf(await page('?rule='))).toHaveLength(5)
  })

  it('comes in pages that miss and repeat nothing, whatever comes meanwhile', async () => {
    const first = await page('?limit=2')
    await server.tell({ id: digest(9), ...at(-1), workspace: '1', level: 'low', entity: 'ivy@example.com' })
    const second = await page(`?limit=2&cursor=${first.nextCursor}`)
    const third = await page(`?limit=2&cursor=${second.nextCursor}`)
    expect([first, second, third].flatMap(idsOf)).toEqual([1, 2, 3, 4, 5].map(digest))
    expect(third.nextCursor).toBeNull()
  })

  it.each([
    'x',
    'W10',
    Buffer.from('["1; DROP TABLE x","a"]').toString('base64url'),
    Buffer.from('["1","\' OR true --"]').toString('base64url'),
    Buffer.from('[1,2]').toString('base64url'),
  ])('refuses the cursor %s', async (cursor) => {
    const response = await server.fetch(`/api/v1/findings?cursor=${cursor}`, { as: 'admin' })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ code: 'BAD_ARGUMENT', errors: [{ in: 'query', name: 'cursor' }] })
  })

  it.each(['rule', 'entity', 'threat'])('takes SQL in %s as text', async (name) => {
    for (const text of ["' OR true --", "'; DROP TABLE events; --", "\\' OR 1=1", '%', '_', '<script>']) {
      const response = await server.fetch(`/api/v1/findings?${name}=${encodeURIComponent(text)}`, { as: 'admin' })
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ findings: [], nextCursor: null })
    }
  })

  it.each([
    '?level=worst',
    '?limit=0',
    '?limit=9999',
    '?limit=x',
    '?from=soon',
    '?from=now&to=2020-01-01',
    `?rule=${'x'.repeat(201)}`,
  ])('refuses %s', async (query) => {
    const response = await server.fetch(`/api/v1/findings${query}`, { as: 'admin' })
    expect(response.status).toBe(422)
  })

  it('shows people to a viewer by pseudonyms, and finds them by these only', async () => {
    const shown = await page('?level=high', 'viewer')
    expect(JSON.stringify(shown)).not.toMatch(/ana@|eve@/)
    const [first] = shown.findings
    expect(first?.entity).toMatch(/^p-[0-9a-f]{12}@example\.com$/)
    expect(first?.summary).toContain(first?.entity)
    expect(idsOf(await page('?entity=ana@example.com', 'viewer'))).toEqual([])
    expect(idsOf(await page(`?entity=${first?.entity}`, 'viewer'))).toEqual([digest(1), digest(4)])
    expect((await page('?entity=10.1.2.0*', 'viewer')).findings[0]?.entity).toBe('10.1.2.0/24')
  })

  it('has only what all its events may be seen of', async () => {
    const of = async (rows: object) => {
      const headers = { authorization: `Bearer ${server.token({ role: 'admin', rows })}` }
      return idsOf((await (await server.fetch('/api/v1/findings', { headers })).json()) as FindingPage)
    }
    expect(await of({ workspaces: ['1'] })).toEqual([digest(9), digest(1), digest(2), digest(5)])
    expect(await of({ workspaces: ['2'] })).toEqual([digest(3)])
    expect(await of({ workspaces: ['1'], categories: ['data_access'] })).toEqual([digest(5)])
    expect(await of({ workspaces: ["1' OR true --"] })).toEqual([])
  })
})

describe('a finding', () => {
  it('is told with its reasons, its events and what to look at next', async () => {
    const response = await server.fetch(`/api/v1/findings/${digest(1)}`, { as: 'admin' })
    expect(response.status).toBe(200)
    const finding = (await response.json()) as FindingDetail
    expect(finding).toMatchObject({
      id: digest(1),
      level: 'high',
      eventIds: [`event-of-${digest(1)}`],
      explanation: [{ selection: 'selection', field: 'action', value: 'setAccountAdmin' }],
      revision: 1,
    })
    expect(finding.runbook).toEqual([
      {
        title: 'What it did around that time',
        sql: null,
        q: 'actor:ana@example.com',
        from: '2026-11-11T23:50:00.000Z',
        to: '2026-11-12T23:50:00.000Z',
      },
    ])
  })

  it('is not there for who may not see its events, as one that does not exist', async () => {
    const headers = { authorization: `Bearer ${server.token({ role: 'admin', rows: { workspaces: ['2'] } })}` }
    const hidden = await server.fetch(`/api/v1/findings/${digest(1)}`, { headers })
    const none = await server.fetch(`/api/v1/findings/${digest(7)}`, { headers })
    expect([hidden.status, none.status]).toEqual([404, 404])
    const plain = (problem: object) => ({ ...problem, requestId: '' })
    expect(plain((await hidden.json()) as object)).toEqual(plain((await none.json()) as object))
  })

  it.each(["' OR true --", '%27', '..%2F..%2Fetc', 'x'.repeat(300)])('refuses the id %s', async (id) => {
    const { status } = await server.fetch(`/api/v1/findings/${encodeURIComponent(id)}`, { as: 'admin' })
    expect([404, 422]).toContain(status)
  })

  it('is shown to a viewer without names in its search either', async () => {
    const response = await server.fetch(`/api/v1/findings/${digest(1)}`, { as: 'viewer' })
    const text = await response.text()
    expect(text).not.toContain('ana@')
    expect((JSON.parse(text) as FindingDetail).runbook[0]?.q).toMatch(/^actor:p-[0-9a-f]{12}@example\.com$/)
  })

  it('needs a token', async () => {
    expect((await server.fetch('/api/v1/findings')).status).toBe(401)
    expect((await server.fetch(`/api/v1/findings/${digest(1)}`)).status).toBe(401)
  })
})
