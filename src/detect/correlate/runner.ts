/** Runs correlations over matches. */

import { attempt } from '../../core/result.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { Dialect } from '../sql/dialect.ts'
import { DEFAULT_TIMEOUT_SECS } from '../sql/runner.ts'
import { checkStopped } from '../sql/stopping.ts'
import { findingsSql, matchesSql, metSql, rowsSql, sliceSql } from './bursts.ts'
import { busyRowsSql, busySql, leastRows } from './busy.ts'
import type { LinkedCorrelation } from './link.ts'
import { countsOf, putTogether } from './rules-together.ts'

/** The table that {@link runCorrelations} fills. */
export const FINDINGS_TABLE = 'temp.correlation_findings'

const INPUT = 'temp.correlation_input'
const CHAINED = 'temp.correlation_chained'
const BUSY = 'temp.correlation_busy'
const ROWS = 'temp.correlation_rows'
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
 * @param known how many matches there are by rule, for who has counted them
 */
export async function runCorrelations(
  engine: Engine,
  correlations: readonly LinkedCorrelation[],
  matches: string,
  dialect: Dialect,
  timeoutSecs: number = DEFAULT_TIMEOUT_SECS,
  known?: ReadonlyMap<number, number>,
): Promise<FailedCorrelation[]> {
  await engine.run(
    'CREATE OR REPLACE TEMP TABLE correlation_chained (rule INTEGER, event_id VARCHAR, event_time TIMESTAMPTZ, fields MAP(VARCHAR, VARCHAR), is_start BOOLEAN)',
  )
  const refs = new Set(correlations.flatMap((correlation) => correlation.refs))
  const counts = new Map(
    [...(known ?? (await countsOf(engine, [...refs], matches)))].filter(([rule]) => refs.has(rule)),
  )
  const own = await ownMatches(engine, correlations, matches, counts)
  await emptyFindings(engine)
  const failed: FailedCorrelation[] = []
  for (const correlation of correlations) {
    const failure = await withinSecs(engine, timeoutSecs, () =>
      engine.asWritten(() => runOne(engine, correlation, { all: correlations, own, counts }, dialect)),
    )
    if (failure !== undefined) failed.push({ correlation, ...failure })
  }
  return failed
}

/** What correlations go over. */
interface Matched {
  readonly all: readonly LinkedCorrelation[]
  /** Relation of the matches that are none of correlations. */
  readonly own: string
  /** Matches by rule; those of correlations are put in. */
  readonly counts: Map<number, number>
}

/**
 * Several correlations go over the matches in a table in which those of a rule stand together, so that each reads little more than its
 * own; a single one reads them where they are.
 */
async function ownMatches(
  engine: Engine,
  correlations: readonly LinkedCorrelation[],
  matches: string,
  counts: ReadonlyMap<number, number>,
): Promise<string> {
  const columns = `(SELECT rule, event_id, event_time, fields, true AS is_start FROM ${matches})`
  if (correlations.length <= 1) return columns
  await putTogether(engine, INPUT, columns, counts)
  return INPUT
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

/**
 * Adds the findings of a correlation, and its own matches where others refer to it. Joins are written with the side on the right that is
 * small: of tables that the transaction made the engine knows no size.
 */
async function runOne(
  engine: Engine,
  correlation: LinkedCorrelation,
  { all, own, counts }: Matched,
  dialect: Dialect,
): Promise<void> {
  const { number, refs, rule } = correlation
  const count = refs.reduce((sum, ref) => sum + (counts.get(ref) ?? 0), 0)
  if (count < leastRows(correlation)) return
  const matches = correlation.isChained.includes(true) ? `(FROM ${own} UNION ALL FROM ${CHAINED})` : own
  const rows = rowsSql(correlation, matches, dialect)
  const of = rule.groupBy.length === 0 ? 1 : Math.ceil(count / ROWS_AT_ONCE)
  let met = 0
  for (let at = 0; at < of; at++) {
    const slice = { at, of }
    const some = await runnable(engine, correlation, sliceSql(rows, slice, dialect), dialect)
    if (some === undefined) continue
    await engine.run(
      `${met === 0 ? 'CREATE OR REPLACE TEMP TABLE correlation_met AS' : `INSERT INTO ${MET}`} ${metSql(correlation, some, dialect)}`,
    )
    const { n } = await engine.row<{ n: number }>(`SELECT count(*)::DOUBLE AS n FROM ${MET}`)
    if (Number(n) === met) continue
    met = Number(n)
    await engine.run(
      `INSERT INTO ${FINDINGS_TABLE} ${findingsSql(correlation, sliceSql(MET, slice, dialect), some, dialect)}`,
    )
  }
  if (met === 0 || !all.some((each) => each.refs.includes(number))) return
  await engine.run(`INSERT INTO ${CHAINED} ${matchesSql(correlation, MET, matches, dialect)}`)
  const { n } = await engine.row<{ n: number }>(`SELECT count(*)::DOUBLE AS n FROM ${CHAINED} WHERE rule = ${number}`)
  counts.set(number, Number(n))
}

/** The rows that windows have to go over; undefined if there are none. */
async function runnable(
  engine: Engine,
  correlation: LinkedCorrelation,
  rows: string,
  dialect: Dialect,
): Promise<string | undefined> {
  const busy = busySql(correlation, rows, dialect)
  if (busy === undefined) return rows
  await engine.run(`CREATE OR REPLACE TEMP TABLE correlation_busy AS ${busy}`)
  const { some } = await engine.row<{ some: boolean }>(`SELECT count(*) > 0 AS some FROM ${BUSY}`)
  if (!some) return undefined
  await engine.run(`CREATE OR REPLACE TEMP TABLE correlation_rows AS ${busyRowsSql(correlation, rows, BUSY, dialect)}`)
  return ROWS
}
