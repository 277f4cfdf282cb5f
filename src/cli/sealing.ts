/**
 * The seal of a home for a command that writes to it: the writer's place is held, the tables are those of the home. What was sealed
 * goes to the anchors after that, so that a slow one keeps nobody from writing.
 */
import { AppError, EXIT } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { AnchorLine, Restored, Sealing, SealingOptions } from '../ingest/sealing.ts'
import type { CliContext } from './contract.ts'

/** How {@link withSealing} goes about it. */
export interface SealedWork {
  /** For the engine; its default where absent. */
  readonly memoryLimitMb?: number
  /** False for work that adds nothing to the log, or anchors by itself. */
  readonly anchors?: boolean
}

/**
 * Runs `work` with the open seal of the home; what was left unsealed is sealed first.
 *
 * @throws AppError NO_LAKE, LOCKED, and what opening a seal throws
 */
export async function withSealing<T>(
  cli: CliContext,
  work: (sealing: Sealing, options: SealingOptions) => Promise<T>,
  { memoryLimitMb, anchors = true }: SealedWork = {},
): Promise<T> {
  const opened = async (options: SealingOptions) => {
    const { Sealing } = await import('../ingest/sealing.ts')
    const sealing = await Sealing.open(options)
    return { sealing, result: await work(sealing, options) }
  }
  const { sealing, result } = await asWriter(cli, opened, memoryLimitMb)
  if (anchors) noteAnchors(cli, await sealing.anchor())
  return result
}

/** Says in the seal that the lake was put back on purpose; returns what that undid. */
export async function withRestore(cli: CliContext, reason: string): Promise<Restored['restored']> {
  const { sealing, restored } = await asWriter(cli, async (options) => {
    const { Sealing } = await import('../ingest/sealing.ts')
    return Sealing.restore(options, reason)
  })
  noteAnchors(cli, await sealing.anchor())
  return restored
}

/** Says which anchors did not take the checkpoint; one that contradicts the home ends the process with a finding. */
export function noteAnchors(cli: CliContext, anchors: readonly AnchorLine[] = []): void {
  for (const { id, outcome, detail = '' } of anchors) {
    if (outcome === 'failed') cli.note(`warning: ${printable(id)} did not take the checkpoint: ${printable(detail)}`)
    if (outcome !== 'alarm') continue
    cli.note(`ALARM: ${printable(id)}: ${printable(detail)}`)
    cli.exit(EXIT.findings)
  }
}

async function asWriter<T>(
  cli: CliContext,
  work: (options: SealingOptions) => Promise<T>,
  memoryLimitMb?: number,
): Promise<T> {
  const { lockWriter } = await import('../collect/ledger.ts')
  const { spillingEngine } = await import('../ingest/scratch.ts')
  const { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } = await import('../lake/table.ts')
  const { FINDINGS_TABLE } = await import('../lake/spec.ts')
  const home = cli.home()
  const events = DeltaTable.at(home.events, EVENTS_TABLE)
  const rejects = DeltaTable.at(home.rejects, REJECTS_TABLE)
  const findings = DeltaTable.at(home.findings, FINDINGS_TABLE)
  const { existsSync } = await import('node:fs')
  if ((await events.snapshot()).version < 0 && !existsSync(home.seal)) {
    throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
  }
  const unlock = await lockWriter(home, () =>
    cli.note('Another bricktrail process is writing to this home; waiting for it.'),
  )
  try {
    const { engine, close } = await spillingEngine(home, memoryLimitMb === undefined ? {} : { memoryLimitMb })
    const tables = [rejects, events, findings]
    return await work({ home, now: () => cli.now(), engine: async () => engine, tables }).finally(close)
  } finally {
    unlock()
  }
}
