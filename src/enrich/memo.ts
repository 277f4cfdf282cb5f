/** What enrichers know already: one small table a fact, kept for the life of the engine. */
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import type { Enrichment } from '../normalise/event.ts'
import { hasSecretSql } from '../normalise/scrub.ts'
import type { Enricher } from './contract.ts'
import { ENRICHERS } from './registry.ts'

const memoOf = (enricher: Enricher): string => `memo_${enricher.name}`

/** Makes the reference tables and empty memories; once per engine. */
export async function prepareEnrichment(engine: Engine, home: Home): Promise<void> {
  for (const enricher of ENRICHERS) {
    await enricher.prepare?.(engine, home)
    await engine.run(`CREATE OR REPLACE TEMP TABLE ${memoOf(enricher)} (value VARCHAR, fact ${enricher.type})`)
  }
}

/**
 * Remembers the facts about values not met before, but never a text that holds a secret: its events go the careful way every time.
 *
 * @param values for an input column, SQL giving one VARCHAR column of values, NULLs and repeats allowed
 */
export async function learn(engine: Engine, values: (input: Enricher['input']) => string): Promise<void> {
  for (const enricher of ENRICHERS) {
    const memo = memoOf(enricher)
    await engine.run(`CREATE OR REPLACE TEMP TABLE fresh_values AS
      SELECT DISTINCT value FROM (${values(enricher.input)}) t(value)
      WHERE value IS NOT NULL AND value NOT IN (SELECT value FROM ${memo}) AND NOT ${hasSecretSql('value')}`)
    // Working a fact out costs far more to plan than to do, and most batches bring nothing new.
    const { n } = await engine.row<{ n: string }>('SELECT count(*) AS n FROM fresh_values')
    if (n === '0') continue
    await engine.asWritten(() =>
      engine.run(
        `INSERT INTO ${memo} SELECT e.value, ${enricher.fact('e.value')} FROM ${enricher.from('fresh_values', 'value')}`,
      ),
    )
  }
}

/**
 * Joins that add what is remembered to alias `e`. A value not learnt makes `unknown` true; whoever reads then learns it and
 * reads that event again. So the big range tables are joined with the few new values only, never with every event.
 */
export function enrichment(): Enrichment {
  const memos = ENRICHERS.map((enricher) => ({ memo: memoOf(enricher), ...enricher }))
  return {
    join: memos.map(({ memo, input }) => `LEFT JOIN ${memo} ON ${memo}.value = e.${input}`).join('\n  '),
    columns: Object.fromEntries(memos.map(({ memo, output }) => [output, `${memo}.fact`])),
    unknown: memos.map(({ memo, input }) => `(${memo}.value IS NULL AND e.${input} IS NOT NULL)`).join(' OR '),
  }
}
