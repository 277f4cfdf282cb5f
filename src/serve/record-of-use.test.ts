/** The record of use on its way into the lake. */
import { createHash } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLakeSandbox } from '../ask/lake-relations.ts'
import { type Home, homeAt } from '../core/home.ts'
import { Ingester, type IngestReport } from '../ingest/ingest.ts'
import { catalogue } from '../normalise/catalogue/catalogue.ts'
import { OWN_ACTIONS, OWN_SERVICE } from './own-actions.ts'
import { OwnLog, recordedParams } from './own-log.ts'
import type { OwnRecord } from './own-record.ts'
import { recordLines } from './records.fixture.ts'
import { accessRoutes } from './routes/access.ts'
import { auth } from './routes/auth.ts'
import { health } from './routes/health.ts'
import { who } from './routes/me.ts'
import { served } from './served.fixture.ts'

let home: Home
let ingester: Ingester
const now = () => new Date('2026-11-12T08:15:30.123Z')

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-own-')))
  ingester = new Ingester({ home, now })
})
afterEach(async () => {
  await ingester.close()
  await rm(home.root, { recursive: true })
})

const ingested = (): Promise<IngestReport> =>
  ingester.ingest({ specs: [home.own], form: 'delivery', stdin: Readable.from([]) })

async function rows(sql: string): Promise<readonly (readonly unknown[])[]> {
  const sandbox = await openLakeSandbox(home)
  try {
    return (await sandbox.query(sql)).rows
  } finally {
    await sandbox.close()
  }
}

const record = (change: Partial<OwnRecord> = {}): OwnRecord => ({
  time: now(),
  action: 'searchEvents',
  requestId: 'r-1',
  who: { name: 'ana@example.com', id: 'person:https://sso.example.com#7', sessionId: 'session:abc' },
  address: '203.0.113.5',
  userAgent: 'Firefox',
  params: { q: 'x' },
  status: 200,
  ...change,
})

it('has every own action in the catalogue, and no other', () => {
  const listed = catalogue().filter(({ service }) => service === OWN_SERVICE)
  expect(listed.map(({ action }) => action).sort()).toEqual([...OWN_ACTIONS].sort())
})

it('becomes events of the service bricktrail, each with its category and verb, and nothing is rejected', async () => {
  const log = new OwnLog(home.own, now)
  await Promise.all(
    OWN_ACTIONS.map((action, n) =>
      log.append(
        record({
          action,
          requestId: `r-${n}`,
          params: { q: 'a"b\\c\u0000\u001b[2J\u202e\ud800<b>\n', list: ['x', 1] },
        }),
      ),
    ),
  )
  await log.append(
    record({ requestId: 'refused', who: undefined, address: '::1', status: 401, error: 'UNAUTHENTICATED: no' }),
  )
  await log.close()
  expect(await ingested()).toMatchObject({ events: OWN_ACTIONS.length + 1, duplicates: 0, rejects: 0 })
  const events = await rows(
    `SELECT action, category, verb, service FROM events WHERE request_id <> 'refused' ORDER BY action`,
  )
  const expected = catalogue().filter(({ service }) => service === OWN_SERVICE)
  expect(events).toEqual(
    expected
      .map(({ action, category, verb }) => [action, category, verb, 'bricktrail'])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  )
  expect(
    await rows(`SELECT actor.email, source_ip, session_id, user_agent, request_params['list'], status, status_code
      FROM events WHERE action = 'getSeal'`),
  ).toEqual([['ana@example.com', '203.0.113.5', 'session:abc', 'Firefox', '["x",1]', 'SUCCESS', 200]])
  const [refused] = await rows(
    `SELECT status, status_code, error_message, source_ip FROM events WHERE request_id = 'refused'`,
  )
  expect(refused).toEqual(['UNAUTHORIZED', 401, 'UNAUTHENTICATED: no', '::1'])
})

