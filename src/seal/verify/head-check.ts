/** Which head a home is verified against, and what the home's own keys and guard say of it. */
import { join } from 'node:path'
import { isAppError } from '../../core/errors.ts'
import { canonical } from '../entry.ts'
import { type Frontier, hexOf, leafHash, sameHash } from '../merkle.ts'
import { parseVkey, type Verifier } from '../note.ts'
import type { KeyChain } from './key-chain.ts'
import { bytesOf, faultAt, inLog, namesIn } from './log-files.ts'
import type { Head } from './log-tree.ts'
import { NOTE_LIMIT_BYTES, NOTES_FOLDER } from './note-book.ts'
import { type CheckedNote, checkNote, keyName } from './note-check.ts'
import { CUT_SHORT, PENDING, type PendingAppend, pendingAppend } from './pending-check.ts'
import type { Findings } from './report.ts'

const KEYS_FOLDER = 'seal/keys'
const NEWEST_KEY = `${KEYS_FOLDER}/log.vkey`
const GUARD = `${KEYS_FOLDER}/head.json`
const SMALL_BYTES = 100_000

/** A public key file of a home. */
interface KeyFile {
  readonly where: string
  readonly text: string
  readonly key: Verifier | undefined
}

/** Public keys as the home has them: good for telling what is wrong, not for trusting. */
export function keysOfHome(home: string): KeyFile[] {
  const folder = join(home, KEYS_FOLDER)
  const names = namesIn(folder).filter((name) => name.endsWith('.vkey'))
  return names.map((name) => {
    const where = `${KEYS_FOLDER}/${name}`
    const text = bytesOf(join(home, where), SMALL_BYTES)?.toString('utf8') ?? ''
    return { where, text, key: vkeyOf(text) }
  })
}

function vkeyOf(text: string): Verifier | undefined {
  try {
    return parseVkey(text)
  } catch (cause) {
    if (isAppError(cause)) return undefined
    throw cause
  }
}

/** The home's newest public key; undefined if it has none that can be read. */
export const newestKeyOf = (files: readonly KeyFile[]): Verifier | undefined =>
  files.find(({ where }) => where === NEWEST_KEY)?.key

/** A head to verify against, with the note that says it. */
export interface SignedHead extends Head {
  readonly origin: string
  readonly where: string
  readonly note: CheckedNote
}

/** The newest checkpoint; where it is missing or damaged, the newest of those kept. Undefined if there is none. */
export function findHead(home: string, known: readonly Verifier[], findings: Findings): SignedHead | undefined {
  const where = inLog('checkpoint')
  const bytes = bytesOf(join(home, where), NOTE_LIMIT_BYTES)
  if (bytes === undefined) {
    const kind = faultAt(join(home, where))
    findings.add(kind, where, `The newest checkpoint ${kind === 'missing' ? 'is missing' : 'cannot be read'}.`)
  } else {
    const note = checkNote(bytes, known)
    const fault = faultOf(note)
    if (fault === undefined) return headOf(note as CheckedNote, where)
    findings.add('changed', where, `The newest checkpoint is damaged: ${fault}`)
  }
  return newestKept(home, known)
}

function newestKept(home: string, known: readonly Verifier[]): SignedHead | undefined {
  const folder = join(home, NOTES_FOLDER)
  const names = namesIn(folder).filter((name) => /^\d{20}$/.test(name))
  for (const name of names.sort().reverse()) {
    const where = `${NOTES_FOLDER}/${name}`
    const note = checkNote(bytesOf(join(home, where), NOTE_LIMIT_BYTES) ?? new Uint8Array(), known)
    if (faultOf(note) === undefined && (note as CheckedNote).signedBy.length > 0)
      return headOf(note as CheckedNote, where)
  }
  return undefined
}

function faultOf(note: CheckedNote | string): string | undefined {
  if (typeof note === 'string') return note
  if (note.forged.length > 0) return `the signature of ${note.forged.map(keyName).join(', ')} does not fit.`
  return note.checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER) ? 'no log has so many leaves.' : undefined
}

