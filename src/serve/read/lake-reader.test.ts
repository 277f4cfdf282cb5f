import { rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../core/errors.ts'
import { Engine } from '../../engine/duckdb.ts'
import { mergeFiles } from '../../lake/merge.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { Answers } from './answers.ts'
import { addEvents, emptyHome, smallHome } from './asked.fixture.ts'
import { columnsNamedIn } from './columns-named.ts'
import { Connections } from './connections.ts'
import { counts } from './counts.ts'
import { type LakeReader, openLakeReader } from './lake-reader.ts'
import { maskKey } from './mask-key.ts'

const ALL = { masks: [], rows: {} } as const
const signal = new AbortController().signal
const opened = (home: Parameters<typeof openLakeReader>[0]) => openLakeReader(home, { memoryLimitMb: 300, threads: 1 })
const countOf = async (reader: LakeReader): Promise<number> => {
  const { rows } = await reader.rows<{ n: number }>(ALL, ({ events }) => `SELECT count(*) AS n FROM ${events}`, {
    signal,
  })
  return rows[0]?.n ?? 0
}

describe('the reader', () => {
  let reader: LakeReader
  beforeAll(async () => {
    reader = await opened(await smallHome())
  })
  afterAll(async () => {
    await reader.close()
    await rm(join(reader.home.root, '..'), { recursive: true, force: true })
  })

  it('gives plain values, and the version they were read at', async () => {
    const answer = await reader.rows(
      ALL,
      ({ events }) => `SELECT event_time, actor.email, targets FROM ${events} WHERE event_id = '2'`,
      { signal },
    )
    expect(answer).toMatchObject({
      version: 0,
      rows: [{ event_time: '2026-11-12T09:00:00.123456Z', targets: [{ name: 'main.hr.salaries' }] }],
    })
  })

  it('sees what was committed, a quarter of a second later at most, and counts it', async () => {
    expect(await countOf(reader)).toBe(3)
    await addEvents(reader.home, '2026-11-14', [{ event_id: "'4'", event_time: "TIMESTAMPTZ '2026-11-14 01:00:00Z'" }])
    await expect.poll(() => countOf(reader), { timeout: 2000 }).toBe(4)
    const counted = () =>
      counts<{ n: number }>(reader, ALL, (source) => `SELECT sum(n)::INTEGER AS n FROM ${source}`, { signal })
    expect((await counted()).rows).toEqual([{ n: 4 }])
    await reader.slots.settled()
    expect((await counted()).rows).toEqual([{ n: 4 }])
  })

  it('goes back to a version it has seen', async () => {
    const { rows } = await reader.rows(ALL, ({ events }) => `SELECT count(*) AS n FROM ${events}`, {
      signal,
      version: 0,
    })
    expect(rows).toEqual([{ n: 3 }])
  })

  it('does not go back to a version it does not know', async () => {
    const asking = reader.rows(ALL, ({ events }) => `SELECT count(*) AS n FROM ${events}`, { signal, version: 999 })
    await expect(asking).rejects.toMatchObject({ code: 'BAD_ARGUMENT', hint: expect.stringContaining('first page') })
  })

  it('goes on with the newest files where those of its snapshot were deleted', async () => {
    const { home } = reader
    const table = DeltaTable.at(home.events, EVENTS_TABLE)
    const engine = await Engine.open({ tempDir: home.tmp })
    const { files } = await table.snapshot()
    const old = files.filter(({ partition }) => partition === '2026-11-12')
    const adds = await mergeFiles(engine, table, old, { targetBytes: 1e9, stem: 'merged' })
    engine.close()
    const before = await reader.snapshots.newest()
    await table.commit({ adds, removes: old, operation: 'OPTIMIZE', dataChange: false })
    for (const path of table.absolutePaths(old)) await rm(path)
    const { rows, version } = await reader.rows(
      ALL,
      ({ events }) => `SELECT count(*) AS n, 'again' AS t FROM ${events} WHERE actor IS NOT NULL`,
      {
        signal,
        version: before.events.version,
      },
    )
    expect([rows, version]).toEqual([[{ n: 3, t: 'again' }], before.events.version + 1])
    await reader.slots.settled()
    expect(
      (await counts<{ n: number }>(reader, ALL, (source) => `SELECT sum(n)::INTEGER AS n FROM ${source}`, { signal }))
        .rows,
    ).toEqual([{ n: 4 }])
  })

  it('says that there is no lake', async () => {
    const empty = await opened(await emptyHome())
    await expect(countOf(empty)).rejects.toMatchObject({ code: 'NO_LAKE' })
    await empty.close()
    await rm(join(empty.home.root, '..'), { recursive: true, force: true })
  })

  it('names a data file that is damaged, and how to find all of them', async () => {
    const damaged = await opened(await smallHome())
    const table = DeltaTable.at(damaged.home.events, EVENTS_TABLE)
    const [path = ''] = table.absolutePaths((await table.snapshot()).files)
    await truncate(path, 100)
    const asking = damaged.rows(ALL, ({ events }) => `SELECT max(action) FROM ${events}`, { signal })
    const hint = expect.stringContaining('bricktrail verify')
    await expect(asking).rejects.toMatchObject({ code: 'BAD_LAKE', where: path, hint })
    await damaged.close()
    await rm(join(damaged.home.root, '..'), { recursive: true, force: true })
  })

  it('makes one key of pseudonyms, for its owner only, however many ask', async () => {
    const keys = await Promise.all([1, 2, 3].map(() => maskKey(reader.home)))
    expect(new Set([...keys, reader.key]).size).toBe(1)
  })
})

describe('connections', () => {
  const endless = 'SELECT count(*) FROM range(100000000000) a, range(1000) b'

  it('stop a statement when its time is up or its asker has left, and refuse the one too many', async () => {
    const engine = await Engine.open({ threads: 1 })
    const connections = await Connections.open(engine, { quick: 1, long: 1, waiting: 1 })
    const gone = new AbortController()
    const first = connections.rows(endless, { lane: 'quick', timeoutMs: 60_000, signal: gone.signal })
    const second = connections.rows('SELECT 1 AS one', { lane: 'quick', timeoutMs: 60_000, signal })
    const third = connections.rows('SELECT 1', { lane: 'quick', timeoutMs: 60_000, signal })
    await expect(third).rejects.toMatchObject({ code: 'BUSY' })
    gone.abort()
    await expect(first).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
    expect(await second).toEqual([{ one: 1 }])
    await expect(connections.rows(endless, { lane: 'long', timeoutMs: 100, signal })).rejects.toMatchObject({
      code: 'SQL_TIMEOUT',
    })
    expect(connections.interrupted).toBe(2)
    expect(connections.load()).toEqual({ running: 0, waiting: 0 })
    await connections.close()
    engine.close()
  })

  it('take turns among who asks, and refuse what one asks too often or a lane cannot keep', async () => {
    const engine = await Engine.open({ threads: 1 })
    const connections = await Connections.open(engine, { quick: 1, long: 1, waiting: 3, waitingOfOne: 2 })
    const gone = new AbortController()
    const ended: string[] = []
    const ask = (by: string, sql = 'SELECT 1') =>
      connections.rows(sql, { lane: 'quick', timeoutMs: 60_000, signal: gone.signal, by }).then(() => ended.push(by))
    const stop = new AbortController()
    const busy = connections.rows(endless, { lane: 'quick', timeoutMs: 60_000, signal: stop.signal, by: 'one' })
    const asked = [ask('one'), ask('one'), ask('other')]
    await expect(ask('one')).rejects.toMatchObject({ code: 'BUSY' })
    await expect(ask('third')).rejects.toMatchObject({ code: 'BUSY', message: '3 questions are waiting already.' })
    const long = connections.rows('SELECT 1 AS one', { lane: 'long', timeoutMs: 60_000, signal, by: 'one' })
    expect(await long).toEqual([{ one: 1 }])
    stop.abort()
    await expect(busy).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
    await Promise.all(asked)
    expect(ended).toEqual(['other', 'one', 'one'])
    await connections.close()
    engine.close()
  })

  it('of one lane wait beside those of the other', async () => {
    const engine = await Engine.open({ threads: 1 })
    const connections = await Connections.open(engine, { quick: 1, long: 1, waiting: 1 })
    const stop = new AbortController()
    const limits = { timeoutMs: 60_000, signal: stop.signal }
    const lanes = ['quick', 'long'] as const
    const all = lanes.flatMap((lane) => [1, 2].map(() => connections.rows(endless, { lane, ...limits })))
    expect(connections.load()).toEqual({ running: 2, waiting: 2 })
    stop.abort()
    for (const each of await Promise.allSettled(all)) expect(each).toMatchObject({ reason: { code: 'SQL_TIMEOUT' } })
    await connections.close()
    engine.close()
  })

  it('stop what runs when they close', async () => {
    const engine = await Engine.open({ threads: 1 })
    const connections = await Connections.open(engine, { quick: 1, long: 1, waiting: 1 })
    const running = connections.rows(endless, { lane: 'quick', timeoutMs: 60_000, signal })
    const waiting = connections.rows('SELECT 1', { lane: 'quick', timeoutMs: 60_000, signal })
    const both = Promise.allSettled([running, waiting])
    await connections.close()
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    engine.close()
  })
})

describe('kept answers', () => {
  it('are made once for all who ask at once, and stopped when all have left', async () => {
    const answers = new Answers(1000_000)
    let made = 0
    let stopped = false
    const make = (leave: AbortSignal) =>
      new Promise<string>((resolve, reject) => {
        made += 1
        const timer = setTimeout(() => resolve('answer'), 50)
        leave.addEventListener('abort', () => {
          stopped = true
          clearTimeout(timer)
          reject(new AppError('SQL_TIMEOUT', 'stopped'))
        })
      })
    const both = [answers.answer('q', signal, make), answers.answer('q', signal, make)]
    expect(await Promise.all(both)).toEqual(['answer', 'answer'])
    expect(await answers.answer('q', signal, make)).toBe('answer')
    expect(made).toBe(1)
    const [one, other] = [new AbortController(), new AbortController()]
    const left = answers.answer('r', one.signal, make)
    const stays = answers.answer('r', other.signal, make)
    one.abort()
    await expect(left).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
    expect([await stays, stopped]).toEqual(['answer', false])
    const alone = answers.answer('s', other.signal, make)
    other.abort()
    await expect(alone).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
    expect(stopped).toBe(true)
  })

  it('stay within their bytes', async () => {
    const answers = new Answers(50_000)
    for (let nth = 0; nth < 100; nth++) await answers.answer(`q${nth}`, signal, async () => 'x'.repeat(1000))
    expect(answers.bytes).toBeLessThanOrEqual(50_000)
    expect(answers.bytes).toBeGreaterThan(40_000)
    await answers.answer('huge', signal, async () => 'x'.repeat(100_000))
    expect(answers.bytes).toBeLessThanOrEqual(50_000)
  })

  it('count once, also where the first who asked left and it was made all the same', async () => {
    const answers = new Answers(50_000)
    const made = Promise.withResolvers<string>()
    const gone = new AbortController()
    const left = answers.answer('q', gone.signal, () => made.promise)
    gone.abort()
    await expect(left).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
    const again = answers.answer('q', signal, () => made.promise)
    made.resolve('x'.repeat(1000))
    expect(await again).toHaveLength(1000)
    const { bytes } = answers
    const once = new Answers(50_000)
    await once.answer('q', signal, async () => 'x'.repeat(1000))
    expect(bytes).toBe(once.bytes)
  })
})

describe('the columns of a statement', () => {
  it('are those that it names', () => {
    const named = columnsNamedIn('SELECT actor.email, count(*) FROM (events) WHERE "status" = \'x\'')
    expect(['actor', 'status', 'targets'].map(named)).toEqual([true, true, false])
    expect(columnsNamedIn('SELECT e.* FROM (events) e')('targets')).toBe(true)
  })
})
