/** Runs correlations over matches. */

import { attempt } from '../../core/result.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { Dialect } from '../sql/dialect.ts'
import { burstEventsSql, findingsSql } from './bursts.ts'
import type { LinkedCorrelation } from './link.ts'

/** The table that {@link runCorrelations} fills. */
export const FINDINGS_TABLE = 'temp.correlation_findings'

const INPUT = 'temp.correlation_input'
const EVENTS = 'temp.correlation_events'

/** A correlation that could not be run, in the engine's words. */
export interface FailedCorrelation {
  readonly correlation: LinkedCorrelation
  readonly message: string
}

/**
 * Fills {@link FINDINGS_TABLE} with a row for each burst: `finding_id`, `rule`, `group`, `first_time`, `last_time`, `measure`,
 * `events`, `event_ids`.
 *
 * @param matches relation `(rule, event_id, event_time, fields)` of every match that shares a window with what is asked about,
 * in any order: late events count where they belong
 * @param correlations in the order of `linkCorrelations`
 */
export async function runCorrelations(
  engine: Engine,
  correlations: readonly LinkedCorrelation[],
  matches: string,
  dialect: Dialect,
): Promise<FailedCorrelation[]> {
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE correlation_input AS SELECT rule, event_id, event_time, fields, true AS is_start FROM ${matches}`,
  )
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE correlation_findings (finding_id VARCHAR, rule INTEGER, "group" MAP(VARCHAR, VARCHAR), first_time TIMESTAMPTZ,
      last_time TIMESTAMPTZ, measure DOUBLE, events BIGINT, event_ids VARCHAR[])`,
  )
  const failed: FailedCorrelation[] = []
  for (const correlation of correlations) {
    const result = await attempt(() => runOne(engine, correlation, correlations, dialect))
    if (!result.ok) failed.push({ correlation, message: result.error.message })
  }
  return failed
}

async function runOne(
  engine: Engine,
  correlation: LinkedCorrelation,
  all: readonly LinkedCorrelation[],
  dialect: Dialect,
): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE correlation_events AS ${burstEventsSql(correlation, INPUT, dialect)}`)
  await engine.run(`INSERT INTO ${FINDINGS_TABLE} ${findingsSql(correlation, EVENTS, dialect)}`)
  if (all.some(({ refs }) => refs.includes(correlation.number))) {
    // What is met is itself a match, for the correlations that refer to it.
    await engine.run(
      `INSERT INTO ${INPUT} SELECT ${correlation.number}, event_id, event_time, fields, is_start FROM ${EVENTS} WHERE is_met`,
    )
  }
}
