/**
 * C2SP signed notes: a text, a blank line, and a line for each signature. Two kinds of keys are known: Ed25519 over the
 * text (0x01) and the timestamped cosignatures of witnesses (0x04, C2SP tlog-cosignature).
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import { sha256 } from './merkle.ts'

/** Kinds of keys and the byte that names them. */
export const KEY_TYPES = { ed25519: 0x01, cosignature: 0x04 } as const

/** A kind of key, told by its byte. */
export type KeyType = (typeof KEY_TYPES)[keyof typeof KEY_TYPES]

/** A public key that a note may be verified with. Name and id together tell the key. */
export interface Verifier {
  readonly name: string
  /** First four bytes of the SHA-256 of name, kind and key: 8 hex digits. */
  readonly id: string
  readonly type: KeyType
  /** The 32 bytes of the Ed25519 key. */
  readonly publicKey: Uint8Array
  /** All of the above in one line, as C2SP writes it. */
  readonly vkey: string
}

/** A {@link Verifier} that can also sign. */
export interface Signer extends Verifier {
  readonly privateKey: KeyObject
}

/** One signature line, not verified. */
export interface NoteSignature {
  readonly name: string
  readonly id: string
  /** What follows the id. */
  readonly signature: Uint8Array
}

/** A signature of a known key that holds. */
export interface VerifiedSignature extends NoteSignature {
  readonly key: Verifier
  /** When a witness signed, seconds since 1970; only for cosignatures. */
  readonly timeSecs?: bigint
}

/** A note taken apart; nothing is verified yet. */
export interface ParsedNote {
  /** The text with its final newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** A note of which at least one signature is of a known key, and every signature of a known key holds. */
export interface OpenedNote {
  readonly text: string
  readonly verified: readonly VerifiedSignature[]
  /** Signatures of unknown keys; they say nothing. */
  readonly unverified: readonly NoteSignature[]
}

/** Notes beyond this size or number of signatures are refused unread. */
const NOTE_LIMIT_BYTES = 1_000_000
const SIGNATURES_LIMIT = 100

const ED25519_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64
const ID_BYTES = 4
const TIME_BYTES = 8
const DASH = '\u2014 '

/** Any character that Unicode calls a space, and what a name may hold as little: controls and what shows as nothing. */
const NOT_IN_NAMES = /[\s+\p{White_Space}\p{C}]/u
const CONTROLS = /[\u0000-\u0009\u000b-\u001f]/

const bad = (message: string): AppError => new AppError('BAD_SEAL', `Not a signed note: ${message}.`)

/** The bytes of standard base64 spelt the one right way; undefined for anything else. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** True for a text that may name a key. */
export const isKeyName = (name: string): boolean => name !== '' && name.isWellFormed() && !NOT_IN_NAMES.test(name)

function keyId(name: string, type: KeyType, publicKey: Uint8Array): string {
  const parts = [Buffer.from(`${name}\n`), Buffer.of(type), publicKey]
  return Buffer.from(sha256(Buffer.concat(parts)).subarray(0, ID_BYTES)).toString('hex')
}

/** The vkey line of a public key: name, id and key joined by `+`. */
export function formatVkey(name: string, type: KeyType, publicKey: Uint8Array): string {
  const key = Buffer.concat([Buffer.of(type), publicKey]).toString('base64')
  return `${name}+${keyId(name, type, publicKey)}+${key}`
}

/**
 * Reads a vkey line; white space around it is passed by.
 *
 * @throws AppError BAD_KEY for one that is malformed, altered or of a kind not known
 */
export function parseVkey(text: string): Verifier {
  const vkey = text.trim()
  const [, name = '', id, encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) ?? []
  const key = strictBase64(encoded)
  if (id === undefined || key === undefined || !isKeyName(name)) {
    // Not shown: it may be the private key, given by mistake.
    throw new AppError('BAD_KEY', 'A public key is one line NAME+8 HEX DIGITS+BASE64; this is not.', {
      hint: 'Take the line that `bricktrail seal key show`, or the witness, prints where the key is.',
    })
  }
  const type = Object.values(KEY_TYPES).find((known) => known === key[0])
  const publicKey = Uint8Array.from(key.subarray(1))
  if (type === undefined || publicKey.length !== ED25519_BYTES) {
    throw new AppError('BAD_KEY', `The public key ${name}+${id} is not an Ed25519 key for notes or cosignatures.`)
  }
  if (keyId(name, type, publicKey) !== id) {
    throw new AppError('BAD_KEY', `The public key ${name}+${id} has been altered: its id does not fit the rest.`)
  }
  return { name, id, type, publicKey, vkey }
}

/**
 * A private Ed25519 key under a name.
 *
 * @throws AppError BAD_KEY for another kind of key, or a name with spaces or `+`
 */
export function signerOf(name: string, privateKey: KeyObject, type: KeyType = KEY_TYPES.ed25519): Signer {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') {
    throw new AppError('BAD_KEY', `The key of ${name} is not a private Ed25519 key.`)
  }
  if (!isKeyName(name)) {
    throw new AppError('BAD_KEY', `${JSON.stringify(name)} cannot name a key: no spaces, no "+", not empty.`)
  }
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { ...parseVkey(formatVkey(name, type, Buffer.from(x, 'base64url'))), privateKey }
}

