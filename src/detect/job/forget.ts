/** Lets go of what no later event can be put together with. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { forgetHabits } from '../baseline/remember.ts'
import { STATE_MATCHES } from '../state.ts'
import { STATE_BURSTS } from './bursts.ts'
import type { Detector } from './pass.ts'
import { LATE_SECS, type Reaches } from './reach.ts'

/** Reach of what belongs to a rule that is not in the pack any more. */
const UNKNOWN_SECS = 86_400

const secsTable = (reaches: ReadonlyMap<string, number>): string =>
  `(VALUES ${[['', UNKNOWN_SECS] as const, ...reaches].map(([key, secs]) => `(${lit(key)}, ${Math.ceil(secs)})`).join(', ')}) AS reach(rule, secs)`

/** Deletes matches, habits and bursts beyond every reach from the newest event; what an open burst is made of stays. */
export async function forget(engine: Engine, detector: Detector, reaches: Reaches, newest: Date): Promise<void> {
  const at = `${lit(newest.toISOString())}::TIMESTAMPTZ - INTERVAL ${LATE_SECS} SECOND`
  const before = (secs: string): string => `${at} - to_seconds(coalesce(${secs}, ${UNKNOWN_SECS}))`
  await engine.run(
    `DELETE FROM ${STATE_BURSTS} WHERE last_time < ${before(
      `(SELECT secs FROM ${secsTable(reaches.bursts)} WHERE reach.rule = bursts.rule)`,
    )}`,
  )
  const { programme } = detector
  const pairs = programme.correlations.flatMap(({ number }) =>
    sourcesOf(programme.correlations, number).map(
      (source) => [keyOf(detector, number), keyOf(detector, source)] as const,
    ),
  )
  const counts = `(VALUES ${[['', ''] as const, ...pairs].map(([a, b]) => `(${lit(a)}, ${lit(b)})`).join(', ')}) AS counts(above, source)`
  const spans = `SELECT c.source, b.first_time - to_seconds(s.secs) AS from_time, b.last_time FROM ${STATE_BURSTS} b
    JOIN ${counts.replace('AS counts', 'AS c')} ON c.above = b.rule JOIN ${secsTable(reaches.bursts).replace('AS reach', 'AS s')} ON s.rule = b.rule`
  await engine.run(
    `DELETE FROM ${STATE_MATCHES} AS m WHERE event_time < ${before(
      `(SELECT secs FROM ${secsTable(reaches.matches)} WHERE reach.rule = m.rule)`,
    )} AND NOT EXISTS (SELECT 1 FROM (${spans}) o WHERE o.source = m.rule AND m.event_time BETWEEN o.from_time AND o.last_time)`,
  )
  await forgetHabits(engine, detector.baselines, newest)
}

const keyOf = ({ programme }: Detector, number: number): string => programme.rules[number]?.of.key ?? ''

/** Rules of single events below a correlation. */
function sourcesOf(correlations: Detector['programme']['correlations'], number: number): number[] {
  const correlation = correlations.find((each) => each.number === number)
  if (correlation === undefined) return [number]
  return [...new Set(correlation.refs.flatMap((ref) => sourcesOf(correlations, ref)))]
}
