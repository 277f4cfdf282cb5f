/** Verification of a proof file: from one row up to a checkpoint that a known key has signed. */
import { isAppError } from '../../core/errors.ts'
import { type AddRecord, canonical, entryBytes } from '../entry.ts'
import { verifyRecord } from '../lists.ts'
import { type Hash, hexOf, leafHash, sha256, verifyInclusion } from '../merkle.ts'
import { parseVkey, type Verifier } from '../note.ts'
import {
  type EventEvidence,
  type FileEvidence,
  PROOF_PAGE_ROWS,
  type ProofParts,
  parseProof,
  type RowEvidence,
} from '../proof.ts'
import { isRowForm, rowBytes } from '../row-bytes.ts'
import { checkNote, keyName } from './note-check.ts'
import { type FindingKind, Findings, type Report } from './report.ts'
import { addRecordOf, entryFault, isSummary } from './shapes.ts'

/** What a proof is held against. */
export interface VerifyProofOptions {
  /** Public keys of the logs that are trusted; the name of a key is that of its log. */
  readonly keys: string | readonly string[]
  readonly witnesses?: readonly string[]
  /** How many witnesses must have signed; all where absent. */
  readonly quorum?: number
}

/** What a proof shows, in words and values. */
export interface ProvenRow {
  readonly table: string
  /** Values by their names, as text; lists and maps as JSON. */
  readonly values: Readonly<Record<string, string | null>>
  /** The data file it stood in, and where in it, from 0. */
  readonly file: string
  readonly position: number
  /** When the leaf says it was sealed. */
  readonly sealed: string
  readonly leaf: number
}

/** A report on a proof; `proven` is there only if nothing was found. */
export interface ProofReport extends Report {
  readonly proven?: ProvenRow
}

/** A step of a proof that does not hold. */
class Refused extends Error {
  readonly where: string
  readonly kind: FindingKind

  constructor(where: string, what: string, kind: FindingKind = 'changed') {
    super(what)
    this.where = where
    this.kind = kind
  }
}

/**
 * Verifies a proof file. Needs nothing but the file and the keys.
 *
 * @throws AppError BAD_KEY for a key that is none
 */
export function verifyProof(bytes: Uint8Array | string, options: VerifyProofOptions): ProofReport {
  const keys = (typeof options.keys === 'string' ? [options.keys] : options.keys).map(parseVkey)
  const witnesses = (options.witnesses ?? []).map(parseVkey)
  const findings = new Findings()
  try {
    const parts = parseProof(bytes)
    const proven = proveEvent(parts)
    provePath(parts, keys, witnesses, options.quorum ?? witnesses.length, findings)
    findings.checked.proofs = 1
    findings.skip(
      'Whether the event happened as its source says, and whether there were others: a proof is about one row.',
    )
    if (witnesses.length === 0) {
      findings.skip('Whether others saw the same log: no witnesses were given. Its key alone could sign two histories.')
    }
    return { ...findings.report(), proven }
  } catch (cause) {
    if (cause instanceof Refused) findings.add(cause.kind, cause.where, cause.message)
    else if (isAppError(cause)) findings.add('unverifiable', 'the proof', cause.message)
    else throw cause
    return findings.report()
  }
}

function must(fault: string | undefined, where: string, what: string): void {
  if (fault !== undefined) throw new Refused(where, `${what}: ${fault}.`)
}

/** From the row up to the entry, by what the proof brings along. */
function proveEvent({ evidence, index }: ProofParts): ProvenRow {
  if (evidence === undefined) throw new Refused('the proof', 'It brings no event along.', 'unverifiable')
  const { entry, file, row } = evidence
  if (entry.kind !== 'commit') throw new Refused('the leaf', 'It is about no commit, so no file is added by it.')
  must(entryFault(entry), 'the leaf', 'It has a field that cannot be read')
  const record = addRecordOf(file.record)
  if (record === undefined) throw new Refused('the record of the file', 'It is not as the format has it.')
  const { bytes, values } = contentOf(row, record.rowForm)
  proveRow(row, hexOf(sha256(bytes)), record)
  const columns = hexOf(sha256(canonical(row.names)))
  must(
    columns === record.columns ? undefined : 'the file has other columns',
    'the row',
    'The names of its values do not fit',
  )
  proveFile(file, evidence)
  return {
    table: entry.table,
    values: named(row.names, values),
    file: `lake/${entry.table}/${record.path}`,
    position: row.position,
    sealed: entry.time,
    leaf: Number(index),
  }
}

