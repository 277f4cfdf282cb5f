import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { fileSql } from '../engine/sql.ts'
import { makeFolder, rowsSql, SMALL_TABLE } from './small-table.fixture.ts'
import { stageDays } from './write-days.ts'

let engine: Engine
let folder: Awaited<ReturnType<typeof makeFolder>>
beforeAll(async () => {
  folder = await makeFolder()
  engine = await Engine.open({ threads: 2 })
})
afterAll(async () => {
  engine.close()
  await folder.remove()
})

it('days are staged whole, in row groups that are written before the end', async () => {
  const days = ['2026-11-12', '2026-11-13']
  const select = days.map((day, at) => rowsSql(day, at * 100_000, 70_000)).join(' UNION ALL ')
  const { files, discard } = await stageDays(engine, SMALL_TABLE, select, folder.path)
  expect(
    files
      .map(({ partition, rows }) => ({ partition, rows }))
      .sort((a, b) => (a.partition ?? '').localeCompare(b.partition ?? '')),
  ).toEqual(days.map((partition) => ({ partition, rows: 70_000 })))
  for (const { path } of files) {
    const { most, groups } = await engine.row<{ most: string; groups: number }>(
      `SELECT max(row_group_num_rows) AS most, count(DISTINCT row_group_id)::INTEGER AS groups FROM parquet_metadata(${fileSql(path)})`,
    )
    expect(Number(most)).toBeLessThanOrEqual(32_768 + 2048)
    expect(groups).toBeGreaterThan(1)
  }
  const { ids } = await engine.row<{ ids: number }>(
    `SELECT count(DISTINCT id)::INTEGER AS ids FROM read_parquet([${files.map(({ path }) => fileSql(path)).join(', ')}])`,
  )
  expect(ids).toBe(140_000)
  await discard()
})
