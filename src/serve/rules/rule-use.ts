/** How rules do: what they found, when last, and how much of it was noise. */
import { existsSync } from 'node:fs'
import { AlertsFile } from '../../alert/alerts-file.ts'
import type { Home } from '../../core/home.ts'
import { lit } from '../../engine/sql.ts'
import { laneOf } from '../alerting/visible-findings.ts'
import type { LakeQuestions, Relations } from '../contract.ts'
import { isLimitedByLists, type Sight } from '../read/visible.ts'

/** Who asks, and how to stop. */
export interface UseAsking {
  readonly lake: LakeQuestions
  readonly viewer: Sight
  readonly signal: AbortSignal
}

/** What a rule found. */
export interface RuleUse {
  /** Since the time asked for. */
  readonly findings: number
  readonly lastFired: string | null
}

/** What rules found, by id; those that found nothing are missing. */
export async function useOfRules({ lake, viewer, signal }: UseAsking, sinceMs: number): Promise<Map<string, RuleUse>> {
  const sql = ({ findings }: Relations) =>
    `SELECT rule_id, count(*) FILTER (WHERE epoch_ms(last_time) >= ${Math.round(sinceMs)})::DOUBLE AS findings,
       epoch_ms(max(last_time))::DOUBLE AS last_ms
     FROM ${findings} WHERE superseded_by IS NULL GROUP BY rule_id`
  const { rows } = await lake.rows<{ rule_id: string; findings: number; last_ms: number }>(viewer, sql, {
    signal,
    lane: laneOf(viewer),
  })
  return new Map(
    rows.map(({ rule_id, findings, last_ms }) => [rule_id, { findings, lastFired: new Date(last_ms).toISOString() }]),
  )
}

/** Findings of one rule by UTC day, since a time. */
export async function daysOfRule(
  { lake, viewer, signal }: UseAsking,
  rule: string,
  sinceMs: number,
): Promise<{ day: string; findings: number }[]> {
  const sql = ({ findings }: Relations) =>
    `SELECT last_time::DATE::VARCHAR AS day, count(*)::DOUBLE AS findings FROM ${findings}
     WHERE superseded_by IS NULL AND rule_id = ${lit(rule)} AND epoch_ms(last_time) >= ${Math.round(sinceMs)} GROUP BY 1 ORDER BY 1`
  const { rows } = await lake.rows<{ day: string; findings: number }>(viewer, sql, { signal, lane: laneOf(viewer) })
  return rows.map(({ day, findings }) => ({ day, findings }))
}

/**
 * The share of what people resolved that was no threat, by rule; duplicates count for the alert that they are one of. Whoever sees only
 * some rows is not told: others' decisions are about rows that they do not see.
 */
export function noiseOfRules(home: Pick<Home, 'alerts'>, viewer: Sight): ReadonlyMap<string, number> {
  if (isLimitedByLists(viewer.rows) || !existsSync(home.alerts)) return new Map()
  const file = AlertsFile.open(home.alerts)
  try {
    const rows = file.all<{ rule: string; noise: number }>(
      `SELECT facts ->> 'ruleId' AS rule, avg(outcome IN ('false_positive', 'benign')) AS noise FROM alerts
       WHERE kind = 'alert' AND state = 'resolved' AND outcome IN ('true_positive', 'benign', 'false_positive') GROUP BY 1`,
    )
    return new Map(rows.map(({ rule, noise }) => [rule, noise]))
  } finally {
    file.close()
  }
}
