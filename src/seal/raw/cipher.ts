/**
 * Encryption of stored objects: AES-256-GCM in chunks, so that a file of any size is written and read in one pass, and that
 * each byte is known to be right before it is given out. The format is in `docs/design/005-seal.md`, "Raw archive".
 *
 * Chunks are numbered by their nonce and the last one is marked, after Hoang, Reyhanitabar, Rogaway and Vizár, "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance" (STREAM).
 */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { RawDamage } from './damage.ts'
import type { RawKey } from './key.ts'

/** What the name of the algorithm is in an encoding. */
export const CIPHER = 'aes-256-gcm'

const MAGIC = Buffer.from('BRICKRAW\x01\0\0\0', 'latin1')
const KEY_ID_BYTES = 4
const SALT_BYTES = 32
const HEADER_BYTES = MAGIC.length + KEY_ID_BYTES + SALT_BYTES
const CHUNK_BYTES = 64 * 1024
const TAG_BYTES = 16
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES

/** Chunks this far from their place are recognised; farther ones count as changed. */
const SEARCHED_CHUNKS = 4096

/** The key, header and numbering that all chunks of a file share. */
class ChunkKeys {
  readonly #fileKey: KeyObject
  readonly #inner: Buffer
  readonly #last: Buffer

  constructor(key: RawKey, header: Buffer) {
    this.#fileKey = key.fileKey(header.subarray(-SALT_BYTES))
    this.#inner = Buffer.concat([header, Buffer.of(0)])
    this.#last = Buffer.concat([header, Buffer.of(1)])
  }

