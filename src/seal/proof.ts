/**
 * Proof files (C2SP tlog-proof@v1): that one row stood in one data file, which one leaf of a log names, under a signed
 * checkpoint. The format is in docs/design/005-seal.md, "Proof files". Pure: nothing is read or written here.
 */
import { AppError } from '../core/errors.ts'
import { canonical, type Entry, parseCanonical } from './entry.ts'
import { HASH_BYTES, type Hash } from './merkle.ts'
import { strictBase64 } from './note.ts'

/** Rows whose digests make one leaf of a file's tree. */
export const PROOF_PAGE_ROWS = 64

/** What a row holds: its values, of which the form `row/2` makes its bytes; or its text, where it was sealed in the form `row/1`. */
export type RowContent = { readonly values: readonly (string | null)[] } | { readonly text: string }

/** A row of a data file, and its way up to the file's root. */
export type RowEvidence = RowContent & {
  /** Names of the values; of a text, first those of its first line, then one for each line after it. */
  readonly names: readonly string[]
  /** Place in the file, from 0. */
  readonly position: number
  /** Digests of the rows of its page, one after the other, hex. */
  readonly page: string
  /** Hashes from the page up to the file's root, hex. */
  readonly path: readonly string[]
}

/** The record of the file, and its way up to the root of the list that it stands in. */
export interface FileEvidence {
  /** As in the manifest's list `adds`. */
  readonly record: Readonly<Record<string, unknown>>
  readonly index: number
  readonly path: readonly string[]
}

/** What `extra` holds. */
export interface EventEvidence {
  readonly v: 1
  readonly entry: Entry
  readonly file: FileEvidence
  readonly row: RowEvidence
}

/** A proof, taken apart or to be put together. */
export interface ProofParts {
  /** Absent in a proof that speaks of a leaf whose data the reader has. */
  readonly evidence?: EventEvidence
  /** Index of the leaf. */
  readonly index: bigint
  /** From the leaf up to the root of the checkpoint. */
  readonly path: readonly Hash[]
  /** The signed note, with whatever cosignatures there are. */
  readonly checkpoint: string
}

const HEADER = 'c2sp.org/tlog-proof@v1'
/** A tree of 64-bit size is no deeper. */
const PATH_LIMIT = 64
/** A row of the largest text that is kept, twice over. */
const PROOF_LIMIT_BYTES = 64 << 20

/** The text of a proof file. */
export function proofText({ evidence, index, path, checkpoint }: ProofParts): string {
  const extra = evidence === undefined ? [] : [`extra ${Buffer.from(canonical(evidence)).toString('base64')}`]
  const hashes = path.map((hash) => Buffer.from(hash).toString('base64'))
  return `${[HEADER, ...extra, `index ${index}`, ...hashes].join('\n')}\n\n${checkpoint}`
}

const bad = (message: string): AppError => new AppError('BAD_SEAL', `Not a proof: ${message}.`)

/**
 * Takes a proof file apart, strictly. What it says is not verified.
 *
 * @throws AppError BAD_SEAL
 */
export function parseProof(bytes: Uint8Array | string): ProofParts {
  const text = typeof bytes === 'string' ? bytes : decoded(bytes)
  const end = text.indexOf('\n\n')
  if (end < 0) throw bad('there is no empty line before the checkpoint')
  const [header, ...lines] = text.slice(0, end).split('\n')
  if (header !== HEADER) throw bad(`it does not begin with ${HEADER}`)
  const extra = lines[0]?.startsWith('extra ') ? lines.shift()?.slice('extra '.length) : undefined
  const [, digits] = /^index (0|[1-9]\d{0,19})$/.exec(lines.shift() ?? '') ?? []
  if (digits === undefined || BigInt(digits) >= 1n << 64n) throw bad('the index is missing')
  if (lines.length > PATH_LIMIT) throw bad('its path is too long')
  return {
    ...(extra === undefined ? {} : { evidence: evidenceOf(extra) }),
    index: BigInt(digits),
    path: lines.map(hashOf),
    checkpoint: text.slice(end + 2),
  }
}

function decoded(bytes: Uint8Array): string {
  if (bytes.length > PROOF_LIMIT_BYTES) throw bad('it is too long')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw bad('it is not UTF-8')
  }
}

function hashOf(line: string): Hash {
  const hash = strictBase64(line)
  if (hash?.length !== HASH_BYTES) throw bad('a line of its path is not a hash')
  return hash
}

function evidenceOf(extra: string): EventEvidence {
  const bytes = strictBase64(extra)
  if (bytes === undefined) throw bad('what it adds is not base64')
  const value = parseCanonical(bytes) as Partial<EventEvidence>
  if (value.v !== 1) throw bad(`what it adds has the version ${JSON.stringify(value.v)}, which is not known`)
  const { row, file, entry } = value
  const isWhole = (number: unknown) => Number.isSafeInteger(number) && (number as number) >= 0
  const sound =
    isObject(row) &&
    isObject(file) &&
    isObject(entry) &&
    isObject(file.record) &&
    areTexts(row.names) &&
    areTexts(row.path) &&
    areTexts(file.path) &&
    isContent(row) &&
    typeof row.page === 'string' &&
    isWhole(row.position) &&
    isWhole(file.index)
  if (!sound) throw bad('what it adds lacks a part of the evidence')
  return value as EventEvidence
}

const isObject = <T>(value: T | undefined): value is T & object => typeof value === 'object' && value !== null
const isText = (value: unknown): boolean => typeof value === 'string' && value.isWellFormed()
const areAll = (value: unknown, test: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length <= 10_000 && value.every(test)
const areTexts = (value: unknown): boolean => areAll(value, isText)

/** Either values or a text: of two, one would be believed and the other verified. */
function isContent(row: object): boolean {
  const { values, text } = row as { readonly values?: unknown; readonly text?: unknown }
  if (values === undefined) return isText(text)
  return text === undefined && areAll(values, (item) => item === null || isText(item))
}
