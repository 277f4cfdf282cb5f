import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { type CompactOptions, compact } from './compact.ts'
import { mergeFiles } from './merge.ts'
import { scanSql } from './read.ts'
import { answers, makeFolder, rowsSql, SMALL_TABLE, writeRows } from './small-table.fixture.ts'
import { DeltaTable } from './table.ts'
import { writePartition } from './write.ts'

const DAY_MS = 86_400_000

let engine: Engine
let folder: Awaited<ReturnType<typeof makeFolder>>
let table: DeltaTable

beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())
beforeEach(async () => {
  folder = await makeFolder()
  table = DeltaTable.at(folder.path, SMALL_TABLE)
})
afterEach(() => folder.remove())

const another = (): DeltaTable => DeltaTable.at(folder.path, SMALL_TABLE)
const run = (options: Partial<CompactOptions> = {}) => compact(engine, table, { nowMs: Date.now(), ...options })

const dataFiles = async (): Promise<string[]> => (await table.store.list('')).filter((key) => key.startsWith('day='))

/** Commits one file for each count, newest rows first, so that a merge has something to sort. */
async function fill(day: string, counts: readonly number[]): Promise<void> {
  let first = counts.reduce((sum, count) => sum + count, 0)
  for (const count of counts) {
    first -= count
    await table.commit({ adds: [await writeRows(engine, table, day, first, count)], operation: 'WRITE' })
  }
}

describe('compaction', () => {
  test('merges the small files of each day and changes no answer', async () => {
    await fill('2026-11-12', [50, 40, 60, 50, 30])
    await fill('2026-11-13', [20, 20])
    await fill('2026-11-14', [20, 20, 20, 20])
    const before = await answers(engine, table)
    const steps: string[] = []
    const result = await run({ onProgress: (done, total) => steps.push(`${done}/${total}`) })
    expect(result).toEqual({
      partitions: 2,
      filesBefore: 11,
      filesAfter: 4,
      rows: 310,
      conflicts: 0,
      deleted: 0,
      deletedBytes: 0,
    })
    expect(steps).toEqual(['1/2', '2/2'])
    expect(await answers(engine, another())).toEqual(before)
    expect(await run()).toMatchObject({ partitions: 0, filesBefore: 4, filesAfter: 4 })
  })

  test('sorts by time and id, within and across the files it makes', async () => {
    await fill('2026-11-12', [400, 300, 500, 300])
    const { files } = await table.snapshot()
    const merged = await mergeFiles(engine, table, files, {
      targetBytes: Math.ceil(files.reduce((n, f) => n + f.sizeBytes, 0) / 3),
      stem: 'm',
    })
    expect(merged).toHaveLength(3)
    const rows = []
    for (const file of merged) {
      const [path] = table.absolutePaths([file])
      rows.push(
        ...(await engine.rows<{ at: string; id: string }>(
          `SELECT "at", id FROM read_parquet('${path}', file_row_number = true) ORDER BY file_row_number`,
        )),
      )
    }
    expect(rows).toHaveLength(1500)
    const sorted = [...rows].sort((a, b) => (a.at === b.at ? (a.id < b.id ? -1 : 1) : a.at < b.at ? -1 : 1))
    expect(rows).toEqual(sorted)
    for (const [index, file] of merged.entries()) {
      expect(file.minTimeMs).toBeGreaterThanOrEqual(merged[index - 1]?.maxTimeMs ?? 0)
    }
  })

  test('loses no row without a time, however many files it makes', async () => {
    const select = `SELECT * REPLACE (CASE WHEN i % 7 > 0 THEN "at" END AS "at") FROM (SELECT *, replace(id, 'id-', '')::INT AS i FROM (${rowsSql('2026-11-12', 0, 200)}))`
    for (const stem of ['a', 'b']) {
      const file = await writePartition(engine, table, { select, partition: '2026-11-12', stem })
      await table.commit({ adds: file ? [file] : [], operation: 'WRITE' })
    }
    const before = await answers(engine, table)
    await run({ minFiles: 2, targetBytes: 20_000 })
    expect(await answers(engine, another())).toEqual(before)
  })

  test('leaves alone what is large, and a file larger than all smaller ones together', async () => {
    await fill('2026-11-12', [5000, 10, 10, 10, 10])
    const large = (await table.snapshot()).files.find((file) => file.rows === 5000)
    await run()
    const { files } = await table.snapshot()
    expect(files).toHaveLength(2)
    expect(files).toContainEqual(large)
    await fill('2026-11-13', [500, 500, 500, 500])
    expect(await run({ targetBytes: 2000 })).toMatchObject({ partitions: 0 })
  })

  test('says in the log that no data changed', async () => {
    await fill('2026-11-12', [10, 10, 10, 10])
    await run()
    const commit = new TextDecoder().decode(await table.store.read('_delta_log/00000000000000000004.json'))
    expect(commit).toContain('"operation":"OPTIMIZE"')
    expect(commit).not.toContain('"dataChange":true')
    expect(commit.match(/"remove":/g)).toHaveLength(4)
    expect(commit.match(/"add":/g)).toHaveLength(1)
  })

  test('two compactions at once leave the rows as they were', async () => {
    for (const day of ['2026-11-12', '2026-11-13', '2026-11-14']) await fill(day, [30, 30, 30, 30])
    const before = await answers(engine, table)
    const second = await Engine.open({ threads: 1 })
    try {
      const results = await Promise.all([run(), compact(second, another(), { nowMs: Date.now() })])
      expect(results.reduce((sum, { partitions }) => sum + partitions, 0)).toBe(3)
    } finally {
      second.close()
    }
    const after = await another().snapshot()
    expect(after.files).toHaveLength(3)
    expect(await answers(engine, another())).toEqual(before)
    expect(await dataFiles()).toHaveLength(12 + 3)
  })

  test('readers of an older snapshot go on reading it', async () => {
    await fill('2026-11-12', [30, 30, 30, 30])
    const old = await another().snapshot()
    const before = await answers(engine, table, old)
    await run()
    expect(await answers(engine, table, old)).toEqual(before)
  })

  test('an ingest in between is kept', async () => {
    await fill('2026-11-12', [30, 30, 30, 30])
    const { files } = await table.snapshot()
    const other = another()
    const late = await writeRows(engine, other, '2026-11-12', 1000, 5)
    const [result] = await Promise.all([run(), other.commit({ adds: [late], operation: 'WRITE' })])
    expect(result.rows === 120 || result.rows === 125).toBe(true)
    const { n } = await engine.row<{ n: string }>(
      `SELECT count(*) AS n FROM ${scanSql(table, (await another().snapshot()).files)}`,
    )
    expect(n).toBe('125')
    expect(files).toHaveLength(4)
  })
})

