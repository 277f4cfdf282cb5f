/**
 * Makes a lake with one busy day: a simulated day, ingested, with each event many times over under new ids. The files are as
 * compaction leaves them: sorted by time, each one span of the day.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { EVENT_COLUMNS } from '../../src/core/event.ts'
import { homeAt } from '../../src/core/home.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { ident } from '../../src/engine/sql.ts'
import { ingest } from '../../src/ingest/ingest.ts'
import { COMPACT_MEMORY_MB } from '../../src/lake/compact.ts'
import { MERGED_FILE_ROWS, MERGED_ROW_GROUP_ROWS } from '../../src/lake/merge.ts'
import { scanSql } from '../../src/lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../src/lake/table.ts'
import { writePartition } from '../../src/lake/write.ts'
import { type Measured, stopwatch } from '../outcome.ts'
import { START_DATE, work as simulate } from './simulate.ts'

/** How full the day is. */
export interface DayParams {
  /** A home with a warm cache, to be filled. */
  readonly home: string
  readonly events: number
  readonly seed: number
}

/** Events really simulated and ingested; the others are these again. */
const SIMULATED_EVENTS = 500_000

/** An event and its copies lie this far apart, so that a file of the day is a narrow span of time. */
const STEP_MICROS = 1_700

/** Fills the home. */
export async function work({ home: root, events, seed }: DayParams): Promise<Measured> {
  const lap = stopwatch()
  const home = homeAt(root)
  const base = homeAt(`${root}.base`)
  const logs = `${root}.logs`
  const simulated = Math.min(events, SIMULATED_EVENTS)
  await simulate({ out: logs, events: simulated, days: 1, seed, gzip: true })
  await ingest({ home: base, specs: [logs], form: 'auto', stdin: Readable.from([]), now: () => new Date() })
  await rm(logs, { recursive: true })
  const engine = await Engine.open({ tempDir: join(base.tmp, 'day'), memoryLimitMb: COMPACT_MEMORY_MB })
  const rows = await multiply(
    engine,
    DeltaTable.at(base.events, EVENTS_TABLE),
    home.events,
    Math.ceil(events / simulated),
  )
  engine.close()
  await rm(base.root, { recursive: true })
  return { events: rows, ...lap(), details: {} }
}

async function multiply(engine: Engine, from: DeltaTable, root: string, copies: number): Promise<number> {
  const { files } = await from.snapshot()
  const day = files.filter(({ partition }) => partition === START_DATE)
  const base = scanSql(from, day)
  const table = DeltaTable.at(root, EVENTS_TABLE)
  const count = Math.max(1, Math.ceil((copies * day.reduce((sum, file) => sum + file.rows, 0)) / MERGED_FILE_ROWS))
  await engine.run(`CREATE TEMP TABLE cuts AS SELECT part, min(event_time) AS first
    FROM (SELECT event_time, ntile(${count}) OVER (ORDER BY event_time) AS part FROM ${base}) GROUP BY part`)
  const cuts = await engine.rows<{ first: string }>('SELECT DISTINCT first::VARCHAR AS first FROM cuts ORDER BY 1')
  let rows = 0
  for (const [at, { first }] of cuts.entries()) {
    const last = cuts[at + 1]?.first
    const span = `event_time >= '${first}'::TIMESTAMPTZ${last === undefined ? '' : ` AND event_time < '${last}'::TIMESTAMPTZ`}`
    const file = await writePartition(engine, table, {
      select: copiesSql(`(SELECT * FROM ${base} WHERE ${span})`, copies),
      partition: START_DATE,
      stem: `day-${String(at).padStart(4, '0')}`,
      orderBy: 'event_time, event_id',
      rowGroupRows: MERGED_ROW_GROUP_ROWS,
    })
    if (file === undefined) continue
    rows += file.rows
    await table.commit({ adds: [file], operation: 'WRITE' })
  }
  return rows
}

/** The events of `from` and their copies, each with ids of its own; the last second of the day has copies in the day too. */
function copiesSql(from: string, copies: number): string {
  const changed: Readonly<Record<string, string>> = {
    event_id: `CASE WHEN copy = 0 THEN event_id ELSE md5(event_id || '-' || copy) END`,
    request_id: `CASE WHEN copy = 0 THEN request_id ELSE md5(request_id || '-' || copy)::UUID::VARCHAR END`,
    event_time: `least(event_time + to_microseconds(copy * ${STEP_MICROS}), TIMESTAMPTZ '${START_DATE} 23:59:59.999999+00')`,
  }
  const columns = EVENT_COLUMNS.map(({ name }) => `${changed[name] ?? ident(name)} AS ${ident(name)}`)
  return `SELECT ${columns.join(', ')} FROM ${from}, range(${copies}) r(copy)`
}
