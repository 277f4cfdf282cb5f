import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { duckdbType } from '../../engine/types.ts'
import { exportFormatSuite } from '../contract.suite.ts'
import { AWKWARD, event, ROWS, tableOfEvents } from '../rows.fixture.ts'
import { exportTarget } from '../target.ts'
import { exportFile } from '../write.ts'
import { SYSTEM_TABLE_COLUMNS, systemTable } from './system-table.ts'

exportFormatSuite(systemTable)

/** system.access.audit as a workspace's information_schema lists it, in order, in DuckDB's type names. */
const SCHEMA = [
  ['account_id', 'VARCHAR'],
  ['workspace_id', 'VARCHAR'],
  ['version', 'VARCHAR'],
  ['event_time', 'TIMESTAMP WITH TIME ZONE'],
  ['event_date', 'DATE'],
  ['source_ip_address', 'VARCHAR'],
  ['user_agent', 'VARCHAR'],
  ['session_id', 'VARCHAR'],
  ['user_identity', 'STRUCT(email VARCHAR, subject_name VARCHAR)'],
  ['service_name', 'VARCHAR'],
  ['action_name', 'VARCHAR'],
  ['request_id', 'VARCHAR'],
  ['request_params', 'MAP(VARCHAR, VARCHAR)'],
  ['response', 'STRUCT(status_code INTEGER, error_message VARCHAR, result VARCHAR)'],
  ['audit_level', 'VARCHAR'],
  ['event_id', 'VARCHAR'],
  ['identity_metadata', 'STRUCT(run_by VARCHAR, run_as VARCHAR, acting_resource VARCHAR)'],
]

let engine: Engine
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-system-table-'))
  engine = await Engine.open()
  await tableOfEvents(engine, 'events', ROWS)
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

it('has exactly the columns and types of system.access.audit, as Parquet', async () => {
  const path = join(folder, 'audit.parquet')
  await exportFile(engine, systemTable, 'events', exportTarget(systemTable, path))
  const described = await engine.rows(`DESCRIBE SELECT * FROM read_parquet('${path}')`)
  expect(described.map((row) => [row.column_name, row.column_type])).toEqual(SCHEMA)
})

it('tells other writers the same columns and types', async () => {
  const empty = SYSTEM_TABLE_COLUMNS.map(({ name, type }) => `NULL::${duckdbType(type)} AS ${name}`)
  const described = await engine.rows(`DESCRIBE SELECT ${empty.join(', ')}`)
  expect(described.map((row) => [row.column_name, row.column_type])).toEqual(SCHEMA)
})

it('keeps parameters as they were, nulls and awkward keys included', async () => {
  const rows = await engine.rows(`SELECT request_params FROM (${systemTable.select('events')})
    WHERE request_params['empty'] = ''`)
  expect(rows).toEqual([
    {
      request_params: [
        { key: AWKWARD, value: AWKWARD },
        { key: 'empty', value: '' },
        { key: 'missing', value: null },
      ],
    },
  ])
})

it("prefers the source's own event id and puts account-level events back into workspace 0", async () => {
  await tableOfEvents(engine, 'chosen', [
    event({
      native_id: 'n-1',
      audit_level: 'ACCOUNT_LEVEL',
      workspace_id: '42',
      request_params: { workspace_id: '42' },
    }),
    event({ native_id: '', audit_level: 'ACCOUNT_LEVEL', workspace_id: '42' }),
    event({ audit_level: 'WORKSPACE_LEVEL', workspace_id: '42', request_params: { workspace_id: '42' } }),
  ])
  const rows = await engine.rows<{ event_id: string; workspace_id: string }>(
    `SELECT event_id, workspace_id FROM (${systemTable.select('chosen')})`,
  )
  expect(rows.map((row) => [row.event_id.length > 3, row.workspace_id])).toEqual([
    [false, '0'],
    [true, '42'],
    [true, '42'],
  ])
})

it('writes JSON lines with ISO times for a file called so, and reads back the same', async () => {
  const path = join(folder, 'audit.jsonl')
  await exportFile(engine, systemTable, 'events', exportTarget(systemTable, path))
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  expect(lines).toHaveLength(ROWS.length)
  for (const line of lines) {
    const row = JSON.parse(line)
    expect(Object.keys(row)).toEqual(SCHEMA.map(([name]) => name))
    expect(row.event_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  }
  const columns = `{${SCHEMA.map(([name, type]) => `'${name}': '${type}'`).join(', ')}}`
  const back = `SELECT * FROM read_json('${path}', format = 'newline_delimited', columns = ${columns})`
  expect(await engine.rows(`(${systemTable.select('events')}) EXCEPT (${back})`)).toEqual([])
})

it('refuses a container it has not', () => {
  expect(() => exportTarget(systemTable, join(folder, 'audit.csv'))).toThrow(/not written as \.csv/)
})