describe('what is out of use', () => {
  test('is deleted after the grace period, and not before', async () => {
    await fill('2026-11-12', [10, 10, 10, 10])
    await run()
    expect(await dataFiles()).toHaveLength(5)
    expect(await run({ nowMs: Date.now() + 6 * DAY_MS })).toMatchObject({ deleted: 0 })
    const result = await run({ nowMs: Date.now() + 8 * DAY_MS })
    expect(result.deleted).toBe(4)
    expect(result.deletedBytes).toBeGreaterThan(4000)
    expect(await dataFiles()).toEqual((await table.snapshot()).files.map((file) => file.path))
  })

  test('counts from the removal, not from the making, of a file', async () => {
    await fill('2026-11-12', [10, 10, 10, 10])
    await run({ nowMs: Date.now() + 20 * DAY_MS })
    expect(await dataFiles()).toHaveLength(5)
    expect(await run({ nowMs: Date.now() + 26 * DAY_MS })).toMatchObject({ deleted: 0 })
    expect(await run({ nowMs: Date.now() + 28 * DAY_MS })).toMatchObject({ deleted: 4 })
  })

  test('leftovers of crashes go, other files of the folder stay', async () => {
    await fill('2026-11-12', [10])
    await writeRows(engine, table, '2026-11-12', 500, 5)
    const bytes = new TextEncoder().encode('x')
    for (const key of [
      '_staging/a.parquet',
      '_delta_log/.tmp-1',
      'notes.txt',
      'day=2026-11-12/.tmp-2',
      'elsewhere/a.parquet',
    ]) {
      await table.store.put(key, bytes)
    }
    expect(await run()).toMatchObject({ deleted: 0 })
    expect(await run({ nowMs: Date.now() + 8 * DAY_MS })).toMatchObject({ deleted: 4 })
    const left = (await table.store.list('')).filter((key) => !key.startsWith('_delta_log/0'))
    expect(left).toEqual(['day=2026-11-12/rows-0-0.parquet', 'elsewhere/a.parquet', 'notes.txt'])
    expect(await answers(engine, another())).toHaveLength(10)
  })

  test('a grace period of more than 30 days is refused, since removals are not remembered longer', async () => {
    await expect(run({ graceMs: 31 * DAY_MS })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  test('the log before a checkpoint goes after 30 days, and the table is the same', async () => {
    for (let n = 0; n < 23; n++) await fill(`2026-11-${10 + (n % 9)}`, [5])
    const before = await answers(engine, table)
    await run({ minFiles: 100, nowMs: Date.now() + 29 * DAY_MS })
    expect(await table.store.list('_delta_log/')).toHaveLength(23 + 2 + 1)
    await run({ minFiles: 100, nowMs: Date.now() + 31 * DAY_MS })
    const left = await table.store.list('_delta_log/')
    expect(left[0]).toBe('_delta_log/00000000000000000020.checkpoint.parquet')
    expect(left).toHaveLength(1 + 3 + 1)
    expect(await answers(engine, another())).toEqual(before)
  })

  test('the log stays if the checkpoint that would stand for it cannot be read', async () => {
    for (let n = 0; n < 11; n++) await fill('2026-11-12', [1])
    await table.store.put('_delta_log/00000000000000000010.checkpoint.parquet', new TextEncoder().encode('garbled'))
    await expect(run({ minFiles: 100, nowMs: Date.now() + 31 * DAY_MS })).rejects.toMatchObject({ code: 'BAD_LAKE' })
    expect((await another().snapshot()).files).toHaveLength(11)
  })
})
