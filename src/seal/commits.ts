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
import { digestFiles, type FileRows, type RowForm, rowForm } from './rows.ts'

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
  const adds = await addRecords(
    table,
    actions.flatMap(({ add }) => add ?? []),
    context,
  )
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
async function checkpointRecords(table: DeltaTable, version: number): Promise<LogRecord[]> {
  const { store } = table
  // A commit need not wait for its checkpoint; its leaf must, or no leaf would ever name it.
  await table.settled()
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

/** Files whose rows are digested by one statement: enough for all threads, few enough for memory. */
const AT_ONCE_BYTES = 32 * 1024 * 1024

type Add = NonNullable<Action['add']>

async function addRecords(table: DeltaTable, adds: readonly Add[], context: CommitContext): Promise<AddRecord[]> {
  if (adds.length === 0) return []
  const engine = await context.engine()
  const records: AddRecord[] = []
  for (const some of inGroups(adds)) {
    const files: { add: Add; key: string; path: string; form: RowForm }[] = []
    for (const add of some) {
      const key = keyOfPath(add.path) ?? add.path
      const path = table.store.locate(key)
      files.push({ add, key, path, form: await formOf(engine, table, path, add.tags?.[SCHEMA_TAG]) })
    }
    // The engine reads the files while they are digested whole. Both have ended before either fails.
    const [wholes, byRows] = await Promise.allSettled([digestsOf(files), rowsOf(engine, files)])
    const [digests, rows] = [settled(wholes), settled(byRows)]
    for (const [index, { key, path, form }] of files.entries()) {
      const [digested, digest] = [rows.get(path), digests[index]]
      if (digested === undefined || digest === undefined) throw missing(table, key)
      const rowsRoot = hex(digested.root)
      records.push({ path: key, ...digest, rows: digested.rows, rowsRoot, rowForm: 'row/1', columns: form.columns })
    }
  }
  return records
}

function* inGroups(adds: readonly Add[]): Generator<Add[]> {
  let group: Add[] = []
  let bytes = 0
  for (const add of adds) {
    if (group.length > 0 && bytes + add.size > AT_ONCE_BYTES) {
      yield group
      group = []
      bytes = 0
    }
    group.push(add)
    bytes += add.size
  }
  yield group
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

interface FormedFile {
  readonly path: string
  readonly form: RowForm
}

async function rowsOf(engine: Engine, files: readonly FormedFile[]): Promise<Map<string, FileRows>> {
  const found = new Map<string, FileRows>()
  for (const some of Map.groupBy(files, ({ form }) => form.text).values()) {
    const paths = some.map(({ path }) => path)
    const digested = await digestFiles(engine, paths, (some[0] as FormedFile).form)
    for (const [index, path] of paths.entries()) found.set(path, digested[index] as FileRows)
  }
  return found
}

async function digestsOf(files: readonly FormedFile[]) {
  const digests: { readonly bytes: number; readonly sha256: string }[] = []
  for (const { path } of files) digests.push(await fileDigest(path))
  return digests
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
