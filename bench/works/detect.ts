/** The rule pack over the events of a home: which events match, why, and what correlations and baselines need of them. */
import { join } from 'node:path'
import { homeAt } from '../../src/core/home.ts'
import { capturedByBaseline, takesSums } from '../../src/detect/baseline/settings.ts'
import { programmeOf } from '../../src/detect/job/programme.ts'
import { loadPack } from '../../src/detect/pack/load.ts'
import { duckdb } from '../../src/detect/sql/duckdb.ts'
import { eventShape } from '../../src/detect/sql/event-fields.ts'
import { RuleRunner } from '../../src/detect/sql/runner.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { scanSql } from '../../src/lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../src/lake/table.ts'
import { type Measured, stopwatch } from '../outcome.ts'
import { rulesForAll } from './raw-rules.ts'

/** Which events, and which rules. */
export interface DetectParams {
  readonly home: string
  /** `pack`: all of it, reasons for what makes findings, habits added up by the hour; `raw`: rules that ask for delivered names only. */
  readonly rules: 'pack' | 'raw'
}

/** Runs the rules once without counting, so that what is compiled is compiled, and once more. */
export async function work({ home, rules }: DetectParams): Promise<Measured> {
  const { events, tmp } = homeAt(home)
  const table = DeltaTable.at(events, EVENTS_TABLE)
  const relation = scanSql(table, (await table.snapshot()).files)
  const engine = await Engine.open({ tempDir: join(tmp, 'bench-detect') })
  const runner = rules === 'pack' ? await packRunner(engine) : await rawRunner(engine)
  await runner.run(`(SELECT * FROM ${relation} LIMIT 1000)`)
  const lap = stopwatch()
  const { matches, candidates, unrun } = await runner.run(relation)
  const measured = lap()
  if (unrun.length > 0) throw new Error(`${unrun.length} rules did not run: ${unrun[0]?.message}`)
  const { n } = await engine.row(`SELECT count(*)::INTEGER AS n FROM ${relation}`)
  engine.close()
  const found = [...matches.values()].reduce((sum, each) => sum + each, 0)
  return { events: Number(n), ...measured, details: { rules: runner.rules.length, candidates, matches: found } }
}

async function packRunner(engine: Engine): Promise<RuleRunner> {
  const pack = await loadPack({ examples: false })
  const { matched, captured, unexplained, summed } = programmeOf(pack, { capturedByBaseline, takesSums })
  return new RuleRunner(engine, matched, eventShape(duckdb), duckdb, { captured, unexplained, summed })
}

const rawRunner = async (engine: Engine): Promise<RuleRunner> =>
  new RuleRunner(
    engine,
    (await rulesForAll()).map(({ rule }) => rule),
    eventShape(duckdb),
    duckdb,
  )
