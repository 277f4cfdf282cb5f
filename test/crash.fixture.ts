/**
 * Run as a process of its own, and killed: ingests the log folders one after the other, compacting now and then.
 * Arguments: home, folder of log folders. Says `ready` once it works, and `done` if it lives to the end.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { lockWriter } from '../src/collect/ledger.ts'
import { homeAt } from '../src/core/home.ts'
import { Engine } from '../src/engine/duckdb.ts'
import { Ingester } from '../src/ingest/ingest.ts'
import { Sealing } from '../src/ingest/sealing.ts'
import { SMALL_BATCH_BYTES } from '../src/ingest/small-batch.ts'
import { compact } from '../src/lake/compact.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../src/lake/table.ts'

const COMPACT_EVERY = 2

const [root = '', logs = ''] = process.argv.slice(2)
const home = homeAt(root)
// Of the processes one after another, some read their batches as small ones and some as large ones.
const smallBatchBytes = process.pid % 2 === 0 ? -1 : SMALL_BATCH_BYTES
const ingester = new Ingester({ home, now: () => new Date(), smallBatchBytes })
process.stdout.write('ready\n')
for (const [place, folder] of readdirSync(logs).sort().entries()) {
  await ingester.ingest({ specs: [join(logs, folder)], form: 'auto', stdin: process.stdin })
  if (place % COMPACT_EVERY !== COMPACT_EVERY - 1) continue
  await compactEvents()
}
await ingester.close()
process.stdout.write('done\n')
process.exit(0)

/** As `bricktrail compact` does it, with no time of grace. */
async function compactEvents(): Promise<void> {
  const [rejects, events] = [DeltaTable.at(home.rejects, REJECTS_TABLE), DeltaTable.at(home.events, EVENTS_TABLE)]
  const unlock = await lockWriter(home)
  const engine = await Engine.open({ tempDir: home.tmp })
  const sealed = { home, now: () => new Date(), engine: async () => engine, tables: [rejects, events] }
  const sealing = await Sealing.open(sealed)
  await compact(engine, events, {
    nowMs: Date.now(),
    minFiles: 2,
    graceMs: 0,
    afterCommit: () => sealing.follow(),
    beforeDelete: (files, reason) => sealing.sealer.clean(events, files, reason),
  })
  engine.close()
  unlock()
}
