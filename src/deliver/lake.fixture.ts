/** A lake of numbered events, batch by batch, for tests of what is delivered of it. */

import { EVENT_COLUMNS } from '../core/event.ts'
import type { Home } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { ident, lit } from '../engine/sql.ts'
import { duckdbType } from '../engine/types.ts'
import { DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'

/** The day all of them are of. */
export const DAY = '2026-11-12'

/** How long each record is said to have been. */
export const RECORD_BYTES = 400

/**
 * Commits a batch of events numbered `from` up to, and without, `to`, by `people` people in turn. Their parameter `n` is the number, their
 * ids are digests of it; three follow each other within a microsecond.
 */
export async function writeBatch(
  home: Pick<Home, 'events'>,
  batch: number,
  { from, to, people = 50 }: { readonly from: number; readonly to: number; readonly people?: number },
): Promise<void> {
  const columns: Readonly<Record<string, string>> = {
    event_id: "md5('event ' || n)",
    event_date: `DATE ${lit(DAY)}`,
    event_time: `TIMESTAMPTZ '${DAY} 00:00:00Z' + to_microseconds((n // 3) * 1001)`,
    batch_id: lit(`b${String(batch).padStart(9, '0')}-test`),
    form: "'delivery'",
    service: "'unityCatalog'",
    action: "CASE n % 4 WHEN 0 THEN 'getTable' ELSE 'getSchema' END",
    category: "'data_access'",
    verb: "'read'",
    status: "'SUCCESS'",
    actor: `{'email': 'person' || (n % ${people}) || '@example.com'}`,
    workspace_id: "'42'",
    request_params: "MAP {'n': n::VARCHAR}",
    record_bytes: String(RECORD_BYTES),
  }
  const list = EVENT_COLUMNS.map(
    ({ name, type }) => `(${columns[name] ?? 'NULL'})::${duckdbType(type)} AS ${ident(name)}`,
  )
  const engine = await Engine.open({ threads: 1 })
  try {
    const table = DeltaTable.at(home.events, EVENTS_TABLE)
    const select = `SELECT ${list.join(', ')} FROM range(${from}, ${to}) AS numbers(n)`
    const file = await writePartition(engine, table, { select, partition: DAY, stem: `batch-${batch}` })
    await table.commit({ adds: file === undefined ? [] : [file], operation: 'WRITE' })
  } finally {
    engine.close()
  }
}

/** The number of an event, from its line in the format `system-table`. */
export const numberIn = (text: string): number =>
  Number((JSON.parse(text) as { request_params: { n: string } }).request_params.n)
