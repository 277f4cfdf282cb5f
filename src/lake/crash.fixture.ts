/** Run as a process of its own and killed: appends and compacts one table until then. Argument: the table's folder. */
import { Engine } from '../engine/duckdb.ts'
import { compact } from './compact.ts'
import { SMALL_TABLE, writeRows } from './small-table.fixture.ts'
import { DeltaTable } from './table.ts'

const ROWS = 50

const table = DeltaTable.at(process.argv[2] ?? '', SMALL_TABLE)
const engine = await Engine.open({ threads: 1 })
for (;;) {
  const done = (await table.snapshot()).txnVersion('crash') ?? 0
  const file = await writeRows(engine, table, '2026-11-12', done * ROWS, ROWS)
  await table.commit({ adds: [file], operation: 'WRITE', txn: { appId: 'crash', version: done + 1 } })
  await compact(engine, table, { nowMs: Date.now(), minFiles: 2, targetBytes: 1_000_000 })
}
