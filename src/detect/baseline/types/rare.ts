/**
 * A value that few have: new to its key and known of at most so many others (`threshold.peers`), or a small share of what its key
 * does (`threshold.share`, once `threshold.floor` events are known).
 */

import type { BaselineRule } from '../../pack/pack.ts'
import { type Compared, DAY_SECS, type HabitType, usualReachSecs } from '../contract.ts'
import { Words } from '../words.ts'

/** One in a hundred, where a rule says neither share nor peers. */
const DEFAULT_SHARE = 0.01

/** Fewer events say nothing of a share of a hundredth. */
const DEFAULT_FLOOR = 100

const isAmongPeers = ({ threshold }: BaselineRule): boolean => threshold.peers !== undefined

/** `rare`. */
export const rare: HabitType = {
  type: 'rare',
  bucketSecs: (rule) => (isAmongPeers(rule) ? undefined : DAY_SECS),
  reachSecs: (rule) => (isAmongPeers(rule) ? undefined : usualReachSecs(rule)),
  isByValue: () => true,
  keepsEvents: false,
  takesSums: isAmongPeers,
  matchesSql: (compared) => `${amongPeersSql(compared)} UNION ALL BY NAME ${bySharesSql(compared)}`,
}

/** Learnt is the baseline as a whole: peers know what is usual before a newcomer does anything. */
function amongPeersSql({ batch, settings, habits, dialect }: Compared): string {
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const why = words.joined([
    words.values('value_key'),
    words.text('; new here, and known of '),
    words.number('others'),
    words.text(' others since '),
    words.day('since'),
  ])
  return `(WITH known AS (SELECT h.baseline, h.by_key, h.value_key, h.first_time,
    rank() OVER (PARTITION BY h.baseline, h.value_key ORDER BY h.first_time) - 1 AS others FROM ${habits} h
    WHERE (h.baseline, h.value_key) IN (SELECT e.baseline, e.value_key FROM ${batch} e
      JOIN ${settings} s ON s.baseline = e.baseline WHERE e.type = 'rare' AND s.peers IS NOT NULL)),
  learnt AS (SELECT baseline, min(first_time) AS since FROM ${habits} WHERE baseline IN (SELECT baseline FROM known) GROUP BY baseline),
  found AS (SELECT e.*, l.since, v.others, ${words.names('s.value_names')} AS names
    FROM known v JOIN ${batch} e ON v.baseline = e.baseline AND v.by_key = e.by_key AND v.value_key = e.value_key
    JOIN ${settings} s ON s.baseline = e.baseline
    JOIN learnt l ON l.baseline = e.baseline
    WHERE s.peers IS NOT NULL AND e.event_time <= v.first_time AND v.others <= s.peers AND l.since < e.event_time
      AND ${ms('l.since')} <= ${ms('e.event_time')} - s.learn_ms)
  SELECT baseline, event_id, event_time, fields, selections, ${words.because('names', why)} AS because FROM found)`
}

/** Shares are of the days before; what else happened on the day of the event counts from the next day. */
function bySharesSql({ batch, settings, habits, dialect }: Compared): string {
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const why = words.joined([
    words.values('value_key'),
    words.text('; '),
    words.number('own'),
    words.text(' of '),
    words.number('total'),
    words.text(' events since '),
    words.day('since'),
  ])
  return `(WITH touched AS (SELECT DISTINCT e.baseline, e.by_key, e.value_key, e.bucket, s.reach_ms FROM ${batch} e
    JOIN ${settings} s ON s.baseline = e.baseline WHERE e.type = 'rare' AND s.peers IS NULL),
  days AS (SELECT h.baseline, h.by_key, h.hour, sum(h.n) AS n, min(h.first_time) AS first_time FROM ${habits} h
    WHERE (h.baseline, h.by_key) IN (SELECT baseline, by_key FROM touched) GROUP BY h.baseline, h.by_key, h.hour),
  totals AS (SELECT t.baseline, t.by_key, t.bucket, sum(d.n) AS total, min(d.first_time) AS since
    FROM days d JOIN (SELECT DISTINCT baseline, by_key, bucket, reach_ms FROM touched) t
      ON d.baseline = t.baseline AND d.by_key = t.by_key AND d.hour < t.bucket AND ${ms('d.hour')} >= ${ms('t.bucket')} - t.reach_ms
    GROUP BY t.baseline, t.by_key, t.bucket),
  owns AS (SELECT t.baseline, t.by_key, t.value_key, t.bucket, sum(h.n) AS own
    FROM ${habits} h JOIN touched t ON h.baseline = t.baseline AND h.by_key = t.by_key AND h.value_key = t.value_key
      AND h.hour < t.bucket AND ${ms('h.hour')} >= ${ms('t.bucket')} - t.reach_ms
    GROUP BY t.baseline, t.by_key, t.value_key, t.bucket),
  found AS (SELECT e.*, coalesce(o.own, 0) AS own, t.total, t.since, ${words.names('s.value_names')} AS names
    FROM ${batch} e JOIN ${settings} s ON s.baseline = e.baseline
    JOIN totals t ON t.baseline = e.baseline AND t.by_key = e.by_key AND t.bucket = e.bucket
    LEFT JOIN owns o ON o.baseline = e.baseline AND o.by_key = e.by_key AND o.value_key = e.value_key AND o.bucket = e.bucket
    WHERE t.total >= coalesce(s.floor, ${DEFAULT_FLOOR}) AND coalesce(o.own, 0) < coalesce(s.share, ${DEFAULT_SHARE}) * t.total
      AND ${ms('t.since')} <= ${ms('e.event_time')} - s.learn_ms)
  SELECT baseline, event_id, event_time, fields, selections, ${words.because('names', why)} AS because FROM found)`
}
