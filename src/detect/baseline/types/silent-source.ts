/**
 * A key of which nothing came for as long as `window`, and for longer than is usual with it: `threshold.times` its longest gap but one, so
 * that what is quiet every night is no news, and one earlier outage does not hide the next.
 */
import type { BaselineRule } from '../../pack/pack.ts'
import { type Compared, type HabitType, HOUR_SECS, isOfWholeHours, usualReachSecs } from '../contract.ts'
import { keyFieldsSql, windowSecsOf, windowsSql } from '../windows.ts'
import { REASON, Words } from '../words.ts'

/** Half as long again as the second longest. */
const DEFAULT_TIMES = 1.5

/** `silent_source`. The match is the last event before the silence, which `now` or the next event ends. */
export const silentSource: HabitType = {
  type: 'silent_source',
  // No longer than the window, so that no silence lies within a row.
  bucketSecs: (rule: BaselineRule) => Math.min(HOUR_SECS, windowSecsOf(rule)),
  reachSecs: usualReachSecs,
  isByValue: () => false,
  keepsEvents: true,
  takesSums: (rule) => isOfWholeHours(windowSecsOf(rule)),
  matchesSql,
}

function matchesSql(compared: Compared): string {
  const { batch, settings, dialect, now } = compared
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const reach = `(SELECT max(reach_ms) FROM ${settings} WHERE type = 'silent_source')`
  const earliest = `least(${ms(now)}, coalesce((SELECT min(${ms('bucket')}) FROM touched), ${ms(now)}))`
  const field = words.joined([words.text('silence of '), words.values('by_key')])
  const value = words.joined([
    words.span('gap_ms'),
    `CASE WHEN is_open THEN ${words.text(' so far')} ELSE '' END`,
    words.text(', since '),
    dialect.asText('last_time'),
    words.text('; usual at most '),
    words.span('usual_ms'),
  ])
  return `WITH touched AS (SELECT baseline, by_key, min(bucket) AS bucket FROM ${batch} WHERE type = 'silent_source' GROUP BY baseline, by_key),
  rows_known AS (${windowsSql(settings, compared.habits, "s.type = 'silent_source'", dialect.timeOfMs(`${earliest} - 2 * ${reach}`))}),
  lined AS (SELECT r.*, lead(r.first_time) OVER (PARTITION BY r.baseline, r.by_key ORDER BY r.hour) AS next_time FROM rows_known r),
  gaps AS (SELECT *, next_time IS NULL AS is_open, coalesce(${ms('next_time')}, ${ms(now)}) - ${ms('last_time')} AS gap_ms FROM lined),
  long AS (SELECT g.*, s.reach_ms, s.learn_ms, s.window_ms, s.times, s.by_names FROM gaps g JOIN ${settings} s ON s.baseline = g.baseline
    LEFT JOIN touched t ON t.baseline = g.baseline AND t.by_key = g.by_key
    WHERE g.gap_ms >= s.window_ms AND ${ms('g.hour')} >= ${earliest} - s.reach_ms AND (g.is_open OR g.next_time >= t.bucket)),
  before AS (SELECT l.baseline, l.by_key, l.hour, min(g.first_time) AS since, list(g.gap_ms) AS gap_list FROM gaps g
    JOIN long l ON g.baseline = l.baseline AND g.by_key = l.by_key AND g.hour < l.hour AND ${ms('g.hour')} >= ${ms('l.hour')} - l.reach_ms
    GROUP BY l.baseline, l.by_key, l.hour),
  measured AS (SELECT l.*, b.since, coalesce(${dialect.listHighest('b.gap_list', 1)}, 0) AS usual_ms FROM long l
    LEFT JOIN before b ON b.baseline = l.baseline AND b.by_key = l.by_key AND b.hour = l.hour)
  SELECT baseline, last_event AS event_id, last_time AS event_time, ${keyFieldsSql(compared)} AS fields,
    ${dialect.list([words.text(REASON)])} AS selections, ${words.reason(field, value)} AS because
  FROM measured WHERE ${ms('coalesce(since, first_time)')} <= ${ms('last_time')} - learn_ms
    AND gap_ms > coalesce(times, ${DEFAULT_TIMES}) * usual_ms`
}
