/** What enrichers know already: one small table a fact, kept for the life of the engine. */
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import type { Enricher } from './contract.ts'
import { ENRICHERS } from './registry.ts'

/** More values than this are not remembered: the join would cost more than working facts out in place. */
const MAX_REMEMBERED = 200_000

const memoOf = (enricher: Enricher): string => `memo_${enricher.name}`

/** Makes the reference tables and empty memories; once per engine. */
export async function prepareEnrichment(engine: Engine, home: Home): Promise<void> {
  for (const enricher of ENRICHERS) {
    await enricher.prepare?.(engine, home)
    await engine.run(`CREATE OR REPLACE TEMP TABLE ${memoOf(enricher)} (value VARCHAR, fact ${enricher.type})`)
  }
}

/**
 * Remembers the facts about values not met before.
 *
 * @param values for an input column, SQL giving one VARCHAR column of values, NULLs and repeats allowed
 */
export async function learn(engine: Engine, values: (input: Enricher['input']) => string): Promise<void> {
  for (const enricher of ENRICHERS) {
    const memo = memoOf(enricher)
    const { n } = await engine.row<{ n: string }>(`SELECT count(*) AS n FROM ${memo}`)
    if (Number(n) > MAX_REMEMBERED) continue
    await engine.run(`INSERT INTO ${memo}
      WITH fresh AS (
        SELECT DISTINCT value FROM (${values(enricher.input)}) t(value)
        WHERE value IS NOT NULL AND value NOT IN (SELECT value FROM ${memo}) LIMIT ${MAX_REMEMBERED}
      )
      SELECT e.value, ${enricher.fact('e.value')} FROM fresh e ${enricher.join('e.value')}`)
  }
}

/** The joins and column expressions that enrich alias `e`. */
export interface Enrichment {
  readonly join: string
  readonly columns: Readonly<Record<string, string>>
}

/**
 * SQL that enriches a relation `e`.
 *
 * @param complete true if every value of the relation has been learnt: nothing is worked out in place then
 */
export function enrichment(complete: boolean): Enrichment {
  const joins: string[] = []
  const columns: Record<string, string> = {}
  for (const enricher of ENRICHERS) {
    const memo = memoOf(enricher)
    joins.push(`LEFT JOIN ${memo} ON ${memo}.value = e.${enricher.input}`)
    if (complete) {
      columns[enricher.output] = `${memo}.fact`
      continue
    }
    const unknown = `CASE WHEN ${memo}.value IS NULL THEN e.${enricher.input} END`
    joins.push(enricher.join(unknown))
    columns[enricher.output] =
      `CASE WHEN ${memo}.value IS NULL THEN ${enricher.fact(`e.${enricher.input}`)} ELSE ${memo}.fact END`
  }
  return { join: joins.join('\n  '), columns }
}