it('is taken up where it ended, while it goes on being written', async () => {
  const log = new OwnLog(home.own, now)
  for (const id of ['1', '2']) await log.append(record({ requestId: id }))
  expect(await ingested()).toMatchObject({ events: 2, rejects: 0 })
  for (const id of ['3', '4', '5']) await log.append(record({ requestId: id }))
  expect(await ingested()).toMatchObject({ events: 3, duplicates: 0, rejects: 0 })
  await log.close()
  expect(await rows('SELECT count(*), count(DISTINCT event_id) FROM events')).toEqual([[5, 5]])
})

it('tells in the lake who was let in and who was refused', async () => {
  const at = served(home, [auth, who, accessRoutes], { now })
  await at.fetch('/auth/token', { method: 'POST', json: { token: at.tokens.analyst }, from: '203.0.113.7' })
  await at.fetch('/auth/token', { method: 'POST', json: { token: 'btk_no' }, from: '203.0.113.8' })
  await at.fetch('/api/v1/tokens', { as: 'viewer' })
  await at.fetch('/api/v1/tokens', {
    method: 'POST',
    as: 'admin',
    json: { name: 'x', role: 'viewer', scopes: ['events:read'] },
  })
  await at.close()
  expect(await ingested()).toMatchObject({ events: 4, rejects: 0 })
  const events = await rows(
    `SELECT category, verb, status_code, actor.email, request_params['scopes'] FROM events ORDER BY action, status_code`,
  )
  expect(events).toEqual([
    ['token', 'create', 201, 'a admin', '["events:read"]'],
    ['token', 'list', 403, 'a viewer', null],
    ['authentication', 'login', 200, 'a analyst', null],
    ['authentication', 'login', 401, 'unknown', null],
  ])
})

it('is for its owner only, a file a start and a day', async () => {
  let time = now()
  const log = new OwnLog(home.own, () => time)
  await log.append(record())
  time = new Date('2026-11-13T00:00:01Z')
  await log.append(record())
  await log.close()
  expect(await readdir(home.own)).toEqual(['date=2026-11-12', 'date=2026-11-13'])
  const [file = ''] = await readdir(join(home.own, 'date=2026-11-12'))
  expect(file).toBe('bricktrail-20261112T081530123Z.json')
  const { mode } = await stat(join(home.own, 'date=2026-11-12', file))
  expect((mode & 0o777).toString(8)).toBe('600')
})

it('never writes into the file of another process', async () => {
  const logs = [new OwnLog(home.own, now), new OwnLog(home.own, now)]
  await Promise.all(logs.map((log, n) => log.append(record({ requestId: String(n) }))))
  for (const log of logs) await log.close()
  expect(await readdir(join(home.own, 'date=2026-11-12'))).toHaveLength(2)
  expect(await recordLines(home)).toHaveLength(2)
})

it('makes many records durable at once, in the order in which they came', async () => {
  const log = new OwnLog(home.own, now)
  await Promise.all(Array.from({ length: 500 }, (_, n) => log.append(record({ requestId: String(n), params: { n } }))))
  await log.close()
  expect((await recordLines(home)).map(({ requestParams }) => Number(requestParams.n))).toEqual(
    Array.from(Array(500).keys()),
  )
})

it('takes nothing any more once it is closed', async () => {
  const log = new OwnLog(home.own, now)
  await log.close()
  await expect(log.append(record())).rejects.toMatchObject({ code: 'NOT_RECORDED' })
})

it('keeps texts of bounded length, and no secret under whatever name', () => {
  const token = `btk_${'a'.repeat(43)}`
  const params = recordedParams({
    q: `user:${token} x`,
    long: 'é'.repeat(100_000),
    Authorization: `Bearer ${token}`,
    deep: { list: [{ client_secret: 'hunter2', name: 'n' }] },
    empty: '',
    none: null,
  })
  const { long = '', ...rest } = params
  expect(rest).toEqual({
    q: `user:btk_[removed, SHA-256 ${createHash('sha256').update(token).digest('hex').slice(0, 16)}] x`,
    deep: '{"list":[{"name":"n"}]}',
  })
  const digest = createHash('sha256').update('é'.repeat(100_000)).digest('hex')
  expect(long).toBe(`${'é'.repeat(6000)}… [100000 characters, SHA-256 ${digest}] …${'é'.repeat(1500)}`)
})

