/**
 * A window with far more than usual: its modified z is at least `threshold.z`, it reaches `threshold.floor`, and it is above what was
 * there before (`threshold.times` the highest window but one), so that a batch that comes every night is no news.
 */
import { type Compared, type HabitType, isOfWholeHours, usualReachSecs } from '../contract.ts'
import { amountsSql, farSql, keyFieldsSql, ofKeys, usualSql, windowSecsOf, windowsSql } from '../windows.ts'
import { REASON, Words } from '../words.ts'

/** The cut-off that Iglewicz and Hoaglin recommend. */
const DEFAULT_Z = 3.5

/** Of so few events nothing follows, whatever the habit; sums have no floor of their own. */
const DEFAULT_FLOOR = 10

/** Half as much again as the second highest; one earlier spike does not hide the next. */
const DEFAULT_TIMES = 1.5

/** A median of fewer windows is chance. */
const FEWEST_WINDOWS = 5

/** `spike`. A window is tested whenever something is added to it. */
export const spike: HabitType = {
  type: 'spike',
  bucketSecs: windowSecsOf,
  reachSecs: usualReachSecs,
  isByValue: ({ measure }) => measure === 'distinct',
  keepsEvents: true,
  takesSums: (rule) => rule.measure !== 'sum' && isOfWholeHours(windowSecsOf(rule)),
  matchesSql,
}

function matchesSql(compared: Compared): string {
  const { batch, settings, dialect } = compared
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const floor = `coalesce(s.floor, CASE WHEN s.measure = 'sum' THEN 0 ELSE ${DEFAULT_FLOOR} END)`
  const earliest = (relation: string, reach: string): string =>
    `(SELECT ${dialect.timeOfMs(`coalesce(min(${ms('x.bucket')}), 0) - ${reach}`)} FROM ${relation} x)`
  const field = words.joined([
    `CASE measure WHEN 'distinct' THEN ${words.text('different ')} || ${words.names('value_names')} WHEN 'sum' THEN ${words.text('sum of ')} || number_name ELSE ${words.text('events')} END`,
    words.text(' in '),
    words.span('window_ms'),
    words.text(' by '),
    words.values('by_key'),
  ])
  const value = words.joined([
    words.number('amount'),
    words.text('; usual '),
    words.number('usual'),
    words.text(' (median of '),
    words.number('known'),
    words.text(' windows), '),
    `CASE WHEN far = CAST('Infinity' AS DOUBLE) THEN ${words.text('never another number')} ELSE ${words.text('z ')} || ${words.number('far')} END`,
  ])
  return `WITH touched AS (SELECT DISTINCT baseline, by_key, bucket FROM ${batch} WHERE type = 'spike'),
  now AS (${windowsSql(settings, compared.habits, ofKeys('touched'), earliest('touched', '0'))}),
  tested AS (SELECT w.* FROM now w JOIN touched t ON t.baseline = w.baseline AND t.by_key = w.by_key AND t.bucket = w.hour
    JOIN ${settings} s ON s.baseline = w.baseline WHERE w.amount >= ${floor}),
  history AS (${amountsSql(settings, compared.habits, ofKeys('tested'), earliest('touched', `(SELECT max(reach_ms) FROM ${settings} WHERE type = 'spike')`))}),
  measured AS (${farSql(compared, usualSql(compared, 'tested', 'history'))})
  SELECT m.baseline, m.first_event AS event_id, m.first_time AS event_time, ${keyFieldsSql(compared)} AS fields,
    ${dialect.list([words.text(REASON)])} AS selections, ${words.reason(field, value)} AS because
  FROM measured m JOIN ${settings} s ON s.baseline = m.baseline
  WHERE m.far >= coalesce(s.z, ${DEFAULT_Z}) AND m.known >= coalesce(s.windows, ${FEWEST_WINDOWS})
    AND m.amount >= coalesce(s.times, ${DEFAULT_TIMES}) * coalesce(${dialect.listHighest('m.amounts', 1)}, 0)
    AND ${ms('m.since')} <= ${ms('m.hour')} - s.learn_ms`
}
