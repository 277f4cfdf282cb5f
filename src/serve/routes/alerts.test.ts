import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AlertsFile } from '../../alert/alerts-file.ts'
import { NOON } from '../../alert/findings.fixture.ts'
import { firstSeen } from '../alerting/alert-desk.ts'
import type { AlertDetail, AlertPage } from '../shapes/alerts.ts'
import { type Alerted, alerted, digest } from './alerted.fixture.ts'
import { alerts } from './alerts.ts'
import { silences } from './silences.ts'

const ago = (minutes: number) => ({
  firstMs: NOON.getTime() - minutes * 60_000,
  lastMs: NOON.getTime() - minutes * 60_000,
})

let server: Alerted
beforeAll(async () => {
  server = await alerted(
    [alerts, silences],
    [
      { id: digest(1), ...ago(10), workspace: '1', entity: 'ana@example.com', level: 'high' },
      { id: digest(2), ...ago(20), workspace: '1', entity: 'bob@example.com', level: 'low' },
      { id: digest(3), ...ago(30), workspace: '2', entity: 'eve@example.com', level: 'critical', ruleId: 'rule-2' },
      {
        id: digest(4),
        ...ago(40),
        workspace: '1',
        category: 'data_access',
        entity: "x' OR 1=1 <img src=x onerror=alert(1)>",
        level: 'medium',
        because: ['query.text = SELECT secret FROM t'],
      },
    ],
  )
}, 60_000)
afterAll(async () => server?.close())

const get = async (query: string, as: 'admin' | 'viewer' | 'analyst' = 'admin'): Promise<AlertPage> =>
  (await server.fetch(`/api/v1/alerts${query}`, { as })).json() as Promise<AlertPage>
const levels = (page: AlertPage) => page.alerts.map(({ level }) => level)
const idOf = async (entity: string): Promise<string> =>
  (await get(`?which=all&entity=${encodeURIComponent(entity)}`)).alerts[0]?.id ?? ''
const act = (id: string, json: object, as: 'admin' | 'viewer' | 'analyst' = 'analyst') =>
  server.fetch(`/api/v1/alerts/${id}/deeds`, { method: 'POST', as, json })
const with_ = (rows: object) => ({
  headers: { authorization: `Bearer ${server.token({ role: 'admin', rows })}` },
})

