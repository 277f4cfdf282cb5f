/** From the log to the state: the newest checkpoint that can be read, then the commits after it. */
import { AppError, isAppError } from '../core/errors.ts'
import { lastCheckpointVersion, readCheckpoint } from './checkpoint.ts'
import { commitKey, damaged, LOG_PREFIX, logEntry, parseCommit } from './log.ts'
import type { TableSpec } from './spec.ts'
import { apply, emptyState, type TableState } from './state.ts'
import type { ObjectStore } from './stores/contract.ts'

/** Commits read at once: enough to hide a store's latency, few enough to hold in memory. */
const READ_AHEAD = 32

/** Reads the state of a table from nothing; version -1 if there is no table. Throws BAD_LAKE naming a damaged file. */
export async function loadState(store: ObjectStore, spec: TableSpec): Promise<TableState> {
  const hint = await lastCheckpointVersion(store)
  if (hint !== undefined) {
    try {
      return await replay(store, spec, await listLog(store, hint), hint)
    } catch (cause) {
      // Anything damaged since the checkpoint may be mended by what came before it.
      if (!isAppError(cause) || cause.code !== 'BAD_LAKE') throw cause
    }
  }
  return replay(store, spec, await listLog(store), hint)
}

/** The state as of an earlier version; undefined where the log no longer tells it, or never had it. */
export async function stateAt(store: ObjectStore, spec: TableSpec, version: number): Promise<TableState | undefined> {
  const upTo = (versions: readonly number[]) => versions.filter((each) => each <= version)
  const { commits, checkpoints } = await listLog(store)
  try {
    const state = await replay(store, spec, { commits: upTo(commits), checkpoints: upTo(checkpoints) })
    return state.version === version ? state : undefined
  } catch (cause) {
    if (!isAppError(cause) || cause.code !== 'BAD_LAKE') throw cause
    return undefined
  }
}

/** Brings a state up to the newest commit, reading only what is new; the same object, or a new one if it had to start over. */
export async function advanceState(store: ObjectStore, spec: TableSpec, state: TableState): Promise<TableState> {
  for (;;) {
    const key = commitKey(state.version + 1)
    const bytes = await store.read(key)
    if (bytes === undefined) break
    apply(state, parseCommit(bytes, store.locate(key)), spec, { where: store.locate(key), version: state.version + 1 })
  }
  // A checkpoint ahead of a missing commit: the log was cleaned up past us, or is damaged. A full load tells which.
  const checkpoint = (await lastCheckpointVersion(store)) ?? -1
  return checkpoint > state.version ? loadState(store, spec) : state
}

interface LogListing {
  /** Ascending. */
  readonly commits: readonly number[]
  /** Newest first. */
  readonly checkpoints: readonly number[]
}

async function listLog(store: ObjectStore, fromCheckpoint?: number): Promise<LogListing> {
  // The checkpoint's name sorts before the commit of the same version, so listing after the commit before has both.
  const startAfter = fromCheckpoint === undefined ? undefined : commitKey(fromCheckpoint - 1)
  const entries = (await store.list(LOG_PREFIX, startAfter)).flatMap((key) => logEntry(key) ?? [])
  const versions = (kind: string): number[] => entries.filter((entry) => entry.kind === kind).map((e) => e.version)
  return { commits: versions('commit'), checkpoints: versions('checkpoint').reverse() }
}

async function replay(store: ObjectStore, spec: TableSpec, log: LogListing, hint = -1): Promise<TableState> {
  let unreadable: unknown
  for (const version of log.checkpoints) {
    try {
      return reached(
        store,
        await replayFrom(store, spec, await readCheckpoint(store, version, spec), log.commits),
        hint,
      )
    } catch (cause) {
      if (!isAppError(cause) || cause.code !== 'BAD_LAKE') throw cause
      unreadable ??= cause
    }
  }
  // Without its first commit the log cannot stand for a checkpoint: the checkpoint is what is wrong.
  if (unreadable !== undefined && log.commits[0] !== 0) throw unreadable
  const state = await replayFrom(store, spec, emptyState(), log.commits)
  return reached(store, state, Math.max(hint, log.checkpoints[0] ?? -1))
}

/** A checkpoint is made after its commit, so a log that ends before one has lost commits. */
function reached(store: ObjectStore, state: TableState, version: number): TableState {
  if (state.version < version) throw gap(store, state.version + 1, version)
  return state
}

async function replayFrom(
  store: ObjectStore,
  spec: TableSpec,
  state: TableState,
  commits: readonly number[],
): Promise<TableState> {
  const newer = commits.filter((version) => version > state.version)
  const missing = newer.find((_, index) => newer[index] !== state.version + 1 + index)
  if (missing !== undefined) throw gap(store, state.version + 1 + newer.indexOf(missing), missing)
  for (let at = 0; at < newer.length; at += READ_AHEAD) {
    const batch = newer.slice(at, at + READ_AHEAD)
    const texts = await Promise.all(batch.map((version) => store.read(commitKey(version))))
    for (const [index, version] of batch.entries()) {
      const where = store.locate(commitKey(version))
      const bytes = texts[index]
      if (bytes === undefined) throw damaged(where, 'it went missing while the log was read')
      apply(state, parseCommit(bytes, where), spec, { where, version })
    }
  }
  if (state.version >= 0 && (!state.protocol || !state.metaData)) {
    throw damaged(store.locate(commitKey(0)), 'no commit holds protocol and metaData')
  }
  return state
}

const gap = (store: ObjectStore, missing: number, later: number): AppError => {
  const where = store.locate(commitKey(missing))
  return new AppError('BAD_LAKE', `The log file ${where} is missing, but version ${later} was made after it.`, {
    where,
  })
}
