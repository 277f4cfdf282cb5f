/** Checkpoints: the whole state of a table as one Parquet file, so that readers need not replay the log. */
import { writeFile } from 'node:fs/promises'
import { messageOf } from '../core/errors.ts'
import { Engine } from '../engine/duckdb.ts'
import { fileSql, lit } from '../engine/sql.ts'
import {
  type Action,
  type AddFile,
  checkpointKey,
  commitText,
  damaged,
  LAST_CHECKPOINT_KEY,
  parseAction,
} from './log.ts'
import type { DataFile } from './snapshot.ts'
import type { TableSpec } from './spec.ts'
import { apply, emptyState, type TableState } from './state.ts'
import type { ObjectStore } from './stores/contract.ts'

/** Commits between checkpoints: what Delta's own writer uses, so a cold reader replays nine commits at most. */
export const CHECKPOINT_INTERVAL = 10

/** How long a removed file is remembered. Must exceed every grace period, or its file would look never used. */
export const TOMBSTONE_RETENTION_MS = 30 * 86_400_000

/** Ample for a hundred thousand files; the engine of the ingest beside it needs the rest. */
const CHECKPOINT_MEMORY_MB = 256

/** Columns of a version 1 checkpoint (protocol, "Checkpoint Schema"). */
const CHECKPOINT_COLUMNS = `{
  protocol: 'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER)',
  metaData: 'STRUCT(id VARCHAR, "name" VARCHAR, description VARCHAR,
    format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), "schemaString" VARCHAR,
    "partitionColumns" VARCHAR[], "createdTime" BIGINT, configuration MAP(VARCHAR, VARCHAR))',
  txn: 'STRUCT("appId" VARCHAR, version BIGINT, "lastUpdated" BIGINT)',
  "add": 'STRUCT("path" VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), size BIGINT, "modificationTime" BIGINT,
    "dataChange" BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))',
  remove: 'STRUCT("path" VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN)'
}`

/** A state as it goes into a checkpoint; later commits do not change it. */
export interface Checkpoint {
  readonly version: number
  readonly files: number
  readonly actions: readonly Action[]
}

/** What the checkpoint of the state's version will hold. */
export const checkpointOf = (state: TableState, spec: TableSpec, nowMs: number): Checkpoint => ({
  version: state.version,
  files: state.files.size,
  actions: stateActions(state, spec, nowMs),
})

/** Writes the checkpoint and points `_last_checkpoint` at it. */
export async function writeCheckpoint(store: ObjectStore, { version, files, actions }: Checkpoint): Promise<void> {
  const rows = await store.stage('json')
  const parquet = await store.stage('parquet')
  try {
    await writeFile(rows, commitText(actions))
    await withEngine((engine) =>
      engine.run(
        `COPY (SELECT * FROM read_json(${fileSql(rows)}, format = 'newline_delimited', columns = ${CHECKPOINT_COLUMNS}))
         TO ${lit(parquet)} (FORMAT parquet, COMPRESSION zstd)`,
      ),
    )
    // False means that another writer made this version's checkpoint first: the same content.
    await store.publish(parquet, checkpointKey(version))
  } finally {
    await store.discard(rows)
    await store.discard(parquet)
  }
  const pointer = { version, size: actions.length, numOfAddFiles: files }
  await store.put(LAST_CHECKPOINT_KEY, new TextEncoder().encode(JSON.stringify(pointer)))
}

/** Reads the checkpoint of `version`; throws BAD_LAKE naming the file if it cannot be read whole. */
export async function readCheckpoint(store: ObjectStore, version: number, spec: TableSpec): Promise<TableState> {
  const key = checkpointKey(version)
  const path = store.locate(key)
  const texts = await withEngine((engine) =>
    engine.rows<Record<string, string | null>>(
      `SELECT to_json(COLUMNS('^(protocol|metaData|txn|add|remove)$')) FROM read_parquet(${fileSql(path)})`,
    ),
  ).catch((cause) => {
    throw damaged(path, messageOf(cause), cause)
  })
  const state = emptyState()
  apply(
    state,
    texts.flatMap((row) => actionsOf(row, path)),
    spec,
    { where: path, version, checkpoint: true },
  )
  if (!state.protocol || !state.metaData) throw damaged(path, 'it holds no protocol or no metaData')
  return state
}

/** The version `_last_checkpoint` points at; undefined if it is missing or garbled, for it is only a hint. */
export async function lastCheckpointVersion(store: ObjectStore): Promise<number | undefined> {
  const bytes = await store.read(LAST_CHECKPOINT_KEY)
  try {
    const version = bytes && JSON.parse(new TextDecoder().decode(bytes)).version
    return Number.isInteger(version) && version >= 0 ? version : undefined
  } catch {
    return undefined
  }
}

/** The log entry of a data file. */
export const addOf = (file: DataFile, spec: TableSpec, dataChange: boolean): AddFile => ({
  path: file.path,
  partitionValues: { [spec.partitionColumn]: file.partition },
  size: file.sizeBytes,
  modificationTime: file.modificationTime,
  dataChange,
  stats: file.stats,
  ...(file.tags ? { tags: file.tags } : {}),
})

function stateActions(state: TableState, spec: TableSpec, nowMs: number): Action[] {
  const { protocol, metaData, files, txns, tombstones } = state
  const remembered = [...tombstones].filter(([, removedMs]) => removedMs > nowMs - TOMBSTONE_RETENTION_MS)
  return [
    { protocol: protocol ?? null },
    { metaData: metaData ?? null },
    ...[...txns].map(([appId, { version }]) => ({ txn: { appId, version } })),
    ...remembered.map(([path, deletionTimestamp]) => ({ remove: { path, deletionTimestamp, dataChange: false } })),
    ...[...files.values()].map((file) => ({ add: addOf(file, spec, false) })),
  ]
}

/** COLUMNS() keeps the column names, so each value says which action it is. */
const actionsOf = (row: Readonly<Record<string, string | null>>, where: string): Action[] =>
  Object.entries(row).flatMap(([kind, text]) => (text === null ? [] : [parseAction(`{"${kind}":${text}}`, where)]))

async function withEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await Engine.open({ memoryLimitMb: CHECKPOINT_MEMORY_MB, threads: 1 })
  try {
    return await work(engine)
  } finally {
    engine.close()
  }
}
