/** `bricktrail rules backtest`. */
import { parseRange, type TimeRange } from '../../ask/times.ts'
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { jsonText, printable } from '../../core/printable.ts'
import { environmentsInForce, timeoutOf } from '../../detect/job/site.ts'
import type { RulePack } from '../../detect/pack/pack.ts'
import { type Backtest, type BacktestRange, backtest, reachSecs } from '../../detect/review/backtest.ts'
import { calledRule, chosenRules, packOf } from '../../detect/review/chosen.ts'
import { lit } from '../../engine/sql.ts'
import { spillingEngine } from '../../ingest/scratch.ts'
import { filesBetween, scanSql } from '../../lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import type { FoundRow } from '../../remote/rules.ts'
import type { CliContext, ServerWish } from '../contract.ts'
import { printTable } from '../table.ts'
import { checkPackFlags, type PackFlags, packInForce, plural } from './pack.ts'

/** Flags of `rules backtest`. */
export interface BacktestFlags extends PackFlags {
  readonly from?: string
  readonly to?: string
}

/** What is shown of a backtest. */
interface Found extends Omit<Backtest, 'rows'> {
  readonly rows: readonly FoundRow[]
}

/** Runs rules over the lake and says what they find. */
export async function backtestRules(
  cli: CliContext,
  names: readonly string[],
  flags: BacktestFlags,
  signal: AbortSignal,
): Promise<void> {
  const wish = cli.server()
  const started = performance.now()
  const report = await (wish === undefined
    ? onHome(cli, names, flags, signal)
    : onServer(cli, wish, { names, flags, signal }))
  if (cli.json()) return cli.out(`${jsonText(reportObject(report))}\n`)
  print(cli, report)
  for (const { title, reason, message } of report.leftOut)
    cli.note(`${printable(title)} was left out, ${reason}: ${printable(message)}`)
  const found = sumOf(report.rows)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  cli.note(
    `${plural(found, 'finding')} of ${report.rows.length} of ${plural(report.rules, 'rule')} on ${plural(report.days.length, 'day')}, in ${seconds} s.`,
  )
}

async function onServer(
  cli: CliContext,
  wish: ServerWish,
  { names, flags, signal }: { names: readonly string[]; flags: BacktestFlags; signal: AbortSignal },
): Promise<Found> {
  checkPackFlags(flags)
  if (names.length === 0)
    throw new AppError('BAD_ARGUMENT', 'A server tries the rules that are named, one by one.', {
      hint: 'Name one: `bricktrail rules list` shows all.',
    })
  const range = parseRange(flags.from, flags.to, cli.now())
  const { backtestOnServer } = await import('../../remote/rules.ts')
  const { withServer } = await import('../server.ts')
  const rows = await withServer(wish, (api) => backtestOnServer(api, names, range), { signal })
  const counts = Map.groupBy(
    rows.flatMap(({ days }) => days),
    ({ day }) => day,
  )
  const days = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, some]) => ({ day, findings: sumOf(some) }))
  return { rows: rows.filter(({ findings }) => findings > 0), rules: rows.length, days, leftOut: [] }
}

const sumOf = (counts: readonly { readonly findings: number }[]): number =>
  counts.reduce((sum, { findings }) => sum + findings, 0)

async function onHome(
  cli: CliContext,
  names: readonly string[],
  flags: BacktestFlags,
  signal: AbortSignal,
): Promise<Found> {
  const range = parseRange(flags.from, flags.to, cli.now())
  const all = await packInForce(cli, flags, { examples: false })
  const pack = names.length === 0 ? all : packOf(all, chosenRules(all, names))
  const environments = environmentsInForce({ ...pack, settings: all.settings })
  const report = await over(cli.home(), pack, { ...range, environments, ...timeoutOf(all) }, cli.now(), signal)
  const rows = report.rows.map(({ rule, ...row }) => ({
    ...row,
    called: calledRule(rule),
    key: rule.key,
    level: rule.level,
  }))
  return { ...report, rows }
}

/** Reads as far before the range as the rules look back. */
async function over(
  home: Home,
  pack: Pick<RulePack, 'rules'>,
  { fromMs, toMs, ...looked }: TimeRange & Pick<BacktestRange, 'environments' | 'timeoutSecs'>,
  now: Date,
  signal: AbortSignal,
): Promise<Backtest> {
  const table = DeltaTable.at(home.events, EVENTS_TABLE)
  const snapshot = await table.snapshot()
  if (snapshot.version < 0) throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
  const sinceMs = fromMs === undefined ? undefined : fromMs - reachSecs(pack) * 1000
  const bounds = [
    ...(sinceMs === undefined ? [] : [`event_time >= ${timestamp(sinceMs)}`]),
    ...(toMs === undefined ? [] : [`event_time < ${timestamp(toMs)}`]),
  ]
  const relation = `(SELECT * FROM ${scanSql(table, filesBetween(snapshot, sinceMs, toMs))} WHERE ${bounds.join(' AND ') || 'true'})`
  const { engine, close } = await spillingEngine(home)
  try {
    return await backtest(engine, pack, relation, {
      now,
      ...looked,
      signal,
      ...(fromMs === undefined ? {} : { from: new Date(fromMs) }),
      ...(toMs === undefined ? {} : { to: new Date(toMs) }),
    })
  } finally {
    await close()
  }
}

const timestamp = (ms: number): string => `${lit(new Date(ms).toISOString())}::TIMESTAMPTZ`

function print(cli: CliContext, { rows, days }: Found): void {
  if (rows.length === 0) {
    cli.out('No rule would have found anything.\n')
    return
  }
  const columns = ['rule', 'level', 'findings', 'events', 'days', 'most a day', 'latest']
  printTable(cli, columns, rows.map(line), ['findings', 'events', 'days', 'most a day'])
  cli.out('\n')
  printTable(
    cli,
    ['day', 'findings'],
    days.map(({ day, findings }) => [day, findings]),
    ['findings'],
  )
  for (const { called, samples } of rows) {
    cli.out(`\n${printable(called)}\n`)
    for (const { summary, eventIds } of samples)
      cli.out(`  ${printable(summary)}\n    events ${eventIds.map(printable).join(', ')}\n`)
  }
}

const line = ({ called, level, findings, events, days, samples }: FoundRow): readonly unknown[] => [
  called,
  level,
  findings,
  events,
  days.length,
  Math.max(...days.map((each) => each.findings)),
  samples[0]?.time,
]

const reportObject = ({ rows, rules, days, leftOut }: Found) => ({
  rules,
  days,
  leftOut,
  found: rows.map(({ called, key, level, findings, events, days: own, samples }) => ({
    rule: called,
    key,
    level,
    findings,
    events,
    days: own,
    samples,
  })),
})
