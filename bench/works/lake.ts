/** Makes a lake of an account: a simulated week, ingested, and each day sorted by time, as days of small batches are once compacted. */
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { homeAt } from '../../src/core/home.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { ingest } from '../../src/ingest/ingest.ts'
import { COMPACT_MEMORY_MB, DEFAULT_TARGET_BYTES } from '../../src/lake/compact.ts'
import { mergeFiles } from '../../src/lake/merge.ts'
import { DeltaTable, EVENTS_TABLE } from '../../src/lake/table.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** Where the logs are, and where the lake goes. */
export interface LakeParams {
  /** A home with a warm cache, to be filled. */
  readonly home: string
  readonly source: string
}

/** Fills the home. */
export async function work({ home: root, source }: LakeParams): Promise<Measured> {
  const lap = stopwatch()
  const home = homeAt(root)
  const now = () => new Date()
  const { events } = await ingest({ home, specs: [source], form: 'auto', stdin: Readable.from([]), now, seal: false })
  await sortDays(root)
  return { events, ...lap(), details: {} }
}

/** Puts each day into files that follow one another. */
export async function sortDays(root: string): Promise<void> {
  const home = homeAt(root)
  const engine = await Engine.open({ tempDir: join(home.tmp, 'lake'), memoryLimitMb: COMPACT_MEMORY_MB })
  try {
    const table = DeltaTable.at(home.events, EVENTS_TABLE)
    const { files } = await table.snapshot()
    for (const [day, removes] of Map.groupBy(files, ({ partition }) => partition)) {
      const adds = await mergeFiles(engine, table, removes, {
        targetBytes: DEFAULT_TARGET_BYTES,
        stem: `sorted-${day}`,
      })
      await table.commit({ adds, removes, operation: 'OPTIMIZE', dataChange: false })
    }
  } finally {
    engine.close()
  }
}
