/** The seal of a home for a command that writes to it: the writer's place is held, the tables are those of the home. */
import { AppError } from '../core/errors.ts'
import type { Sealing, SealingOptions } from '../ingest/sealing.ts'
import type { CliContext } from './contract.ts'

/**
 * Runs `work` with the open seal of the home; what was left unsealed is sealed first.
 *
 * @param memoryLimitMb for the engine; its default where absent
 * @throws AppError NO_LAKE, LOCKED, and what opening a seal throws
 */
export function withSealing<T>(
  cli: CliContext,
  work: (sealing: Sealing, options: SealingOptions) => Promise<T>,
  memoryLimitMb?: number,
): Promise<T> {
  const opened = async (options: SealingOptions) => {
    const { Sealing } = await import('../ingest/sealing.ts')
    return work(await Sealing.open(options), options)
  }
  return asWriter(cli, opened, memoryLimitMb)
}

/** Says in the seal that the lake was put back on purpose; returns what that undid. */
export function withRestore(cli: CliContext, reason: string): Promise<{ table: string; undone: number }[]> {
  return asWriter(cli, async (options) => {
    const { Sealing } = await import('../ingest/sealing.ts')
    return Sealing.restore(options, reason)
  })
}

async function asWriter<T>(
  cli: CliContext,
  work: (options: SealingOptions) => Promise<T>,
  memoryLimitMb?: number,
): Promise<T> {
  const { lockWriter } = await import('../collect/ledger.ts')
  const { Engine } = await import('../engine/duckdb.ts')
  const { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } = await import('../lake/table.ts')
  const home = cli.home()
  const events = DeltaTable.at(home.events, EVENTS_TABLE)
  const rejects = DeltaTable.at(home.rejects, REJECTS_TABLE)
  const { existsSync } = await import('node:fs')
  if ((await events.snapshot()).version < 0 && !existsSync(home.seal)) {
    throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
  }
  const unlock = await lockWriter(home, () =>
    cli.note('Another bricktrail process is writing to this home; waiting for it.'),
  )
  const engine = await Engine.open({ tempDir: home.tmp, ...(memoryLimitMb === undefined ? {} : { memoryLimitMb }) })
  try {
    return await work({ home, now: () => cli.now(), engine: async () => engine, tables: [rejects, events] })
  } finally {
    engine.close()
    unlock()
  }
}
