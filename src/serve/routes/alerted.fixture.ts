/** A home with events, findings and alerts, and a server over it. */

import { AlertBench, aFinding, NOON, type Placed } from '../../alert/findings.fixture.ts'
import { rowsSql, type SqlRow } from '../../ask/small-lake.fixture.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { lit, litOrNull } from '../../engine/sql.ts'
import { DeltaTable, EVENTS_TABLE, keyOf } from '../../lake/table.ts'
import { writePartition } from '../../lake/write.ts'
import type { AppDeps } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { type LakeReader, openLakeReader } from '../read/lake-reader.ts'
import { type Served, type ServedOptions, served } from '../served.fixture.ts'

/** A finding of one event, and what the event tells. */
export interface Told extends Partial<Placed> {
  readonly id: string
  readonly workspace?: string
  readonly category?: string
}

/** A server over a home with alerts. */
export interface Alerted extends Served {
  readonly bench: AlertBench
  /** Adds findings with their events, and runs alerts. */
  tell(...told: readonly Told[]): Promise<void>
}

/** Ids of findings are digests. */
export const digest = (nth: number): string => nth.toString(16).padStart(32, 'a')

/** Starts a server over a home with these findings. Its clock stands at {@link NOON}. */
export async function alerted(
  groups: readonly RouteGroup<AppDeps>[],
  findings: readonly Told[],
  options: ServedOptions = {},
): Promise<Alerted> {
  const bench = await AlertBench.open()
  const tell = async (...told: readonly Told[]): Promise<void> => {
    const file = await addEvents(bench, told)
    const placed = told.map((each) => ({ ...aFinding(each.id, each), eventIds: [`event-of-${each.id}`], file }))
    await bench.found(...placed)
    await bench.run()
  }
  await tell(...findings)
  const lake: LakeReader = await openLakeReader(bench.home, { memoryLimitMb: 300, threads: 1 })
  const server = served(bench.home, groups, { lake, now: () => NOON, ...options })
  return {
    ...server,
    bench,
    tell,
    close: async () => {
      await server.close()
      await lake.close()
      await bench.close()
    },
  }
}

const eventOf = ({ id, workspace, category, entity, firstMs }: Told): SqlRow => ({
  event_id: lit(`event-of-${id}`),
  event_time: `TIMESTAMPTZ ${lit(new Date(firstMs ?? NOON.getTime() - 1_800_000).toISOString())}`,
  event_date: `TIMESTAMPTZ ${lit(new Date(firstMs ?? NOON.getTime() - 1_800_000).toISOString())}::DATE`,
  service: "'accounts'",
  action: "'setAccountAdmin'",
  category: lit(category ?? 'identity'),
  status: "'SUCCESS'",
  actor: `{'email': ${lit(entity ?? 'ana@example.com')}}`,
  workspace_id: litOrNull(workspace),
})

/** Commits the events of one day; returns the key of their file. */
async function addEvents({ engine, home }: AlertBench, told: readonly Told[]): Promise<string> {
  const table = DeltaTable.at(home.events, EVENTS_TABLE)
  const select = `SELECT * FROM (${rowsSql(EVENT_COLUMNS, told.map(eventOf))})`
  const { day } = await engine.row<{ day: string }>(`SELECT min(event_date)::VARCHAR AS day FROM (${select})`)
  const { version } = await table.snapshot()
  const file = await writePartition(engine, table, { select, partition: day, stem: `e${version + 1}` })
  if (file === undefined) throw new Error('there are events')
  await table.commit({ adds: [file], operation: 'WRITE' })
  return keyOf(file)
}
