/** Adds what baselines selected to the habits in the state, and forgets what no comparison looks at any more. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import type { Dialect } from '../sql/dialect.ts'
import { duckdb } from '../sql/duckdb.ts'
import { STATE_HABITS } from '../state.ts'
import { HOUR_SECS, type KeyedBaseline } from './contract.ts'
import { HABIT_TYPES } from './registry.ts'
import { BATCH } from './selected.ts'
import { fillSettings, SETTINGS } from './settings.ts'

const SUMS = 'temp.baseline_sums'

/** Rows as old as this are no longer those that late events and the newest comparisons need one by one. */
const RECENT_SECS = 2 * 86_400

/** Adds the batch that was taken (`takeBatch`) to the habits: one row for a baseline, its hour (day, window), key and value. Once a batch. */
export async function rememberHabits(engine: Engine, dialect: Dialect = duckdb): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE baseline_sums AS ${sumsSql(dialect)}`)
  const { spanned, single, earliest } = await engine.row<{
    spanned: boolean
    single: boolean
    earliest: string | null
  }>(
    `SELECT coalesce(bool_or(bucket_ms IS NOT NULL), false) AS spanned, coalesce(bool_or(bucket_ms IS NULL), false) AS single,
      min(hour)::VARCHAR AS earliest FROM ${SUMS}`,
  )
  if (spanned) await engine.run(addSql(earliest))
  if (single) await engine.run(ADD_SIGHTINGS)
}

/** What a batch adds: a row for each that the habits have. */
function sumsSql(dialect: Dialect): string {
  const ms = dialect.epochMs
  return `SELECT b.baseline, s.bucket_ms, b.by_key, b.value_key, coalesce(b.bucket, ${dialect.timeOfMs(`min(${ms('b.event_time')}) - min(${ms('b.event_time')}) % ${HOUR_SECS * 1000}`)}) AS hour,
    sum(b.n)::BIGINT AS n, sum(b.number) AS total, min(b.event_time) AS first_time, max(b.last_time) AS last_time,
    CASE WHEN s.keeps_events THEN min_by(b.event_id, (b.event_time, b.event_id)) END AS first_event,
    CASE WHEN s.keeps_events THEN max_by(b.last_event, (b.last_time, b.last_event)) END AS last_event
  FROM ${BATCH} b JOIN ${SETTINGS} s ON s.baseline = b.baseline AND s.reach_ms IS DISTINCT FROM 0
  GROUP BY b.baseline, s.bucket_ms, s.keeps_events, b.by_key, b.value_key, b.bucket`
}

const COLUMNS = [
  'baseline',
  'hour',
  'by_key',
  'value_key',
  'n',
  'total',
  'first_time',
  'first_event',
  'last_time',
  'last_event',
]

/** The bound on hours lets the engine pass over what is older. */
const addSql = (earliest: string | null): string => `MERGE INTO ${STATE_HABITS} AS h
USING (SELECT * FROM ${SUMS} WHERE bucket_ms IS NOT NULL) AS b
ON h.baseline = b.baseline AND h.hour = b.hour AND h.by_key = b.by_key AND h.value_key = b.value_key AND h.hour >= CAST(${lit(earliest ?? '')} AS TIMESTAMPTZ)
WHEN MATCHED THEN UPDATE SET n = h.n + b.n, total = coalesce(h.total + b.total, h.total, b.total),
  first_event = CASE WHEN (b.first_time, b.first_event) < (h.first_time, h.first_event) THEN b.first_event ELSE h.first_event END,
  first_time = least(h.first_time, b.first_time),
  last_event = CASE WHEN (b.last_time, b.last_event) > (h.last_time, h.last_event) THEN b.last_event ELSE h.last_event END,
  last_time = greatest(h.last_time, b.last_time)
WHEN NOT MATCHED THEN INSERT (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((name) => `b.${name}`).join(', ')})`

/** Of what has one row for all time the first sighting is kept; hardly any batch changes a row that is there. */
const ADD_SIGHTINGS = `MERGE INTO ${STATE_HABITS} AS h USING (SELECT * FROM ${SUMS} WHERE bucket_ms IS NULL) AS b
ON h.baseline = b.baseline AND h.by_key = b.by_key AND h.value_key = b.value_key
WHEN MATCHED AND b.first_time < h.first_time THEN UPDATE SET hour = b.hour, first_time = b.first_time
WHEN NOT MATCHED THEN INSERT (baseline, hour, by_key, value_key, first_time) VALUES (b.baseline, b.hour, b.by_key, b.value_key, b.first_time)`

/**
 * Deletes rows that no comparison of an event at or after `before` looks at: to be called now and then, with the time of the newest event.
 */
export async function forgetHabits(engine: Engine, baselines: readonly KeyedBaseline[], before: Date): Promise<void> {
  await fillSettings(engine, baselines)
  const at = before.getTime()
  const newestOnly = HABIT_TYPES.filter(({ needsNewestOnly }) => needsNewestOnly).map(({ type }) => lit(type))
  // Twice: a window at the far end of what is looked at has a history of its own.
  await engine.run(`DELETE FROM ${STATE_HABITS} WHERE EXISTS (SELECT 1 FROM ${SETTINGS} s
    WHERE s.baseline = habits.baseline AND s.bucket_ms IS NOT NULL AND s.reach_ms IS NOT NULL AND epoch_ms(habits.hour) < ${at} - 2 * s.reach_ms)`)
  const old = `epoch_ms(hour) < ${at - RECENT_SECS * 1000} AND baseline IN (SELECT baseline FROM ${SETTINGS} WHERE type IN (${newestOnly.join(', ')}))`
  await engine.run(`DELETE FROM ${STATE_HABITS} WHERE ${old} AND (baseline, by_key, hour) NOT IN (
    SELECT (baseline, by_key, max(hour)) FROM ${STATE_HABITS} WHERE ${old} GROUP BY baseline, by_key)`)
}
