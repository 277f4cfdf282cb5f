/** A checkpoint of a table stands for its commits once they are gone: it must hold what they add up to. */
import { AppError, isAppError } from '../core/errors.ts'
import { readCheckpoint } from '../lake/checkpoint.ts'
import { checkpointKey, commitKey, parseCommit } from '../lake/log.ts'
import type { DataFile } from '../lake/snapshot.ts'
import { apply, emptyState, type TableState } from '../lake/state.ts'
import type { DeltaTable } from '../lake/table.ts'

/**
 * Compares the checkpoint of a version with the commits since the one before it, or since the first. Where commits of these are
 * gone, there is nothing to compare.
 *
 * @throws AppError SEAL_FORKED if it cannot be read, or readers would see another table than the commits make
 */
export async function checkCheckpoint(table: DeltaTable, version: number): Promise<void> {
  const expected = await replayed(table, version)
  if (expected === undefined) return
  const found = await readCheckpoint(table.store, version, table.spec).catch((cause: unknown) => {
    if (isAppError(cause) && cause.code === 'BAD_LAKE') throw wrong(table, version, cause)
    throw cause
  })
  if (!isSame(expected, found)) throw wrong(table, version)
}

async function replayed(table: DeltaTable, version: number): Promise<TableState | undefined> {
  const { store, spec } = table
  const { state, from } = await stateBefore(table, version)
  for (let next = from + 1; next <= version; next++) {
    const bytes = await store.read(commitKey(next))
    if (bytes === undefined) return undefined
    const where = store.locate(commitKey(next))
    apply(state, parseCommit(bytes, where), spec, { where, version: next })
  }
  return state
}

/** The newest state before a version that can be read from a checkpoint; the empty one where there is none. */
async function stateBefore({ store, spec }: DeltaTable, version: number): Promise<{ state: TableState; from: number }> {
  for (let from = version - 1; from >= 0; from--) {
    if ((await store.stat(checkpointKey(from))) === undefined) continue
    try {
      return { state: await readCheckpoint(store, from, spec), from }
    } catch (cause) {
      // One that is damaged is passed by, as readers do.
      if (!isAppError(cause) || cause.code !== 'BAD_LAKE') throw cause
    }
  }
  return { state: emptyState(), from: -1 }
}

/** Statistics count: by them readers pass files over. */
function isSame(a: TableState, b: TableState): boolean {
  if (a.files.size !== b.files.size || a.metaData?.schemaString !== b.metaData?.schemaString) return false
  for (const [path, file] of a.files) {
    const other = b.files.get(path)
    if (other === undefined || factsOf(file) !== factsOf(other)) return false
  }
  return [...a.txns].every(([appId, txn]) => b.txns.get(appId)?.version === txn.version) && a.txns.size === b.txns.size
}

const factsOf = ({ sizeBytes, partition, stats, tags = {} }: DataFile): string =>
  JSON.stringify([sizeBytes, partition, stats, Object.entries(tags).sort()])

const wrong = ({ spec, store }: DeltaTable, version: number, cause?: AppError): AppError =>
  new AppError(
    'SEAL_FORKED',
    `The checkpoint of version ${version} of the table ${spec.name} is not what its commits add up to.`,
    {
      where: store.locate(checkpointKey(version)),
      hint: 'Move it and _last_checkpoint out of the table: the commits suffice. Keep both, and find out who wrote them.',
      ...(cause === undefined ? {} : { cause }),
    },
  )