/** The digest of the row is one of its page, and the page is a leaf of the file's tree. */
function proveRow({ position, page, path }: RowEvidence, digest: string, { rows, rowsRoot }: AddRecord): void {
  const pageNumber = Math.floor(position / PROOF_PAGE_ROWS)
  const width = Math.min(PROOF_PAGE_ROWS, rows - pageNumber * PROOF_PAGE_ROWS)
  const at = position % PROOF_PAGE_ROWS
  if (at >= width) throw new Refused('the row', `The file has ${rows} rows, so none at ${position}.`)
  if (!/^[0-9a-f]+$/.test(page) || page.length !== width * 64)
    throw new Refused('the row', 'Its page has another length.')
  if (page.slice(at * 64, (at + 1) * 64) !== digest)
    throw new Refused('the row', 'Its digest is not the one in its page.')
  const fault = verifyInclusion({
    leafHash: leafHash(Buffer.from(page, 'hex')),
    index: BigInt(pageNumber),
    size: BigInt(Math.ceil(rows / PROOF_PAGE_ROWS)),
    proof: path.map(hexHash),
    root: Buffer.from(rowsRoot, 'hex'),
  })
  must(fault, 'the row', 'Its page is not one of the file')
}

function proveFile({ record, index, path }: FileEvidence, { entry }: EventEvidence): void {
  const adds = entry.lists?.adds
  if (!isSummary(adds)) throw new Refused('the leaf', 'It adds no files.')
  must(
    verifyRecord(record, index, adds, path.map(hexHash)),
    'the record of the file',
    'It is not in the list of the leaf',
  )
}

/** From the entry up to the checkpoint. */
function provePath(
  { evidence, index, path, checkpoint: note }: ProofParts,
  keys: readonly Verifier[],
  witnesses: readonly Verifier[],
  quorum: number,
  findings: Findings,
): void {
  const checked = checkNote(Buffer.from(note), [...keys, ...witnesses])
  if (typeof checked === 'string') throw new Refused('the checkpoint', checked)
  const { checkpoint, signedBy, cosignedBy, forged, unknown } = checked
  if (checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER))
    throw new Refused('the checkpoint', 'No log has so many leaves.')
  if (forged.length > 0)
    throw new Refused('the checkpoint', `The signature of ${forged.map(keyName).join(', ')} does not fit.`)
  if (signedBy.length === 0) {
    const signers = unknown.map(keyName).join(', ')
    throw new Refused(
      'the checkpoint',
      `It is of the log ${checkpoint.origin}, signed by ${signers}; the key given is another.`,
      'unverifiable',
    )
  }
  const fault = verifyInclusion({
    leafHash: leafHash(entryBytes((evidence as EventEvidence).entry)),
    index,
    size: checkpoint.size,
    proof: path,
    root: checkpoint.root,
  })
  must(fault, 'the leaf', `It is not leaf ${index} of the checkpoint`)
  const seenBy = new Set(cosignedBy.map(({ key }) => key.vkey)).size
  if (seenBy < quorum)
    throw new Refused(
      'the checkpoint',
      `${seenBy} of the witnesses have signed it; ${quorum} are asked for.`,
      'unverifiable',
    )
  findings.checked.leaves = 1
  findings.checked.checkpoints = 1
  findings.checked.cosignatures = cosignedBy.length
  for (const { key, timeSecs = 0n } of cosignedBy) {
    findings.state(
      `The witness ${keyName(key)} saw this log at ${new Date(Math.min(Number(timeSecs) * 1000, 8.64e15)).toISOString()}.`,
    )
  }
  findings.log = {
    origin: checkpoint.origin,
    size: Number(checkpoint.size),
    root: Buffer.from(checkpoint.root).toString('base64'),
    signedBy: signedBy.map(keyName),
  }
}

/** What the digest of a row is taken of, and the values that it tells. */
interface Content {
  readonly bytes: Uint8Array | string
  readonly values: readonly (string | null)[]
}

function contentOf(row: RowEvidence, form: string): Content {
  if (form === 'row/2' && 'values' in row) return { bytes: rowBytes(row.values), values: row.values }
  if (form === 'row/1' && 'text' in row) return { bytes: row.text, values: valuesIn(row.text) }
  const kind = isRowForm(form) ? 'changed' : 'unverifiable'
  throw new Refused('the row', `It is not told as rows of the form ${form} are.`, kind)
}

function named(names: readonly string[], values: Content['values']): Record<string, string | null> {
  if (values.length !== names.length)
    throw new Refused('the row', `It has ${names.length} names for another number of values.`)
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? null]))
}

/** The values of a row in the form `row/1`. */
function valuesIn(text: string): (string | null)[] {
  const [first = '', ...lines] = text.split('\n')
  let plain: unknown
  try {
    plain = JSON.parse(first)
  } catch {
    throw new Refused('the row', 'Its first line is not JSON.')
  }
  if (!Array.isArray(plain)) throw new Refused('the row', 'Its first line is no array.')
  return [...plain.map((value) => (value === null ? null : String(value))), ...lines.map((line) => line || null)]
}

const hexHash = (text: string): Hash => Buffer.from(text, 'hex')