describe('the queue', () => {
  it('has open alerts, the gravest first, with the numbers of all', async () => {
    const page = await get('')
    expect(levels(page)).toEqual(['critical', 'high', 'medium', 'low'])
    expect(page.counts).toMatchObject({ all: 4, open: 4, resolved: 0, new: 4, critical: 1, high: 1, informational: 0 })
    expect(page.hasMore).toBe(false)
    expect((await get('?limit=2')).hasMore).toBe(true)
  })

  it('is told by level, rule, entity, state, time and whether anybody was told', async () => {
    expect(levels(await get('?level=high'))).toEqual(['critical', 'high'])
    expect(levels(await get('?level=high&highest=high'))).toEqual(['high'])
    expect(levels(await get('?rule=rule-2'))).toEqual(['critical'])
    expect(levels(await get('?entity=bob'))).toEqual(['low'])
    expect(levels(await get(`?finding=${digest(3)}`))).toEqual(['critical'])
    expect(levels(await get(`?finding=${digest(3)}&level=low`, 'viewer'))).toEqual(['critical'])
    expect(levels(await get('?finding=none'))).toEqual([])
    expect(levels(await get('?state=resolved'))).toEqual([])
    expect(levels(await get('?state=new,reopened&since=25m%20ago'))).toEqual(['high', 'low'])
    expect(levels(await get('?kind=incident&which=all'))).toEqual([])
    expect(levels(await get('?quiet=true'))).toEqual([])
    expect(levels(await get('?quiet=false'))).toHaveLength(4)
  })

  it.each(['rule', 'entity', 'assignee'])('takes SQL in %s as text', async (name) => {
    for (const text of ["' OR true --", '%', '_%', "'; DROP TABLE alerts; --", '\\'])
      for (const as of ['admin', 'viewer'] as const)
        expect(levels(await get(`?${name}=${encodeURIComponent(text)}`, as))).toHaveLength(0)
  })

  it.each(['?state=open', '?level=9', '?kind=finding', '?since=soon', '?quiet=1', '?limit=-1'])(
    'refuses %s',
    async (query) => {
      expect((await server.fetch(`/api/v1/alerts${query}`, { as: 'admin' })).status).toBe(422)
    },
  )

  it('says which parameter holds no time', async () => {
    const wrong = await server.fetch('/api/v1/alerts?since=soon', { as: 'admin' })
    expect(await wrong.json()).toMatchObject({ code: 'BAD_TIME', errors: [{ in: 'query', name: 'since' }] })
  })

  it('shows a viewer pseudonyms, and no names by asking for them', async () => {
    const page = await get('', 'viewer')
    expect(JSON.stringify(page)).not.toMatch(/(ana|bob|eve)@/)
    expect(page.alerts[1]?.entity.value).toMatch(/^p-[0-9a-f]{12}@example\.com$/)
    expect(page.alerts[1]?.actors).toEqual([page.alerts[1]?.entity.value])
    expect((await get('?entity=ana@example.com', 'viewer')).alerts).toEqual([])
    expect((await get(`?entity=${page.alerts[1]?.entity.value}`, 'viewer')).alerts).toHaveLength(1)
  })

  it('has no alert with an event that the asker may not see, and does not count it', async () => {
    const limited = async (rows: object) =>
      (await server.fetch('/api/v1/alerts', with_(rows))).json() as Promise<AlertPage>
    expect(levels(await limited({ workspaces: ['1'] }))).toEqual(['high', 'medium', 'low'])
    expect((await limited({ workspaces: ['2'] })).counts).toMatchObject({ all: 1, critical: 1, high: 0 })
    expect(levels(await limited({ workspaces: ['1'], categories: ['data_access'] }))).toEqual(['medium'])
    const hidden = await server.fetch(`/api/v1/alerts/${await idOf('eve')}`, with_({ workspaces: ['1'] }))
    expect(hidden.status).toBe(404)
  })
})

it('reads no more alerts than are asked for, and as many more as it takes where some are hidden', () => {
  const file = AlertsFile.open(server.bench.home.alerts)
  try {
    const all = firstSeen(file, { kind: 'alert', most: 100 }, undefined).map(({ id }) => id)
    expect(all).toHaveLength(4)
    const first = (most: number, seen?: ReadonlySet<string>) =>
      firstSeen(file, { kind: 'alert', most }, seen).map(({ id }) => id)
    expect(first(1)).toEqual(all.slice(0, 2))
    expect(first(2, new Set(all))).toEqual(all.slice(0, 3))
    expect(first(1, new Set(all.slice(3)))).toEqual(all.slice(3))
    expect(first(1, new Set(all.slice(2)))[0]).toBe(all[2])
  } finally {
    file.close()
  }
})

describe('an alert', () => {
  it('is told in full, with stored markup as text', async () => {
    const response = await server.fetch(`/api/v1/alerts/${await idOf("x'")}`, { as: 'admin' })
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const alert = (await response.json()) as AlertDetail
    expect(alert.entity.value).toBe("x' OR 1=1 <img src=x onerror=alert(1)>")
    expect(alert.history[0]).toMatchObject({ who: 'bricktrail', what: 'opened' })
    expect(alert.findingList).toHaveLength(1)
    expect(alert.runbook[0]?.q).toBe(`actor:"x' OR 1=1 <img src=x onerror=alert(1)>"`)
  })

  it('tells a reason that quotes a query to nobody who may not see queries', async () => {
    const detail = async (as: 'admin' | 'analyst') =>
      (await server.fetch(`/api/v1/alerts/${await idOf("x'")}`, { as })).json() as Promise<AlertDetail>
    const because = JSON.stringify((await detail('analyst')).because)
    expect(because).not.toContain('secret')
    expect((await detail('admin')).because).not.toEqual([])
  })

  it.each(['%27%20OR%201=1', '0000', '..%2f', 'ffffffffffffffff'])('of the id %s is not there', async (id) => {
    expect((await server.fetch(`/api/v1/alerts/${id}`, { as: 'admin' })).status).toBe(404)
    expect((await act(id, { deed: 'acknowledge' })).status).toBe(404)
  })
})

