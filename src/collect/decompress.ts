/**
 * The bytes of an object as they were before compression, to the last one that damage leaves. Members and frames are followed
 * here one by one: `node:zlib` reads the first zstd frame only, and throws away what it has of a gzip member whose check sum is wrong.
 */
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { constants, crc32, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { messageOf } from '../core/errors.ts'

/** How the bytes are compressed, by their first bytes; names lie. */
export type Compression = 'none' | 'gzip' | 'zstd'

/** The compressed bytes end early, or are not what was written. Thrown after all that could be read was given. */
export class DamagedCompression extends Error {}

const CHUNK_BYTES = 1024 * 1024

/** How bytes that begin so are compressed. */
export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd'
  return 'none'
}

/**
 * The bytes, decompressed.
 *
 * @param limit bytes of an object that is not compressed to read at most
 * @param onPadding called if zeros follow the end
 * @throws DamagedCompression at the place of the damage
 */
export async function* decompressed(
  path: string,
  compression: Compression,
  { limit = Number.POSITIVE_INFINITY, onPadding = () => {} }: { limit?: number; onPadding?: () => void } = {},
): AsyncGenerator<Buffer, void, void> {
  if (compression === 'none') {
    if (limit === 0) return
    const raw = createReadStream(path, { highWaterMark: CHUNK_BYTES, end: limit - 1 })
    for await (const chunk of raw) yield chunk as Buffer
    return
  }
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    for (let at = 0; at < size; ) {
      if (at > 0 && !(await beginsMember(file, at, compression))) {
        if (await onlyZeros(file, at, size)) return onPadding()
        throw new DamagedCompression(`${size - at} bytes after the end are not compressed alike`)
      }
      at = compression === 'gzip' ? yield* gzipMember(file, path, at, size) : yield* zstdFrame(path, at)
    }
  } finally {
    await file.close()
  }
}

/** What reading an object to its end shows of it. */
export interface Survey {
  /** Why it cannot be read to its end. */
  readonly damage: string | undefined
  /** Bytes, decompressed. */
  readonly bytes: number
  /** Lines that hold more than white space. */
  readonly lines: number
  readonly longestLine: number
  /** True if zeros follow the end of what is compressed. */
  readonly padded: boolean
}

/** Reads an object to its end and keeps nothing of it. */
export async function survey(path: string, compression: Compression): Promise<Survey> {
  let [bytes, lines, longestLine] = [0, 0, 0]
  let [length, blank] = [0, true]
  let damage: string | undefined
  let padded = false
  const onPadding = () => {
    padded = true
  }
  try {
    for await (const chunk of decompressed(path, compression, { onPadding })) {
      bytes += chunk.length
      let from = 0
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        if (!blank || !isBlank(chunk, from, at)) lines++
        longestLine = Math.max(longestLine, length + at - from)
        length = 0
        blank = true
        from = at + 1
      }
      blank &&= isBlank(chunk, from, chunk.length)
      length += chunk.length - from
    }
  } catch (cause) {
    if (!(cause instanceof DamagedCompression)) throw cause
    damage = cause.message
  }
  return { damage, bytes, lines: blank ? lines : lines + 1, longestLine: Math.max(longestLine, length), padded }
}

/** Blank as the engine has it: spaces and control characters of the kind that C calls space. */
export function isBlank(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0
    if (byte !== 32 && (byte < 9 || byte > 13)) return false
  }
  return true
}

/**
 * Length of the content as the compressed object itself states it, gzip modulo 2^32; undefined where it says nothing.
 * It holds for objects of one member or frame.
 *
 * @param head first bytes, at least 18 where there are as many
 * @param tail last four bytes
 */
export function statedLength(compression: Compression, head: Buffer, tail: Buffer): number | undefined {
  if (compression === 'gzip') return tail.length < 4 ? undefined : tail.readUInt32LE(tail.length - 4)
  if (compression === 'none' || head.length < 18) return undefined
  // RFC 8878, 3.1.1.1: the descriptor says how long the window, dictionary id and content size fields are.
  const descriptor = head[4] ?? 0
  const singleSegment = (descriptor & 0x20) !== 0
  const at = 5 + (singleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0)
  switch (descriptor >> 6) {
    case 0:
      return singleSegment ? head[at] : undefined
    case 1:
      return head.readUInt16LE(at) + 256
    case 2:
      return head.readUInt32LE(at)
    default:
      return Number(head.readBigUInt64LE(at))
  }
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(buffer, 0, bytes, at)
  return buffer.subarray(0, bytesRead)
}

