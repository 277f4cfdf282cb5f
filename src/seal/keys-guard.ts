/**
 * A second guard, beside a private key that is a file of its own: what the key signed last. The first one lies in the home, so
 * who puts a whole home back to an earlier state puts that back too; this one stays.
 */
import { basename, dirname } from 'node:path'
import { isAppError } from '../core/errors.ts'
import { localStore } from '../lake/stores/local.ts'
import { canonical, parseCanonical } from './entry.ts'
import { type Head, headOf, headText } from './log-head.ts'
import type { Verifier } from './note.ts'

const SCHEME = 'file:'

/**
 * Where the guard of a key stands; undefined where its reference names no file. The id is of name and key, so logs of different
 * names that share a key have a guard each.
 */
export const guardPath = (reference: string | undefined, { id }: Verifier): string | undefined =>
  reference?.startsWith(SCHEME) ? `${reference.slice(SCHEME.length)}.${id}.head.json` : undefined

/**
 * What the guard says; undefined if there is none.
 *
 * @throws AppError BAD_SEAL if it is damaged
 */
export async function readGuard(path: string): Promise<Head | undefined> {
  const bytes = await localStore(dirname(path)).read(basename(path))
  return bytes && headOf(parseCanonical(bytes), path)
}

/** Puts on record what is going to be signed, durably. Where the key's folder may not be written, there is no such guard. */
export async function writeGuard(path: string, head: Head): Promise<void> {
  try {
    await localStore(dirname(path)).put(basename(path), Buffer.from(canonical(headText(head))))
  } catch (cause) {
    if (!isAppError(cause) || cause.code !== 'BAD_HOME') throw cause
  }
}
