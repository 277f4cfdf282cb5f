/** How good the rules are: logs with labels go the whole way, and the findings are held against the labels. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { type Home, homeAt } from '../../core/home.ts'
import type { Problem } from '../../core/yaml/place.ts'
import type { Engine, Row } from '../../engine/duckdb.ts'
import { ingest } from '../../ingest/ingest.ts'
import { spillingEngine } from '../../ingest/scratch.ts'
import { filesBetween, scanSql } from '../../lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { SIMULATE_DEFAULTS, type SimulateOptions, simulate } from '../../simulate/simulate.ts'
import { detectOver } from '../job/over.ts'
import type { LeftOut } from '../job/pass.ts'
import { environmentsInForce, timeoutOf } from '../job/site.ts'
import { loadPack, type PackOptions } from '../pack/load.ts'
import { readLabels, writeAttacks } from './labels.ts'
import { judge, type Verdict, wrongOf } from './verdict.ts'

/** What to simulate where no folder is given. */
export type SimulatedLogs = Pick<SimulateOptions, 'events' | 'days' | 'seed' | 'scenarios'>

/** Enough for every scenario, and for habits to form before the attacks. */
export const EVALUATE_DEFAULTS: SimulatedLogs = { events: 200_000, days: 30, seed: 1, scenarios: 'all' }

/** What to evaluate, and by which rules. */
export interface EvaluateOptions {
  /** Logs with a `labels.json`, or what to simulate. */
  readonly logs: string | SimulatedLogs
  /** A home that the folder was ingested into already; absent: one that is thrown away. */
  readonly lake?: Home
  readonly pack: PackOptions
  /** Of the engine that detects; {@link MEMORY_MB} where absent. */
  readonly memoryLimitMb?: number
  /** Days at the beginning whose findings on no attack are not counted, so that habits are known; 0 where absent. */
  readonly warmUpDays?: number
  readonly now: () => Date
  /** A few findings on no attack go with each rule. */
  readonly examples?: number
  readonly onProgress?: (step: string, done: number, total: number) => void
  /** Stops it; what is thrown then is the signal's reason. Nothing is left behind. */
  readonly signal?: AbortSignal
}

/** What came of it. */
export interface Evaluation extends Verdict {
  readonly events: number
  /** Days with events, those of the warm-up not among them. */
  readonly days: number
  readonly warmUpDays: number
  /** Events of the attacks. */
  readonly attackEvents: number
  readonly leftOut: readonly LeftOut[]
  readonly problems: readonly Problem[]
  /** Summaries of findings on no attack by the key of their rule. */
  readonly examples: Readonly<Record<string, readonly string[]>>
  readonly seconds: { readonly ingest: number; readonly detect: number }
}

/** Memory of the engine: habits and matches of months. */
const MEMORY_MB = 1200

/**
 * Simulates if need be, ingests, runs the pack over all events in one pass, and judges its findings.
 * @throws AppError as simulation, ingestion and the loading of packs do; NO_LAKE for a home without events
 */
export async function evaluate({ onProgress, ...rest }: EvaluateOptions): Promise<Evaluation> {
  // Simulation and ingestion tell how far they are often enough to be stopped by that.
  const options: EvaluateOptions = {
    ...rest,
    onProgress: (step, done, total) => {
      rest.signal?.throwIfAborted()
      onProgress?.(step, done, total)
    },
  }
  const work = await mkdtemp(join(tmpdir(), 'bricktrail-evaluate-'))
  try {
    const folder = await logsOf(options, work)
    const scenarios = await readLabels(folder)
    const started = performance.now()
    const home = options.lake ?? (await ingested(options, folder, homeAt(join(work, 'home'))))
    const ingestSecs = (performance.now() - started) / 1000
    return await judged(options, home, scenarios, ingestSecs)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function logsOf({ logs, onProgress }: EvaluateOptions, work: string): Promise<string> {
  if (typeof logs === 'string') return logs
  const out = join(work, 'logs')
  await simulate({
    ...SIMULATE_DEFAULTS,
    ...logs,
    out,
    form: 'delivery',
    gzip: true,
    onProgress: (done, total) => onProgress?.('simulating', done, total),
  })
  return out
}

async function ingested({ now, onProgress }: EvaluateOptions, folder: string, home: Home): Promise<Home> {
  await ingest({
    home,
    specs: [folder],
    form: 'auto',
    stdin: process.stdin,
    now,
    onProgress: (done, total) => onProgress?.('ingesting', done, total),
  })
  return home
}

async function judged(
  { pack: packOptions, examples = 0, memoryLimitMb = MEMORY_MB, warmUpDays = 0, onProgress, signal }: EvaluateOptions,
  home: Home,
  scenarios: Awaited<ReturnType<typeof readLabels>>,
  ingestSecs: number,
): Promise<Evaluation> {
  const pack = await loadPack({ ...packOptions, product: 'databricks', examples: false })
  const table = DeltaTable.at(home.events, EVENTS_TABLE)
  const snapshot = await table.snapshot()
  if (snapshot.version < 0) throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
  const relation = scanSql(table, filesBetween(snapshot))
  const { engine, close } = await spillingEngine(home, { memoryLimitMb })
  try {
    onProgress?.('detecting', 0, 1)
    const { events, days, latest, warm } = await engine.row<Extent>(extentSql(relation, warmUpDays))
    const started = performance.now()
    const report = await detectOver(engine, pack, relation, {
      environments: environmentsInForce(pack),
      ...timeoutOf(pack),
      ...(signal === undefined ? {} : { signal }),
      ...(latest === null ? {} : { now: new Date(latest) }),
    })
    const detectSecs = (performance.now() - started) / 1000
    await writeAttacks(engine, scenarios, relation)
    const verdict = await judge(engine, pack.rules, scenarios, warm ?? undefined)
    const { n } = await engine.row<{ n: number }>(
      'SELECT count(DISTINCT event_id)::INTEGER AS n FROM temp.attack_events',
    )
    return {
      events,
      days: Math.max(0, days - warmUpDays),
      warmUpDays,
      attackEvents: n,
      ...verdict,
      leftOut: report.leftOut,
      problems: [...pack.problems, ...report.problems],
      examples: await wrongExamples(engine, verdict, examples, warm ?? undefined),
      seconds: { ingest: ingestSecs, detect: detectSecs },
    }
  } finally {
    await close()
  }
}

type Extent = Readonly<Record<'events' | 'days', number>> & Readonly<Record<'latest' | 'warm', string | null>> & Row

/** How many events on how many days, the last of them, and the first instant after the warm-up. */
const extentSql = (relation: string, warmUpDays: number): string => `SELECT count(*)::DOUBLE AS events,
  count(DISTINCT event_date)::INTEGER AS days, strftime(max(event_time), '%Y-%m-%dT%H:%M:%SZ') AS latest,
  strftime(min(event_date) + ${warmUpDays}, '%Y-%m-%dT%H:%M:%SZ') AS warm FROM ${relation}`

async function wrongExamples(
  engine: Engine,
  { rules }: Verdict,
  limit: number,
  from: string | undefined,
): Promise<Record<string, string[]>> {
  const wrong = limit === 0 ? [] : rules.filter((rule) => rule.wrong > 0)
  const entries: [string, string[]][] = []
  for (const { key } of wrong) {
    const rows = await wrongOf(engine, key, limit, from)
    entries.push([key, rows.map(({ summary }) => String(summary))])
  }
  return Object.fromEntries(entries)
}
