/** Compares what a batch brought with what was usual before. Design: docs/design/007-detection.md. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { type FailedCorrelation, withinSecs } from '../correlate/runner.ts'
import type { BaselineType } from '../pack/pack.ts'
import type { Dialect } from '../sql/dialect.ts'
import { duckdb } from '../sql/duckdb.ts'
import { DEFAULT_TIMEOUT_SECS } from '../sql/runner.ts'
import { MATCH_COLUMNS, STATE_HABITS } from '../state.ts'
import type { Compared, KeyedBaseline } from './contract.ts'
import { HABIT_TYPES } from './registry.ts'
import { BATCH } from './selected.ts'
import { fillSettings, SETTINGS } from './settings.ts'

/** The table that {@link compareWithHabits} fills, of `MATCH_COLUMNS`. */
export const BASELINE_MATCHES = 'temp.baseline_matches'

type Failure = Omit<FailedCorrelation, 'correlation'>

/** Baselines that could not be compared; what was done so far has to be undone. Alone among `keys`, it is the one at fault. */
export class BaselineFailure extends Error {
  readonly keys: readonly string[]
  readonly reason: Failure['reason']

  constructor(keys: readonly string[], { reason, message }: Failure) {
    super(message)
    this.keys = keys
    this.reason = reason
  }
}

/** How a comparison is made. */
export interface CompareOptions {
  /** What counts as now for silence, and for windows that have to be over: the clock, or the end of what is replayed. */
  readonly now: Date
  readonly dialect?: Dialect
  /** Seconds after which the baselines of a type are given up. */
  readonly timeoutSecs?: number
  /** True to compare each baseline by itself, so that a failure has one name. */
  readonly isApart?: boolean
}

const KNOWN = 'temp.baseline_known'

/** What is known of more keys than these may be too much to copy. */
const KEYS_READ_ONCE = 10_000

/** Types that have something to say of keys that the batch has not. */
const ABOUT_SILENCE: ReadonlySet<BaselineType> = new Set(['silent_source', 'drop'])

/**
 * Fills {@link BASELINE_MATCHES} with the matches of baselines, `rule` being their keys. The match is the event itself; of a spike it is the
 * first event of its window, of silence and windows without events the last event before. So a window is the same match however often
 * it is compared.
 *
 * The batch must have been taken (`takeBatch`) and remembered (`rememberHabits`).
 */
export async function compareWithHabits(
  engine: Engine,
  baselines: readonly KeyedBaseline[],
  { now, dialect = duckdb, timeoutSecs = DEFAULT_TIMEOUT_SECS, isApart = false }: CompareOptions,
): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE baseline_matches (${MATCH_COLUMNS})`)
  if (baselines.length === 0) return
  await fillSettings(engine, baselines)
  const brought = await typesBrought(engine)
  const ofOwnKeys = (await isOfFewKeys(engine, brought)) ? KNOWN : STATE_HABITS
  const compared: Compared = {
    batch: BATCH,
    settings: SETTINGS,
    habits: STATE_HABITS,
    now: `CAST(${lit(now.toISOString())} AS TIMESTAMPTZ)`,
    dialect,
  }
  for (const { type, matchesSql, readsOwnKeys } of HABIT_TYPES) {
    const ofType = baselines.filter(({ rule }) => rule.type === type)
    if (ofType.length === 0 || !(brought.has(type) || ABOUT_SILENCE.has(type))) continue
    const sql = insertSql(matchesSql({ ...compared, habits: readsOwnKeys ? ofOwnKeys : STATE_HABITS }))
    for (const some of isApart ? ofType.map((each) => [each]) : [ofType]) {
      if (isApart) await fillSettings(engine, some)
      const failure = await withinSecs(engine, timeoutSecs, () => engine.asWritten(() => engine.run(sql)))
      if (failure !== undefined)
        throw new BaselineFailure(
          some.map(({ key }) => key),
          failure,
        )
    }
  }
}

const typesBrought = async (engine: Engine): Promise<ReadonlySet<string>> =>
  new Set((await engine.rows(`SELECT DISTINCT type FROM ${BATCH}`)).map(({ type }) => String(type)))

/** Reads the habits of the batch's keys once for all types that need no others, into {@link KNOWN}; false where there are too many. */
async function isOfFewKeys(engine: Engine, brought: ReadonlySet<string>): Promise<boolean> {
  const types = HABIT_TYPES.filter(({ type, readsOwnKeys }) => readsOwnKeys && brought.has(type)).map(({ type }) =>
    lit(type),
  )
  // For one type alone a copy would be for nothing.
  if (types.length < 2) return false
  await engine.run(`CREATE OR REPLACE TEMP TABLE baseline_keys AS SELECT DISTINCT baseline, by_key FROM ${BATCH}
    WHERE type IN (${types.join(', ')}) LIMIT ${KEYS_READ_ONCE + 1}`)
  const { keys } = await engine.row('SELECT count(*)::INTEGER AS keys FROM temp.baseline_keys')
  if (Number(keys) > KEYS_READ_ONCE) return false
  await engine.run(`CREATE OR REPLACE TEMP TABLE baseline_known AS SELECT baseline, hour, by_key, value_key, first_time, last_time FROM ${STATE_HABITS}
    WHERE (baseline, by_key) IN (SELECT baseline, by_key FROM temp.baseline_keys)`)
  return true
}

/** Of several windows that stand for one silence the row of one is enough. */
const insertSql = (matches: string): string => `INSERT INTO ${BASELINE_MATCHES} BY NAME
SELECT baseline AS rule, event_id, min(event_time) AS event_time, any_value(fields) AS fields, any_value(selections) AS selections, min(because) AS because
FROM (${matches}) GROUP BY baseline, event_id`
