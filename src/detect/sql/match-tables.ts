/** Where matches are while a batch is looked at, and how many there are. */
import type { Engine } from '../../engine/duckdb.ts'
import { CONTEXT_KEY } from './compile.ts'
import type { Contexts } from './contexts.ts'
import type { Dialect } from './dialect.ts'
import type { RecordShape } from './fields.ts'
import { CONTEXT_MATCHES, PLACED_RECORDS, RECORD_MATCHES, SUMS } from './shared-tables.ts'
import { SUM_COLUMNS } from './sums.ts'

/** The relation that a run gives: `rule`, the id columns, `selections`, `because`, `fields`. */
export const MATCHES_TABLE = 'temp.rule_matches'

/** The table of matches that were added up: `rule`, `hour`, `fields`, `events`, first and last time and event. */
export const SUMS_TABLE = SUMS

/** Makes the tables, without matches, and {@link MATCHES_TABLE} over them; and of contexts, if the batch has them. */
export async function emptyMatches(
  engine: Engine,
  shape: RecordShape,
  dialect: Dialect,
  contexts?: Contexts,
): Promise<void> {
  const names = Object.keys(shape.ids).map(dialect.identifier)
  const ids = Object.entries(shape.ids).map(([name, type]) => `${dialect.identifier(name)} ${type}`)
  await engine.run(`CREATE OR REPLACE TABLE ${RECORD_MATCHES} (rule INTEGER, ${ids.join(', ')},
    selections VARCHAR[], because STRUCT(selection VARCHAR, field VARCHAR, "value" VARCHAR)[], fields MAP(VARCHAR, VARCHAR))`)
  await engine.run(`CREATE OR REPLACE TABLE ${SUMS_TABLE} (${SUM_COLUMNS})`)
  const parts = [`FROM ${RECORD_MATCHES}`]
  if (contexts !== undefined) {
    const none = `FROM ${RECORD_MATCHES} m, ${contexts.table} c LIMIT 0`
    await engine.run(`CREATE OR REPLACE TABLE ${CONTEXT_MATCHES} AS
      SELECT m.rule, c.${CONTEXT_KEY}, m.selections, m.because, m.fields ${none}`)
    await engine.run(`CREATE OR REPLACE TABLE ${PLACED_RECORDS} AS
      SELECT ${names.map((name) => `m.${name}`).join(', ')}, c.${CONTEXT_KEY} ${none}`)
    parts.push(`SELECT m.rule, ${names.map((name) => `r.${name}`).join(', ')}, m.selections, m.because, m.fields
      FROM ${PLACED_RECORDS} r JOIN ${CONTEXT_MATCHES} m ON m.${CONTEXT_KEY} = r.${CONTEXT_KEY}`)
  }
  await engine.run(`CREATE OR REPLACE TEMP VIEW rule_matches AS ${parts.join(' UNION ALL ')}`)
}

/** Fills the table of records with the keys of their contexts, where matches of contexts may come. */
export const placeRecords = (
  engine: Engine,
  relation: string,
  { key }: Contexts,
  shape: RecordShape,
  dialect: Dialect,
): Promise<void> =>
  engine.run(
    `INSERT INTO ${PLACED_RECORDS} SELECT ${Object.keys(shape.ids).map(dialect.identifier).join(', ')}, ${key} FROM ${relation}`,
  )

/** Matches by rule, of which those of contexts count for each of their records. */
export async function countMatches(engine: Engine, contexts?: Contexts): Promise<Map<number, number>> {
  const parts = [
    `SELECT rule, count(*) AS n FROM ${RECORD_MATCHES} GROUP BY rule`,
    `SELECT rule, sum(events) FROM ${SUMS_TABLE} GROUP BY rule`,
  ]
  if (contexts !== undefined)
    parts.push(`SELECT m.rule, sum(c.records) FROM ${CONTEXT_MATCHES} m
      JOIN ${contexts.table} c ON c.${CONTEXT_KEY} = m.${CONTEXT_KEY} GROUP BY m.rule`)
  const rows = await engine.rows(`SELECT rule, sum(n)::INTEGER AS n FROM (${parts.join(' UNION ALL ')}) GROUP BY rule`)
  return new Map(rows.map(({ rule, n }) => [Number(rule), Number(n)]))
}
