/** One look at an object before it is read: digest, compression, shape, and what its first records are like. */
import { createHash, type Hash, hash as hashOf } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AppError, messageOf } from '../core/errors.ts'
import type { SourceObject } from './contract.ts'
import type { CsvDialect } from './csv-dialect.ts'
import { type Compression, compressionOf, statedLength } from './decompress.ts'
import {
  firstText,
  HEAD_BYTES,
  type HeadRecord,
  headText,
  type Look,
  lookAt,
  lookAtLines,
  lookFurther,
  recordsWithin,
} from './head.ts'
import type { Pace } from './pace.ts'

/** What is known of an object after one reading of its bytes. */
export interface Inspected {
  readonly object: SourceObject
  readonly sizeBytes: number
  readonly sha256: string
  readonly compression: Compression
  readonly shape: Look['shape']
  /** Length when decompressed, as the compressed bytes state it; gzip counts modulo 2^32, and the last member only. */
  readonly statedLength: number | undefined
  /** Bytes up to and with the last line break; where a later, longer version can be taken up. Plain text only. */
  readonly lastBreak: number
  /** Digest of those bytes. */
  readonly breakSha256: string
  /** Line breaks in the object; plain text only. */
  readonly lineBreaks: number
}

/** What an inspection gives: what is kept of the object, and its first records, which are not. */
export interface Inspection extends Pick<Look, 'head' | 'marks'> {
  readonly inspected: Inspected
  readonly csv: CsvDialect | undefined
  /** True for lines behind a byte order mark. */
  readonly marked: boolean
  /** Records from all over a large object of plain lines; what it is follows from its head alone. */
  readonly samples: readonly HeadRecord[]
  /** All bytes of a small object, in the room that was lent for it. */
  readonly bytes: Buffer | undefined
}

/** A large object of plain lines shows records of so many places besides its head, at most one of each chunk, … */
const PLACES = 256
/** … so many of each, … */
const RECORDS_OF_PLACE = 32
/** … if they stand in so many bytes. To parse them costs a hundredth of reading the object. */
const PLACE_BYTES = 32 * 1024

/** An object up to this size is read at one go; it is all head. */
const SMALL_BYTES = HEAD_BYTES - 1
/** One byte more than the largest of them, so that the end of the object shows in its only read. */
export const ROOM_BYTES: number = HEAD_BYTES

const CHUNK_BYTES = 1024 * 1024

