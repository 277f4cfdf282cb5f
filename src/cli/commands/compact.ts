/** `bricktrail compact`: many small files become few; no answer changes. */
import { AppError } from '../../core/errors.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { wholeNumber } from '../numbers.ts'

interface Flags {
  readonly graceDays: string
}

const DAY_MS = 86_400_000

/** Adds `compact`. */
export const registerCompact: RegisterCommand = (program, cli) => {
  program
    .command('compact')
    .description('merge small files of each day, sorted by time; replaced files go after a grace period')
    .option('--grace-days <n>', 'keep replaced files this long for readers of older snapshots', '7')
    .action((flags: Flags) => run(cli, flags))
}

async function run(cli: CliContext, flags: Flags): Promise<void> {
  const { lockWriter } = await import('../../collect/ledger.ts')
  const { Engine } = await import('../../engine/duckdb.ts')
  const { COMPACT_MEMORY_MB, compact } = await import('../../lake/compact.ts')
  const { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } = await import('../../lake/table.ts')
  const home = cli.home()
  const events = DeltaTable.at(home.events, EVENTS_TABLE)
  if ((await events.snapshot()).version < 0) throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
  const graceMs = wholeNumber('--grace-days', flags.graceDays) * DAY_MS
  const unlock = await lockWriter(home, () =>
    cli.note('Another bricktrail process is writing to this home; waiting for it.'),
  )
  const engine = await Engine.open({ tempDir: home.tmp, memoryLimitMb: COMPACT_MEMORY_MB })
  const progress = cli.progress('compacting')
  try {
    const options = {
      nowMs: cli.now().getTime(),
      graceMs,
      onProgress: (done: number, total: number) => progress.update(done, total),
    }
    const results = {
      events: await compact(engine, events, options),
      rejects: await compact(engine, DeltaTable.at(home.rejects, REJECTS_TABLE), options),
    }
    progress.stop()
    if (cli.json()) cli.out(`${JSON.stringify(results)}\n`)
    else {
      for (const [name, result] of Object.entries(results)) {
        cli.out(
          `${name.padEnd(9)}${result.filesBefore} files before, ${result.filesAfter} after; ${result.partitions} days merged, ${result.deleted} old files deleted\n`,
        )
      }
    }
  } finally {
    progress.stop()
    engine.close()
    unlock()
  }
}
