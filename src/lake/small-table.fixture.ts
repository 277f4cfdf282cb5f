/** A small table of every kind of column, in a folder of its own, for tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column } from '../core/event.ts'
import type { Engine } from '../engine/duckdb.ts'
import { scanSql } from './read.ts'
import type { TableSpec } from './spec.ts'
import type { DataFile, DeltaTable, Snapshot } from './table.ts'
import { writePartition } from './write.ts'

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string', doc: 'Row id.' },
  { name: 'at', type: 'timestamp', doc: 'When.' },
  { name: 'day', type: 'date', doc: 'Day of at.' },
  { name: 'count', type: 'long', doc: 'A number.' },
  { name: 'ok', type: 'boolean', doc: 'A flag.' },
  {
    name: 'who',
    type: {
      struct: [
        { name: 'name', type: 'string', doc: 'Name.' },
        { name: 'age', type: 'integer', doc: 'Age.' },
      ],
    },
    doc: 'A person.',
  },
  { name: 'labels', type: { array: 'string' }, doc: 'Labels.' },
  { name: 'params', type: { map: ['string', 'string'] }, doc: 'Parameters.' },
]

/** The table. */
export const SMALL_TABLE: TableSpec = { name: 'small', columns: COLUMNS, partitionColumn: 'day', timeColumn: 'at' }

/** A new folder, and how to remove it. */
export async function makeFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'bricktrail-lake-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** SQL of `count` rows of `day`, one a second, numbered from `first`; nulls and odd keys among them. */
export const rowsSql = (day: string, first: number, count: number): string => `
  SELECT 'id-' || i AS id, TIMESTAMPTZ '${day} 00:00:00+00' + to_seconds(i % 86400) AS "at", DATE '${day}' AS day,
    i * 1000000007 AS count, CASE WHEN i % 3 > 0 THEN i % 3 = 1 END AS ok,
    CASE WHEN i % 4 > 0 THEN {'name': CASE WHEN i % 5 > 0 THEN 'n' || i END, 'age': i::INTEGER} END AS who,
    CASE i % 3 WHEN 0 THEN ['x', NULL, 'y' || i] WHEN 1 THEN [] END AS labels,
    CASE WHEN i % 2 = 0 THEN MAP {'Key': 'v' || i, 'key': NULL} END AS params
  FROM range(${first}, ${first + count}) rows(i)`

/** Writes a file of `rowsSql` rows, not yet committed. */
export async function writeRows(
  engine: Engine,
  table: DeltaTable,
  day: string,
  first: number,
  count: number,
): Promise<DataFile> {
  const file = await writePartition(engine, table, {
    select: rowsSql(day, first, count),
    partition: day,
    stem: `rows-${first}`,
  })
  if (!file) throw new Error('no rows')
  return file
}

/** A made-up file of a few rows for tests of the log alone: the log never opens it. */
export const fakeFile = (name: string, partition = '2026-11-12'): DataFile => ({
  path: `day=${partition}/${name}.parquet`,
  sizeBytes: 1000,
  rows: 3,
  partition,
  stats: '{"numRecords":3}',
  modificationTime: 1_795_000_000_000,
})

/** Every row of a snapshot as JSON text, sorted: equal answers give equal lists. */
export async function answers(engine: Engine, table: DeltaTable, snapshot?: Snapshot): Promise<string[]> {
  const { files } = snapshot ?? (await table.snapshot())
  const rows = await engine.rows<{ row: string }>(
    `SELECT to_json(r)::VARCHAR AS row FROM ${scanSql(table, files)} r ORDER BY 1`,
  )
  return rows.map(({ row }) => row)
}
