import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Outbox } from '../../deliver/outbox.ts'
import { ingest } from '../../ingest/ingest.ts'
import { deliveryLines, NOW, TakingBench } from '../../ingest/taking.fixture.ts'
import type { ServiceView } from '../contract.ts'
import { type LakeReader, openLakeReader } from '../read/lake-reader.ts'
import { type Ask, type Served, served } from '../served.fixture.ts'
import type { Overview } from '../shapes/entities.ts'
import type { DeadLetterPage, DestinationList, RejectPage, SealView, SourceList } from '../shapes/operations.ts'
import type { Problem } from '../shapes/page.ts'
import { destinations } from './destinations.ts'
import { overviewRoutes } from './overview.ts'
import { rejects } from './rejects.ts'
import { seal } from './seal.ts'
import { sources } from './sources.ts'

const nudged: string[] = []
const stage = { name: 'ingest', state: 'idle', failuresInRow: 0, runs: 1 } as const
const service: ServiceView = {
  startedMs: 0,
  stages: () => [stage],
  sources: async () => [{ name: 'a', spec: '/logs', stage, objects: 1, events: 2, rejects: 3, lagSeconds: 4 }],
  nudge: (name) => nudged.push(name),
  listen: () => () => undefined,
}

let bench: TakingBench
let lake: LakeReader
let server: Served
beforeAll(async () => {
  bench = await TakingBench.open()
  const lines = [deliveryLines(1, 50).trimEnd(), '{"broken": ', `{"token": "dapi${'0'.repeat(32)}", "x": `, '[1]']
  const file = join(bench.folder, 'one.json')
  await writeFile(file, `${lines.join('\n')}\n`)
  await ingest({ home: bench.home, specs: [file], form: 'auto', stdin: Readable.from([]), now: () => NOW })
  await writeFile(
    join(bench.home.root, 'deliver.yaml'),
    'destinations:\n  pager: { kind: file, path: pager.ndjson }\n  lake: { kind: event-file, path: events.ndjson, format: uam }\n',
  )
  lake = await openLakeReader(bench.home, { memoryLimitMb: 300, threads: 1 })
  server = served(bench.home, [rejects, overviewRoutes, sources, destinations, seal], { lake, now: () => NOW, service })
}, 60_000)
afterAll(async () => {
  await server?.close()
  await lake?.close()
  const { cache } = bench.home
  // The cache is shared by tests.
  for (const name of await readdir(cache)) if (name.startsWith('verification')) await rm(join(cache, name))
  await bench.close()
})

const json = async <T>(path: string, ask: Ask = { as: 'admin' }): Promise<T> =>
  (await server.fetch(path, ask)).json() as Promise<T>
const statusOf = async (path: string, ask: Ask): Promise<number> => (await server.fetch(path, ask)).status

