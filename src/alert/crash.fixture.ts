/** Run as a process of its own and killed: takes in the findings of a home. Argument: the home. */
import { homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { runAlerts } from './run.ts'

const [root = ''] = process.argv.slice(2)
const engine = await Engine.open({ threads: 1 })
process.stdout.write('ready\n')
const report = await runAlerts(homeAt(root), { now: new Date('2026-11-12T12:00:00Z'), engine, rules: [] })
engine.close()
process.stdout.write(`${JSON.stringify(report)}\n`)
