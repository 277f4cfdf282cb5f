/** What rules would have found in events that are there already. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { detectOver, FOUND } from '../job/over.ts'
import type { LeftOut } from '../job/pass.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import type { Environment } from '../segment/environments.ts'

/** Findings of one UTC day. */
export interface DayCount {
  readonly day: string
  readonly findings: number
}

/** A finding that stands for the others of its rule. */
export interface SampleFinding {
  readonly summary: string
  readonly time: string
  readonly eventIds: readonly string[]
}

/** What a rule would have found. */
export interface BacktestRow {
  readonly rule: PackRule
  readonly findings: number
  /** Events in those findings. */
  readonly events: number
  /** Days with findings, in order. */
  readonly days: readonly DayCount[]
  /** Its latest findings. */
  readonly samples: readonly SampleFinding[]
}

/** What came of a backtest. */
export interface Backtest {
  /** Rules that found something, most findings first. */
  readonly rows: readonly BacktestRow[]
  readonly rules: number
  readonly days: readonly DayCount[]
  readonly leftOut: readonly LeftOut[]
}

/** Which events, and what else they are looked at with. */
export interface BacktestRange {
  /** Findings that ended before it are history, and not counted. */
  readonly from?: Date
  readonly to?: Date
  /** What counts as now where there is no end. */
  readonly now: Date
  readonly environments?: readonly Environment[]
  /** Seconds after which a rule is left out. */
  readonly timeoutSecs?: number
  /** Stops it; what is thrown then is the signal's reason. */
  readonly signal?: AbortSignal
}

/** Latest findings shown of a rule. */
const SAMPLES = 3

/** Ids of events shown of a finding. */
const EVENTS_SHOWN = 3

/** How far back from its events a pack looks: windows of correlations, and history of baselines. */
export const reachSecs = ({ rules }: Pick<RulePack, 'rules'>): number =>
  rules.reduce((most, { rule }) => Math.max(most, reachOf(rule)), 0)

function reachOf(rule: PackRule['rule']): number {
  if (rule.kind === 'correlation') return rule.timespanSecs
  if (rule.kind === 'detection') return 0
  // Twice, so that what is usual is told from more than the least history.
  return 2 * rule.learnSecs + (rule.windowSecs ?? 0)
}

/**
 * Runs rules over events and counts what they find.
 *
 * @param events relation with the events of the range and those that {@link reachSecs} goes back before it
 */
export async function backtest(
  engine: Engine,
  pack: Pick<RulePack, 'rules'>,
  events: string,
  range: BacktestRange,
): Promise<Backtest> {
  const now = range.to !== undefined && range.to < range.now ? range.to : range.now
  const { environments = [], signal, timeoutSecs } = range
  const { leftOut } = await detectOver(engine, pack, events, {
    now,
    environments,
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutSecs === undefined ? {} : { timeoutSecs }),
  })
  const since = range.from === undefined ? 'true' : `last_time >= ${lit(range.from.toISOString())}::TIMESTAMPTZ`
  const counted = `(SELECT * FROM ${FOUND} WHERE superseded_by IS NULL AND ${since})`
  const days = await engine.rows<{ rule_id: string; day: string; findings: number; events: number }>(
    `SELECT rule_id, finding_date::VARCHAR AS day, count(*)::INTEGER AS findings, sum(events)::DOUBLE AS events FROM ${counted} GROUP BY ALL ORDER BY 1, 2`,
  )
  const samples = await engine.rows<{ rule_id: string; summary: string; time: string; ids: string[] }>(
    `SELECT rule_id, summary, strftime(first_time, '%Y-%m-%dT%H:%M:%SZ') AS time, event_ids[1:${EVENTS_SHOWN}] AS ids FROM ${counted}
      QUALIFY row_number() OVER (PARTITION BY rule_id ORDER BY first_time DESC, finding_id) <= ${SAMPLES} ORDER BY rule_id, first_time DESC, finding_id`,
  )
  const rows = pack.rules.flatMap((rule): BacktestRow[] => {
    const own = days.filter(({ rule_id }) => rule_id === rule.key)
    if (own.length === 0) return []
    return [
      {
        rule,
        findings: total(own.map(({ findings }) => findings)),
        events: total(own.map((each) => each.events)),
        days: own.map(({ day, findings }) => ({ day, findings })),
        samples: samples
          .filter(({ rule_id }) => rule_id === rule.key)
          .map(({ summary, time, ids }) => ({ summary, time, eventIds: ids })),
      },
    ]
  })
  return {
    rows: rows.sort((a, b) => b.findings - a.findings || (a.rule.key < b.rule.key ? -1 : 1)),
    rules: pack.rules.filter(({ feeds }) => !feeds).length,
    days: byDay(days),
    leftOut,
  }
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + Number(each), 0)

function byDay(counts: readonly DayCount[]): DayCount[] {
  const groups = Map.groupBy(counts, ({ day }) => day)
  return [...groups]
    .map(([day, own]) => ({ day, findings: total(own.map(({ findings }) => findings)) }))
    .sort((a, b) => (a.day < b.day ? -1 : 1))
}
