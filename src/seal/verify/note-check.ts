/** What a signed note is worth: who signed it, with which of the keys at hand, and what is wrong with it. */
import { isAppError } from '../../core/errors.ts'
import { type Checkpoint, parseCheckpoint } from '../checkpoint.ts'
import {
  KEY_TYPES,
  type NoteSignature,
  openNote,
  type ParsedNote,
  parseNote,
  type VerifiedSignature,
  type Verifier,
} from '../note.ts'

/** Name and id of a key, which together tell it. */
export const keyName = ({ name, id }: { readonly name: string; readonly id: string }): string => `${name}+${id}`

/** A note that could be read; what it says is worth as much as who signed it. */
export interface CheckedNote {
  readonly checkpoint: Checkpoint
  /** The text that is signed. */
  readonly text: string
  /** Keys of the log whose signatures hold. */
  readonly signedBy: readonly Verifier[]
  readonly cosignedBy: readonly VerifiedSignature[]
  /** Known keys whose signatures do not hold. */
  readonly forged: readonly Verifier[]
  /** Signatures of keys that are not at hand. */
  readonly unknown: readonly NoteSignature[]
}

/**
 * Reads a note and tries every signature of a known key.
 *
 * @param keys keys of the log and of witnesses
 * @returns what it is, or why it is no note of a checkpoint
 */
export function checkNote(bytes: Uint8Array, keys: readonly Verifier[]): CheckedNote | string {
  let parsed: ParsedNote
  let checkpoint: Checkpoint
  try {
    parsed = parseNote(bytes)
    checkpoint = parseCheckpoint(parsed.text)
  } catch (cause) {
    if (isAppError(cause)) return cause.message
    throw cause
  }
  const { text, signatures } = parsed
  const named = keys.filter((key) => signatures.some((line) => isOf(line, key)))
  const known = [...new Map(named.map((key) => [key.vkey, key])).values()]
  const opened = known.map((key) => ({ key, signature: signatureOf(bytes, key) }))
  const holding = opened.flatMap(({ signature }) => signature ?? [])
  return {
    checkpoint,
    text,
    // A witness's key is no key of the log, and a key of another log does not sign this one.
    signedBy: holding
      .map(({ key }) => key)
      .filter((key) => key.type === KEY_TYPES.ed25519 && key.name === checkpoint.origin),
    cosignedBy: holding.filter(({ key }) => key.type === KEY_TYPES.cosignature),
    forged: opened.filter(({ signature }) => signature === undefined).map(({ key }) => key),
    unknown: signatures.filter((line) => !known.some((key) => isOf(line, key))),
  }
}

const isOf = (line: NoteSignature, key: Verifier): boolean => line.name === key.name && line.id === key.id

function signatureOf(bytes: Uint8Array, key: Verifier): VerifiedSignature | undefined {
  try {
    return openNote(bytes, [key]).verified[0]
  } catch (cause) {
    if (isAppError(cause)) return undefined
    throw cause
  }
}
