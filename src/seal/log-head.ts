/** What the key signed last, kept beside the key: whatever happens to the log's folder, nothing is signed that forks. */
import { AppError } from '../core/errors.ts'
import type { ObjectStore } from '../lake/stores/contract.ts'
import { type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts'
import { canonical, parseCanonical } from './entry.ts'
import { EMPTY_ROOT, HASH_BYTES, type Hash, hexOf, type ReadHash, rootFrom, sameHash } from './merkle.ts'
import type { Verifier } from './note.ts'

/** A size of the log and its root. */
export interface Head {
  readonly size: bigint
  readonly root: Hash
}

/** The head of a log without entries. */
export const EMPTY_HEAD: Head = { size: 0n, root: EMPTY_ROOT }

/** Where the guard stands, below the seal's folder. */
export const HEAD_PATH = 'keys/head.json'

/** True for the same size and root. */
export const sameHead = (a: Head, b: Head): boolean => a.size === b.size && sameHash(a.root, b.root)

/** A head as JSON holds it: sizes as decimal text, since they may exceed what a JSON number holds. */
export const headText = ({ size, root }: Head): { size: string; root: string } => ({
  size: String(size),
  root: hexOf(root),
})

/**
 * The reverse of {@link headText}.
 *
 * @throws AppError BAD_SEAL
 */
export function headOf(value: unknown, where: string): Head {
  const { size, root } = (value ?? {}) as { size?: unknown; root?: unknown }
  if (typeof size === 'string' && /^(0|[1-9]\d{0,19})$/.test(size) && typeof root === 'string') {
    const bytes = Buffer.from(root, 'hex')
    if (bytes.length === HASH_BYTES && bytes.toString('hex') === root) return { size: BigInt(size), root: bytes }
  }
  throw new AppError('BAD_SEAL', `${where} does not hold a size and a root.`, { where })
}

/** What the key signed last; undefined if nothing is known of it. */
export async function readHead(store: ObjectStore): Promise<Head | undefined> {
  const bytes = await store.read(HEAD_PATH)
  return bytes && headOf(parseCanonical(bytes), HEAD_PATH)
}

/** Puts on record what is going to be signed, durably. */
export const writeHead = (store: ObjectStore, head: Head): Promise<void> =>
  store.put(HEAD_PATH, Buffer.from(canonical(headText(head))))

/** Where the note of a size is kept, below the seal's folder. */
export const notePath = (size: bigint): string => `checkpoints/${String(size).padStart(20, '0')}`

/** What a second guard says, and where it stands. */
export interface SecondGuard {
  readonly where: string
  readonly head: Head
}

/**
 * Refuses a log that is not the one its key signed last, or what came out of that.
 *
 * @param stored head of the log as it is on disk, signed by the key
 * @param pending head that an interrupted append is on the way to: it may have been signed already
 * @param beside what is kept beside the key, outside the home
 * @throws AppError SEAL_FORKED
 */
export async function checkHead(
  store: ObjectStore,
  stored: Head,
  readHash: ReadHash,
  verifiers: readonly Verifier[],
  pending?: Head,
  beside?: SecondGuard,
): Promise<void> {
  const signed = (await readHead(store)) ?? (await newestNote(store, verifiers)) ?? EMPTY_HEAD
  const guards = [
    { where: HEAD_PATH, head: signed, hint: undefined },
    beside ? { ...beside, hint: hintFor(beside) } : [],
  ]
  for (const { where, head, hint } of guards.flat()) {
    if (pending !== undefined && sameHead(head, pending)) continue
    const message = await contradiction(head, stored, readHash)
    if (message === undefined) continue
    throw new AppError('SEAL_FORKED', message, { where, ...(hint === undefined ? {} : { hint }) })
  }
}

async function contradiction(signed: Head, stored: Head, readHash: ReadHash): Promise<string | undefined> {
  if (signed.size > stored.size) {
    return `The log has ${stored.size} entries, but its key has signed ${signed.size}: the end is gone.`
  }
  // An older guard, put back from a copy, is behind; then the log must have come out of what it says.
  const then = signed.size === stored.size ? stored.root : await rootFrom(readHash, signed.size)
  return sameHash(then, signed.root)
    ? undefined
    : `The first ${signed.size} entries of the log are not those its key has signed.`
}

const hintFor = ({ where }: SecondGuard): string =>
  `Put back the newest copy of the whole home. If there is none, keep ${where}, as it tells what was signed, and move it away: the log then goes on, but checkpoints kept elsewhere show a fork.`

/** The newest of the notes that are kept, for a log whose guard was lost. */
async function newestNote(store: ObjectStore, verifiers: readonly Verifier[]): Promise<OpenedCheckpoint | undefined> {
  const newest = (await store.list('checkpoints/')).filter((path) => /\/\d{20}$/.test(path)).at(-1)
  const bytes = newest === undefined ? undefined : await store.read(newest)
  return bytes && openCheckpoint(bytes, verifiers)
}
