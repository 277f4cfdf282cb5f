/** How received bytes stand in the archive: names, encodings, and the way back. Needs files and, where encrypted, a key. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
} from 'node:zlib'
import type { RawEncoding, RawRecord } from '../entry.ts'
import { CIPHER, decrypted, type EncryptedFile, wrongKey } from './cipher.ts'
import { RawDamage } from './damage.ts'
import type { RawKey } from './key.ts'

/** A step that was done to the bytes. */
export type Encoding = RawEncoding[number]

/** The file that holds received bytes; its path is in the home, with forward slashes. */
export type StoredRaw = NonNullable<RawRecord['stored']>

/** Folder of the archive in a home. */
export const RAW_FOLDER = 'raw'

/** What the name of a stored file says. */
export interface StoredName {
  readonly sha256: string
  readonly encoding: readonly Encoding[]
  /** Set where it is encrypted. */
  readonly keyId?: string | undefined
}

const NAME = /^raw\/([0-9a-f]{2})\/(\1[0-9a-f]{62})(\.zst)?(?:\.([0-9a-f]{8})\.enc)?$/

/** Path in the home of what is stored so. */
export function storedPath({ sha256, encoding, keyId }: StoredName): string {
  const zst = encoding.includes('zstd') ? '.zst' : ''
  return `${RAW_FOLDER}/${sha256.slice(0, 2)}/${sha256}${zst}${keyId === undefined ? '' : `.${keyId}.enc`}`
}

/** What a path in the home says; undefined if it is none of a stored file. */
export function parseStoredPath(path: string): StoredName | undefined {
  const [, , sha256, zst, keyId] = NAME.exec(path) ?? []
  if (sha256 === undefined) return undefined
  return { sha256, encoding: encodingOf(zst !== undefined, keyId !== undefined), keyId }
}

const PACK_NAME = /^raw\/packs\/([0-9a-f]{64})\.pack(?:\.([0-9a-f]{8})\.enc)?$/

/** Folder of packs in that of the archive. */
export const PACKS_FOLDER = 'packs'

/** Path in the home of a pack. */
export const packPath = (sha256: string, keyId: string | undefined): string =>
  `${RAW_FOLDER}/${PACKS_FOLDER}/${sha256}.pack${keyId === undefined ? '' : `.${keyId}.enc`}`

/** What the path of a pack says: the digest of the pack before encryption, not of what is in it; undefined if it is none. */
export function parsePackPath(path: string): StoredName | undefined {
  const [, sha256, keyId] = PACK_NAME.exec(path) ?? []
  return sha256 === undefined ? undefined : { sha256, encoding: packEncoding(keyId !== undefined), keyId }
}

/** What was done to the bytes in a pack. */
export const packEncoding = (isEncrypted: boolean): Encoding[] => (isEncrypted ? ['pack', CIPHER] : ['pack'])

/** True for the path of a file that this record's bytes may be stored in: one of their own, or a pack. */
export const mayHold = (path: string, sha256: string): boolean =>
  parsePackPath(path) !== undefined || parseStoredPath(path)?.sha256 === sha256

/** The steps, in the order they are done. */
export function encodingOf(isPacked: boolean, isEncrypted: boolean): Encoding[] {
  if (isPacked) return isEncrypted ? ['zstd', CIPHER] : ['zstd']
  return isEncrypted ? [CIPHER] : []
}

/** Gzip, zstd and Parquet: what begins so is compressed already. */
const COMPRESSED = ['1f8b', '28b52ffd', '50415231']

/** True for bytes that compression would not make smaller, by their first four. */
export const isCompressed = (head: Buffer): boolean =>
  COMPRESSED.some((magic) => head.toString('hex', 0, 4).startsWith(magic))

/** Logs come out as small at level 1 as at 3, in half the time. */
const LEVEL = { [constants.ZSTD_c_compressionLevel]: 1 }

/** Bytes at hand, as zstd. */
export const zstdWhole = (bytes: Uint8Array): Buffer =>
  zstdCompressSync(bytes, { pledgedSrcSize: bytes.length, params: LEVEL })

const compressAside = (bytes: Uint8Array, options: ZstdOptions): Promise<Buffer> =>
  new Promise((done, failed) => {
    zstdCompress(bytes, options, (cause, compressed) => (cause === null ? done(compressed) : failed(cause)))
  })

