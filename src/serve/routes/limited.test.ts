import { afterAll, beforeAll, expect, it } from 'vitest'
import { NOON } from '../../alert/findings.fixture.ts'
import type { AlertPage, FindingPage, SilenceRow } from '../shapes/alerts.ts'
import { type Alerted, alerted, digest } from './alerted.fixture.ts'
import { alerts } from './alerts.ts'
import { findings } from './findings.ts'
import { overviewRoutes } from './overview.ts'
import { silences } from './silences.ts'

const ago = (minutes: number) => ({
  firstMs: NOON.getTime() - minutes * 60_000,
  lastMs: NOON.getTime() - minutes * 60_000,
})

let server: Alerted
beforeAll(async () => {
  server = await alerted(
    [alerts, findings, silences, overviewRoutes],
    [
      { id: digest(1), ...ago(10), workspace: '1', entity: 'ana@example.com', level: 'low' },
      { id: digest(2), ...ago(20), workspace: '0', entity: 'bob@example.com', level: 'medium' },
      { id: digest(3), ...ago(30), entity: 'eve@example.com', level: 'critical' },
      // Two findings of one alert: of the workspace, and of the account.
      { id: digest(4), ...ago(40), workspace: '1', entity: 'ivy@example.com', level: 'high' },
      { id: digest(5), ...ago(41), workspace: '0', entity: 'ivy@example.com', level: 'high' },
    ],
  )
}, 60_000)
afterAll(async () => server?.close())

/** A reader of some workspaces; the same one whenever the same are asked for. */
const readers = new Map<string, string>()
function by(...workspaces: string[]) {
  const key = workspaces.join()
  const secret = readers.get(key) ?? server.token({ name: `reads ${key}`, role: 'admin', rows: { workspaces } })
  readers.set(key, secret)
  return { headers: { authorization: `Bearer ${secret}` } }
}
const json = async <T>(path: string, init: object): Promise<T> => (await server.fetch(path, init)).json() as Promise<T>

it.each([
  [['1'], ['ana'], 1],
  [['0'], ['bob'], 1],
  [['1', '0'], ['ivy', 'bob', 'ana'], 3],
  [['2'], [], 0],
])('who sees the workspaces %j sees what is of the account only where 0 is one of them', async (own, names, open) => {
  const page = await json<AlertPage>('/api/v1/alerts', by(...own))
  expect(page.alerts.map(({ entity }) => entity.value.replace('@example.com', ''))).toEqual(names)
  expect(page.counts.open).toBe(open)
  const { openAlerts } = await json<{ openAlerts: { count: number }[] }>('/api/v1/overview', by(...own))
  expect(openAlerts.reduce((sum, { count }) => sum + count, 0)).toBe(open)
  const found = await json<FindingPage>('/api/v1/findings', by(...own))
  expect(
    found.findings.every(
      ({ entity }) => names.some((name) => entity === `${name}@example.com`) || entity === 'ivy@example.com',
    ),
  ).toBe(true)
  expect(JSON.stringify(found)).not.toContain('eve@')
})

it('silences are seen and ended by who sees where they hold', async () => {
  const make = async (who: object, about: object): Promise<string> => {
    const body = { ...about, duration: '1h', reason: 'a drill' }
    const made = await server.fetch('/api/v1/silences', { ...who, method: 'POST', json: body })
    expect(made.status).toBe(201)
    return ((await made.json()) as SilenceRow).id
  }
  const everywhere = await make({ as: 'admin' }, { rule: 'rule-1' })
  const there = await make(by('2'), { rule: 'rule-2' })
  const here = await make(by('1'), { rule: 'rule-3' })
  const seen = async (who: object) =>
    (await json<{ silences: SilenceRow[] }>('/api/v1/silences', who)).silences.map(({ id }) => id).sort()
  const end = async (id: string, who: object) =>
    (await server.fetch(`/api/v1/silences/${id}`, { ...who, method: 'DELETE' })).status
  expect(await seen({ as: 'admin' })).toEqual([everywhere, there, here].sort())
  expect(await seen(by('1'))).toEqual([here])
  expect(await seen(by('1', '0'))).toEqual([everywhere, here].sort())
  expect(await end(there, by('1'))).toBe(404)
  expect(await end(everywhere, by('1', '0'))).toBe(403)
  expect(await end(here, by('1', '0'))).toBe(204)
  expect(await end(everywhere, { as: 'admin' })).toBe(204)
})

it('a silence is not theirs who only have the name of its maker', async () => {
  const made = await server.fetch('/api/v1/silences', {
    ...by('1'),
    method: 'POST',
    json: { entity: 'zoe@example.com', duration: '1h', reason: 'a drill' },
  })
  const { id } = (await made.json()) as SilenceRow
  const other = server.token({ name: 'reads 1', role: 'admin', rows: { workspaces: ['2'] } })
  const namesake = { headers: { authorization: `Bearer ${other}` } }
  const seen = async (who: object) =>
    (await json<{ silences: SilenceRow[] }>('/api/v1/silences', who)).silences.some((each) => each.id === id)
  expect(await seen(namesake)).toBe(false)
  expect(await seen(by('1'))).toBe(true)
  const end = (who: object) => server.fetch(`/api/v1/silences/${id}`, { ...who, method: 'DELETE' })
  expect((await end(namesake)).status).toBe(404)
  expect((await end(by('1'))).status).toBe(204)
})

it('who sees some workspaces keeps nobody from being told of what is of others, too', async () => {
  const made = await server.fetch('/api/v1/silences', {
    ...by('1'),
    method: 'POST',
    json: { rule: 'rule-1', duration: '1h', reason: 'a drill' },
  })
  expect(made.status).toBe(201)
  await server.tell(
    { id: digest(6), ...ago(5), workspace: '1', workspaces: ['1'], entity: 'kim@example.com' },
    { id: digest(7), ...ago(5), workspace: '1', workspaces: ['1'], entity: 'leo@example.com' },
    { id: digest(8), ...ago(4), workspace: '0', workspaces: ['0'], entity: 'leo@example.com' },
  )
  const { alerts: all } = await json<AlertPage>('/api/v1/alerts', { as: 'admin' })
  const quiet = (name: string) => all.find(({ entity }) => entity.value === `${name}@example.com`)?.quiet
  expect(quiet('kim')).toBe('silenced by reads 1: a drill')
  const told = await json<AlertPage>('/api/v1/alerts?quiet=true', { as: 'viewer' })
  expect(told.alerts[0]?.quiet).toMatch(/^silenced by p-[0-9a-f]{12}: a drill$/)
  expect(quiet('leo')).toBeNull()
})
