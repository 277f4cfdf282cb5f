/**
 * Where the tables of an ingestion stand in the engine. Kept plans go stale when a table is made or dropped in a database they
 * use, so tables that come and go have a database of their own, as have those that small batches fill again and again.
 */
import type { Engine } from '../engine/duckdb.ts'

/** Database of tables that come and go. */
export const SCRATCH = 'scratch'

/** Database of the tables that small batches fill. */
export const SMALL = 'small'

/** Makes the databases; once per engine. */
export async function attachDatabases(engine: Engine): Promise<void> {
  for (const name of [SCRATCH, SMALL]) await engine.run(`ATTACH ':memory:' AS ${name}`)
}