describe('what is done to an alert', () => {
  it('is done in the name of who asks, once, and told', async () => {
    const id = await idOf('ana')
    const first = await act(id, { deed: 'acknowledge', note: 'I look' })
    expect(first.status).toBe(200)
    const alert = (await first.json()) as AlertDetail
    expect(alert.state).toBe('acknowledged')
    expect(alert.history.at(-1)).toMatchObject({ who: 'a analyst', what: 'acknowledged', why: 'I look' })
    const again = (await (await act(id, { deed: 'acknowledge' })).json()) as AlertDetail
    expect(again.history).toHaveLength(alert.history.length)
  })

  it('goes from new to resolved and back, and says no to what makes no sense', async () => {
    const id = await idOf('bob')
    expect((await act(id, { deed: 'reopen' })).status).toBe(409)
    for (const deed of [
      { deed: 'start' },
      { deed: 'assign', assignee: 'ben' },
      { deed: 'note', note: 'seen before' },
      { deed: 'resolve', outcome: 'benign' },
    ])
      expect((await act(id, deed)).status).toBe(200)
    const refused = await act(id, { deed: 'acknowledge' })
    expect(refused.status).toBe(409)
    expect(await refused.json()).toMatchObject({ code: 'CONFLICT', hint: 'Open it again first.' })
    const alert = (await (await act(id, { deed: 'reopen' })).json()) as AlertDetail
    expect(alert).toMatchObject({ state: 'reopened', assignee: 'ben', outcome: null })
    expect((await get('?assignee=ben')).alerts).toHaveLength(1)
  })

  it('names those who work on it to nobody who may not see names', async () => {
    const id = await idOf('bob')
    await act(id, { deed: 'assign', assignee: 'cleo@example.com' })
    await act(id, { deed: 'assign', assignee: null })
    await act(id, { deed: 'assign', assignee: 'dora@example.com' })
    const told = await (await server.fetch(`/api/v1/alerts/${id}`, { as: 'viewer' })).text()
    expect(told).not.toMatch(/cleo|dora@|a analyst/)
    const alert = JSON.parse(told) as AlertDetail
    expect(alert.assignee).toMatch(/^p-[0-9a-f]{12}@example\.com$/)
    expect(alert.history[0]).toMatchObject({ who: 'bricktrail', what: 'opened' })
    expect(alert.history.at(-1)?.what).toBe(`assigned to ${alert.assignee}`)
    expect((await get('?assignee=dora@example.com')).alerts).toHaveLength(1)
    expect((await get('?assignee=dora@example.com', 'viewer')).alerts).toEqual([])
    expect((await get(`?assignee=${alert.assignee}`, 'viewer')).alerts).toHaveLength(1)
  })

  it('marks duplicates of what can be seen', async () => {
    const [id, other] = [await idOf("x'"), await idOf('eve')]
    expect((await act(id, { deed: 'resolve', outcome: 'duplicate', duplicateOf: id })).status).toBe(422)
    expect((await act(id, { deed: 'resolve', outcome: 'benign', duplicateOf: other })).status).toBe(422)
    expect((await act(id, { deed: 'resolve', outcome: 'duplicate' })).status).toBe(422)
    expect((await act(id, { deed: 'resolve', outcome: 'duplicate', duplicateOf: 'none' })).status).toBe(404)
    const done = (await (
      await act(id, { deed: 'resolve', outcome: 'duplicate', duplicateOf: other })
    ).json()) as AlertDetail
    expect(done).toMatchObject({ state: 'resolved', outcome: 'duplicate', duplicateOf: other })
  })

  it.each([
    {},
    { deed: 'delete' },
    { deed: 'note' },
    { deed: 'note', note: '' },
    { deed: 'resolve' },
    { deed: 'resolve', outcome: 'withdrawn' },
    { deed: 'assign' },
    { deed: 'note', note: 'x'.repeat(4001) },
  ])('is refused where the body is %j', async (json) => {
    expect((await act(await idOf('eve'), json)).status).toBe(422)
  })

  it('is refused to a viewer, and to who may not see the alert', async () => {
    const id = await idOf('eve')
    expect((await act(id, { deed: 'acknowledge' }, 'viewer')).status).toBe(403)
    const limited = { ...with_({ workspaces: ['1'] }), method: 'POST', json: { deed: 'acknowledge' } }
    expect((await server.fetch(`/api/v1/alerts/${id}/deeds`, limited)).status).toBe(404)
  })

  it('by many at once leaves one history without gaps', async () => {
    const id = await idOf('eve')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        act(id, n % 2 === 0 ? { deed: 'note', note: `note ${n}` } : { deed: 'acknowledge' }),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const { history } = (await (await server.fetch(`/api/v1/alerts/${id}`, { as: 'admin' })).json()) as AlertDetail
    expect(history.filter(({ what }) => what === 'note')).toHaveLength(10)
    expect(history.filter(({ what }) => what === 'acknowledged')).toHaveLength(1)
  })

  it('is in the record of use', async () => {
    const id = await idOf('ana')
    await act(id, { deed: 'note', note: 'for the record' })
    const files = await (await import('node:fs/promises')).readdir(server.bench.home.own, { recursive: true })
    const texts = await Promise.all(
      files.filter((file) => file.endsWith('.json')).map((file) => readFile(join(server.bench.home.own, file), 'utf8')),
    )
    const line = texts
      .join('\n')
      .split('\n')
      .find((each) => each.includes('for the record'))
    expect(line).toContain('"changeAlert"')
  })
})

