/** Run as a process of its own and killed: detects on a home, commit by commit. Arguments: the home, rows a pass. */
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { FINDINGS_TABLE } from '../../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { HomeDetection } from './home.ts'
import { MANY_RULES, packOf } from './pack.fixture.ts'

const [root = '', rowsAPass = '1'] = process.argv.slice(2)
const home = homeAt(root)
const engine = await Engine.open({ threads: 1 })
const detection = await HomeDetection.open({
  home,
  engine,
  events: DeltaTable.at(home.events, EVENTS_TABLE),
  findings: DeltaTable.at(home.findings, FINDINGS_TABLE),
  pack: { ...packOf(MANY_RULES), problems: [] },
  now: () => new Date('2026-12-01T00:00:00Z'),
  rowsAPass: Number(rowsAPass),
})
await detection.run()
engine.close()
