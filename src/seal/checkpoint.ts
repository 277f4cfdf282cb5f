/** C2SP tlog-checkpoint: the text of a note that says how large a log is and what its root is. */
import { AppError } from '../core/errors.ts'
import { HASH_BYTES, type Hash } from './merkle.ts'
import { KEY_TYPES, type OpenedNote, openNote, strictBase64, type Verifier } from './note.ts'

/** The head of a log at one size. */
export interface Checkpoint {
  /** Names the log; also the name of its key. */
  readonly origin: string
  readonly size: bigint
  readonly root: Hash
  /** Further lines of the text, which logs of others may have. */
  readonly extensions: readonly string[]
}

/** A checkpoint that the log's own key signed, with the note it came in. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly note: OpenedNote
}

const SIZE = /^(?:0|[1-9]\d{0,19})$/
const LIMIT = 1n << 64n

const bad = (message: string): AppError => new AppError('BAD_SEAL', `Not a checkpoint: ${message}.`)

/** The text of a checkpoint, to be signed. */
export function formatCheckpoint({ origin, size, root }: Omit<Checkpoint, 'extensions'>): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
  parseCheckpoint(text)
  return text
}

/**
 * Reads the text of a checkpoint, strictly: each head has one spelling.
 *
 * @throws AppError BAD_SEAL
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = '', ...rest] = text.split('\n')
  const extensions = rest.slice(0, -1)
  if (rest.at(-1) !== '') throw bad('it has fewer than three lines')
  if ([origin, ...extensions].includes('')) throw bad('it has an empty line')
  if (!SIZE.test(size) || BigInt(size) >= LIMIT) throw bad('the second line is not a size')
  const root = strictBase64(encoded)
  if (root?.length !== HASH_BYTES) throw bad('the third line is not a root')
  return { origin, size: BigInt(size), root, extensions }
}

/**
 * Opens a note and reads the checkpoint in it. A cosignature alone is not enough, nor is a key of another log.
 *
 * @param keys the log's keys, and those of witnesses
 * @throws AppError BAD_SEAL unless a key that is named as the log signed it
 */
export function openCheckpoint(bytes: Uint8Array | string, keys: readonly Verifier[]): OpenedCheckpoint {
  const note = openNote(bytes, keys)
  const checkpoint = parseCheckpoint(note.text)
  const own = note.verified.some(({ key }) => key.type === KEY_TYPES.ed25519 && key.name === checkpoint.origin)
  if (!own)
    throw new AppError('BAD_SEAL', `No known key of ${JSON.stringify(checkpoint.origin)} signed the checkpoint.`)
  return { ...checkpoint, note }
}
