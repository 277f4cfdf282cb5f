/** What an append is about to do, on disk before it is done, so that after a crash it is done and not something else. */
import { AppError } from '../core/errors.ts'
import type { ObjectStore } from '../lake/stores/contract.ts'
import { canonical, parseCanonical } from './entry.ts'
import { type Head, headOf, headText } from './log-head.ts'

/** Where it stands, below the seal's folder; exists only inside an append. */
export const PENDING_PATH = 'pending.json'

/** An append that has begun. */
export interface Pending {
  /** The log before and after it. */
  readonly from: Head
  readonly to: Head
  /** ISO time at which it began. */
  readonly time: string
  /** Public keys (vkeys) whose private halves sign; a second one hands over to the first. */
  readonly signers: readonly string[]
  readonly entries: readonly Uint8Array[]
}

/** Puts an append on record, durably. */
export async function writePending(store: ObjectStore, { from, to, time, signers, entries }: Pending): Promise<void> {
  const encoded = entries.map((entry) => Buffer.from(entry).toString('base64'))
  const record = { v: 1, from: headText(from), to: headText(to), time, signers, entries: encoded }
  await store.put(PENDING_PATH, Buffer.from(canonical(record)))
}

/**
 * The append that was interrupted; undefined if none was.
 *
 * @throws AppError BAD_SEAL
 */
export async function readPending(store: ObjectStore): Promise<Pending | undefined> {
  const bytes = await store.read(PENDING_PATH)
  if (bytes === undefined) return undefined
  const { v, from, to, time, signers, entries } = parseCanonical(bytes)
  if (v !== 1 || typeof time !== 'string' || !areTexts(signers) || !areTexts(entries)) {
    throw new AppError('BAD_SEAL', `${PENDING_PATH} is not the record of an append.`, { where: PENDING_PATH })
  }
  return {
    from: headOf(from, PENDING_PATH),
    to: headOf(to, PENDING_PATH),
    time,
    signers,
    entries: entries.map((entry) => Buffer.from(entry, 'base64')),
  }
}

const areTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

/** Forgets an append that is done. */
export const removePending = (store: ObjectStore): Promise<void> => store.delete(PENDING_PATH)
