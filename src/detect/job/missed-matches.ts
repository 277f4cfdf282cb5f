/** A correlation that was left out of a batch: what it counts is remembered already, and counts as new once more. */
import type { Engine } from '../../engine/duckdb.ts'
import type { LinkedCorrelation } from '../correlate/link.ts'
import { STATE_MATCHES } from '../state.ts'
import { WHY_TYPE } from './bursts.ts'
import { RULES } from './facts.ts'

/** Table of matches taken out of the state: `rule` (number), `event_id`, `event_time`, `fields`, `because`. */
export const AGAIN = 'temp.matches_again'

/** Numbers of the rules of single events below correlations that are missed, but for those that are missed themselves. */
export function belowMissed(correlations: readonly LinkedCorrelation[], only: ReadonlySet<number>): readonly number[] {
  const byNumber = new Map(correlations.map((each) => [each.number, each]))
  const sources = (number: number): readonly number[] => byNumber.get(number)?.refs.flatMap(sources) ?? [number]
  const below = [...only].flatMap((number) => byNumber.get(number)?.refs.flatMap(sources) ?? [])
  return [...new Set(below)].filter((number) => !only.has(number))
}

/** Moves what the state has of rules and of the events of a relation to {@link AGAIN}; in the transaction that puts it back. */
export async function takeAgain(engine: Engine, rules: readonly number[], relation: string): Promise<void> {
  const own = `m.rule IN (SELECT key FROM ${RULES} WHERE number IN (${rules.join(', ')})) AND m.event_id IN (SELECT event_id FROM ${relation})`
  await engine.run(`CREATE OR REPLACE TEMP TABLE matches_again AS SELECT r.number AS rule, m.event_id, m.event_time, m.fields, NULL::${WHY_TYPE} AS because
    FROM ${STATE_MATCHES} m JOIN ${RULES} r ON r.key = m.rule WHERE ${own}`)
  await engine.run(`DELETE FROM ${STATE_MATCHES} AS m WHERE ${own}`)
}
