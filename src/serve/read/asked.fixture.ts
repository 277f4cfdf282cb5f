/** A home with a lake of a simulated account, sealed, and a server over it, for tests of the routes over events. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { rowsSql, type SqlRow, writeSmallLake } from '../../ask/small-lake.fixture.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { type Home, homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { ingest } from '../../ingest/ingest.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { writePartition } from '../../lake/write.ts'
import { simulate } from '../../simulate/simulate.ts'
import type { AppDeps } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { type Served, type ServedOptions, served } from '../served.fixture.ts'
import { USUAL_SETTINGS } from '../settings.ts'
import { type LakeReader, openLakeReader } from './lake-reader.ts'

/** A server over a lake. */
export interface Asked extends Served {
  readonly home: Home
  readonly reader: LakeReader
  /** The JSON of an answer; fails where its status is another. */
  json<T>(path: string, ask?: Parameters<Served['fetch']>[1], status?: number): Promise<T>
  /** Commits more events. */
  add(day: string, rows: readonly SqlRow[]): Promise<void>
}

/** An empty home in the system's folder for such things. */
export async function emptyHome(): Promise<Home> {
  return homeAt(join(await mkdtemp(join(tmpdir(), 'bricktrail-asked-')), 'home'))
}

/** Events of a simulated week that ends on 2026-11-15, ingested and sealed as the command does it. */
export async function simulatedHome(events: number): Promise<Home> {
  const home = await emptyHome()
  const logs = join(home.root, '..', 'logs')
  await simulate({
    out: logs,
    events,
    days: 7,
    seed: 7,
    form: 'delivery',
    gzip: true,
    scenarios: 'all',
    startDate: '2026-11-09',
  })
  await ingest({ home, specs: [logs], form: 'auto', stdin: Readable.from([]), now: () => new Date() })
  return home
}

/** The small lake of three events. */
export async function smallHome(): Promise<Home> {
  const home = await emptyHome()
  await writeSmallLake(home)
  return home
}

/** Starts a server over a home, which is removed when it closes. */
export async function asked(
  home: Home,
  groups: readonly RouteGroup<AppDeps>[],
  options: ServedOptions = {},
): Promise<Asked> {
  const reader = await openLakeReader(home, { memoryLimitMb: 300, threads: 1 })
  const settings = { limits: { ...USUAL_SETTINGS.limits, requestsPerMinute: 100_000 }, ...options.settings }
  const now = () => new Date('2026-11-16T12:00:00Z')
  const server = served(home, groups, { lake: reader, now, ...options, settings })
  return {
    ...server,
    home,
    reader,
    json: async <T>(path: string, ask: Parameters<Served['fetch']>[1] = {}, status = 200) => {
      const response = await server.fetch(path, { as: 'admin', ...ask })
      const text = await response.text()
      if (response.status !== status) throw new Error(`${path}: ${response.status} ${text.slice(0, 800)}`)
      return JSON.parse(text) as T
    },
    add: (day, rows) => addEvents(home, day, rows),
    close: async () => {
      await server.close()
      await reader.close()
      await rm(join(home.root, '..'), { recursive: true, force: true })
    },
  }
}

let files = 0

/** Commits events of one day to a lake. */
export async function addEvents(home: Home, day: string, rows: readonly SqlRow[]): Promise<void> {
  const engine = await Engine.open()
  try {
    const table = DeltaTable.at(home.events, EVENTS_TABLE)
    files += 1
    const select = rowsSql(
      EVENT_COLUMNS,
      rows.map((row) => ({ event_date: `DATE '${day}'`, ...row })),
    )
    const file = await writePartition(engine, table, { select, partition: day, stem: `more-${files}` })
    await table.commit({ adds: file === undefined ? [] : [file], operation: 'WRITE' })
  } finally {
    engine.close()
  }
}
