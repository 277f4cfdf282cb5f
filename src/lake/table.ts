/** A Delta Lake table: snapshots for readers, atomic commits for writers. */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import { addOf, CHECKPOINT_INTERVAL, type Checkpoint, checkpointOf, writeCheckpoint } from './checkpoint.ts'
import { type Action, commitKey, commitText, keyOfPath, type MetaData } from './log.ts'
import { advanceState, loadState, stateAt } from './replay.ts'
import { deltaSchemaString, grownSchema, hasMoreColumns } from './schema.ts'
import type { DataFile, Snapshot } from './snapshot.ts'
import type { TableSpec } from './spec.ts'
import { apply, checkedFiles, PROTOCOL, snapshotOf, type TableState } from './state.ts'
import type { ObjectStore } from './stores/contract.ts'
import { localStore } from './stores/local.ts'

export type { DataFile, Snapshot } from './snapshot.ts'
export { EVENTS_TABLE, REJECTS_TABLE, type TableSpec } from './spec.ts'

/** What one commit does; all of it happens, or none. */
export interface Change {
  readonly adds: readonly DataFile[]
  readonly removes?: readonly DataFile[]
  /** WRITE, OPTIMIZE or DELETE. */
  readonly operation: string
  /** Makes the commit happen once: if `appId` has already committed this number or a higher one, nothing is done. */
  readonly txn?: { readonly appId: string; readonly version: number }
  /** Kept in the commit's `commitInfo`, under `bricktrail`. */
  readonly info?: Readonly<Record<string, unknown>>
  /** False says that the rows only move between files; true where absent. */
  readonly dataChange?: boolean
  /** The time written into the log; the clock where absent. */
  readonly nowMs?: number
}

/** Lost races for the next version before giving up; each means that another writer got on. */
const MAX_ATTEMPTS = 1000

/** One table. Calls on one instance take turns; instances and processes meet at the log. */
export class DeltaTable {
  readonly root: string
  readonly spec: TableSpec
  readonly store: ObjectStore
  /** Why the last checkpoint was not written; readers replay more commits until the next one is. */
  checkpointFailure: AppError | undefined
  readonly #checkpointLater: boolean
  #checkpoints: Promise<void> = Promise.resolve()
  #state: TableState | undefined
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(root: string, spec: TableSpec, checkpointLater: boolean) {
    this.root = root
    this.spec = spec
    this.store = localStore(root)
    this.#checkpointLater = checkpointLater
  }

  /**
   * The table in the folder `root`, which need not exist. Touches no disk.
   *
   * @param options `checkpointLater`: commits do not wait for the checkpoint that follows every tenth of them; who is done with
   *   the table waits for {@link settled}
   */
  static at(root: string, spec: TableSpec, options: { readonly checkpointLater?: boolean } = {}): DeltaTable {
    return new DeltaTable(resolve(root), spec, options.checkpointLater === true)
  }

  /** Waits until all checkpoints of this instance's commits are written, or have failed. */
  settled(): Promise<void> {
    return this.#checkpoints
  }

  /** The newest version; reads only what is new since the last call. Throws BAD_LAKE naming a damaged file. */
  snapshot(): Promise<Snapshot> {
    return this.#inTurn(async () => snapshotOf(await this.#refresh()))
  }

  /**
   * An earlier version, while the log still tells it and all of its data files are there; undefined otherwise.
   *
   * @param newest a snapshot whose files are there
   */
  async snapshotAt(version: number, newest: Snapshot): Promise<Snapshot | undefined> {
    const state = version >= 0 && version < newest.version ? await stateAt(this.store, this.spec, version) : undefined
    if (state === undefined) return undefined
    const live = new Set(newest.files.map(keyOf))
    const gone = [...state.files.values()].filter((file) => !live.has(keyOf(file)))
    const found = await Promise.all(gone.map((file) => this.store.stat(keyOf(file))))
    return found.includes(undefined) ? undefined : snapshotOf(state)
  }

  /**
   * Commits `change` as the next version; makes the table if there is none. Returns the version, or, for a `txn` that
   * is already in, the version it came with (the newest one where the log no longer says). Throws LAKE_CONFLICT if
   * another writer removed one of `removes` first.
   */
  commit(change: Change): Promise<{ version: number }> {
    return this.#inTurn(() => this.#commit(change))
  }

  /** Files removed in the last 30 days, by their path in the log, and when (milliseconds). */
  removedFiles(): Promise<ReadonlyMap<string, number>> {
    return this.#inTurn(async () => new Map((await this.#refresh()).tombstones))
  }

  /** Where the SQL engine reads these files. */
  absolutePaths(files: readonly DataFile[]): string[] {
    return files.map((file) => this.store.locate(keyOf(file)))
  }

