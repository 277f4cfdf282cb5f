/** What one version of a table was: its files with their digests, for the leaf that explains it. */
import { AppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import {
  type Action,
  checkpointKey,
  commitKey,
  keyOfPath,
  LAST_CHECKPOINT_KEY,
  LOG_PREFIX,
  parseCommit,
} from '../lake/log.ts'
import { TEMP_PREFIX } from '../lake/stores/contract.ts'
import type { DeltaTable } from '../lake/table.ts'
import { checkCheckpoint } from './commits-checkpoint.ts'
import { addRecords, type SealedLookup } from './commits-files.ts'
import { checkMoved } from './commits-moved.ts'
import { BASE, type CommitEntry, type LogRecord, type ManifestLists, type ObjectRecord } from './entry.ts'
import { hexOf, sha256 } from './merkle.ts'
import type { RowsAhead } from './rows-ahead.ts'

/** What a room to the right knows of the batch behind a commit. */
export interface BatchFacts {
  readonly batch: string
  readonly batchFile: LogRecord
  readonly counts: NonNullable<CommitEntry['counts']>
  readonly objects: readonly ObjectRecord[]
}

/** A batch of which nothing is known any more: the path in the home of what should say it. */
export interface LostBatch {
  readonly lost: string
}

/** Looks up the batch of a `txn`; undefined for a commit of another kind. */
export type BatchLookup = (
  table: string,
  txn: NonNullable<Action['txn']>,
) => Promise<BatchFacts | LostBatch | undefined>

/** What {@link describeCommit} needs. */
export interface CommitContext {
  readonly engine: () => Promise<Engine>
  readonly batchOf: BatchLookup
  /** What is known of the rows of files before they are read. */
  readonly ahead?: RowsAhead
}

/** A commit, as its entry and manifest tell it. */
export interface Described {
  readonly about: Pick<CommitEntry, 'operation' | 'batch' | 'batchFile' | 'counts' | 'lost'>
  readonly lists: ManifestLists
}

/**
 * Describes a version. What it names and is gone is told as lost, so that the log can go on.
 *
 * @throws AppError BAD_LAKE if its log file is missing, or a data file is damaged; SEAL_FORKED if it says that it merges files
 *   and its rows are others
 */
export async function describeCommit(
  table: DeltaTable,
  version: number,
  context: CommitContext & { readonly sealedAs: SealedLookup },
): Promise<Described> {
  const key = commitKey(version)
  const bytes = await table.store.read(key)
  if (bytes === undefined) throw missing(table, key)
  const actions = parseCommit(bytes, table.store.locate(key))
  const txn = actions.find((action) => action.txn)?.txn
  const found = txn ? await context.batchOf(table.spec.name, txn) : undefined
  const facts = found !== undefined && 'batch' in found ? found : undefined
  const { adds, lost } = await addRecords(
    table,
    actions.flatMap(({ add }) => add ?? []),
    context,
  )
  const removes = actions.flatMap(({ remove }) => (remove ? [{ path: keyOfPath(remove.path) ?? remove.path }] : []))
  const { operation = 'UNKNOWN' } = actions.find(({ commitInfo }) => commitInfo)?.commitInfo ?? {}
  if (operation === 'OPTIMIZE') lost.push(...(await checkMoved(table, version, actions, context)))
  if (found !== undefined && 'lost' in found) lost.push(found.lost)
  return {
    about: {
      operation: operation === BASE ? 'UNKNOWN' : String(operation),
      ...(facts ? { batch: facts.batch, batchFile: facts.batchFile, counts: facts.counts } : {}),
      ...(lost.length > 0 ? { lost } : {}),
    },
    lists: {
      log: [logRecord(key, bytes), ...(await checkpointRecords(table, version))],
      adds,
      removes,
      ...(facts ? { objects: facts.objects } : {}),
    },
  }
}

/** True if all commits of a table are there up to this version. */
export async function hasAllCommits({ store }: DeltaTable, version: number): Promise<boolean> {
  const keys = new Set(await store.list(LOG_PREFIX))
  for (let each = 0; each <= version; each++) if (!keys.has(commitKey(each))) return false
  return true
}

/** Describes a table as it stands: what its seal begins with where earlier commits are gone. */
export async function describeBase(table: DeltaTable, context: CommitContext): Promise<Described> {
  await table.settled()
  const { files } = await table.snapshot()
  const { adds, lost } = await addRecords(
    table,
    files.map(({ path, sizeBytes, tags }) => ({ path, size: sizeBytes, ...(tags ? { tags } : {}) })),
    context,
  )
  const log: LogRecord[] = []
  for (const key of await table.store.list(LOG_PREFIX)) {
    const bytes = key.includes(TEMP_PREFIX) ? undefined : await table.store.read(key)
    if (bytes !== undefined) log.push(logRecord(key, bytes))
  }
  return { about: { operation: BASE, ...(lost.length > 0 ? { lost } : {}) }, lists: { log, adds, removes: [] } }
}

const logRecord = (path: string, bytes: Uint8Array): LogRecord => ({
  path,
  bytes: bytes.length,
  sha256: hexOf(sha256(bytes)),
})

const missing = (table: DeltaTable, key: string): AppError =>
  new AppError('BAD_LAKE', `${table.store.locate(key)} is missing.`, { where: table.store.locate(key) })

/** The checkpoint that was written with the version, and the pointer to it, if there is one. */
async function checkpointRecords(table: DeltaTable, version: number): Promise<LogRecord[]> {
  const { store } = table
  // A commit need not wait for its checkpoint; its leaf must, or no leaf would ever name it.
  await table.settled()
  const checkpoint = await store.read(checkpointKey(version))
  if (checkpoint === undefined) return []
  await checkCheckpoint(table, version)
  const pointer = await store.read(LAST_CHECKPOINT_KEY)
  return [
    logRecord(checkpointKey(version), checkpoint),
    ...(pointer === undefined ? [] : [logRecord(LAST_CHECKPOINT_KEY, pointer)]),
  ]
}
