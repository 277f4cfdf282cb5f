/**
 * What an append is about to do, on disk before it is done, so that after a crash it is done and not something else. Whoever
 * can write the folder can write such a record, so only one that the log's own key has signed is followed.
 */
import { AppError, isAppError } from '../core/errors.ts'
import type { ObjectStore } from '../lake/stores/contract.ts'
import { canonical, parseCanonical, parseEntry } from './entry.ts'
import { type Head, headOf, headText } from './log-head.ts'
import { hexOf, sha256 } from './merkle.ts'
import { openNote, type Signer, signatureLine, type Verifier } from './note.ts'

/** Where it stands, below the seal's folder; exists only inside an append. */
export const PENDING_PATH = 'pending.json'

/** First line of what is signed. It has spaces, as no name of a log does, so it is never taken for a checkpoint. */
const PURPOSE = 'bricktrail pending append'

/** Form of the record; 1 had no signatures. */
const PENDING_VERSION = 2

/** An append that has begun. */
export interface Pending {
  /** The log before and after it. */
  readonly from: Head
  readonly to: Head
  /** ISO time at which it began. */
  readonly time: string
  /** Where those of its keys are that are given by reference, by their vkeys. */
  readonly references: Readonly<Record<string, string>>
  readonly entries: readonly Uint8Array[]
}

/** An append as it was found: nothing of it may be believed before {@link isSignedBy} says so. */
export interface FoundPending extends Pending {
  /** SHA-256 of the record without its signatures. */
  readonly digest: Uint8Array
  readonly signatures: readonly string[]
}

/** A key that takes over, and the one before, both as vkeys. */
export interface Handover {
  readonly vkey: string
  readonly previous: string
}

/** Puts an append on record, durably, signed by all that are to sign the head it leads to. */
export async function writePending(store: ObjectStore, pending: Pending, signers: readonly Signer[]): Promise<void> {
  const record = recordOf(pending)
  const digest = sha256(Buffer.from(canonical(record)))
  const signatures = signers.map((signer) => signatureLine(signedText(signer, digest), signer))
  await store.put(PENDING_PATH, Buffer.from(canonical({ ...record, signatures })))
}

/**
 * The append that was interrupted, or what somebody made to look like it; undefined if there is none.
 *
 * @throws AppError BAD_SEAL
 */
export async function readPending(store: ObjectStore): Promise<FoundPending | undefined> {
  const bytes = await store.read(PENDING_PATH)
  return bytes && parsePending(bytes)
}

/**
 * Reads the record of an append.
 *
 * @throws AppError BAD_SEAL for anything but a record in full
 */
export function parsePending(bytes: Uint8Array): FoundPending {
  const { signatures, ...record } = parseCanonical(bytes)
  const { v, from, to, time, references, entries } = record
  const known = v === PENDING_VERSION && typeof time === 'string' && isTable(references)
  if (!known || !areTexts(signatures) || !areTexts(entries)) {
    throw new AppError('BAD_SEAL', `${PENDING_PATH} is not the record of an append.`, {
      where: PENDING_PATH,
      hint: PENDING_HINT,
    })
  }
  return {
    from: headOf(from, PENDING_PATH),
    to: headOf(to, PENDING_PATH),
    time,
    references,
    entries: entries.map((entry) => Buffer.from(entry, 'base64')),
    digest: sha256(Buffer.from(canonical(record))),
    signatures,
  }
}

/** True if this key has signed the record, for the log of its name. */
export function isSignedBy({ digest, signatures }: FoundPending, key: Verifier): boolean {
  try {
    return openNote(`${signedText(key, digest)}\n${signatures.join('')}`, [key]).verified.length > 0
  } catch (cause) {
    if (isAppError(cause)) return false
    throw cause
  }
}

/** The refusal of a record that the log's key has not signed. */
export const foreignPending = (key: Verifier): AppError =>
  new AppError(
    'BAD_SEAL',
    `${PENDING_PATH} was not signed by ${key.name}+${key.id}: this log did not begin that append.`,
    {
      where: PENDING_PATH,
      hint: PENDING_HINT,
    },
  )

const PENDING_HINT = `Find out who wrote it, and keep a copy. Nothing of it is in the log: without it, the log goes on.`

/**
 * The change of keys that entries end with, if they do.
 *
 * @throws AppError BAD_SEAL for a last entry that says so and cannot be read
 */
export function handoverIn(entries: readonly Uint8Array[]): Handover | undefined {
  const last = entries.at(-1)
  if (last === undefined || !Buffer.from(last).includes('"kind":"key"')) return undefined
  const entry = parseEntry(last)
  if (entry.kind !== 'key') return undefined
  const { vkey, previous } = entry
  if (areTexts([vkey, previous])) return { vkey, previous }
  throw new AppError('BAD_SEAL', 'An entry of the seal that changes the key names no keys.')
}

/** Forgets an append that is done. */
export const removePending = (store: ObjectStore): Promise<void> => store.delete(PENDING_PATH)

const signedText = ({ name }: Verifier, digest: Uint8Array): string => `${PURPOSE}\n${name}\n${hexOf(digest)}\n`

const recordOf = ({ from, to, time, references, entries }: Pending): Record<string, unknown> => ({
  v: PENDING_VERSION,
  from: headText(from),
  to: headText(to),
  time,
  references,
  entries: entries.map((entry) => Buffer.from(entry).toString('base64')),
})

const areTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const isTable = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && areTexts(Object.values(value))
