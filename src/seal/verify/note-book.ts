/**
 * Every signed note at hand: those the home keeps, and those that the reader kept or got elsewhere. Each must be of this log,
 * and the tree must pass through it.
 */
import { join } from 'node:path'
import { type Hash, sameHash } from '../merkle.ts'
import type { VerifiedSignature, Verifier } from '../note.ts'
import type { KeyChain } from './key-chain.ts'
import { bytesOf, faultAt, namesIn, UNFINISHED } from './log-files.ts'
import { type CheckedNote, checkNote, keyName } from './note-check.ts'
import type { Findings } from './report.ts'

/** A note that the reader brings. */
export interface GivenNote {
  /** What to call it: a file name, or where it comes from. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** Folder of the notes a home keeps. */
export const NOTES_FOLDER = 'seal/checkpoints'

/** Larger notes than this are refused unread. */
export const NOTE_LIMIT_BYTES = 1_000_000

/** Where the note of a size is kept in a home. */
export const noteKey = (size: number | bigint): string => `${NOTES_FOLDER}/${String(size).padStart(20, '0')}`

/** A cosignature that holds, and of which head. */
export interface Cosignature {
  readonly size: number
  readonly where: string
  readonly signature: VerifiedSignature
}

interface Shelved {
  readonly where: string
  readonly given: boolean
  readonly bytes: () => Uint8Array | undefined
}

/** What the notes are held against. */
export interface NoteBookOptions {
  readonly home: string
  readonly origin: string
  readonly headSize: number
  readonly keys: KeyChain
  /** Trusted without the chain. */
  readonly given: readonly Verifier[]
  readonly witnesses: readonly Verifier[]
  readonly notes: readonly GivenNote[]
  readonly findings: Findings
}

/** The notes, by size. */
export class NoteBook {
  readonly #options: NoteBookOptions
  readonly #bySize = new Map<number, Shelved[]>()
  readonly #later: { readonly size: bigint; readonly shelved: Shelved }[] = []
  /** Cosignatures of the witnesses given, in the order of sizes. */
  readonly cosignatures: Cosignature[] = []
  /** Names of keys that signed, of which nothing is known. */
  readonly strangers = new Set<string>()
  /** The largest size at which a signed note and the tree agree, and the smallest at which they do not. */
  lastAgreed = 0
  firstDisagreed: number | undefined

  constructor(options: NoteBookOptions) {
    this.#options = options
    this.#shelveStored()
    for (const [at, { name, bytes }] of options.notes.entries())
      this.#shelveGiven(name || `given checkpoint ${at + 1}`, bytes)
  }

  /** True if there are notes of this size. */
  has(size: number): boolean {
    return this.#bySize.has(size)
  }

  /** Holds the notes of a size against the tree; `trusted` is false where the tree does not lead to the signed head. */
  check(size: number, root: Hash, trusted: boolean): void {
    for (const shelved of this.#bySize.get(size) ?? []) {
      const note = this.#read(shelved, BigInt(size))
      if (note === undefined) continue
      const leaf = Math.max(0, size - 1)
      if (sameHash(note.checkpoint.root, root)) {
        if (this.firstDisagreed === undefined) this.lastAgreed = Math.max(this.lastAgreed, size)
        this.#count(note, shelved, size)
      } else if (trusted) {
        this.#options.findings.add('forked', shelved.where, forkText(size, shelved.given), leaf)
      } else this.firstDisagreed ??= size
    }
  }

  /**
   * Judges notes that speak of more leaves than the log has.
   *
   * @param pendingSize where an append goes on to that was cut short; its note may be there already
   */
  end(pendingSize: number | undefined): void {
    const { headSize, findings } = this.#options
    for (const { size, shelved } of this.#later) {
      const note = this.#read(shelved, size)
      if (note === undefined) continue
      if (!shelved.given && pendingSize !== undefined && size === BigInt(pendingSize)) continue
      const what = `${shelved.given ? 'A checkpoint that you gave' : 'A kept checkpoint'} was signed over ${size} leaves, and the log ends at ${headSize}: it was rolled back or cut.`
      findings.add('missing', shelved.where, what, headSize)
    }
  }