/** Digest of the first bytes of an object, as a resume of a grown object needs it. */
export async function digestOf(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'r')
  try {
    for await (const chunk of chunks(file, CHUNK_BYTES, bytes)) hash.update(chunk)
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

/**
 * Reads the object's bytes once.
 *
 * @param headRecords how many of the first records are looked at, at most
 * @param pace of the files this one is among
 * @param room memory for a small object, of {@link ROOM_BYTES}
 * @throws AppError UNREADABLE
 */
export async function inspect(
  object: SourceObject,
  headRecords: number,
  pace: Pace,
  room: Buffer,
): Promise<Inspection> {
  try {
    const bytes = object.sizeBytes <= SMALL_BYTES ? await wholeOf(object, pace, room) : undefined
    const reading = bytes === undefined ? await read(object) : readingOf(bytes)
    const look = await lookOf(object, reading, headRecords)
    const { head: _, pieces, ...inspected } = reading
    return {
      bytes,
      inspected: { ...inspected, object, shape: look.shape },
      head: look.head,
      marks: look.marks,
      csv: look.csv,
      marked: look.marked === true,
      samples: look.shape === 'lines' ? pieces.flatMap((piece) => recordsWithin(piece, RECORDS_OF_PLACE)) : [],
    }
  } catch (cause) {
    throw new AppError('UNREADABLE', `${object.key} cannot be read: ${messageOf(cause)}`, { where: object.key, cause })
  }
}

async function lookOf({ path }: SourceObject, reading: Reading, headRecords: number): Promise<Look> {
  const { head, sizeBytes, compression } = reading
  const first = firstText(head, compression, headRecords)
  const lines = first === undefined ? undefined : lookAtLines(first, headRecords)
  if (lines !== undefined) return lines
  const text = await headText(path, head, sizeBytes, compression)
  const look = lookAt(head, text, headRecords)
  if (text.whole || look.head.length > 0 || !['lines', 'documents', 'binary'].includes(look.shape)) return look
  return (await lookFurther(path, compression, headRecords)) ?? look
}

/** The bytes of a small object; undefined if it has become larger than it was. */
async function wholeOf(object: SourceObject, pace: Pace, room: Buffer): Promise<Buffer | undefined> {
  const { path, sizeBytes } = object
  const buffer = room.subarray(0, sizeBytes + 1)
  const read = await pace.call(
    () => {
      const file = openSync(path, 'r')
      try {
        return readSync(file, buffer, 0, buffer.length, 0)
      } finally {
        closeSync(file)
      }
    },
    async () => {
      const file = await open(path, 'r')
      try {
        return (await file.read(buffer, 0, buffer.length, 0)).bytesRead
      } finally {
        await file.close()
      }
    },
  )
  return read > sizeBytes ? undefined : buffer.subarray(0, read)
}

/** What {@link read} gives, of bytes that are at hand. */
function readingOf(bytes: Buffer): Reading {
  const compression = compressionOf(bytes)
  const lastBreak = compression === 'none' ? bytes.lastIndexOf(10) + 1 : 0
  const sha256 = hashOf('sha256', bytes, 'hex')
  return {
    head: bytes,
    pieces: [],
    sizeBytes: bytes.length,
    sha256,
    compression,
    statedLength: statedLength(compression, bytes, bytes.subarray(-4)),
    lastBreak,
    breakSha256: lastBreak === bytes.length ? sha256 : hashOf('sha256', bytes.subarray(0, lastBreak), 'hex'),
    lineBreaks: lastBreak === 0 ? 0 : countBreaks(bytes),
  }
}

/** What one pass over the bytes gives. */
interface Reading extends Omit<Inspected, 'object' | 'shape'> {
  readonly head: Buffer
  /** Text cut out at places all over a large object, where it is not compressed. */
  readonly pieces: readonly string[]
}

async function read(object: SourceObject): Promise<Reading> {
  const hash = createHash('sha256')
  let atBreak: Hash | undefined
  let head: Buffer = Buffer.alloc(0)
  let tail: Buffer = head
  let [size, lastBreak, lineBreaks] = [0, 0, 0]
  let compression: Compression = 'none'
  const pieces: string[] = []
  const file = await open(object.path, 'r')
  try {
    for await (const chunk of chunks(file, Math.min(CHUNK_BYTES, object.sizeBytes + 1))) {
      if (size === 0) compression = compressionOf(chunk)
      if (size < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - size)])
      // The chunk in which another part of the object begins; the first part has its head.
      else if (compression === 'none' && partOf(size + chunk.length, object) > partOf(size, object))
        pieces.push(chunk.toString('utf8', 0, PLACE_BYTES))
      const at = compression === 'none' ? chunk.lastIndexOf(10) + 1 : 0
      hash.update(chunk.subarray(0, at))
      if (at > 0) {
        atBreak = at < chunk.length ? hash.copy() : undefined
        lastBreak = size + at
        lineBreaks += countBreaks(chunk)
      } else if (size === lastBreak) atBreak = hash.copy()
      hash.update(chunk.subarray(at))
      tail = Buffer.concat([tail, chunk.subarray(-4)]).subarray(-4)
      size += chunk.length
    }
  } finally {
    await file.close()
  }
  const sha256 = hash.digest('hex')
  return {
    head,
    pieces,
    sizeBytes: size,
    sha256,
    compression,
    statedLength: statedLength(compression, head, tail),
    lastBreak,
    breakSha256: lastBreak === size ? sha256 : (atBreak ?? createHash('sha256')).digest('hex'),
    lineBreaks,
  }
}

/** Which of its parts the byte at this place of an object is in, from 0. */
const partOf = (at: number, { sizeBytes }: SourceObject): number =>
  Math.min(PLACES, Math.floor((at * PLACES) / (sizeBytes + 1)))

/** A chunk is good until the next one is asked for. */
async function* chunks(
  file: FileHandle,
  chunkBytes: number,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer, void, void> {
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, limit))
  for (let at = 0; at < limit; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, limit - at), at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
    if (bytesRead < buffer.length) return
  }
}

function countBreaks(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count++
  return count
}
