/**
 * A window that is over with far less than usual: below `threshold.share` of the median, where that is at least `threshold.floor`, and
 * below the same share of the same windows of the weeks before, so that a Sunday is compared with Sundays.
 */
import { type Compared, type HabitType, isOfWholeHours, usualReachSecs } from '../contract.ts'
import { keyFieldsSql, usualSql, windowSecsOf, windowsSql } from '../windows.ts'
import { REASON, Words } from '../words.ts'

/** A tenth of what is usual. */
const DEFAULT_SHARE = 0.1

/** Where fewer are usual, none is nothing special. */
const DEFAULT_FLOOR = 20

/** A median of fewer windows is chance. */
const FEWEST_WINDOWS = 5

const WEEK_MS = 604_800_000

/** `drop`. A window is tested once it is over, and once more when something is added to it. */
export const drop: HabitType = {
  type: 'drop',
  bucketSecs: windowSecsOf,
  reachSecs: usualReachSecs,
  isByValue: ({ measure }) => measure === 'distinct',
  keepsEvents: true,
  takesSums: (rule) => rule.measure !== 'sum' && isOfWholeHours(windowSecsOf(rule)),
  matchesSql,
}

function matchesSql(compared: Compared): string {
  const { settings, dialect } = compared
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const field = words.joined([
    words.text('events in '),
    words.span('m.window_ms'),
    words.text(' by '),
    words.values('m.by_key'),
  ])
  const value = words.joined([
    words.number('amount'),
    words.text('; usual '),
    words.number('usual'),
    words.text(' (median of '),
    words.number('known'),
    words.text(' windows)'),
  ])
  const share = `coalesce(m.share, ${DEFAULT_SHARE})`
  return `WITH ${testedSql(compared)},
  measured AS (SELECT u.*, s.window_ms, s.reach_ms, s.learn_ms, s.share, s.floor, s.windows, s.by_names, u.known * s.window_ms // ${WEEK_MS} AS weeks
    FROM (${usualSql(compared, 'tested', 'history')}) u JOIN ${settings} s ON s.baseline = u.baseline),
  weekly AS (SELECT m.baseline, m.by_key, m.hour, list(w.amount) AS with_events FROM history w
    JOIN measured m ON w.baseline = m.baseline AND w.by_key = m.by_key AND w.hour < m.hour AND ${ms('w.hour')} >= ${ms('m.hour')} - m.reach_ms
      AND (${ms('m.hour')} - ${ms('w.hour')}) % ${WEEK_MS} = 0
    GROUP BY m.baseline, m.by_key, m.hour),
  found AS (SELECT m.* FROM measured m LEFT JOIN weekly w ON w.baseline = m.baseline AND w.by_key = m.by_key AND w.hour = m.hour
    WHERE m.usual >= coalesce(m.floor, ${DEFAULT_FLOOR}) AND m.amount < ${share} * m.usual AND m.known >= coalesce(m.windows, ${FEWEST_WINDOWS})
      AND (m.weeks = 0 OR m.amount < ${share} * ${dialect.listMedian(dialect.listPadded('coalesce(w.with_events, CAST([] AS DOUBLE[]))', 'm.weeks'))})
      AND ${ms('m.since')} <= ${ms('m.hour')} - m.learn_ms)
  SELECT baseline, event_id, event_time, ${keyFieldsSql(compared)} AS fields, ${dialect.list([words.text(REASON)])} AS selections,
    ${words.reason(field, value)} AS because FROM found m`
}

/**
 * `history` and `tested`. Tested are, of each key, its windows from the one before the batch on, and of keys that the batch has not the
 * last. The first window without events stands for all that follow it until something happens again; its event is the last before.
 */
function testedSql(compared: Compared): string {
  const { batch, settings, dialect, now } = compared
  const ms = dialect.epochMs
  const reach = `(SELECT max(reach_ms) FROM ${settings} WHERE type = 'drop')`
  const earliest = `least(${ms(now)}, coalesce((SELECT min(${ms('bucket')}) FROM touched), ${ms(now)}))`
  const next = dialect.timeOfMs(`${ms('hour')} + window_ms`)
  return `touched AS (SELECT baseline, by_key, min(bucket) AS bucket FROM ${batch} WHERE type = 'drop' GROUP BY baseline, by_key),
  history AS (${windowsSql(settings, compared.habits, "s.type = 'drop'", dialect.timeOfMs(`${earliest} - 2 * ${reach}`))}),
  lined AS (SELECT w.*, lead(w.hour) OVER (PARTITION BY w.baseline, w.by_key ORDER BY w.hour) AS next_hour FROM history w),
  looked AS (SELECT l.*, s.window_ms FROM lined l JOIN ${settings} s ON s.baseline = l.baseline
    LEFT JOIN touched t ON t.baseline = l.baseline AND t.by_key = l.by_key
    WHERE ${ms('l.hour')} >= ${earliest} - s.reach_ms AND (l.next_hour IS NULL OR l.next_hour >= t.bucket)),
  candidates AS (SELECT baseline, by_key, hour, window_ms, amount, first_event AS event_id, first_time AS event_time FROM looked
    UNION ALL SELECT baseline, by_key, ${next} AS hour, window_ms, 0 AS amount, last_event, last_time FROM looked
      WHERE next_hour IS NULL OR next_hour > ${next}),
  tested AS (SELECT * EXCLUDE (window_ms) FROM candidates WHERE ${ms('hour')} + window_ms <= ${ms(now)})`
}
