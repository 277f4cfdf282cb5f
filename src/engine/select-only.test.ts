import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from './duckdb.ts'
import { checkSelect, type Gate, gateOf, REFUSED_FUNCTIONS, TABLE_FUNCTIONS } from './select-only.ts'

let engine: Engine
let gate: Gate

beforeAll(async () => {
  engine = await Engine.open()
  gate = await gateOf(engine, ['events', 'rejects', 'objects'])
})
afterAll(() => engine.close())

/** Functions whose value changes from call to call and which tell and change nothing. */
const HARMLESS = [
  'current_connection_id',
  'current_query_id',
  'current_transaction_id',
  'error',
  'gen_random_uuid',
  'random',
  'uuid',
  'uuidv4',
  'uuidv7',
]

it('lets no table function of this engine pass but the listed ones', async () => {
  const names = await engine.rows<{ name: string }>(
    "SELECT DISTINCT function_name AS name FROM duckdb_functions() WHERE function_type IN ('table', 'table_macro')",
  )
  expect(names.length).toBeGreaterThan(80)
  for (const { name } of names) {
    const checked = checkSelect(engine, `select * from "${name}"()`, gate)
    if (TABLE_FUNCTIONS.has(name)) await checked
    else await expect(checked, name).rejects.toMatchObject({ code: 'SQL_REFUSED' })
  }
})

it('knows every function of this engine that has side effects', async () => {
  const names = await engine.rows<{ name: string }>(
    "SELECT DISTINCT function_name AS name FROM duckdb_functions() WHERE function_type = 'scalar' AND stability = 'VOLATILE'",
  )
  const unknown = names
    .map((row) => row.name)
    .filter((name) => !REFUSED_FUNCTIONS.has(name) && !HARMLESS.includes(name))
  expect(unknown).toEqual([])
})

it('lets no function pass that is a query over the catalog of this engine', async () => {
  const macros = await engine.rows<{ name: string }>(
    `SELECT DISTINCT function_name AS name FROM duckdb_functions()
     WHERE function_type = 'macro' AND regexp_matches(macro_definition, '(duckdb|pragma)_[a-z_]+\\(')`,
  )
  expect(macros.length).toBeGreaterThan(2)
  expect(macros.map((row) => row.name).filter((name) => !REFUSED_FUNCTIONS.has(name))).toEqual([])
})

it('lets no view or table of the engine itself pass, by whatever name', async () => {
  const views = await engine.rows<{ schema: string; name: string }>(
    'SELECT schema_name AS schema, view_name AS name FROM duckdb_views() WHERE internal',
  )
  expect(views.length).toBeGreaterThan(30)
  for (const { schema, name } of views) {
    for (const sql of [
      `select * from ${schema}.${name}`,
      `select * from system.${schema}.${name}`,
      `select * from (with "${name}" as (select 1) select 1), ${schema}.${name}`,
    ]) {
      await expect(checkSelect(engine, sql, gate), sql).rejects.toMatchObject({ code: 'SQL_REFUSED' })
    }
  }
})

it('knows relations and WITH names whatever their case', async () => {
  await checkSelect(engine, 'with Busy as (select 1) select * from EVENTS, busy, "Objects"', gate)
  await checkSelect(engine, 'with recursive t as (select 1 n union all select n + 1 from t where n < 3) from t', gate)
})
