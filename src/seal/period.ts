/**
 * The period file of an exported folder: which leaves it holds, and the hashes that tie them to the signed checkpoints at
 * both ends (docs/design/005-seal.md, "Period bundles"). Pure: nothing is read or written here.
 */
import { AppError } from '../core/errors.ts'
import { canonical, parseCanonical } from './entry.ts'
import { HASH_BYTES, type Hash, hexOf, type ReadHash } from './merkle.ts'
import { strictBase64 } from './note.ts'

/** Name of the period file in its folder. */
export const PERIOD_FILE = 'bundle.json'
/** Name of the file with the leaves: one entry a line. */
export const ENTRIES_FILE = 'entries.jsonl'

/** A log at one size. */
export interface PeriodEnd {
  readonly size: number
  readonly root: Hash
}

/** All leaves between two checkpoints. */
export interface Period {
  readonly origin: string
  readonly from: PeriodEnd
  readonly to: PeriodEnd
  /** Roots of the complete subtrees that the leaves before `from` fall into, largest first. */
  readonly frontier: readonly Hash[]
  /** From `from` to `to`, after RFC 9162 §2.1.4.1; empty where `from` is 0. */
  readonly consistency: readonly Hash[]
  /** True if the files that the leaves name are there, and what was received. */
  readonly files: boolean
  readonly raw: boolean
  /** Paths of files that the leaves name and that were not there any more, or another by then, when this was exported. */
  readonly gone: readonly string[]
}

/** The text of a period file: canonical JSON. */
export const periodText = ({ from, to, frontier, consistency, ...rest }: Period): string =>
  canonical({
    v: 1,
    kind: 'period',
    ...rest,
    from: { size: from.size, root: hexOf(from.root) },
    to: { size: to.size, root: hexOf(to.root) },
    frontier: frontier.map(hexOf),
    consistency: consistency.map((hash) => Buffer.from(hash).toString('base64')),
  })

const bad = (message: string): AppError => new AppError('BAD_SEAL', `${PERIOD_FILE} is not a period: ${message}.`)

/**
 * Reads a period file. What it says is not verified.
 *
 * @throws AppError BAD_SEAL
 */
export function parsePeriod(bytes: Uint8Array): Period {
  const value = parseCanonical(bytes)
  const { v, kind, origin, from, to, frontier, consistency, files, raw, gone } = value
  if (v !== 1 || kind !== 'period')
    throw bad(`version ${JSON.stringify(v)}, kind ${JSON.stringify(kind)} are not known`)
  if (typeof origin !== 'string' || typeof files !== 'boolean' || typeof raw !== 'boolean' || !areTexts(gone)) {
    throw bad('a field is missing')
  }
  if (!areTexts(frontier) || !areTexts(consistency)) throw bad('the hashes are missing')
  const ends = { from: endOf(from), to: endOf(to) }
  if (ends.from.size >= ends.to.size) throw bad('it ends before it begins')
  return {
    origin,
    ...ends,
    frontier: frontier.map((text) => hashOf(Buffer.from(text, 'hex'))),
    consistency: consistency.map((text) => hashOf(strictBase64(text))),
    files,
    raw,
    gone,
  }
}

function endOf(value: unknown): PeriodEnd {
  const { size, root } = (value ?? {}) as { size?: unknown; root?: unknown }
  if (!Number.isSafeInteger(size) || (size as number) < 0 || typeof root !== 'string') throw bad('an end is missing')
  return { size: size as number, root: hashOf(Buffer.from(root, 'hex')) }
}

function hashOf(bytes: Buffer | undefined): Hash {
  if (bytes?.length !== HASH_BYTES) throw bad('it has a hash that is none')
  return bytes
}

const areTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

/** Where the complete subtrees stand that `size` leaves fall into, largest first. */
export function peaksOf(size: number): { readonly level: number; readonly index: bigint }[] {
  const peaks: { level: number; index: bigint }[] = []
  let [at, left] = [0n, BigInt(size)]
  while (left > 0n) {
    const level = left.toString(2).length - 1
    peaks.push({ level, index: at >> BigInt(level) })
    at += 1n << BigInt(level)
    left -= 1n << BigInt(level)
  }
  return peaks
}

/** A reader of stored hashes that knows the frontier of `size` leaves and nothing else; undefined if it does not fit. */
export function frontierReader(size: number, frontier: readonly Hash[]): ReadHash | undefined {
  const peaks = peaksOf(size)
  if (peaks.length !== frontier.length) return undefined
  const known = new Map(peaks.map(({ level, index }, at) => [`${level} ${index}`, frontier[at] as Hash]))
  return async (level, index) => {
    const hash = known.get(`${level} ${index}`)
    if (hash === undefined)
      throw new RangeError(`The frontier of ${size} leaves has no subtree ${index} of level ${level}.`)
    return hash
  }
}
