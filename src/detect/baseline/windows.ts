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
 * @param which SQL of a condition on the habits `h` and settings `s`
 * @param from SQL of a time before which no window is needed
 */
export const windowsSql = ({ habits, settings }: Compared, which: string, from: string): string =>
  `SELECT h.baseline, h.by_key, h.hour,
    CASE any_value(s.measure) WHEN 'distinct' THEN count(DISTINCT h.value_key) WHEN 'sum' THEN sum(h.total) ELSE sum(h.n) END::DOUBLE AS amount,
    min(h.first_time) AS first_time, min_by(h.first_event, (h.first_time, h.first_event)) AS first_event,
    max(h.last_time) AS last_time, max_by(h.last_event, (h.last_time, h.last_event)) AS last_event
  FROM ${habits} h JOIN ${settings} s ON s.baseline = h.baseline
  WHERE h.hour >= ${from} AND ${which}
  GROUP BY h.baseline, h.by_key, h.hour`

/**
 * What was usual before each window of `tested`: its columns, `since` (first event known), `known` (windows from the first on, those
 * without events among them), `amounts` (one for each, noughts at the end), `usual` (their median).
 *
 * @param tested relation of `baseline`, `by_key`, `hour` and more
 * @param windows relation of {@link windowsSql} that reaches back far enough
 */
export function usualSql({ settings, dialect }: Compared, tested: string, windows: string): string {
  const ms = dialect.epochMs
  const before = `SELECT t.baseline, t.by_key, t.hour, list(w.amount) AS with_events, min(w.first_time) AS since,
    (any_value(${ms('t.hour')}) - min(${ms('w.hour')})) // any_value(s.window_ms) AS known
  FROM ${tested} t JOIN ${settings} s ON s.baseline = t.baseline
  JOIN ${windows} w ON w.baseline = t.baseline AND w.by_key = t.by_key AND w.hour < t.hour AND ${ms('w.hour')} >= ${ms('t.hour')} - s.reach_ms
  GROUP BY t.baseline, t.by_key, t.hour`
  return `SELECT *, ${dialect.listMedian('amounts')} AS usual FROM (SELECT t.*, b.since, b.known, ${dialect.listPadded('b.with_events', 'b.known')} AS amounts
    FROM ${tested} t JOIN (${before}) b ON b.baseline = t.baseline AND b.by_key = t.by_key AND b.hour = t.hour)`
}

/** The modified z of an amount: infinite where all windows before are alike and this one is not. */
export function zSql({ dialect }: Compared, amount: string): string {
  const distances = dialect.listDistances('amounts', 'usual')
  const spread = `coalesce(nullif(${dialect.listMedian(distances)} / ${MEDIAN_FACTOR}, 0), ${MEAN_FACTOR} * ${dialect.listMean(distances)})`
  return `CASE WHEN ${spread} > 0 THEN (${amount} - usual) / ${spread} WHEN ${amount} > usual THEN CAST('Infinity' AS DOUBLE) ELSE 0 END`
}

/** Name and value of what a key is by, as fields. */
export const keyFieldsSql = ({ dialect }: Compared): string =>
  dialect.mapOfLists('by_names', dialect.textsOfJson('by_key'))

/** Condition on the habits `h`: those of the keys of a relation. */
export const ofKeys = (keys: string): string => `(h.baseline, h.by_key) IN (SELECT baseline, by_key FROM ${keys})`