  seal(index: number, plain: Uint8Array, isLast: boolean): Buffer {
    const cipher = createCipheriv(CIPHER, this.#fileKey, nonceOf(index), { authTagLength: TAG_BYTES })
    cipher.setAAD(isLast ? this.#last : this.#inner)
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  /** The chunk's bytes, or undefined if it is not that chunk of this file. */
  open(index: number, sealed: Buffer, isLast: boolean): Buffer | undefined {
    if (sealed.length < TAG_BYTES) return undefined
    const decipher = createDecipheriv(CIPHER, this.#fileKey, nonceOf(index), { authTagLength: TAG_BYTES })
    decipher.setAAD(isLast ? this.#last : this.#inner)
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    const plain = decipher.update(sealed.subarray(0, -TAG_BYTES))
    try {
      decipher.final()
      return plain
    } catch {
      return undefined
    }
  }
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(index), 4)
  return nonce
}

/** Encrypts one file, piece by piece; every file has a salt, and so a key, of its own. */
export class Encryptor {
  readonly #keys: ChunkKeys
  #index = 0
  #held: Buffer = Buffer.alloc(0)
  /** The first bytes of the file. */
  readonly header: Buffer

  constructor(key: RawKey) {
    this.header = Buffer.concat([MAGIC, Buffer.from(key.id, 'hex'), randomBytes(SALT_BYTES)])
    this.#keys = new ChunkKeys(key, this.header)
  }

  /** The chunks that are full and surely not the last. */
  push(piece: Uint8Array): Buffer[] {
    const bytes = Buffer.concat([this.#held, piece])
    const chunks: Buffer[] = []
    let at = 0
    for (; bytes.length - at > CHUNK_BYTES; at += CHUNK_BYTES)
      chunks.push(this.#keys.seal(this.#index++, bytes.subarray(at, at + CHUNK_BYTES), false))
    this.#held = bytes.subarray(at)
    return chunks
  }

  /** The last chunk; an empty file has one too. */
  end(): Buffer {
    return this.#keys.seal(this.#index, this.#held, true)
  }
}

/** The encrypted form of bytes that are at hand, in pieces as they are. */
export function encryptedPieces(pieces: readonly Uint8Array[], key: RawKey): Buffer[] {
  const encryptor = new Encryptor(key)
  return [encryptor.header, ...pieces.flatMap((piece) => encryptor.push(piece)), encryptor.end()]
}

/** The encrypted form of bytes that come. */
export async function* encrypted(source: AsyncIterable<Uint8Array>, key: RawKey): AsyncGenerator<Buffer, void, void> {
  const encryptor = new Encryptor(key)
  yield encryptor.header
  for await (const piece of source) yield* encryptor.push(piece)
  yield encryptor.end()
}

/** What the reader knows of an encrypted file. */
export interface EncryptedFile {
  /** Its name in messages. */
  readonly where: string
  /** Id of the key it should be encrypted with, where that is known. */
  readonly keyId?: string | undefined
  /** Length of the encrypted file, where that is known. */
  readonly bytes?: number | undefined
}

/**
 * Decrypts; gives only bytes that are right and in their place.
 *
 * @throws RawDamage at the first byte that is not, BAD_KEY if the file is encrypted with another key
 */
export async function* decrypted(
  source: AsyncIterable<Uint8Array>,
  key: RawKey,
  file: EncryptedFile,
): AsyncGenerator<Buffer, void, void> {
  let opener: Opener | undefined
  let held: Buffer = Buffer.alloc(0)
  for await (const piece of source) {
    held = Buffer.concat([held, piece])
    if (opener === undefined) {
      if (held.length < HEADER_BYTES) continue
      opener = new Opener(held.subarray(0, HEADER_BYTES), key, file)
      held = held.subarray(HEADER_BYTES)
    }
    let at = 0
    // A chunk is the last one if nothing follows it.
    for (; held.length - at > SEALED_BYTES; at += SEALED_BYTES)
      yield opener.open(held.subarray(at, at + SEALED_BYTES), false)
    held = held.subarray(at)
  }
  if (opener === undefined) throw new RawDamage('cut', file.where, 'ends within its header')
  yield opener.open(held, true)
}

/** Length of what an encrypted file of this length holds. */
export function clearLength(bytes: number): number {
  const sealed = bytes - HEADER_BYTES
  return Math.max(0, sealed - Math.max(1, Math.ceil(sealed / SEALED_BYTES)) * TAG_BYTES)
}

/**
 * A range of what an encrypted file holds; only the chunks it stands in are read.
 *
 * @param read gives a range of the file as it is
 * @param range not beyond the {@link clearLength}
 * @throws RawDamage if a chunk is not right and in its place, BAD_KEY if the file is encrypted with another key
 */
export function clearRange(
  read: (from: number, to: number) => Buffer,
  key: RawKey,
  file: EncryptedFile & { readonly bytes: number },
  { from, to }: { readonly from: number; readonly to: number },
): Buffer {
  if (file.bytes < HEADER_BYTES) throw new RawDamage('cut', file.where, 'ends within its header')
  const opener = new Opener(read(0, HEADER_BYTES), key, file)
  const first = Math.floor(from / CHUNK_BYTES)
  opener.skipTo(first)
  const chunks: Buffer[] = []
  for (let index = first; index * CHUNK_BYTES < to; index++) {
    const at = HEADER_BYTES + index * SEALED_BYTES
    const end = Math.min(at + SEALED_BYTES, file.bytes)
    chunks.push(opener.open(read(at, end), end === file.bytes))
  }
  const start = first * CHUNK_BYTES
  return Buffer.concat(chunks).subarray(from - start, to - start)
}

class Opener {
  readonly #keys: ChunkKeys
  readonly #where: string
  readonly #lastIndex: number
  #index = 0

  constructor(header: Buffer, key: RawKey, { where, keyId, bytes = Number.POSITIVE_INFINITY }: EncryptedFile) {
    if (!header.subarray(0, MAGIC.length).equals(MAGIC))
      throw new RawDamage('changed', where, 'does not begin as an encrypted object does')
    const stated = header.toString('hex', MAGIC.length, MAGIC.length + KEY_ID_BYTES)
    if (keyId !== undefined && stated !== keyId)
      throw new RawDamage('changed', where, `states key ${stated} within and ${keyId} in its name`)
    if (stated !== key.id) throw wrongKey(where, stated, key)
    this.#where = where
    this.#lastIndex = Math.floor(bytes / SEALED_BYTES)
    this.#keys = new ChunkKeys(key, header)
  }

  skipTo(index: number): void {
    this.#index = index
  }

  open(sealed: Buffer, isLast: boolean): Buffer {
    const plain = this.#keys.open(this.#index, sealed, isLast)
    if (plain === undefined) throw this.#damage(sealed, isLast)
    this.#index++
    return plain
  }

  #damage(sealed: Buffer, isLast: boolean): RawDamage {
    const [keys, index, where] = [this.#keys, this.#index, this.#where]
    if (isLast && (sealed.length < TAG_BYTES || keys.open(index, sealed, false) !== undefined))
      return new RawDamage('cut', where, `is cut: chunk ${index} is not the last that was written`)
    if (!isLast && keys.open(index, sealed, true) !== undefined)
      return new RawDamage('changed', where, 'goes on after its end')
    const [from, to] = [Math.max(0, index - SEARCHED_CHUNKS), Math.min(this.#lastIndex, index + SEARCHED_CHUNKS)]
    for (let other = from; other <= to; other++) {
      if (keys.open(other, sealed, false) === undefined && keys.open(other, sealed, true) === undefined) continue
      return new RawDamage('reordered', where, `holds chunk ${other} in the place of chunk ${index}`)
    }
    const at = HEADER_BYTES + index * SEALED_BYTES
    const place = `between bytes ${at} and ${at + sealed.length}`
    return new RawDamage('changed', where, isLast ? `is changed ${place}, or cut there` : `is changed ${place}`)
  }
}

/** The failure of reading with another key, or none. */
export function wrongKey(where: string, keyId: string, key: RawKey | undefined): AppError {
  const given = key === undefined ? 'no key was given' : `the key given is ${key.id}`
  return new AppError('BAD_KEY', `${where} is encrypted with key ${keyId}; ${given}.`, {
    hint: `Give the key whose SHA-256 begins with ${keyId}, as file:/path or env:NAME.`,
    where,
  })
}
