/** Windows of a fixed length that begin at whole multiples of it (UTC), and how far one lies from those before. */
import type { BaselineRule } from '../pack/pack.ts'
import { type Compared, DAY_SECS } from './contract.ts'

/** Where a rule has no window, though its type counts. */
const DEFAULT_WINDOW_SECS = DAY_SECS

/** Length of a rule's windows. */
export const windowSecsOf = ({ windowSecs }: BaselineRule): number => windowSecs ?? DEFAULT_WINDOW_SECS

/** Makes a normal distribution's median absolute deviation its standard deviation (Iglewicz and Hoaglin). */
const MEDIAN_FACTOR = 0.6745

/** The same for the mean absolute deviation, which stands in where more than half of the windows are alike. */
const MEAN_FACTOR = 1.253314

/**
 * A row for each window with events: `baseline`, `by_key`, `hour` (its first instant), `amount`, first and last time and event.
 *
 * @param habits relation of habits
 * @param which SQL of a condition on the habits `h` and settings `s`
 * @param from SQL of a time before which no window is needed
 */
export const windowsSql = (settings: string, habits: string, which: string, from: string): string =>
  `SELECT h.baseline, h.by_key, h.hour,
    CASE any_value(s.measure) WHEN 'distinct' THEN count(DISTINCT h.value_key) WHEN 'sum' THEN sum(h.total) ELSE sum(h.n) END::DOUBLE AS amount,
    min(h.first_time) AS first_time, min_by(h.first_event, (h.first_time, h.first_event)) AS first_event,
    max(h.last_time) AS last_time, max_by(h.last_event, (h.last_time, h.last_event)) AS last_event
  FROM ${habits} h JOIN ${settings} s ON s.baseline = h.baseline
  WHERE h.hour >= ${from} AND ${which}
  GROUP BY h.baseline, h.by_key, h.hour`

/** The same windows with `amount` and `first_time` alone, for long histories: what has a row for a window is not grouped. */
export function amountsSql(settings: string, habits: string, which: string, from: string): string {
  const rows = `FROM ${habits} h JOIN ${settings} s ON s.baseline = h.baseline WHERE h.hour >= ${from} AND ${which}`
  return `SELECT h.baseline, h.by_key, h.hour, CASE WHEN s.measure = 'sum' THEN h.total ELSE h.n END::DOUBLE AS amount, h.first_time
    ${rows} AND s.measure <> 'distinct'
  UNION ALL SELECT h.baseline, h.by_key, h.hour, count(*)::DOUBLE AS amount, min(h.first_time) AS first_time
    ${rows} AND s.measure = 'distinct' GROUP BY h.baseline, h.by_key, h.hour`
}

/**
 * What was usual before each window of `tested`: its columns, `since` (first event known), `known` (windows from the first on, those
 * without events among them), `amounts` (those with events), `usual` (the median of all).
 *
 * Where more than half of the windows are without events the median is 0, and nobody has to write out the noughts.
 *
 * @param tested relation of `baseline`, `by_key`, `hour` and more
 * @param windows relation of {@link windowsSql} or {@link amountsSql} that reaches back far enough
 */
export function usualSql({ settings, dialect }: Compared, tested: string, windows: string): string {
  const ms = dialect.epochMs
  const before = `SELECT t.baseline, t.by_key, t.hour, list(w.amount) AS amounts, count(*) AS with_events, min(w.first_time) AS since,
    (any_value(${ms('t.hour')}) - min(${ms('w.hour')})) // any_value(t.window_ms) AS known
  FROM ${windows} w JOIN (SELECT x.*, s.reach_ms, s.window_ms FROM ${tested} x JOIN ${settings} s ON s.baseline = x.baseline) t
    ON w.baseline = t.baseline AND w.by_key = t.by_key AND w.hour < t.hour AND ${ms('w.hour')} >= ${ms('t.hour')} - t.reach_ms
  GROUP BY t.baseline, t.by_key, t.hour`
  const median = dialect.listMedian(dialect.listPadded('b.amounts', 'b.known'))
  return `SELECT t.*, b.since, b.known, b.amounts, b.with_events, CASE WHEN 2 * b.with_events < b.known THEN 0 ELSE ${median} END AS usual
    FROM ${tested} t JOIN (${before}) b ON b.baseline = t.baseline AND b.by_key = t.by_key AND b.hour = t.hour`
}

/**
 * Rows of {@link usualSql} with `far`, the modified z of `amount`: infinite where all windows before are alike and this one is not.
 */
export function farSql({ dialect }: Compared, rows: string): string {
  const distances = dialect.listDistances(dialect.listPadded('amounts', 'known'), 'usual')
  const median = `SELECT *, CASE WHEN 2 * with_events < known THEN 0 ELSE ${dialect.listMedian(distances)} / ${MEDIAN_FACTOR} END AS by_median FROM (${rows})`
  // The mean of distances from 0 of windows without events among them.
  const sparse = `${dialect.listMean(dialect.listDistances('amounts', '0'))} * with_events / known`
  const mean = `CASE WHEN 2 * with_events < known THEN ${sparse} ELSE ${dialect.listMean(distances)} END`
  const spread = `SELECT *, CASE WHEN by_median > 0 THEN by_median ELSE ${MEAN_FACTOR} * (${mean}) END AS spread FROM (${median})`
  return `SELECT *, CASE WHEN spread > 0 THEN (amount - usual) / spread WHEN amount > usual THEN CAST('Infinity' AS DOUBLE) ELSE 0 END AS far
    FROM (${spread})`
}

/** Name and value of what a key is by, as fields. */
export const keyFieldsSql = ({ dialect }: Compared): string =>
  dialect.mapOfLists('by_names', dialect.textsOfJson('by_key'))

/** Condition on the habits `h`: those of the keys of a relation. */
export const ofKeys = (keys: string): string => `(h.baseline, h.by_key) IN (SELECT baseline, by_key FROM ${keys})`
