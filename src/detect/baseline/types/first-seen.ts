/** A value that was never seen of a key before, once the key has been known for long enough. */
import type { Compared, HabitType } from '../contract.ts'
import { VALUES_NAMED, Words } from '../words.ts'

/** `first_seen`. What was seen once stays known. */
export const firstSeen: HabitType = {
  type: 'first_seen',
  bucketSecs: () => undefined,
  reachSecs: () => undefined,
  isByValue: () => true,
  keepsEvents: false,
  takesSums: () => true,
  readsOwnKeys: true,
  matchesSql,
}

function matchesSql({ batch, settings, habits, dialect }: Compared): string {
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const why = words.joined([
    `value_text`,
    words.text('; none of '),
    words.number('before'),
    words.text(' known since '),
    words.day('since'),
    words.text(': '),
    dialect.joinTexts(
      `list_transform(${dialect.listStart('first_values', 'before')}, lambda one: ${words.values('one')})`,
      words.text(', '),
    ),
  ])
  return `WITH known AS (SELECT h.baseline, h.by_key, h.value_key, h.first_time,
    rank() OVER (PARTITION BY h.baseline, h.by_key ORDER BY h.first_time) - 1 AS before FROM ${habits} h
    WHERE (h.baseline, h.by_key) IN (SELECT baseline, by_key FROM ${batch} WHERE type = 'first_seen')),
  keys AS (SELECT baseline, by_key, min(first_time) AS since, ${dialect.firstOf('value_key', 'first_time', VALUES_NAMED)} AS first_values
    FROM known GROUP BY baseline, by_key),
  found AS (SELECT e.*, k.since, k.first_values, v.before, ${words.names('s.value_names')} AS names, ${words.values('e.value_key')} AS value_text
    FROM known v JOIN ${batch} e ON v.baseline = e.baseline AND v.by_key = e.by_key AND v.value_key = e.value_key
    JOIN ${settings} s ON s.baseline = e.baseline
    JOIN keys k ON k.baseline = e.baseline AND k.by_key = e.by_key
    WHERE e.type = 'first_seen' AND e.event_time <= v.first_time AND k.since < e.event_time
      AND ${ms('k.since')} <= ${ms('e.event_time')} - s.learn_ms)
  SELECT baseline, event_id, event_time, fields, selections, ${words.because('names', why)} AS because FROM found`
}