describe('silences', () => {
  const add = (json: object, as: 'admin' | 'viewer' | 'analyst' = 'analyst') =>
    server.fetch('/api/v1/silences', { method: 'POST', as, json })
  const list = async (init: object) =>
    (
      (await (await server.fetch('/api/v1/silences', init)).json()) as {
        silences: { id: string; about: string; who: string }[]
      }
    ).silences

  it('are made of an alert, of patterns, and ended once', async () => {
    const made = await add({ alert: await idOf('eve'), duration: '8h', reason: 'a drill' })
    expect(made.status).toBe(201)
    const silence = (await made.json()) as { id: string; about: string; ends: string; who: string }
    expect(silence).toMatchObject({
      about: 'rule=rule-2, entity=eve@example.com',
      ends: '2026-11-12T20:00:00.000Z',
      who: 'a analyst',
    })
    const [seen] = await list({ as: 'viewer' })
    expect(seen?.about).not.toContain('eve@')
    expect(seen?.who).toMatch(/^p-[0-9a-f]{12}$/)
    expect(await list(with_({ workspaces: ['1'] }))).toEqual([])
    const end = () => server.fetch(`/api/v1/silences/${silence.id}`, { method: 'DELETE', as: 'analyst' })
    expect((await end()).status).toBe(204)
    expect((await end()).status).toBe(409)
  })

  it.each([
    { duration: '8h', reason: 'everything' },
    { rule: 'x', duration: 'soon', reason: 'a drill' },
    { rule: 'x', duration: '9999d', reason: 'a drill' },
    { rule: 'x', duration: '8h' },
    { rule: ' ', entity: '', duration: '8h', reason: 'a drill' },
  ])('are refused where the body is %j', async (json) => {
    expect((await add(json)).status).toBe(422)
  })

  it('of somebody who sees some workspaces are of these', async () => {
    const made = await server.fetch('/api/v1/silences', {
      ...with_({ workspaces: ['1'] }),
      method: 'POST',
      json: { rule: 'rule-1', duration: '1h', reason: 'a drill' },
    })
    expect(((await made.json()) as { about: string }).about).toBe('rule=rule-1, workspace=1')
    const refused = await server.fetch('/api/v1/silences', {
      ...with_({ categories: ['identity'] }),
      method: 'POST',
      json: { rule: 'rule-1', duration: '1h', reason: 'a drill' },
    })
    expect(refused.status).toBe(403)
  })

  it('need the right to change alerts', async () => {
    expect((await add({ rule: 'x', duration: '8h', reason: 'a drill' }, 'viewer')).status).toBe(403)
    expect((await server.fetch('/api/v1/silences/abc', { method: 'DELETE', as: 'viewer' })).status).toBe(403)
    expect((await server.fetch('/api/v1/silences/abc', { method: 'DELETE', as: 'admin' })).status).toBe(404)
    expect((await server.fetch('/api/v1/silences')).status).toBe(401)
  })
})
