/** The body of `add-checkpoint` (C2SP tlog-witness): old size, consistency proof, blank line, checkpoint. */
import { HASH_BYTES, type Hash } from '../merkle.ts'
import { strictBase64 } from '../note.ts'

/** What a log asks a witness. */
export interface AddCheckpoint {
  /** Size of the checkpoint that the witness signed last, as the log believes. */
  readonly oldSize: bigint
  readonly proof: readonly Hash[]
  /** The signed note, as it came. */
  readonly note: Uint8Array
}

/** What the specification allows: a tree of 2^64 leaves needs no more. */
export const MAX_PROOF_LINES = 63
/** A proof of full length takes 3 KB, and a checkpoint with a hundred cosignatures 20 KB. */
export const MAX_BODY_BYTES = 64 * 1024
/** Media type of the size in a 409. */
export const SIZE_TYPE = 'text/x.tlog.size'

const OLD_LINE = /^old (0|[1-9]\d{0,19})$/
const SIZE_LIMIT = 1n << 64n
const BLANK_LINE = Buffer.from('\n\n')

/** The bytes to send. */
export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): Buffer {
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`)
  return Buffer.concat([Buffer.from(`old ${oldSize}\n${lines.join('')}\n`), note])
}

/** Takes a body apart; undefined for one that is malformed. What the note says is not looked at. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const blank = bytes.indexOf(BLANK_LINE)
  if (blank < 0) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, blank).split('\n')
  const oldSize = parseOld(first)
  const proof = lines.map(strictBase64)
  if (oldSize === undefined || lines.length > MAX_PROOF_LINES || !proof.every(isHash)) return undefined
  return { oldSize, proof, note: bytes.subarray(blank + BLANK_LINE.length) }
}

function parseOld(line: string): bigint | undefined {
  const digits = OLD_LINE.exec(line)?.[1]
  return digits === undefined ? undefined : within64Bits(BigInt(digits))
}

/** Reads the body of a 409: a size and a line feed. */
export function parseHeldSize(body: Uint8Array): bigint | undefined {
  const digits = /^(0|[1-9]\d{0,19})\n$/.exec(Buffer.from(body).toString('latin1'))?.[1]
  return digits === undefined ? undefined : within64Bits(BigInt(digits))
}

const within64Bits = (size: bigint): bigint | undefined => (size < SIZE_LIMIT ? size : undefined)

const isHash = (bytes: Buffer | undefined): bytes is Buffer => bytes?.length === HASH_BYTES