it('keeps states and codes, but those of signing in', () => {
  const query = { state: 'new,reopened', code: '7' }
  expect(recordedParams({ path: '/api/v1/alerts' }, query)).toMatchObject(query)
  for (const path of ['/auth/oidc/callback', '/auth/link', '/auth/no/such/path'])
    expect(recordedParams({ path, ...query }, query)).toEqual({ path })
})

it('keeps a statement whole, and is crowded out by no query', () => {
  const sql = `SELECT ${'1, '.repeat(30_000)}'the end'`
  const query = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [String(n), 'x']))
  const kept = recordedParams({ method: 'POST', sql }, { ...query, sql: 'SELECT 1', method: 'GET' })
  expect(kept).toMatchObject({ method: 'POST', sql })
  expect(Object.keys(kept)).toHaveLength(62)
})

it('of a statement that did not run keeps beginning, end, length and digest', () => {
  const sql = `SELECT ${'1, '.repeat(30_000)}'the end'`
  const kept = recordedParams({ sql }, {}, true).sql ?? ''
  expect(kept.length).toBeLessThan(8000)
  expect(kept).toContain(`[${sql.length} characters, SHA-256 ${createHash('sha256').update(sql).digest('hex')}]`)
  expect(kept.endsWith(`1, 'the end'`)).toBe(true)
})

it('counts refusals of strangers after the first of a minute, and records how many there were', async () => {
  let nowMs = now().getTime()
  const log = new OwnLog(home.own, () => new Date(nowMs))
  const refusal = (address: string, change: Partial<OwnRecord> = {}) =>
    log.refused(
      record({ who: undefined, address, status: 401, error: 'UNAUTHENTICATED: no', time: new Date(nowMs), ...change }),
    )
  for (let n = 0; n < 40; n++) await refusal(`203.0.113.${n}`)
  for (let n = 0; n < 12; n++) await refusal(`2001:db8:1:2::${n}`, { action: 'signIn', status: 429 })
  await refusal('198.51.100.1')
  const before = await recordLines(home)
  expect(before).toHaveLength(10 + 10 + 1)
  expect(before[9]?.requestParams.more_counted_until).toBe('2026-11-12T08:16:30.123Z')
  expect(before[8]?.requestParams.more_counted_until).toBeUndefined()
  nowMs += 60_000
  await refusal('203.0.113.1')
  await log.close()
  const after = (await recordLines(home)).slice(before.length)
  expect(after).toHaveLength(3)
  const counts = after.filter(({ requestParams }) => requestParams.refusals !== undefined)
  expect(counts).toMatchObject([
    {
      actionName: 'searchEvents',
      response: { statusCode: 401 },
      requestParams: { refusals: '30', neighbourhood: '203.0.113.0/24', statuses: '{"401":30}' },
    },
    {
      actionName: 'signIn',
      response: { statusCode: 429 },
      requestParams: { refusals: '2', neighbourhood: '2001:db8:1:2::/64' },
    },
  ])
  expect(counts[0]?.sourceIPAddress).toBe('203.0.113.10')
})

it('stays small however many neighbourhoods are refused, and counts them all', async () => {
  const log = new OwnLog(home.own, now)
  for (let n = 0; n < 5000; n++)
    await log.refused(record({ who: undefined, address: `10.${n >> 8}.${n & 255}.1`, status: 401 }))
  await log.close()
  const lines = await recordLines(home)
  expect(lines.length).toBeLessThan(600)
  const counted = lines.map(({ requestParams }) => Number(requestParams.refusals ?? 1))
  expect(counted.reduce((sum, n) => sum + n)).toBe(5000)
})

it('of one who asks too often tells the first and counts the others', async () => {
  const log = new OwnLog(home.own, now)
  for (let n = 0; n < 20; n++) await log.refused(record({ status: 429, error: 'TOO_MANY: Too many requests.' }))
  await log.close()
  expect(await recordLines(home)).toMatchObject([
    { requestParams: { q: 'x' } },
    { userIdentity: { email: 'ana@example.com' }, requestParams: { refusals: '19' } },
  ])
})

