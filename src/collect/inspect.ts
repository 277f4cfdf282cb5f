/** One look at an object before it is read: digest, compression, shape, form, and what its first records are like. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { AppError, messageOf } from '../core/errors.ts'
import type { SourceObject } from './contract.ts'

/** How the bytes are compressed, by their first bytes; names lie. */
export type Compression = 'none' | 'gzip' | 'zstd'

/**
 * How the records stand in the object. `documents` is JSON that is not one record a line: an array, records printed over
 * several lines, an envelope with a `records` list.
 */
export type ObjectShape = 'lines' | 'documents' | 'parquet' | 'csv' | 'empty' | 'binary'

/** What is known of an object after one reading of its bytes. */
export interface Inspected {
  readonly object: SourceObject
  readonly sizeBytes: number
  readonly sha256: string
  readonly compression: Compression
  readonly shape: ObjectShape
  /** The first records that parse, at most {@link HEAD_RECORDS}. */
  readonly head: readonly Readonly<Record<string, unknown>>[]
  /** Length when decompressed, modulo 2^32, as the gzip trailer says. */
  readonly gzipLength: number | undefined
  /** Bytes up to and with the last line break; where a later, longer version can be taken up. Plain text only. */
  readonly lastBreak: number
  /** Digest of those bytes. */
  readonly breakSha256: string
  /** Line breaks in the object; plain text only. */
  readonly lineBreaks: number
}

/** Enough to see some hundred records of the usual size. */
const HEAD_BYTES = 256 * 1024
/** Enough to meet every usual key list; more costs time on many small objects. */
const HEAD_RECORDS = 200
const CHUNK_BYTES = 1024 * 1024

/** Digest of the first bytes of an object, as a resume of a grown object needs it. */
export async function digestOf(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks(path, bytes)) hash.update(chunk)
  return hash.digest('hex')
}

/**
 * Reads the object's bytes once.
 * @throws AppError UNREADABLE
 */
export async function inspect(object: SourceObject): Promise<Inspected> {
  const hash = createHash('sha256')
  const heads: Buffer[] = []
  let headBytes = 0
  let size = 0
  let tail = Buffer.alloc(0)
  let lastBreak = 0
  let lineBreaks = 0
  let atBreak = createHash('sha256')
  let plain = true
  try {
    for await (const chunk of chunks(object.path)) {
      if (size === 0) plain = compressionOf(chunk) === 'none'
      const at = plain ? chunk.lastIndexOf(10) + 1 : 0
      if (at > 0) {
        hash.update(chunk.subarray(0, at))
        atBreak = hash.copy()
        hash.update(chunk.subarray(at))
      } else hash.update(chunk)
      if (headBytes < HEAD_BYTES) heads.push(Buffer.from(chunk.subarray(0, HEAD_BYTES - headBytes)))
      headBytes += chunk.length
      if (at > 0) {
        lastBreak = size + at
        lineBreaks += countBreaks(chunk)
      }
      tail = Buffer.concat([tail, chunk.subarray(-8)]).subarray(-8)
      size += chunk.length
    }
  } catch (cause) {
    throw new AppError('UNREADABLE', `${object.key} cannot be read: ${messageOf(cause)}`, { where: object.key, cause })
  }
  const headRaw = Buffer.concat(heads)
  const compression = compressionOf(headRaw)
  const text = decompressHead(headRaw, compression)
  const complete = size <= HEAD_BYTES
  const { shape, head } = size === 0 ? { shape: 'empty' as const, head: [] } : look(headRaw, text, complete)
  return {
    object,
    sizeBytes: size,
    sha256: hash.digest('hex'),
    compression,
    shape,
    head,
    gzipLength: compression === 'gzip' && tail.length >= 4 ? tail.readUInt32LE(tail.length - 4) : undefined,
    lastBreak,
    breakSha256: atBreak.digest('hex'),
    lineBreaks,
  }
}

async function* chunks(path: string, limit = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let at = 0; at < limit; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK_BYTES, limit - at), at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

function countBreaks(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count++
  return count
}

function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd'
  return 'none'
}

/** The text of the head, as far as it goes; damaged compression gives what came before the damage, or nothing. */
function decompressHead(raw: Buffer, compression: Compression): string {
  try {
    if (compression === 'gzip') return gunzipSync(raw, { finishFlush: constants.Z_SYNC_FLUSH }).toString('utf8')
    if (compression === 'zstd') return zstdDecompressSync(raw, { finishFlush: constants.ZSTD_e_flush }).toString('utf8')
  } catch {
    return ''
  }
  return raw.toString('utf8')
}

function look(raw: Buffer, text: string, complete: boolean): Pick<Inspected, 'shape' | 'head'> {
  if (raw.subarray(0, 4).toString('latin1') === 'PAR1') return { shape: 'parquet', head: [] }
  const clean = text.replace(/^\uFEFF/, '').trimStart()
  const first = clean[0]
  const lines = clean.split('\n', HEAD_RECORDS + 1)
  if (!complete && lines.length > 1) lines.pop()
  const parsed = lines.map(parseRecord).filter((record) => record !== undefined)
  if (parsed.length > 0 && first !== '[') {
    if (parsed.some((record) => Array.isArray(record.records))) {
      return { shape: 'documents', head: parsed.flatMap((record) => asRecords(record.records)) }
    }
    return { shape: text.startsWith('\uFEFF') ? 'documents' : 'lines', head: parsed }
  }
  if (first === '[' || first === '{') return { shape: 'documents', head: firstOfDocument(clean) }
  const header = lines[0] ?? ''
  if (/\baction_name\b/i.test(header) && /\bevent_time\b/i.test(header) && header.includes(','))
    return { shape: 'csv', head: [] }
  return { shape: lines.some((line) => line.trimStart().startsWith('{')) ? 'lines' : 'binary', head: [] }
}

function parseRecord(line: string): Record<string, unknown> | undefined {
  const text = line.trim()
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

const asRecords = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : []

/** The first whole object of an array, an envelope or a pretty-printed text: enough to know the form. */
function firstOfDocument(text: string): Record<string, unknown>[] {
  const inner = text.replace(/^\[\s*/, '').replace(/^\{\s*"records"\s*:\s*\[\s*/, '')
  const end = endOfObject(inner)
  const record = end === undefined ? undefined : parseRecord(inner.slice(0, end).replaceAll('\n', ' '))
  return record === undefined ? [] : [record]
}

function endOfObject(text: string): number | undefined {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (inString) {
      if (char === '\\') at++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{') depth++
    else if (char === '}' && --depth === 0) return at + 1
  }
  return undefined
}
