/** `bricktrail compact`: many small files become few; no answer changes. */
import type { CompactResult } from '../../lake/compact.ts'
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
  const { COMPACT_MEMORY_MB, compact } = await import('../../lake/compact.ts')
  const { withSealing } = await import('../sealing.ts')
  const graceMs = wholeNumber('--grace-days', flags.graceDays) * DAY_MS
  const progress = cli.progress('compacting')
  try {
    const results = await withSealing(
      cli,
      async (sealing, { engine, tables }) => {
        const results: Record<string, CompactResult> = {}
        for (const table of tables) {
          results[table.spec.name] = await compact(await engine(), table, {
            nowMs: cli.now().getTime(),
            graceMs,
            afterCommit: () => sealing.follow(),
            beforeDelete: (files, reason) => sealing.sealer.clean(table, files, reason),
            onProgress: (done, total) => progress.update(done, total),
          })
        }
        return results
      },
      { memoryLimitMb: COMPACT_MEMORY_MB },
    )
    progress.stop()
    if (cli.json()) return cli.out(`${JSON.stringify(results)}\n`)
    for (const [name, result] of Object.entries(results)) {
      cli.out(
        `${name.padEnd(9)}${result.filesBefore} files before, ${result.filesAfter} after; ${result.partitions} days merged, ${result.deleted} old files deleted\n`,
      )
    }
  } finally {
    progress.stop()
  }
}
