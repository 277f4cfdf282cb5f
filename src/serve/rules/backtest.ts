/** What one rule would have found in the lake. */
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { loadPack } from '../../detect/pack/load.ts'
import { backtest, reachSecs } from '../../detect/review/backtest.ts'
import { chosenRules, packOf } from '../../detect/review/chosen.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit, litList } from '../../engine/sql.ts'
import { filesBetween, scanSql } from '../../lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import type { RowLimits } from '../contract.ts'
import { HAS_QUERY_SQL } from '../read/query-text.ts'
import { limitsSql } from '../read/visible.ts'
import type { Backtest } from '../shapes/rules.ts'

/** Which rule, and over which time. */
export interface BacktestWork {
  readonly rule: string
  readonly fromMs?: number
  readonly toMs?: number
  readonly nowMs: number
  readonly rows: RowLimits
  /** True for somebody who may not see queries. */
  readonly hidesQueries?: boolean
  /** Where the engine spills. */
  readonly tempDir: string
}

/** Beside a server that answers, a backtest has its own bound. */
const MEMORY_MB = 1000

/** Runs the rule over the lake as it is now. @throws AppError NO_LAKE; BAD_ARGUMENT for a rule that is not there */
export async function backtestOver(
  home: Home,
  { rule, fromMs, toMs, nowMs, rows, tempDir, hidesQueries = false }: BacktestWork,
): Promise<Backtest> {
  const started = performance.now()
  const all = await loadPack({ settingsFile: home.detectSettings, examples: false })
  const everything = { rules: [...all.rules, ...all.disabled] }
  const pack = packOf(everything, chosenRules(all, [rule]).slice(0, 1))
  const table = DeltaTable.at(home.events, EVENTS_TABLE)
  const snapshot = await table.snapshot()
  if (snapshot.version < 0) throw new AppError('NO_LAKE', 'There are no events yet.')
  const sinceMs = fromMs === undefined ? undefined : fromMs - reachSecs(pack) * 1000
  const until = toMs === undefined ? 'true' : `event_time < ${timestamp(toMs)}`
  const since = sinceMs === undefined ? 'true' : `event_time >= ${timestamp(sinceMs)}`
  const scan = scanSql(table, filesBetween(snapshot, sinceMs, toMs))
  const engine = await Engine.open({ tempDir, memoryLimitMb: MEMORY_MB })
  try {
    const report = await backtest(
      engine,
      pack,
      `(SELECT * FROM ${scan} WHERE ${since} AND ${until} AND ${limitsSql(rows)})`,
      {
        now: new Date(nowMs),
        ...(fromMs === undefined ? {} : { from: new Date(fromMs) }),
        ...(toMs === undefined ? {} : { to: new Date(toMs) }),
      },
    )
    const [leftOut] = report.leftOut
    if (leftOut !== undefined)
      throw new AppError('BAD_ARGUMENT', `The rule cannot be run, ${leftOut.reason}: ${leftOut.message}`, {
        hint: 'See what is wrong with it among its problems.',
      })
    const [row] = report.rows
    const samples = row?.samples ?? []
    const named = samples.flatMap(({ eventIds }) => eventIds)
    const quiet = hidesQueries ? await withQueries(engine, scan, named) : new Set<string>()
    return {
      events: row?.events ?? 0,
      findings: row?.findings ?? 0,
      perDay: (row?.days ?? []).map(({ day, findings }) => ({ day, findings })),
      examples: samples.map(({ summary, time, eventIds }) => ({
        eventId: eventIds[0] ?? '',
        time,
        summary: eventIds.some((id) => quiet.has(id)) ? `[${summary.length} characters]` : summary,
      })),
      seconds: Math.round(performance.now() - started) / 1000,
    }
  } finally {
    engine.close()
  }
}

/** Those of some events that hold a query, which a summary may quote. */
export async function withQueries(engine: Engine, scan: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await engine.rows<{ id: string }>(
    `SELECT event_id AS id FROM ${scan} WHERE list_contains(${litList(ids)}, event_id) AND ${HAS_QUERY_SQL}`,
  )
  return new Set(rows.map(({ id }) => id))
}

const timestamp = (ms: number): string => `${lit(new Date(ms).toISOString())}::TIMESTAMPTZ`
