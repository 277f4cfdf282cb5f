/** What an append left that was cut short: believed as far as a key of the log has signed it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isAppError } from '../../core/errors.ts'
import { type FoundPending, handoverIn, isSignedBy, parsePending } from '../log-pending.ts'
import { type Hash, sameHash } from '../merkle.ts'
import type { Verifier } from '../note.ts'
import { type Tile, widthOf } from '../tiles.ts'
import { bytesOf } from './log-files.ts'
import type { CheckedNote } from './note-check.ts'

/** Where the record of an append stands inside a home. */
export const PENDING = 'seal/pending.json'

/** What is said of an append that the next run finishes. */
export const CUT_SHORT = `An append to the log was cut short (${PENDING}); the next run of Bricktrail finishes it.`

const PENDING_LIMIT_BYTES = 64 << 20

/** A head as it was found: what it says, and the note that says it. */
export interface NotedHead {
  readonly size: number
  readonly root: Hash
  readonly note: CheckedNote
}

/** An append that a key which signed the newest checkpoint has begun there, or has finished there. */
export interface PendingAppend {
  /** Entries of the log once it is finished. */
  readonly size: number
  readonly root: Hash
  /** True if the checkpoint is signed already, and only clearing away is left. */
  readonly isSigned: boolean
  readonly entries: readonly Uint8Array[]
  /** Keys of the checkpoint that have signed the record. */
  readonly signedBy: readonly Verifier[]
  /** The key that a change of keys in it takes the place of, as vkey. */
  readonly previous: string | undefined
}

/** The append that was cut short; undefined if there is none, otherwise why it cannot be believed. */
export function pendingAppend(home: string, head: NotedHead): PendingAppend | string | undefined {
  const path = join(home, PENDING)
  if (!existsSync(path)) return undefined
  const bytes = bytesOf(path, PENDING_LIMIT_BYTES)
  try {
    return bytes === undefined ? 'It is no file of a size that can be read.' : judged(parsePending(bytes), head)
  } catch (cause) {
    if (isAppError(cause)) return `It is not the record of an append: ${cause.message}`
    throw cause
  }
}

function judged(pending: FoundPending, head: NotedHead): PendingAppend | string {
  const { from, to, entries } = pending
  const isAt = ({ size, root }: FoundPending['to']): boolean => size === BigInt(head.size) && sameHash(root, head.root)
  const signedBy = head.note.signedBy.filter((key) => isSignedBy(pending, key))
  if (signedBy.length === 0) return 'No key that signed the newest checkpoint has signed it: who wrote it is not known.'
  if (!isAt(from) && !isAt(to)) return 'It does not tell of an append that goes on from the newest checkpoint.'
  const { size, root } = to
  return {
    size: Number(size),
    root,
    isSigned: isAt(to),
    entries,
    signedBy,
    previous: handoverIn(entries)?.previous,
  }
}

/** True for a file that this append writes under that name. */
export const isWrittenBy = (pending: PendingAppend, { level, n, width }: Tile): boolean =>
  !pending.isSigned && width === widthOf(level, n, BigInt(pending.size))
