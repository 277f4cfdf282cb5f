/** Compaction: many small files of a day become few large ones, sorted by time; no answer changes. */
import { randomUUID } from 'node:crypto'
import { AppError, isAppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { mergeFiles } from './merge.ts'
import { scanSql } from './read.ts'
import type { DataFile } from './snapshot.ts'
import { type DeltaTable, keyOf } from './table.ts'
import { type VacuumOptions, vacuum } from './vacuum.ts'

/** What one sort in bounded memory gives. Larger files would not scan faster: footers grow with rows, not with files. */
export const DEFAULT_TARGET_BYTES = 32 * 1024 * 1024

/** Fewer small files than this cost a reader less than rewriting them costs us. */
export const DEFAULT_MIN_FILES = 4

/** Memory for an engine that compacts: the process then stays under 1 GB, with a day of any size. */
export const COMPACT_MEMORY_MB = 500

/** What `compact` is told. */
export interface CompactOptions {
  readonly targetBytes?: number
  readonly minFiles?: number
  /** Age at which files out of use are deleted. */
  readonly graceMs?: number
  readonly nowMs: number
  /** Called after each commit, before the next. */
  readonly afterCommit?: () => Promise<void>
  readonly beforeDelete?: VacuumOptions['beforeDelete']
  /** Called after each partition. */
  readonly onProgress?: (done: number, total: number) => void
}

/** What `compact` did. */
export interface CompactResult {
  /** Partitions whose files were merged. */
  readonly partitions: number
  /** Files of the whole table. */
  readonly filesBefore: number
  readonly filesAfter: number
  /** Rows that moved to new files. */
  readonly rows: number
  /** Partitions left as they were because another writer changed them meanwhile. */
  readonly conflicts: number
  /** Files deleted after their grace period. */
  readonly deleted: number
  readonly deletedBytes: number
}

/**
 * Merges the small files of each partition, one commit a partition, then deletes what is past its grace period. Safe to
 * kill at any instant: what is not committed is an orphan for a later `vacuum`. Give the engine a `tempDir`.
 */
export async function compact(engine: Engine, table: DeltaTable, options: CompactOptions): Promise<CompactResult> {
  const { targetBytes = DEFAULT_TARGET_BYTES, minFiles = DEFAULT_MIN_FILES, nowMs } = options
  const before = await table.snapshot()
  const jobs = [...Map.groupBy(before.files, (file) => file.partition).values()]
    .map((files) => worthMerging(files, targetBytes, minFiles))
    .filter((files) => files.length > 0)
  let rows = 0
  let conflicts = 0
  for (const [index, files] of jobs.entries()) {
    const moved = await replaceFiles(engine, table, files, { targetBytes, nowMs })
    if (moved === undefined) conflicts += 1
    else {
      rows += moved
      await options.afterCommit?.()
    }
    options.onProgress?.(index + 1, jobs.length)
  }
  const { graceMs, beforeDelete } = options
  const removed = await vacuum(table, {
    nowMs,
    ...(graceMs === undefined ? {} : { graceMs }),
    ...(beforeDelete === undefined ? {} : { beforeDelete }),
  })
  const after = await table.snapshot()
  return {
    partitions: jobs.length - conflicts,
    filesBefore: before.files.length,
    filesAfter: after.files.length,
    rows,
    conflicts,
    ...removed,
  }
}

/** The small files of a partition, without those larger than all smaller ones together: they would be rewritten in vain. */
function worthMerging(files: readonly DataFile[], targetBytes: number, minFiles: number): DataFile[] {
  const small = files.filter((file) => file.sizeBytes < targetBytes / 2).sort((a, b) => a.sizeBytes - b.sizeBytes)
  while (small.length > 1 && (small.at(-1)?.sizeBytes ?? 0) > bytesOf(small.slice(0, -1))) small.pop()
  return small.length < Math.max(2, minFiles) ? [] : small
}

/** Replaces `files` by merged ones in one commit; the rows moved, or undefined if another writer was there first. */
async function replaceFiles(
  engine: Engine,
  table: DeltaTable,
  files: readonly DataFile[],
  options: { readonly targetBytes: number; readonly nowMs: number },
): Promise<number | undefined> {
  const { targetBytes, nowMs } = options
  const adds = await mergeFiles(engine, table, files, { targetBytes, stem: `compact-${randomUUID()}` })
  const rows = adds.reduce((sum, file) => sum + file.rows, 0)
  const { expected } = await engine.row<{ expected: string }>(
    `SELECT count(*) AS expected FROM ${scanSql(table, files)}`,
  )
  if (rows !== Number(expected)) {
    throw new AppError('ENGINE', `Merging ${expected} rows gave ${rows}; nothing was changed.`, { where: table.root })
  }
  try {
    await table.commit({ adds, removes: files, operation: 'OPTIMIZE', dataChange: false, nowMs })
    return rows
  } catch (cause) {
    if (!isAppError(cause) || cause.code !== 'LAKE_CONFLICT') throw cause
    // Not committed, so nobody can have seen them.
    for (const file of adds) await table.store.delete(keyOf(file))
    return undefined
  }
}

const bytesOf = (files: readonly DataFile[]): number => files.reduce((sum, file) => sum + file.sizeBytes, 0)
