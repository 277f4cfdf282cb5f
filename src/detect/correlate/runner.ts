/** Runs correlations over matches. */

import { attempt } from '../../core/result.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { Dialect } from '../sql/dialect.ts'
import { DEFAULT_TIMEOUT_SECS } from '../sql/runner.ts'
import { checkStopped } from '../sql/stopping.ts'
import { findingsSql, matchesSql, metSql } from './bursts.ts'
import type { LinkedCorrelation } from './link.ts'

/** The table that {@link runCorrelations} fills. */
export const FINDINGS_TABLE = 'temp.correlation_findings'

const INPUT = 'temp.correlation_input'
const VIEW = 'temp.correlation_matches'
const MET = 'temp.correlation_met'

/** Matches sorted at once; more are taken group by group in slices, so that memory does not grow with them. */
const ROWS_AT_ONCE = 3_000_000

/** A correlation that could not be run, in the engine's words. */
export interface FailedCorrelation {
  readonly correlation: LinkedCorrelation
  readonly reason: 'too slow' | 'failed'
  readonly message: string
}

/**
 * Fills {@link FINDINGS_TABLE} with a row for each burst: `finding_id`, `rule`, `group`, `first_time`, `last_time`, `measure`,
 * `events`, `event_ids`, `group_key`, `by_ref`.
 *
 * @param matches relation `(rule, event_id, event_time, fields)` of every match that shares a window with what is asked about,
 * in any order: late events count where they belong
 * @param correlations in the order of `linkCorrelations`
 * @param timeoutSecs after which a correlation is left out
 */
export async function runCorrelations(
  engine: Engine,
  correlations: readonly LinkedCorrelation[],
  matches: string,
  dialect: Dialect,
  timeoutSecs = DEFAULT_TIMEOUT_SECS,
): Promise<FailedCorrelation[]> {
  const isChained = correlations.some((correlation) => correlation.isChained.includes(true))
  const input = `SELECT rule, event_id, event_time, fields, true AS is_start FROM ${matches}`
  // Matches of correlations are added only where others refer to them; otherwise nothing is copied.
  await engine.run('DROP VIEW IF EXISTS correlation_matches')
  await engine.run(
    isChained
      ? `CREATE OR REPLACE TEMP TABLE correlation_input AS ${input}`
      : `CREATE TEMP VIEW correlation_matches AS ${input}`,
  )
  await emptyFindings(engine)
  const failed: FailedCorrelation[] = []
  for (const correlation of correlations) {
    const failure = await withinSecs(engine, timeoutSecs, () =>
      runOne(engine, correlation, isChained ? INPUT : VIEW, correlations, dialect),
    )
    if (failure !== undefined) failed.push({ correlation, ...failure })
  }
  return failed
}

/** Runs `work`, and stops what it has the engine do after so many seconds; undefined if it went well. */
export async function withinSecs(
  engine: Engine,
  timeoutSecs: number,
  work: () => Promise<void>,
): Promise<Omit<FailedCorrelation, 'correlation'> | undefined> {
  let isSlow = false
  const timer = setTimeout(() => {
    isSlow = true
    engine.interrupt()
  }, timeoutSecs * 1000)
  const result = await attempt(work).finally(() => clearTimeout(timer))
  if (result.ok) return undefined
  checkStopped(engine)
  return isSlow
    ? { reason: 'too slow', message: `It took longer than ${timeoutSecs} s.` }
    : { reason: 'failed', message: result.error.message }
}

/** Makes {@link FINDINGS_TABLE}, empty. */
export const emptyFindings = (engine: Engine): Promise<void> =>
  engine.run(`CREATE OR REPLACE TEMP TABLE correlation_findings (finding_id VARCHAR, rule INTEGER, "group" MAP(VARCHAR, VARCHAR), first_time TIMESTAMPTZ,
      last_time TIMESTAMPTZ, measure DOUBLE, events BIGINT, event_ids VARCHAR[], group_key VARCHAR, by_ref BIGINT[])`)

async function runOne(
  engine: Engine,
  correlation: LinkedCorrelation,
  matches: string,
  all: readonly LinkedCorrelation[],
  dialect: Dialect,
): Promise<void> {
  const { rows } = await engine.row(
    `SELECT count(*)::DOUBLE AS rows FROM ${matches} WHERE rule IN (${correlation.refs.join(', ')})`,
  )
  const of = correlation.rule.groupBy.length === 0 ? 1 : Math.max(1, Math.ceil(Number(rows) / ROWS_AT_ONCE))
  for (let at = 0; at < of; at++) {
    const into = at === 0 ? 'CREATE OR REPLACE TEMP TABLE correlation_met AS' : `INSERT INTO ${MET}`
    await engine.run(`${into} ${metSql(correlation, matches, dialect, { at, of })}`)
  }
  for (let at = 0; at < of; at++) {
    await engine.run(`INSERT INTO ${FINDINGS_TABLE} ${findingsSql(correlation, MET, matches, dialect, { at, of })}`)
  }
  if (all.some(({ refs }) => refs.includes(correlation.number))) {
    await engine.run(`INSERT INTO ${INPUT} ${matchesSql(correlation, MET, matches, dialect)}`)
  }
}