/** What comes out at once: each further piece waits for its turn. */
const ASIDE_BYTES = 64 * 1024

/** The same as {@link zstdWhole}, made in another thread; the bytes must stand there until it is done. */
export async function zstdAside(bytes: Uint8Array): Promise<Buffer> {
  const packed = await compressAside(bytes, { pledgedSrcSize: bytes.length, params: LEVEL, chunkSize: ASIDE_BYTES })
  // One piece is a part of more memory, which would stay with it.
  return Buffer.from(packed)
}

/** Bytes that come, as one zstd frame that states their length. */
export const zstdOf = (source: AsyncIterable<Uint8Array>, length: number): AsyncIterable<Buffer> =>
  pipeline(source, createZstdCompress({ pledgedSrcSize: length, params: LEVEL }), () => {})

/** What reading back may be told. */
export interface ReadOptions {
  readonly key?: RawKey | undefined
  /** Length of the received bytes, where it is known. */
  readonly bytes?: number | undefined
  /** Length of the file, where it is known. */
  readonly storedBytes?: number | undefined
  /** Called with the bytes of the file as they are read. */
  readonly onStored?: (piece: Buffer) => void
}

const READ_BYTES = 1024 * 1024

/**
 * The received bytes of a stored file. Their digest is known at the end only: who reads to there has them as they came.
 *
 * @param root folder of the home
 * @throws RawDamage, BAD_KEY
 */
export async function* receivedBytes(
  root: string,
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<Buffer, void, void> {
  const name = parseStoredPath(path)
  if (name === undefined) throw new RawDamage('changed', path, 'is no name of a stored object')
  const size = await sizeOf(root, path, options.storedBytes)
  if (name.keyId !== undefined && name.keyId !== options.key?.id) throw wrongKey(path, name.keyId, options.key)
  const digest = createHash('sha256')
  let bytes = 0
  const file = fileBytes(join(root, path), size, options.onStored)
  for await (const piece of decoded(file, { ...name, where: path, bytes: size }, options.key)) {
    bytes += piece.length
    if (bytes > (options.bytes ?? Number.POSITIVE_INFINITY)) break
    digest.update(piece)
    yield piece
  }
  if (bytes !== (options.bytes ?? bytes) || digest.digest('hex') !== name.sha256)
    throw new RawDamage('changed', path, 'holds other bytes than those its name is the digest of')
}

async function sizeOf(root: string, path: string, expected: number | undefined): Promise<number> {
  const info = await stat(join(root, path)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw cause
  })
  if (!info?.isFile()) throw new RawDamage('missing', path, 'is missing')
  if (info.size === (expected ?? info.size)) return info.size
  const fault = info.size < (expected ?? 0) ? 'cut' : 'changed'
  throw new RawDamage(fault, path, `has ${info.size} bytes where ${expected} were stored`)
}

async function* fileBytes(path: string, size: number, onStored: ReadOptions['onStored']): AsyncGenerator<Buffer> {
  if (size === 0) return
  for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES, end: size - 1 })) {
    onStored?.(piece as Buffer)
    yield piece as Buffer
  }
}

async function* decoded(
  stored: AsyncIterable<Buffer>,
  file: StoredName & EncryptedFile,
  key: RawKey | undefined,
): AsyncGenerator<Buffer> {
  const clear = key !== undefined && file.keyId !== undefined ? decrypted(stored, key, file) : stored
  if (file.encoding.includes('zstd')) yield* unzstd(clear, file.where)
  else yield* clear
}

async function* unzstd(packed: AsyncIterable<Buffer>, where: string): AsyncGenerator<Buffer> {
  let taken = 0
  async function* counted() {
    for await (const piece of packed) {
      taken += piece.length
      yield piece
    }
  }
  const frame = createZstdDecompress()
  try {
    for await (const piece of pipeline(counted(), frame, () => {})) yield piece as Buffer
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code === 'Z_BUF_ERROR') throw new RawDamage('cut', where, 'ends within its compressed bytes')
    if (/^(Z_|ZSTD_|ERR_ZSTD)/.test(code)) throw new RawDamage('changed', where, 'does not decompress')
    throw cause
  }
  if (frame.bytesWritten !== taken) throw new RawDamage('changed', where, 'goes on after its end')
}