  /** Says which of the notes given say nothing of the leaves from `from` on. */
  skipOutside(from: number): void {
    const { findings } = this.#options
    const earlier = [...this.#bySize].filter(([size]) => size < from).flatMap(([, shelved]) => shelved)
    for (const { where, given } of [...earlier, ...this.#later.map(({ shelved }) => shelved)]) {
      if (given) findings.skip(`${where} is of a size outside the period.`)
    }
  }

  #shelveStored(): void {
    const { home, headSize, findings } = this.#options
    const folder = join(home, NOTES_FOLDER)
    const names = namesIn(folder).sort()
    for (const name of names) {
      const where = `${NOTES_FOLDER}/${name}`
      const bytes = () => bytesOf(join(home, where), NOTE_LIMIT_BYTES)
      if (/^\d{20}$/.test(name)) this.#shelve(BigInt(name), { where, given: false, bytes })
      else if (!name.startsWith(UNFINISHED)) findings.skip(`${where} is not named after a size.`)
    }
    if (headSize > 0 && !this.#bySize.has(headSize)) {
      const kind = faultAt(join(home, noteKey(headSize)))
      const what = `The kept copy of the newest checkpoint ${kind === 'missing' ? 'is missing' : 'cannot be read'}.`
      findings.add(kind, noteKey(headSize), what, headSize - 1)
    }
  }

  #shelveGiven(name: string, bytes: Uint8Array): void {
    const checked = checkNote(bytes, [])
    if (typeof checked === 'string') this.#options.findings.add('unverifiable', name, checked)
    else this.#shelve(checked.checkpoint.size, { where: name, given: true, bytes: () => bytes })
  }

  #shelve(size: bigint, shelved: Shelved): void {
    if (size > BigInt(this.#options.headSize)) this.#later.push({ size, shelved })
    else this.#bySize.set(Number(size), [...(this.#bySize.get(Number(size)) ?? []), shelved])
  }

  /** A note that is of this log and of this size; a finding for any other. */
  #read({ where, bytes: read, given }: Shelved, size: bigint): CheckedNote | undefined {
    const { findings, keys, origin, witnesses } = this.#options
    const leaf = Math.max(0, Math.min(Number(size), this.#options.headSize) - 1)
    const bytes = read()
    const logKeys = [
      ...keys.keys,
      ...this.#options.given.filter(({ vkey }) => !keys.keys.some((key) => key.vkey === vkey)),
    ]
    const note = bytes === undefined ? 'it cannot be read' : checkNote(bytes, [...logKeys, ...witnesses])
    if (typeof note === 'string')
      findings.add(given ? 'unverifiable' : 'changed', where, `The checkpoint is damaged: ${note}`, leaf)
    else if (note.forged.length > 0) {
      const names = note.forged.map(keyName).join(', ')
      findings.add('changed', where, `The signature of ${names} does not fit the checkpoint.`, leaf)
    } else if (note.checkpoint.origin !== origin) {
      findings.add('unverifiable', where, `It is a checkpoint of another log: ${note.checkpoint.origin}.`, leaf)
    } else if (note.checkpoint.size !== size) {
      findings.add('changed', where, `It is the checkpoint of size ${note.checkpoint.size}.`, leaf)
    } else if (!this.#isSigned(note, Number(size))) {
      findings.add('unverifiable', where, 'No key that the log had at that size has signed this checkpoint.', leaf)
    } else {
      keys.learn(note)
      const fault = size <= BigInt(this.#options.headSize) ? signatureFault(note, Number(size), keys) : undefined
      if (fault !== undefined) findings.add('changed', where, fault, leaf)
      return note
    }
    return undefined
  }

  /** The key in force signs. At sizes the log does not reach, any of its keys may; a later one is not known. */
  #isSigned({ signedBy }: CheckedNote, size: number): boolean {
    const { keys, headSize } = this.#options
    const must = size <= headSize ? keys.inForce(size) : undefined
    return must === undefined ? signedBy.length > 0 : signedBy.some(({ vkey }) => vkey === must.vkey)
  }

  #count(note: CheckedNote, { where }: Shelved, size: number): void {
    const { checked } = this.#options.findings
    checked.checkpoints += 1
    checked.cosignatures += note.cosignedBy.length
    for (const signature of note.cosignedBy) this.cosignatures.push({ size, where, signature })
    for (const line of note.unknown) this.strangers.add(keyName(line))
  }
}

/** What is wrong with a note's signatures though the one that counts holds; undefined if nothing is. */
export function signatureFault(
  { signedBy, unknown, checkpoint }: CheckedNote,
  size: number,
  keys: KeyChain,
): string | undefined {
  const before = keys.handingOver(size)
  if (before && !signedBy.some(({ vkey }) => vkey === before.vkey)) {
    return `The signature of ${keyName(before)}, which hands over to another key here, is missing.`
  }
  const own = unknown.find(({ name, id }) => name === checkpoint.origin && !keys.keys.some((key) => key.id === id))
  return own && `It has a signature of ${keyName(own)}, a key that the log does not name.`
}

const forkText = (size: number, given: boolean): string =>
  given
    ? `The log's key signed another history of its first ${size} leaves, and you have the proof: this checkpoint and the home's newest one.`
    : `Two heads were signed: this one of ${size} leaves is not what the log had at that size.`
