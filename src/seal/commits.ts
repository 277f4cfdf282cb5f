/** What one version of a table was: its files with their digests, for the leaf that explains it. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { AppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { type Action, checkpointKey, commitKey, keyOfPath, LAST_CHECKPOINT_KEY, parseCommit } from '../lake/log.ts'
import { schemaTag } from '../lake/schema.ts'
import { SCHEMA_TAG } from '../lake/snapshot.ts'
import type { DeltaTable } from '../lake/table.ts'
import type { AddRecord, CommitEntry, LogRecord, ManifestLists, ObjectRecord } from './entry.ts'
import { fileColumns } from './file-columns.ts'
import { sha256 } from './merkle.ts'
import { digestRows, type RowForm, rowForm } from './rows.ts'

/** What a room to the right knows of the batch behind a commit. */
export interface BatchFacts {
  readonly batch: string
  readonly batchFile: LogRecord
  readonly counts: NonNullable<CommitEntry['counts']>
  readonly objects: readonly ObjectRecord[]
}

/** Looks up the batch of a `txn`; undefined for a commit of another kind. */
export type BatchLookup = (table: string, txn: NonNullable<Action['txn']>) => Promise<BatchFacts | undefined>

/** What {@link describeCommit} needs. */
export interface CommitContext {
  readonly engine: () => Promise<Engine>
  readonly batchOf: BatchLookup
}

/** A commit, as its entry and manifest tell it. */
export interface Described {
  readonly about: Pick<CommitEntry, 'operation' | 'batch' | 'batchFile' | 'counts'>
  readonly lists: ManifestLists
}

/**
 * Describes a version.
 * @throws AppError BAD_LAKE if its log file or one of its data files is missing or damaged
 */
export async function describeCommit(table: DeltaTable, version: number, context: CommitContext): Promise<Described> {
  const key = commitKey(version)
  const bytes = await table.store.read(key)
  if (bytes === undefined) throw missing(table, key)
  const actions = parseCommit(bytes, table.store.locate(key))
  const txn = actions.find((action) => action.txn)?.txn
  const facts = txn ? await context.batchOf(table.spec.name, txn) : undefined
  const adds: AddRecord[] = []
  for (const { add } of actions) if (add) adds.push(await addRecord(table, add, context))
  const removes = actions.flatMap(({ remove }) => (remove ? [{ path: keyOfPath(remove.path) ?? remove.path }] : []))
  const { operation = 'UNKNOWN' } = actions.find(({ commitInfo }) => commitInfo)?.commitInfo ?? {}
  return {
    about: {
      operation: String(operation),
      ...(facts ? { batch: facts.batch, batchFile: facts.batchFile, counts: facts.counts } : {}),
    },
    lists: {
      log: [logRecord(key, bytes), ...(await checkpointRecords(table, version))],
      adds,
      removes,
      ...(facts ? { objects: facts.objects } : {}),
    },
  }
}

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex')

const logRecord = (path: string, bytes: Uint8Array): LogRecord => ({
  path,
  bytes: bytes.length,
  sha256: hex(sha256(bytes)),
})

const missing = (table: DeltaTable, key: string): AppError =>
  new AppError('BAD_LAKE', `${table.store.locate(key)} is missing.`, { where: table.store.locate(key) })

/** The checkpoint that was written with the version, and the pointer to it, if there is one. */
async function checkpointRecords({ store }: DeltaTable, version: number): Promise<LogRecord[]> {
  const checkpoint = await store.read(checkpointKey(version))
  if (checkpoint === undefined) return []
  const pointer = await store.read(LAST_CHECKPOINT_KEY)
  return [
    logRecord(checkpointKey(version), checkpoint),
    ...(pointer === undefined ? [] : [logRecord(LAST_CHECKPOINT_KEY, pointer)]),
  ]
}

const forms = new Map<string, RowForm>()

/** Files of this program's own columns need no look at their schema. */
async function formOf(engine: Engine, { spec }: DeltaTable, path: string, tag: string | undefined): Promise<RowForm> {
  if (tag !== schemaTag(spec.columns)) return rowForm(spec.name, await fileColumns(engine, path))
  const known = forms.get(spec.name)
  if (known !== undefined) return known
  const inFile = spec.columns.filter(({ name }) => name !== spec.partitionColumn)
  const form = rowForm(spec.name, inFile)
  forms.set(spec.name, form)
  return form
}

async function addRecord(
  table: DeltaTable,
  add: NonNullable<Action['add']>,
  context: CommitContext,
): Promise<AddRecord> {
  const key = keyOfPath(add.path) ?? add.path
  const path = table.store.locate(key)
  const engine = await context.engine()
  const form = await formOf(engine, table, path, add.tags?.[SCHEMA_TAG])
  const [digest, { rows, root }] = [await fileDigest(path), await digestRows(engine, path, form)]
  return {
    path: key,
    bytes: digest.bytes,
    sha256: digest.sha256,
    rows,
    rowsRoot: hex(root),
    rowForm: 'row/1',
    columns: form.columns,
  }
}

/** SHA-256 of a file, read as a stream. */
export async function fileDigest(path: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const digest = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      digest.update(chunk)
      bytes += chunk.length
    }
  } catch (cause) {
    throw new AppError('BAD_LAKE', `${path} cannot be read.`, { where: path, cause })
  }
  return { bytes, sha256: digest.digest('hex') }
}