const headOf = (note: CheckedNote, where: string): SignedHead => {
  const { origin, size, root } = note.checkpoint
  return { origin, size: Number(size), root, where, note }
}

/**
 * Reads what an append left that was cut short; a finding unless a key that signed the head has signed it, and it goes on from
 * the head to just where it says. Whether that key is the one in force is for {@link checkKeyFiles}.
 */
export function checkPending(
  home: string,
  frontier: Frontier,
  head: SignedHead,
  findings: Findings,
): PendingAppend | undefined {
  const pending = pendingAppend(home, head)
  if (pending === undefined) return undefined
  if (typeof pending === 'string') {
    findings.add('unverifiable', PENDING, pending, head.size)
    return undefined
  }
  if (pending.isSigned) return pending
  for (const entry of pending.entries) frontier.append(leafHash(entry))
  if (sameHash(frontier.root(), pending.root) && frontier.size === BigInt(pending.size)) {
    findings.skip(CUT_SHORT)
    return pending
  }
  findings.add('unverifiable', PENDING, 'Its entries do not lead to the root that it says.', head.size)
  return undefined
}

/** Compares the home's key files and guard with what the log says. */
export function checkKeyFiles(
  home: string,
  files: readonly KeyFile[],
  chain: KeyChain,
  head: Head,
  pending: PendingAppend | undefined,
  findings: Findings,
): void {
  for (const { where, text, key } of files) {
    const isNamed = chain.keys.some(({ vkey }) => vkey === key?.vkey)
    if (key === undefined || text !== `${key.vkey}\n`)
      findings.add('changed', where, 'It is no public key as Bricktrail writes it.')
    else if (where === NEWEST_KEY && chain.newest && key.vkey !== chain.newest.vkey && !isBefore(key, pending)) {
      findings.add('changed', where, `It is ${keyName(key)}, which is not the key that signs the log.`)
    } else if (!isNamed) findings.skip(`${where} is a key that the log does not name.`)
  }
  if (pending && !pending.signedBy.some(({ vkey }) => vkey === chain.newest?.vkey)) {
    findings.add('unverifiable', PENDING, 'The key that signs the log now has not signed it.', head.size)
  }
  checkGuard(home, head, pending, findings)
}

/** Between the checkpoint of a change of keys and the key files, these are of the key before. */
const isBefore = ({ vkey }: Verifier, pending: PendingAppend | undefined): boolean =>
  pending?.isSigned === true && pending.previous === vkey

/** The guard is not signed, so it proves nothing; but where it contradicts the log, one of the two was put back. */
function checkGuard(home: string, head: Head, pending: PendingAppend | undefined, findings: Findings): void {
  const bytes = bytesOf(join(home, GUARD), SMALL_BYTES)
  if (bytes === undefined) return
  const text = bytes.toString('utf8')
  const [, root = '', digits] = /^\{"root":"([0-9a-f]{64})","size":"(0|[1-9]\d{0,15})"\}$/.exec(text) ?? []
  if (digits === undefined) {
    findings.add('changed', GUARD, 'It does not say which head the key signed last.')
    return
  }
  const size = Number(digits)
  if (size > head.size && size !== pending?.size) {
    findings.add(
      'missing',
      GUARD,
      `The key has signed ${size} leaves, and the log ends at ${head.size}: it was rolled back or cut.`,
      head.size,
    )
  } else if (size === head.size && text !== canonical({ root: hexOf(head.root), size: digits })) {
    const what = `It says, and nobody has signed that, that the key signed another head of ${size} leaves, with the root ${root}: one of the two is not what it was.`
    findings.add('changed', GUARD, what, size)
  } else if (size < head.size) findings.skip(`${GUARD} is older than the log.`)
}

/** True for the same head. */
export const isSameHead = (a: Head | undefined, b: Head | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.size === b.size && sameHash(a.root, b.root))