/** What a witness signs: the text under a line that names the purpose and one with the time. */
const cosignedBytes = (text: string, timeSecs: bigint): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${timeSecs}\n${text}`)

/**
 * The signature line of a key under a text, with its newline.
 *
 * @param timeSecs when it is signed, seconds since 1970; cosignatures need it, others have none
 */
export function signatureLine(text: string, signer: Signer, timeSecs?: bigint): string {
  const timed = signer.type === KEY_TYPES.cosignature
  if (timed !== (timeSecs !== undefined))
    throw new RangeError('A cosignature has a time, any other signature has none.')
  const time = Buffer.alloc(timed ? TIME_BYTES : 0)
  if (timeSecs !== undefined) time.writeBigUInt64BE(timeSecs)
  const message = timeSecs === undefined ? Buffer.from(text) : cosignedBytes(text, timeSecs)
  const signature = sign(null, message, signer.privateKey)
  const encoded = Buffer.concat([Buffer.from(signer.id, 'hex'), time, signature]).toString('base64')
  return `${DASH}${signer.name} ${encoded}\n`
}

/**
 * A note: the text signed by each of the keys (none for cosignatures: {@link signatureLine} makes those).
 *
 * @throws AppError BAD_SEAL for a text that a note cannot have
 */
export function signNote(text: string, signers: readonly Signer[]): string {
  const reason = badText(text)
  if (reason !== undefined) throw bad(reason)
  return `${text}\n${signers.map((signer) => signatureLine(text, signer)).join('')}`
}

/** The note with further signature lines under those it has; a line that it has already is not added again. */
export function withSignatures(note: string, lines: readonly string[]): string {
  const held = new Set(note.split('\n').map((line) => `${line}\n`))
  const longer = note + [...new Set(lines)].filter((line) => !held.has(line)).join('')
  parseNote(longer)
  return longer
}

function badText(text: string): string | undefined {
  if (!text.endsWith('\n')) return 'the text does not end with a newline'
  if (CONTROLS.test(text)) return 'the text has control characters'
  return text.isWellFormed() ? undefined : 'the text is not Unicode'
}

/**
 * Takes a note apart, strictly.
 *
 * @throws AppError BAD_SEAL for anything the format does not allow
 */
export function parseNote(note: Uint8Array | string): ParsedNote {
  const whole = typeof note === 'string' ? note : decoded(note)
  if (whole.length > NOTE_LIMIT_BYTES) throw bad('it is too long')
  const reason = badText(whole)
  if (reason !== undefined) throw bad(reason)
  const split = whole.lastIndexOf('\n\n')
  if (split < 0) throw bad('there is no blank line before the signatures')
  const lines = whole.slice(split + 2, -1).split('\n')
  if (lines.length > SIGNATURES_LIMIT) throw bad('it has too many signatures')
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseLine) }
}

function decoded(bytes: Uint8Array): string {
  if (bytes.length > NOTE_LIMIT_BYTES) throw bad('it is too long')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw bad('it is not UTF-8')
  }
}

function parseLine(line: string): NoteSignature {
  const [name = '', encoded = '', ...more] = line.startsWith(DASH) ? line.slice(DASH.length).split(' ') : []
  const bytes = strictBase64(encoded)
  if (!isKeyName(name) || bytes === undefined || bytes.length <= ID_BYTES || more.length > 0) {
    throw bad('a line after the blank one is not a signature')
  }
  return { name, id: bytes.subarray(0, ID_BYTES).toString('hex'), signature: bytes.subarray(ID_BYTES) }
}

/**
 * Opens a note: only what it returns may be trusted.
 *
 * @throws AppError BAD_SEAL if it is malformed, if a known key's signature does not hold, or if no known key signed
 */
export function openNote(note: Uint8Array | string, verifiers: readonly Verifier[]): OpenedNote {
  const { text, signatures } = parseNote(note)
  const verified: VerifiedSignature[] = []
  const unverified: NoteSignature[] = []
  for (const line of signatures) {
    const key = verifiers.find(({ name, id }) => name === line.name && id === line.id)
    if (key === undefined) unverified.push(line)
    else verified.push(verifiedLine(text, line, key))
  }
  if (verified.length === 0) throw new AppError('BAD_SEAL', 'No known key has signed the note.')
  return { text, verified, unverified }
}

function verifiedLine(text: string, line: NoteSignature, key: Verifier): VerifiedSignature {
  const timed = key.type === KEY_TYPES.cosignature
  const { signature: bytes } = line
  const timeBytes = timed ? TIME_BYTES : 0
  const timeSecs = timed && bytes.length > TIME_BYTES ? Buffer.from(bytes).readBigUInt64BE() : undefined
  const message = timeSecs === undefined ? Buffer.from(text) : cosignedBytes(text, timeSecs)
  const fits = bytes.length === timeBytes + ED25519_SIGNATURE_BYTES && (timeSecs ?? 0n) < 1n << 63n
  if (!fits || !verify(null, message, publicKeyOf(key), bytes.subarray(timeBytes))) {
    throw new AppError('BAD_SEAL', `The signature of ${key.name}+${key.id} does not fit the note.`)
  }
  return { ...line, key, ...(timeSecs === undefined ? {} : { timeSecs }) }
}

function publicKeyOf({ publicKey }: Verifier): KeyObject {
  const x = Buffer.from(publicKey).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}
