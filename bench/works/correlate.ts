/** Correlations over many matches of many groups, made up in the engine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linkCorrelations } from '../../src/detect/correlate/link.ts'
import { FINDINGS_TABLE, runCorrelations } from '../../src/detect/correlate/runner.ts'
import { parseRules } from '../../src/detect/sigma/parse.ts'
import { duckdb } from '../../src/detect/sql/duckdb.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { lit } from '../../src/engine/sql.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** How many matches of how many groups, with how many different values. */
export interface CorrelateParams {
  readonly matches: number
  readonly groups: number
  readonly values: number
  readonly type: 'event_count' | 'value_count'
}

/** Matches lie within a day, so that each group has as many in each window as in any other. */
const DAY_SECS = 86_400

const rulesText = (type: CorrelateParams['type']): string => `title: Match
name: match
logsource: { product: any }
detection:
  selection: { a: b }
  condition: selection
---
title: Many
correlation:
  type: ${type}
  rules: [match]
  group-by: [user]
  timespan: 10m
  condition: { ${type === 'value_count' ? 'field: value, ' : ''}gte: 5 }
`

/** Correlates; the matches lie in a file, as those do that a state remembers. */
export async function work({ matches, groups, values, type }: CorrelateParams): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-correlate-'))
  const engine = await Engine.open({ tempDir: folder })
  try {
    const { rules } = parseRules(rulesText(type), 'made.yml')
    const { correlations } = linkCorrelations(
      rules.filter((rule) => rule.kind === 'detection'),
      rules.filter((rule) => rule.kind === 'correlation'),
    )
    const file = join(folder, 'matches.parquet')
    await engine.run(`COPY (SELECT 0 AS rule, 'e' || i AS event_id,
      TIMESTAMPTZ '2026-11-02 00:00:00Z' + to_microseconds((hash(i) % ${DAY_SECS * 1_000_000})::BIGINT) AS event_time,
      MAP {'user': 'user-' || (hash(i, 1) % ${groups}), 'value': 'value-' || (hash(i, 2) % ${values})} AS fields
      FROM range(${matches}) made(i)) TO ${lit(file)} (FORMAT parquet)`)
    const lap = stopwatch()
    const failed = await runCorrelations(engine, correlations, `read_parquet(${lit(file)})`, duckdb)
    const measured = lap()
    if (failed.length > 0) throw new Error(failed[0]?.message)
    const { n } = await engine.row(`SELECT count(*)::INTEGER AS n FROM ${FINDINGS_TABLE}`)
    return { events: matches, ...measured, details: { findings: Number(n) } }
  } finally {
    engine.close()
    await rm(folder, { recursive: true, force: true })
  }
}
