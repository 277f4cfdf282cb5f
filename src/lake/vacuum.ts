/** Removal of files that no snapshot in use can need: removed and orphaned data files, leftovers of crashes, old log. */
import { AppError } from '../core/errors.ts'
import { readCheckpoint, TOMBSTONE_RETENTION_MS } from './checkpoint.ts'
import { keyOfPath, LOG_PREFIX, logEntry } from './log.ts'
import { STAGING_DIR, TEMP_PREFIX } from './stores/contract.ts'
import { type DeltaTable, keyOf } from './table.ts'

/** How long readers may go on with an old snapshot, and writers with an uncommitted file: Delta's own default. */
export const DEFAULT_GRACE_MS = 7 * 86_400_000

/** How long commits are kept once a checkpoint stands for them: Delta's own default. */
export const LOG_RETENTION_MS = 30 * 86_400_000

/** A file about to be deleted; its key is inside the table's folder. */
export interface Doomed {
  readonly key: string
  readonly sizeBytes: number
}

/** Why files go: nothing refers to them any more, or the log is past its retention. */
export type CleanReason = 'vacuum' | 'log-retention'

/** What `vacuum` is told. */
export interface VacuumOptions {
  readonly graceMs?: number
  readonly nowMs: number
  /** Called before files that were committed once are deleted, so that the deletion can be put on record first. */
  readonly beforeDelete?: (files: readonly Doomed[], reason: CleanReason) => Promise<void>
}

/** What `vacuum` removed. */
export interface VacuumResult {
  readonly deleted: number
  readonly deletedBytes: number
}

/**
 * Deletes the files of the table's folder that no commit refers to and that have been so for longer than the grace
 * period, and the log before the newest checkpoint past its retention. Other files in the folder are left alone.
 */
export async function vacuum(table: DeltaTable, options: VacuumOptions): Promise<VacuumResult> {
  const { graceMs = DEFAULT_GRACE_MS, nowMs } = options
  if (graceMs < 0 || graceMs > TOMBSTONE_RETENTION_MS) {
    throw new AppError('BAD_ARGUMENT', 'The grace period must be between 0 and 30 days.')
  }
  // Listed before the snapshot is taken: a file committed in between is then seen as referred to.
  const keys = (await table.store.list('')).filter((key) => isOurs(table, key))
  const { version, files } = await table.snapshot()
  if (version < 0) return { deleted: 0, deletedBytes: 0 }
  const live = new Set(files.map(keyOf))
  const removed = new Map([...(await table.removedFiles())].map(([path, ms]) => [keyOfPath(path), ms]))
  const doomed: Doomed[] = []
  for (const key of keys.filter((candidate) => !live.has(candidate))) {
    const info = await table.store.stat(key)
    const unusedSinceMs = Math.max(info?.modifiedMs ?? nowMs, removed.get(key) ?? 0)
    if (info === undefined || nowMs - unusedSinceMs < graceMs) continue
    doomed.push({ key, sizeBytes: info.sizeBytes })
  }
  await deleteAll(table, doomed, 'vacuum', options)
  await cleanLog(table, options)
  return { deleted: doomed.length, deletedBytes: doomed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
}

async function deleteAll(
  { store }: DeltaTable,
  files: readonly Doomed[],
  reason: CleanReason,
  { beforeDelete }: VacuumOptions,
): Promise<void> {
  if (files.length === 0) return
  await beforeDelete?.(files, reason)
  for (const { key } of files) await store.delete(key)
}

/** Data files in partition folders, staged files, and objects whose writing was cut short. */
function isOurs({ spec }: DeltaTable, key: string): boolean {
  const name = key.slice(key.lastIndexOf('/') + 1)
  if (name.startsWith(TEMP_PREFIX) || key.startsWith(`${STAGING_DIR}/`)) return true
  return key.startsWith(`${spec.partitionColumn}=`) && name.endsWith('.parquet')
}

/** Deletes the log entries before the newest checkpoint that is past the retention and can be read. */
async function cleanLog(table: DeltaTable, options: VacuumOptions): Promise<void> {
  const { store, spec } = table
  const { nowMs } = options
  const entries = (await store.list(LOG_PREFIX)).flatMap((key) => {
    const entry = logEntry(key)
    return entry ? [{ key, ...entry }] : []
  })
  let base = -1
  for (const { key, version } of entries.filter(({ kind }) => kind === 'checkpoint')) {
    const madeMs = (await store.stat(key))?.modifiedMs ?? nowMs
    if (nowMs - madeMs > LOG_RETENTION_MS) base = version
  }
  const expired = entries.filter(({ version }) => version < base)
  if (expired.length === 0) return
  await readCheckpoint(store, base, spec)
  const sizes = await Promise.all(expired.map(async ({ key }) => (await store.stat(key))?.sizeBytes ?? 0))
  // Oldest first, so that a crash leaves a log without holes.
  const files = expired.map(({ key }, index) => ({ key, sizeBytes: sizes[index] ?? 0 }))
  await deleteAll(table, files, 'log-retention', options)
}
