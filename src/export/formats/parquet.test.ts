import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { duckdbType } from '../../engine/types.ts'
import { exportFormatSuite } from '../contract.suite.ts'
import { ROWS, tableOfEvents } from '../rows.fixture.ts'
import { exportTarget } from '../target.ts'
import { exportFile } from '../write.ts'
import { parquet } from './parquet.ts'

exportFormatSuite(parquet)

let engine: Engine
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-parquet-'))
  engine = await Engine.open()
  await tableOfEvents(engine, 'events', ROWS)
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

it('gives back every event as it was, with its types', async () => {
  const path = join(folder, 'events.parquet')
  await exportFile(engine, parquet, 'events', exportTarget(parquet, path))
  const described = await engine.rows(`DESCRIBE SELECT * FROM read_parquet('${path}')`)
  const types = await engine.row(
    `SELECT ${EVENT_COLUMNS.map(({ name, type }) => `typeof(NULL::${duckdbType(type)}) AS "${name}"`).join(', ')}`,
  )
  expect(Object.fromEntries(described.map((row) => [row.column_name, row.column_type]))).toEqual(types)
  const different = await engine.rows(
    `(SELECT * FROM events EXCEPT SELECT * FROM read_parquet('${path}')) UNION ALL (SELECT * FROM read_parquet('${path}') EXCEPT SELECT * FROM events)`,
  )
  expect(different).toEqual([])
})
