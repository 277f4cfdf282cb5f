import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Home, homeAt } from '../../core/home.ts'
import type { ServiceView } from '../../service/view.ts'
import { Metrics } from '../metrics.ts'
import { type Served, served } from '../served.fixture.ts'
import { health } from './health.ts'

let folder: string
let home: Home
let there: Served

const stage = {
  name: 'ingest:prod',
  state: 'failing',
  failuresInRow: 2,
  runs: 7,
  lastSuccess: '2026-11-12T00:00:00.000Z',
} as const
const service: ServiceView = {
  startedMs: 0,
  stages: () => [stage],
  sources: async () => [{ name: 'pr"o\nd', spec: '/x', stage, objects: 3, events: 20, rejects: 1, lagSeconds: 42 }],
  figures: () => ({
    objects: 3,
    records: 24,
    events: 20,
    duplicates: 3,
    rejects: 1,
    redactions: 2,
    ingestSeconds: 1.5,
    findings: 4,
    detectionSeconds: 0.5,
    detectionPasses: 2,
    rules: 371,
    rulesLeftOut: 1,
    alertsOpened: 3,
    messages: 5,
    errors: { 'ingest:prod': 2 },
  }),
  nudge: () => {},
  listen: () => () => {},
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'health-'))
  home = homeAt(join(folder, 'home'))
  await mkdir(home.root)
  const metrics = new Metrics({ home, service, ownLog: { written: 7 } })
  there = served(home, [health], { service, metrics, answered: metrics.answered })
})
afterAll(async () => {
  await there.close()
  await rm(folder, { recursive: true, force: true })
})

it('that cannot be changed says so, to anybody', async () => {
  const wrong = await there.fetch('/healthz', { method: 'POST' })
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  const asked = await there.fetch('/readyz', { method: 'OPTIONS' })
  expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  expect((await there.fetch('/metrics', { method: 'DELETE' })).status).toBe(401)
})

const figures = async (headers: Record<string, string> = {}) => {
  const answer = await there.fetch('/metrics', { headers })
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

it('tells everybody that it runs and whether it is ready, and nothing more', async () => {
  const alive = await there.fetch('/healthz', { from: '203.0.113.9' })
  expect([alive.status, await alive.json()]).toEqual([200, { status: 'ok' }])
  const ready = await there.fetch('/readyz', { from: '203.0.113.9' })
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: 'ready', checks: { record: true, lake: true, loop: true } },
  ])
})

it('is not ready where the record of use cannot be written', async () => {
  const elsewhere = homeAt(join(folder, 'elsewhere'))
  await mkdir(elsewhere.root)
  await writeFile(elsewhere.own, 'a file where a folder belongs')
  const broken = served(elsewhere, [health])
  const ready = await broken.fetch('/readyz')
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: 'not ready', checks: { record: false, lake: true } },
  ])
  await broken.close()
})

it('gives its figures to whoever asks from this machine, and to others with health:read, which is recorded', async () => {
  expect((await figures()).status).toBe(200)
  const before = there.ownLog.written
  const ask = async (from: string, headers: Record<string, string>) =>
    (await there.fetch('/metrics', { from, headers })).status
  expect(await ask('203.0.113.9', {})).toBe(401)
  expect(await ask('127.0.0.1', { 'x-forwarded-for': '203.0.113.9' })).toBe(401)
  expect(await ask('203.0.113.9', { authorization: `Bearer ${there.tokens.viewer}` })).toBe(200)
  const narrow = there.token({ role: 'viewer', scopes: ['events:read'] })
  expect(await ask('203.0.113.9', { authorization: `Bearer ${narrow}` })).toBe(403)
  expect(there.ownLog.written - before).toBe(4)
})

it('tells who sees some rows only nothing of how much there is', async () => {
  const token = there.token({ role: 'viewer', rows: { workspaces: ['1'] } })
  for (const accept of ['text/plain', 'application/openmetrics-text; version=1.0.0']) {
    const asked = { from: '203.0.113.9', headers: { authorization: `Bearer ${token}`, accept } }
    const text = await (await there.fetch('/metrics', asked)).text()
    expect(text).toContain('bricktrail_stage_failures_total{stage="ingest:prod"} 2')
    expect(text).toContain('process_start_time_seconds')
    expect(text).not.toMatch(/bricktrail_(?!http_|stage_)/)
  }
})

it('tells of the loop, its stages and its sources', async () => {
  const { type, text } = await figures()
  expect(type).toMatch(/^text\/plain; version=0\.0\.4/)
  for (const line of [
    'bricktrail_events_total 20',
    'bricktrail_duplicates_total 3',
    'bricktrail_rejects_total 1',
    'bricktrail_own_records_total 7',
    'bricktrail_rules_left_out 1',
    'bricktrail_stage_failures_total{stage="ingest:prod"} 2',
    'bricktrail_stage_state{stage="ingest:prod",state="failing"} 1',
    'bricktrail_stage_state{stage="ingest:prod",state="idle"} 0',
    'bricktrail_stage_last_success_timestamp_seconds{stage="ingest:prod"} 1794441600',
  ])
    expect(text.split('\n')).toContain(line)
  expect(text).toContain('bricktrail_source_lag_seconds{source="pr\\"o\\nd"} 42\n')
})

it('speaks OpenMetrics where that is asked for', async () => {
  const { type, text } = await figures({ accept: 'application/openmetrics-text; version=1.0.0' })
  expect(type).toMatch(/^application\/openmetrics-text/)
  expect(text).toMatch(/# EOF\n$/)
  expect(text).toContain('# TYPE bricktrail_events counter\n')
})

it('counts requests by route and status', async () => {
  await there.fetch('/healthz?x=1')
  const { text } = await figures()
  expect(text).toMatch(
    /^bricktrail_http_request_duration_seconds_count\{method="GET",route="\/healthz",status="200"\} \d+$/m,
  )
})

it('lists every metric on its page', async () => {
  const { text } = await figures()
  const own = [...text.matchAll(/^# TYPE (bricktrail_\w+)/gm)].map(([, name = '']) => name)
  const page = readFileSync(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| `(bricktrail_\w+)` \|/gm)].map(([, name = '']) => name)
  expect(listed.sort()).toEqual([...new Set(own)].sort())
})
