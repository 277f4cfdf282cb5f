/** A key that comes back after a silence as long as `learn`. One that was never seen before is none. */
import { type Compared, DAY_SECS, type HabitType, HOUR_SECS } from '../contract.ts'
import { Words } from '../words.ts'

/** Below this a day is too coarse to see the silence. */
const SHORT_SILENCE_SECS = 2 * DAY_SECS

/** `dormant`. */
export const dormant: HabitType = {
  type: 'dormant',
  bucketSecs: ({ learnSecs }) => (learnSecs >= SHORT_SILENCE_SECS ? DAY_SECS : HOUR_SECS),
  reachSecs: () => undefined,
  isByValue: () => false,
  keepsEvents: false,
  takesSums: () => true,
  readsOwnKeys: true,
  needsNewestOnly: true,
  matchesSql,
}

function matchesSql({ batch, settings, habits, dialect }: Compared): string {
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const why = words.joined([
    words.values('by_key'),
    words.text('; silent for '),
    words.span(`(${ms('event_time')} - ${ms('before')})`),
    words.text(', since '),
    words.day('before'),
  ])
  return `WITH days AS (SELECT h.baseline, h.by_key, h.hour, h.first_time,
    lag(h.last_time) OVER (PARTITION BY h.baseline, h.by_key ORDER BY h.hour) AS before FROM ${habits} h
    WHERE (h.baseline, h.by_key) IN (SELECT baseline, by_key FROM ${batch} WHERE type = 'dormant')),
  found AS (SELECT e.*, d.before, ${words.names('s.by_names')} AS names
    FROM days d JOIN ${batch} e ON d.baseline = e.baseline AND d.by_key = e.by_key AND d.hour = e.bucket
    JOIN ${settings} s ON s.baseline = e.baseline
    WHERE e.type = 'dormant' AND e.event_time <= d.first_time AND ${ms('e.event_time')} - ${ms('d.before')} >= s.learn_ms)
  SELECT baseline, event_id, event_time, fields, selections, ${words.because('names', why)} AS because FROM found`
}