  async #commit(change: Change): Promise<{ version: number }> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const state = await this.#refresh()
      const seen = change.txn && state.txns.get(change.txn.appId)
      if (change.txn && seen && seen.version >= change.txn.version)
        return { version: seen.committedIn ?? state.version }
      for (const file of change.removes ?? []) {
        if (!state.files.has(file.path)) {
          throw new AppError('LAKE_CONFLICT', `Another writer removed ${file.path} first.`, { where: file.path })
        }
      }
      const nowMs = change.nowMs ?? Date.now()
      const version = state.version + 1
      const key = commitKey(version)
      const actions = this.#actions(change, state, nowMs)
      checkedFiles(actions, this.spec, this.store.locate(key))
      if (!(await this.store.putIfAbsent(key, new TextEncoder().encode(commitText(actions))))) continue
      apply(state, actions, this.spec, { where: this.store.locate(key), version })
      if (version > 0 && version % CHECKPOINT_INTERVAL === 0) await this.#checkpoint(state, nowMs)
      return { version }
    }
    throw new AppError('LAKE_CONFLICT', `Other writers were first ${MAX_ATTEMPTS} times.`, { where: this.root })
  }

  #actions(change: Change, state: TableState, nowMs: number): Action[] {
    const { adds, removes = [], txn, dataChange = true } = change
    const metaData = this.#metaData(state, dataChange, nowMs)
    return [
      { commitInfo: commitInfo(change, nowMs) },
      ...(state.protocol ? [] : [{ protocol: PROTOCOL }]),
      ...(metaData ? [{ metaData }] : []),
      ...(txn ? [{ txn: { ...txn, lastUpdated: nowMs } }] : []),
      ...removes.map((file) => ({ remove: this.#remove(file, nowMs, dataChange) })),
      ...adds.map((file) => ({ add: addOf(file, this.spec, dataChange) })),
    ]
  }

  /** The metadata of a new table, or of one whose schema grows by columns of ours; undefined if there is no change. */
  #metaData({ metaData }: TableState, dataChange: boolean, nowMs: number): MetaData | undefined {
    if (metaData) {
      if (!dataChange && hasMoreColumns(metaData.schemaString, this.spec.columns)) {
        throw new AppError('BAD_LAKE', `${this.root} has columns that this version of Bricktrail would drop.`, {
          where: this.root,
          hint: 'Run it with the newest version of Bricktrail that has written to this home.',
        })
      }
      const schemaString = grownSchema(metaData.schemaString, this.spec.columns)
      return schemaString === undefined ? undefined : { ...metaData, schemaString }
    }
    return {
      id: randomUUID(),
      name: this.spec.name,
      format: { provider: 'parquet', options: {} },
      schemaString: deltaSchemaString(this.spec.columns),
      partitionColumns: [this.spec.partitionColumn],
      createdTime: nowMs,
      configuration: {},
    }
  }

  #remove(file: DataFile, nowMs: number, dataChange: boolean) {
    const { path, partitionValues, size } = addOf(file, this.spec, dataChange)
    return { path, deletionTimestamp: nowMs, dataChange, extendedFileMetadata: true, partitionValues, size }
  }

  async #refresh(): Promise<TableState> {
    this.#state =
      this.#state === undefined || this.#state.version < 0
        ? await loadState(this.store, this.spec)
        : await advanceState(this.store, this.spec, this.#state)
    return this.#state
  }

  async #checkpoint(state: TableState, nowMs: number): Promise<void> {
    const checkpoint = checkpointOf(state, this.spec, nowMs)
    this.#checkpoints = this.#checkpoints.then(() => this.#write(checkpoint))
    if (!this.#checkpointLater) await this.#checkpoints
  }

  async #write(checkpoint: Checkpoint): Promise<void> {
    try {
      await writeCheckpoint(this.store, checkpoint)
      this.checkpointFailure = undefined
    } catch (cause) {
      this.checkpointFailure = isAppError(cause)
        ? cause
        : new AppError('ENGINE', `The checkpoint of version ${checkpoint.version} failed: ${messageOf(cause)}`, {
            cause,
          })
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }
}

/** The store's key of a data file: its path, decoded. */
export const keyOf = (file: DataFile): string => keyOfPath(file.path) ?? file.path

function commitInfo({ adds, removes = [], operation, info }: Change, nowMs: number): Record<string, unknown> {
  const rows = adds.reduce((sum, file) => sum + file.rows, 0)
  return {
    timestamp: nowMs,
    operation,
    operationParameters: {},
    isBlindAppend: removes.length === 0,
    operationMetrics: {
      numFiles: String(adds.length),
      numRemovedFiles: String(removes.length),
      numOutputRows: String(rows),
    },
    engineInfo: 'Bricktrail',
    ...(info ? { bricktrail: info } : {}),
  }
}