async function beginsMember(file: FileHandle, at: number, compression: Compression): Promise<boolean> {
  const head = await readAt(file, at, 4)
  // Skippable frames (RFC 8878, 3.1.2) stand between others; the decompressor passes them by.
  const skippable = compression === 'zstd' && head.length === 4 && head.readUInt32LE(0) >>> 4 === 0x184d2a5
  return skippable || compressionOf(head) === compression
}

/** Tapes and block devices pad with zeros; that is no damage. */
async function onlyZeros(file: FileHandle, from: number, size: number): Promise<boolean> {
  for (let at = from; at < size; at += CHUNK_BYTES) {
    const chunk = await readAt(file, at, Math.min(CHUNK_BYTES, size - at))
    if (chunk.some((byte) => byte !== 0)) return false
  }
  return true
}

/** Longest header that is looked for: the optional fields hold a file name and a comment as a rule. */
const HEADER_BYTES = 64 * 1024
const TRAILER_BYTES = 8

/** Length of the header of a gzip member (RFC 1952, 2.3); undefined if it is cut. */
function headerLength(head: Buffer): number | undefined {
  const flags = head[3] ?? 0
  let at = 10
  if (flags & 4) at += 2 + (at + 2 <= head.length ? head.readUInt16LE(at) : HEADER_BYTES)
  for (const flag of [8, 16]) {
    if (!(flags & flag)) continue
    const end = head.indexOf(0, at)
    at = end < 0 ? HEADER_BYTES + 1 : end + 1
  }
  if (flags & 2) at += 2
  return at <= head.length ? at : undefined
}

/** Gives the content of the member that begins at `from`; returns where it ends. */
async function* gzipMember(
  file: FileHandle,
  path: string,
  from: number,
  size: number,
): AsyncGenerator<Buffer, number, void> {
  const header = headerLength(await readAt(file, from, Math.min(HEADER_BYTES, size - from)))
  if (header === undefined) throw new DamagedCompression('unexpected end of file')
  // A flush in place of a finish: what a cut member holds is given before the cut is reported.
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 64 * 1024 })
  let [length, check] = [0, 0]
  for await (const chunk of through(path, from + header, inflate)) {
    length += chunk.length
    check = crc32(chunk, check)
    yield chunk
  }
  const end = from + header + inflate.bytesWritten
  const trailer = await readAt(file, end, TRAILER_BYTES)
  if (trailer.length < TRAILER_BYTES) throw new DamagedCompression('unexpected end of file')
  if (trailer.readUInt32LE(0) !== check) throw new DamagedCompression('incorrect data check')
  if (trailer.readUInt32LE(4) !== length % 2 ** 32) throw new DamagedCompression('incorrect length check')
  return end + TRAILER_BYTES
}

/** Gives the content of the frame that begins at `from`; returns where it ends. */
async function* zstdFrame(path: string, from: number): AsyncGenerator<Buffer, number, void> {
  const decompress = createZstdDecompress({ chunkSize: 64 * 1024 })
  yield* through(path, from, decompress)
  return from + decompress.bytesWritten
}

type Decompressor = ReturnType<typeof createInflateRaw> | ReturnType<typeof createZstdDecompress>

async function* through(path: string, start: number, decompressor: Decompressor): AsyncGenerator<Buffer, void, void> {
  const raw = createReadStream(path, { start, highWaterMark: 128 * 1024 })
  let broken: unknown
  raw.on('error', (cause) => {
    broken = cause
    decompressor.destroy(cause)
  })
  try {
    for await (const chunk of raw.pipe(decompressor)) yield chunk as Buffer
  } catch (cause) {
    if (broken !== undefined) throw broken
    throw new DamagedCompression(messageOf(cause))
  } finally {
    raw.destroy()
    decompressor.destroy()
  }
}
