/** Copies of checkpoints in a place where nothing can be overwritten: what stands there, and what it says of this log. */
import { AppError, isAppError } from '../../core/errors.ts'
import { openCheckpoint } from '../checkpoint.ts'
import { sameHash } from '../merkle.ts'
import type { Verifier } from '../note.ts'
import { type AnchoredCheckpoint, type AnchorOutcome, failed } from './contract.ts'

/** A place of copies. Failures are thrown. */
export interface CopyStore {
  /** Kind and address, without secrets. */
  readonly id: string
  /** Makes an object that is not there; `taken` if one is. */
  put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<'made' | 'taken'>
  /** Every version of an object that is kept, those hidden by a deletion too. */
  versions(key: string, signal?: AbortSignal): Promise<Uint8Array[]>
  /**
   * Keys that begin with `prefix`, in order, deleted ones that are still kept among them.
   *
   * @param after a key that is there: only what comes after it is listed
   */
  list(prefix: string, after?: string, signal?: AbortSignal): Promise<string[]>
}

const SIZE_DIGITS = 20

/** Where the copies of a log stand: its origin as one path segment. */
export const copyPrefix = (origin: string): string =>
  // A segment of dots alone would lead out of the folder.
  `${encodeURIComponent(origin).replace(/^\.+$/, (dots) => dots.replaceAll('.', '%2E'))}/`

/** Where the copy of a checkpoint stands; keys sort as sizes do. */
export const copyKey = (origin: string, size: bigint): string =>
  `${copyPrefix(origin)}${size.toString().padStart(SIZE_DIGITS, '0')}`

/** A copy as it was fetched back; several versions of one size where somebody overwrote or deleted it. */
export interface FetchedCopies {
  readonly size: bigint
  readonly notes: readonly Uint8Array[]
}

/**
 * Fetches back the copies of a log, smallest first.
 *
 * @param from the first size to fetch
 */
export async function* fetchCopies(store: CopyStore, origin: string, from = 0n): AsyncGenerator<FetchedCopies> {
  for (const key of await store.list(copyPrefix(origin))) {
    const size = sizeOf(key)
    if (size !== undefined && size >= from) yield { size, notes: await store.versions(key) }
  }
}

function sizeOf(key: string): bigint | undefined {
  const digits = /\/(\d{20})$/.exec(key)?.[1]
  return digits === undefined ? undefined : BigInt(digits)
}

/**
 * Keeps a checkpoint in a place of copies and looks at what is there: a later checkpoint of this log means that the home
 * was rolled back, another one of the same size that the log is forked.
 *
 * @param verifiers every public key of the log
 */
export async function keepCopy(
  store: CopyStore,
  checkpoint: AnchoredCheckpoint,
  verifiers: readonly Verifier[],
  signal: AbortSignal,
): Promise<AnchorOutcome> {
  const key = copyKey(checkpoint.origin, checkpoint.size)
  const own = openCheckpoint(checkpoint.note, verifiers)
  await store.put(key, checkpoint.note, signal)
  const after = await store.list(copyPrefix(own.origin), key, signal)
  const later = await newestSigned(store, after, own.origin, verifiers, signal)
  if (later !== undefined) {
    const what = `holds a checkpoint of size ${later} that the log's key signed, and this log ends at ${own.size}`
    return alarm(store, `${what}: it was rolled back`)
  }
  let kept = false
  for (const note of await store.versions(key, signal)) {
    const copy = opened(note, verifiers)
    if (copy === undefined || copy.origin !== own.origin || copy.size !== own.size) continue
    if (!sameHash(copy.root, own.root)) return alarm(store, `holds another root at size ${own.size}`)
    kept = true
  }
  if (kept) return { kind: 'anchored' }
  return failed(`at ${key} stands something that is no checkpoint of this log`)
}

/**
 * The newest of some copies that a key of the log has signed. Whoever may write there can add anything else, also older
 * checkpoints under later names, so none of those ends the search.
 */
async function newestSigned(
  store: CopyStore,
  keys: readonly string[],
  origin: string,
  verifiers: readonly Verifier[],
  signal: AbortSignal,
): Promise<bigint | undefined> {
  for (const key of keys.toReversed()) {
    const size = sizeOf(key)
    for (const note of size === undefined ? [] : await store.versions(key, signal)) {
      const copy = opened(note, verifiers)
      if (copy?.origin === origin && copy.size === size) return size
    }
  }
  return undefined
}

function opened(note: Uint8Array, verifiers: readonly Verifier[]) {
  try {
    return openCheckpoint(note, verifiers)
  } catch (cause) {
    if (isAppError(cause)) return undefined
    throw cause
  }
}

const alarm = ({ id }: CopyStore, what: string): AnchorOutcome => ({
  kind: 'alarm',
  error: new AppError('SEAL_FORKED', `The log is forked or rolled back: ${id} ${what}.`, { where: id }),
})