it('tells nothing of one that was counted of others, however long it could not be written', async () => {
  let nowMs = now().getTime()
  const log = new OwnLog(home.own, () => new Date(nowMs))
  const ana = record().who
  await writeFile(home.own, 'in the way')
  const refusal = (who: OwnRecord['who'], address: string) =>
    log.refused(record({ who, address, status: 429 })).catch(() => undefined)
  for (let minute = 0; minute < 2; minute++) {
    for (let n = 0; n < 150; n++) await refusal(undefined, `10.${minute}.${n}.1`)
    for (let n = 0; n < 3; n++) await refusal(undefined, '203.0.113.5')
    for (let n = 0; n < 7; n++) await refusal(ana, '203.0.113.5')
    nowMs += 60_000
    await refusal(undefined, '198.51.100.1')
  }
  await rm(home.own)
  await log.close()
  const counted = (await recordLines(home)).map(({ userIdentity, requestParams }) => ({
    who: userIdentity?.email,
    place: requestParams.neighbourhood,
    refusals: Number(requestParams.refusals),
  }))
  const of = (place: string) => counted.filter((each) => each.place === place)
  expect(of('203.0.113.0/24')).toEqual([
    { who: 'unknown', place: '203.0.113.0/24', refusals: 6 },
    { who: 'ana@example.com', place: '203.0.113.0/24', refusals: 14 },
  ])
  expect(of('others')).toMatchObject([{ who: 'unknown' }])
  expect(counted.length).toBeLessThan(220)
  expect(counted.reduce((sum, { refusals }) => sum + refusals, 0)).toBe(300 + 6 + 14 + 2)
})

it('keeps what it counted until it can be written', async () => {
  let nowMs = now().getTime()
  const log = new OwnLog(home.own, () => new Date(nowMs))
  const refusal = () => log.refused(record({ who: undefined, status: 401 })).catch(() => undefined)
  for (let n = 0; n < 25; n++) await refusal()
  const { written } = log
  await rm(home.own, { recursive: true })
  await writeFile(home.own, 'in the way')
  nowMs += 24 * 3_600_000
  await refusal()
  expect(log.written).toBe(written)
  await rm(home.own)
  nowMs += 60_000
  await refusal()
  await log.close()
  const counts = (await recordLines(home)).map(({ requestParams }) => requestParams.refusals).filter(Boolean)
  expect(counts).toEqual(['15', '1'])
})

it('leaves out what its page says, and nothing else that is public', async () => {
  const page = await readFile(new URL('../../docs/how-to/record-of-use.md', import.meta.url), 'utf8')
  const at = served(home, [auth, health], { now })
  const ask = async (path: string, init: object = {}) => {
    expect(page).toContain(`\`${path}\``)
    await at.fetch(path, init)
  }
  for (const path of ['/healthz', '/readyz', '/metrics', '/auth/ways']) await ask(path)
  await ask('/auth/link', { method: 'OPTIONS' })
  await at.fetch('/auth/link?code=btl_x', { method: 'HEAD' })
  await at.fetch('/auth/link?code=btl_x', { headers: { 'sec-fetch-site': 'cross-site' } })
  await at.fetch('/nothing', { method: 'POST' })
  expect(await recordLines(home)).toEqual([])
  for (const path of ['/metrics', '/auth/link?code=btl_x', '/auth/ways?x=1', '/auth/oidc/callback'])
    await at.fetch(path, { from: '192.0.2.1' })
  expect((await recordLines(home)).map(({ actionName }) => actionName)).toEqual(['getHealth', 'signIn', 'signIn'])
  await at.close()
})

it('of a torn end loses nothing that was told to be durable', async () => {
  const log = new OwnLog(home.own, now)
  await log.append(record({ requestId: 'whole' }))
  await log.close()
  const [file = ''] = await readdir(join(home.own, 'date=2026-11-12'))
  await appendFile(join(home.own, 'date=2026-11-12', file), '{"version":"2.0","times')
  const again = new OwnLog(home.own, now)
  await again.append(record({ requestId: 'after' }))
  await again.close()
  expect((await ingested()).events).toBe(2)
})
