/** A table's state: what replaying its log adds up to. */
import { AppError } from '../core/errors.ts'
import { type Action, type AddFile, damaged, keyOfPath, type MetaData, type Protocol } from './log.ts'
import type { DataFile, Snapshot } from './snapshot.ts'
import type { TableSpec } from './spec.ts'
import { timeBounds } from './stats.ts'

/** The newest protocol this room reads and writes; a table that asks for more must not be touched. */
export const PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }

/** What a transaction id has come to. */
export interface TxnState {
  readonly version: number
  /** The table version that committed it; unknown when it was read from a checkpoint. */
  readonly committedIn?: number
}

/** State after `version`; changed in place as commits are applied. */
export interface TableState {
  version: number
  protocol?: Protocol
  metaData?: MetaData
  readonly files: Map<string, DataFile>
  /** Path of each removed file, and when it was removed (milliseconds). */
  readonly tombstones: Map<string, number>
  readonly txns: Map<string, TxnState>
}

/** The state before the first commit. */
export const emptyState = (): TableState => ({ version: -1, files: new Map(), tombstones: new Map(), txns: new Map() })

/** What `apply` needs to know of the actions' origin. */
export interface Origin {
  /** The log file, for error messages. */
  readonly where: string
  readonly version: number
  /** Checkpoints do not say which version a transaction came with. */
  readonly checkpoint?: boolean
}

/** Brings `state` to `origin.version`; throws BAD_LAKE, with the state unchanged, if the table is not for us. */
export function apply(state: TableState, actions: readonly Action[], spec: TableSpec, origin: Origin): void {
  const adds = checkedFiles(actions, spec, origin.where)
  for (const { protocol, metaData, remove, txn } of actions) {
    if (protocol) state.protocol = protocol
    if (metaData) state.metaData = metaData
    if (remove) {
      state.files.delete(remove.path)
      state.tombstones.set(remove.path, remove.deletionTimestamp ?? 0)
    }
    if (txn) {
      const committedIn = origin.checkpoint ? {} : { committedIn: origin.version }
      state.txns.set(txn.appId, { version: txn.version, ...committedIn })
    }
  }
  for (const file of adds) {
    state.files.set(file.path, file)
    state.tombstones.delete(file.path)
  }
  state.version = origin.version
}

/** The files that `actions` add; throws BAD_LAKE if the actions do not fit a table of ours. */
export function checkedFiles(actions: readonly Action[], spec: TableSpec, where: string): DataFile[] {
  for (const action of actions) checkOurs(action, spec, where)
  return actions.flatMap(({ add }) => (add ? [dataFileOf(add, spec, where)] : []))
}

/** A view of the state that later commits do not change. */
export function snapshotOf(state: TableState): Snapshot {
  const txns = new Map(state.txns)
  return {
    version: state.version,
    files: [...state.files.values()],
    txnVersion: (appId) => txns.get(appId)?.version,
  }
}

function checkOurs({ protocol, metaData }: Action, spec: TableSpec, where: string): void {
  if (protocol) {
    const { minReaderVersion: reader, minWriterVersion: writer } = protocol
    if (reader > PROTOCOL.minReaderVersion || writer > PROTOCOL.minWriterVersion) {
      throw new AppError('BAD_LAKE', `The table asks for Delta protocol ${reader}/${writer}; this program knows 1/2.`, {
        where,
        hint: 'Another program upgraded the table; read it with that program, or start a new --home.',
      })
    }
  }
  if (metaData && metaData.partitionColumns.join() !== spec.partitionColumn) {
    throw damaged(where, `the table is partitioned by (${metaData.partitionColumns}), not by ${spec.partitionColumn}`)
  }
}

function dataFileOf(add: AddFile, spec: TableSpec, where: string): DataFile {
  const partition = add.partitionValues[spec.partitionColumn]
  if (typeof partition !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(partition)) {
    throw damaged(where, `file ${add.path} has no day in ${spec.partitionColumn}`)
  }
  if (keyOfPath(add.path) === undefined) {
    throw damaged(where, `the path ${add.path} is malformed or leads out of the table`)
  }
  const stats = add.stats ?? ''
  return {
    path: add.path,
    sizeBytes: add.size,
    rows: 0,
    ...timeBounds(spec, stats),
    partition,
    stats,
    modificationTime: add.modificationTime,
    ...(add.tags ? { tags: add.tags } : {}),
  }
}
