/** Where matches are while a batch is looked at, and how many there are. */
import type { Engine } from '../../engine/duckdb.ts'
import { CONTEXT_KEY } from './compile.ts'
import type { Contexts } from './contexts.ts'
import type { Dialect } from './dialect.ts'
import type { RecordShape } from './fields.ts'
import { SUM_COLUMNS } from './sums.ts'

/** The relation that a run gives: `rule`, the id columns, `selections`, `because`, `fields`. */
export const MATCHES_TABLE = 'temp.rule_matches'

/** The table of matches that were added up: `rule`, `hour`, `fields`, `events`, first and last time and event. */
export const SUMS_TABLE = 'temp.rule_sums'

/** Matches of single records, a row each. */
export const RECORD_MATCHES = 'temp.record_matches'

/** Matches of contexts: a row stands for all records of its {@link CONTEXT_KEY}. */
export const CONTEXT_MATCHES = 'temp.context_matches'

/** The records of the batch, by their ids, each with the key of its context. */
export const PLACED_RECORDS = 'temp.placed_records'

/**
 * Makes the tables, without matches, and {@link MATCHES_TABLE} over them.
 *
 * @param batch the records and their contexts, where matches of contexts may come
 */
export async function emptyMatches(
  engine: Engine,
  shape: RecordShape,
  dialect: Dialect,
  batch?: { readonly relation: string; readonly contexts: Contexts },
): Promise<void> {
  const names = Object.keys(shape.ids).map(dialect.identifier)
  const ids = Object.entries(shape.ids).map(([name, type]) => `${dialect.identifier(name)} ${type}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE record_matches (rule INTEGER, ${ids.join(', ')},
    selections VARCHAR[], because STRUCT(selection VARCHAR, field VARCHAR, "value" VARCHAR)[], fields MAP(VARCHAR, VARCHAR))`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE rule_sums (${SUM_COLUMNS})`)
  const parts = [`FROM ${RECORD_MATCHES}`]
  if (batch !== undefined) {
    const { table, key } = batch.contexts
    await engine.run(`CREATE OR REPLACE TEMP TABLE context_matches AS
      SELECT m.rule, c.${CONTEXT_KEY}, m.selections, m.because, m.fields FROM ${RECORD_MATCHES} m, ${table} c LIMIT 0`)
    await engine.run(
      `CREATE OR REPLACE TEMP TABLE placed_records AS SELECT ${names.join(', ')}, ${key} AS ${CONTEXT_KEY} FROM ${batch.relation}`,
    )
    parts.push(`SELECT m.rule, ${names.map((name) => `r.${name}`).join(', ')}, m.selections, m.because, m.fields
      FROM ${PLACED_RECORDS} r JOIN ${CONTEXT_MATCHES} m ON m.${CONTEXT_KEY} = r.${CONTEXT_KEY}`)
  }
  await engine.run(`CREATE OR REPLACE TEMP VIEW rule_matches AS ${parts.join(' UNION ALL ')}`)
}

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