describe('rejects', () => {
  it('are shown with why and what, without secrets', async () => {
    const page = await json<RejectPage>('/api/v1/rejects')
    expect(page.rejects).toHaveLength(3)
    expect(page.rejects.map(({ bytes }) => bytes)).toContain('{"broken": ')
    expect(JSON.stringify(page)).not.toContain('dapi0')
    expect(JSON.stringify(page)).toContain('[redacted:databricks_token]')
    expect(page.reasons.reduce((sum, { count }) => sum + count, 0)).toBe(3)
  })

  it('come in pages, by reason and object', async () => {
    const seen: string[] = []
    let cursor = ''
    for (let pages = 0; pages < 5; pages++) {
      const page = await json<RejectPage>(`/api/v1/rejects?limit=1${cursor}`)
      seen.push(...page.rejects.map(({ id }) => id))
      if (page.nextCursor === null) break
      cursor = `&cursor=${page.nextCursor}`
    }
    expect(new Set(seen).size).toBe(3)
    const [first] = (await json<RejectPage>('/api/v1/rejects')).reasons
    expect((await json<RejectPage>(`/api/v1/rejects?reason=${first?.value}`)).rejects).toHaveLength(first?.count ?? 0)
    expect((await json<RejectPage>('/api/v1/rejects?object=*one.json')).rejects).toHaveLength(3)
    expect((await json<RejectPage>('/api/v1/rejects?object=two')).rejects).toHaveLength(0)
  })

  it('are of the span in which they were set aside, as the overview counts them', async () => {
    const setAside = NOW.getTime()
    const at = (ms: number) => new Date(setAside + ms).toISOString()
    const of = (from: number, to: number) =>
      json<RejectPage>(`/api/v1/rejects?from=${encodeURIComponent(at(from))}&to=${encodeURIComponent(at(to))}`)
    expect((await of(0, 1)).rejects).toHaveLength(3)
    expect(await of(1, 60_000)).toMatchObject({ rejects: [], reasons: [] })
    expect((await of(-60_000, 0)).rejects).toEqual([])
    const { figures, from, to } = await json<Overview>(`/api/v1/overview?from=${at(-3_600_000)}&to=${at(3_600_000)}`)
    const led = await json<RejectPage>(`/api/v1/rejects?from=${from}&to=${to}`)
    expect(led.rejects).toHaveLength(figures.rejects.value)
    const wrong = await json<Problem>('/api/v1/rejects?from=soonish')
    expect(wrong).toMatchObject({ status: 422, code: 'BAD_TIME', errors: [{ in: 'query', name: 'from' }] })
  })

  it.each(['reason', 'object'])('take SQL in %s as text', async (name) => {
    for (const text of ["' OR true --", "'; DROP TABLE x --", '\\', '%'])
      expect((await json<RejectPage>(`/api/v1/rejects?${name}=${encodeURIComponent(text)}`)).rejects).toEqual([])
  })

  it('are for who may see received bytes', async () => {
    expect(await statusOf('/api/v1/rejects', { as: 'viewer' })).toBe(403)
    expect(await statusOf('/api/v1/rejects', { as: 'analyst' })).toBe(403)
    expect(await statusOf('/api/v1/rejects', { as: 'auditor' })).toBe(200)
    expect(await statusOf('/api/v1/rejects', {})).toBe(401)
    expect(await statusOf('/api/v1/rejects?cursor=x', { as: 'admin' })).toBe(422)
    const headers = { authorization: `Bearer ${server.token({ role: 'admin', rows: { workspaces: ['1'] } })}` }
    expect((await json<RejectPage>('/api/v1/rejects', { headers })).rejects).toEqual([])
  })
})

describe('sources', () => {
  it('and stages are as the loop tells', async () => {
    expect(await json<SourceList>('/api/v1/sources', { as: 'viewer' })).toEqual({
      sources: [{ name: 'a', spec: '/logs', stage, objects: 1, events: 2, rejects: 3, lagSeconds: 4 }],
      stages: [stage],
    })
    expect(await statusOf('/api/v1/sources', {})).toBe(401)
  })

  it('and metrics and the seal say nothing of how much there is to who sees some rows only', async () => {
    const limited = {
      headers: { authorization: `Bearer ${server.token({ role: 'auditor', rows: { workspaces: ['1'] } })}` },
    }
    expect(await json<SourceList>('/api/v1/sources', limited)).toEqual({
      sources: [{ name: 'a', spec: '/logs', stage, objects: null, events: null, rejects: null }],
      stages: [stage],
    })
    expect((await json<SealView>('/api/v1/seal', limited)).growth).toEqual([])
    expect((await json<SealView>('/api/v1/seal', { as: 'auditor' })).growth).not.toEqual([])
  })
})

describe('destinations', () => {
  const dead = (query = '', ask: Ask = { as: 'admin' }) =>
    json<DeadLetterPage>(`/api/v1/destinations/pager/dead${query}`, ask)
  const fail = (count: number) => {
    const outbox = Outbox.open(bench.home.outbox)
    const ids = Array.from({ length: count }, (_, n) => `letter ${n}`)
    outbox.put(ids.map((id) => ({ destination: 'pager', id, key: id, body: `{"secret of":"${id}"}`, weight: 1 })))
    for (const { seq } of outbox.due('pager', Date.now() + 1000, count))
      outbox.dropMessage('pager', seq, '400: no user ana@example.com', 0)
    outbox.close()
  }

  it('are listed with how they do', async () => {
    const { destinations: rows } = await json<DestinationList>('/api/v1/destinations', { as: 'viewer' })
    expect(rows.map(({ name, takes, dead: letters }) => [name, takes, letters])).toEqual([
      ['pager', 'messages', 0],
      ['lake', 'events', 0],
    ])
  })

  it('take a test', async () => {
    const test = { method: 'POST', as: 'admin' } as const
    expect(await json('/api/v1/destinations/pager/test', test)).toEqual({ outcome: 'delivered' })
    expect(await readFile(join(bench.home.root, 'pager.ndjson'), 'utf8')).toContain('A test of Bricktrail')
    expect(await statusOf('/api/v1/destinations/nobody/test', test)).toBe(404)
    expect(await statusOf('/api/v1/destinations/pager/test', { method: 'POST', as: 'auditor' })).toBe(403)
  })

  it('show dead letters in pages, and what they hold only to who sees everything', async () => {
    fail(3)
    const first = await dead('?limit=2')
    expect(first.letters.map(({ body }) => body)).toEqual(['{"secret of":"letter 0"}', '{"secret of":"letter 1"}'])
    const second = await dead(`?limit=2&cursor=${first.nextCursor}`)
    expect(second.letters).toHaveLength(1)
    expect(second.nextCursor).toBeNull()
    const asViewer = await dead('', { as: 'viewer' })
    expect(asViewer.letters).toHaveLength(3)
    expect(JSON.stringify(asViewer)).not.toContain('secret')
    expect(first.letters[0]?.reason).toBe('400: no user ana@example.com')
    expect(asViewer.letters[0]?.reason).toBe('400: [23 characters]')
    expect(await (await server.fetch('/api/v1/destinations', { as: 'viewer' })).text()).not.toContain('ana@')
    expect(await statusOf('/api/v1/destinations/nobody/dead', { as: 'admin' })).toBe(404)
    expect(await statusOf('/api/v1/destinations/pager/dead?cursor=zzz', { as: 'admin' })).toBe(422)
  })

  it('let go of one dead letter, once', async () => {
    const [{ seq } = { seq: 0 }] = (await dead()).letters
    const discard = (name: string, which: number | string, as: 'admin' | 'analyst' = 'admin') =>
      statusOf(`/api/v1/destinations/${name}/dead/${which}`, { method: 'DELETE', as })
    expect(await discard('pager', seq, 'analyst')).toBe(403)
    expect(await discard('lake', seq)).toBe(404)
    expect(await discard('pager', '1%20OR%201=1')).toBe(422)
    expect(await discard('pager', 0)).toBe(422)
    expect(await discard('pager', seq)).toBe(204)
    expect(await discard('pager', seq)).toBe(404)
    expect((await dead()).letters).toHaveLength(2)
  })

  it('send each dead letter again once, however many ask for it', async () => {
    const replay = () => server.fetch('/api/v1/destinations/pager/replay', { method: 'POST', as: 'admin' })
    const answers = await Promise.all([replay(), replay()])
    for (const { status } of answers) expect([200, 409]).toContain(status)
    const reports = await Promise.all(answers.map((each) => each.json() as Promise<{ revived?: number }>))
    expect(reports.reduce((sum, { revived }) => sum + (revived ?? 0), 0)).toBe(2)
    expect(nudged).toContain('deliver')
    expect((await dead()).letters).toEqual([])
    expect(await statusOf('/api/v1/destinations/pager/replay', { method: 'POST', as: 'viewer' })).toBe(403)
  })
})

describe('the seal', () => {
  const verified = async (): Promise<SealView['verification']> => {
    for (;;) {
      const { verification } = await json<SealView>('/api/v1/seal', { as: 'auditor' })
      if (verification?.state !== 'running') return verification
      expect(verification.done).toBeLessThanOrEqual(1)
      await sleep(50)
    }
  }
  const verify = () => server.fetch('/api/v1/seal/verify', { method: 'POST', as: 'auditor' })

  it('is shown with its checkpoint and how it grew', async () => {
    const view = await json<SealView>('/api/v1/seal', { as: 'auditor' })
    expect(view).toMatchObject({ unsealed: 0, behind: [], verification: null })
    expect(Number(view.size)).toBeGreaterThan(1)
    expect(view.growth.reduce((sum, { leaves }) => sum + leaves, 0)).toBe(Number(view.size))
    expect(view.growth.reduce((sum, { events }) => sum + events, 0)).toBe(50)
    const note = await server.fetch('/api/v1/seal/checkpoint', { as: 'auditor' })
    expect(note.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(await note.text()).toBe(view.checkpoint)
    expect(view.checkpoint.split('\n').slice(0, 2)).toEqual([view.origin, view.size])
  })

  it('is verified in a process of its own, once at a time, and the result is kept', async () => {
    const [first, second] = await Promise.all([verify(), verify()])
    expect([first.status, second.status]).toEqual([202, 202])
    expect(((await first.json()) as SealView).verification?.started).toBe(
      ((await second.json()) as SealView).verification?.started,
    )
    const done = await verified()
    expect(done).toMatchObject({ state: 'clean', done: 1, findings: [] })
    expect(done?.checked.leaves).toBeGreaterThan(1)
    const again = served(bench.home, [seal], { lake, now: () => NOW })
    expect(((await (await again.fetch('/api/v1/seal', { as: 'admin' })).json()) as SealView).verification).toEqual(done)
    await again.close()
  }, 30_000)

  it('tells what somebody changed', async () => {
    const [file = ''] = (await readdir(bench.home.events, { recursive: true })).filter((each) =>
      each.endsWith('.parquet'),
    )
    const path = join(bench.home.events, file)
    const bytes = await readFile(path)
    await appendFile(path, 'x')
    await verify()
    const found = await verified()
    expect(found?.state).toBe('findings')
    expect(found?.findings[0]).toMatchObject({ kind: 'changed', message: expect.stringContaining('.parquet') })
    await writeFile(path, bytes)
  }, 30_000)

  it('that cannot be read is shown as that, and can be verified', async () => {
    const path = join(bench.home.seal, 'log', 'checkpoint')
    const bytes = await readFile(path)
    await writeFile(path, 'nonsense')
    const view = await json<SealView>('/api/v1/seal', { as: 'auditor' })
    expect(view.behind).toHaveLength(1)
    expect((await verify()).status).toBe(202)
    expect((await verified())?.state).toMatch(/findings|failed/)
    await writeFile(path, bytes)
  }, 30_000)

  it('is for who may see it', async () => {
    for (const path of ['/api/v1/seal', '/api/v1/seal/checkpoint']) {
      expect(await statusOf(path, { as: 'viewer' })).toBe(403)
      expect(await statusOf(path, { as: 'analyst' })).toBe(403)
    }
    expect(await statusOf('/api/v1/seal/verify', { method: 'POST', as: 'analyst' })).toBe(403)
    expect(await statusOf('/api/v1/seal/verify', { method: 'POST' })).toBe(401)
  })

  it('is not there where nothing was sealed', async () => {
    await rm(join(bench.folder, 'empty'), { recursive: true, force: true })
    const { homeAt } = await import('../../core/home.ts')
    const empty = served(homeAt(join(bench.folder, 'empty')), [seal, destinations], { lake, now: () => NOW })
    expect((await empty.fetch('/api/v1/seal', { as: 'admin' })).status).toBe(404)
    expect(await (await empty.fetch('/api/v1/destinations', { as: 'admin' })).json()).toEqual({ destinations: [] })
    expect(existsSync(join(bench.folder, 'empty', 'deliver.db'))).toBe(false)
    await empty.close()
  })
})
