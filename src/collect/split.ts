/**
 * Reading by hand what the engine cannot: JSON that is not one record a line, damaged compression, lines beyond all bounds.
 * The bytes are streamed into a spool file with one candidate record a line; whether each is JSON is for the engine to say.
 * Only such objects pass here, never the bulk of the logs.
 */

import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { type Compression, DamagedCompression, decompressed } from './decompress.ts'

/**
 * A candidate longer than this is set aside unread: the vendor truncates parameters at 100 KB. The engine reads in buffers of
 * twice this, and holds several copies of what is in one.
 */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024
/** How much of a record too long is kept with the reject. */
export const KEPT_BYTES = 64 * 1024

/** A record the spool does not hold, since it is too long. */
export interface TooLong {
  /** Number of the line or, in documents, of the record in the object, from 1. */
  readonly place: number
  readonly sizeBytes: number
  readonly kept: Buffer
}

/** What a split found. */
export interface SplitReport {
  /** Candidates written to the spool, one a line. */
  readonly candidates: number
  readonly tooLong: readonly TooLong[]
  /** Why the compressed bytes ended early; undefined if they did not. */
  readonly damage: string | undefined
}

/**
 * Splits an object into one candidate a line.
 *
 * @param shape `documents` follows braces and strings; `lines` only line breaks, and the spool then has the object's own
 * lines, blank ones for those it does not hold. The spool ends in a line break unless the object ends within a record.
 */
export async function split(
  source: { readonly path: string; readonly compression: Compression; readonly limit?: number | undefined },
  shape: 'documents' | 'lines',
  spool: string,
): Promise<SplitReport> {
  const out = new Spool(spool)
  const tooLong: TooLong[] = []
  let candidates = 0
  let place = 0
  const emit = async (parts: readonly Buffer[], size: number) => {
    if (size > MAX_RECORD_BYTES) {
      place++
      tooLong.push({ place, sizeBytes: size, kept: Buffer.concat(parts).subarray(0, KEPT_BYTES) })
      if (shape === 'lines') await out.line(EMPTY)
      return
    }
    const line = oneLine(Buffer.concat(parts))
    if (line.length > 0) candidates++
    else if (shape === 'documents') return
    place++
    await out.line(line)
  }
  const cutter = new Cutter(shape, emit)
  let damage: string | undefined
  try {
    const { path, compression, limit } = source
    const chunks = decompressed(path, compression, limit === undefined ? {} : { limit })
    for await (const chunk of chunks) await cutter.take(chunk)
  } catch (cause) {
    if (!(cause instanceof DamagedCompression)) throw cause
    damage = cause.message
  }
  const unfinished = await cutter.end()
  await out.end(unfinished ? EMPTY : NEWLINE)
  return { candidates, tooLong, damage }
}

const EMPTY = Buffer.alloc(0)
const SPOOL_BYTES = 1024 * 1024

/** Lines on their way to a file, some at a time. The break of a line comes with the next, so that the last can do without. */
class Spool {
  readonly #out: WriteStream
  readonly #failed: Promise<never>
  #pending: Buffer[] = []
  #pendingBytes = 0
  #break = EMPTY

  constructor(path: string) {
    this.#out = createWriteStream(path)
    this.#failed = new Promise((_, reject) => this.#out.once('error', reject))
    this.#failed.catch(() => undefined)
  }

  async line(line: Buffer): Promise<void> {
    this.#pending.push(this.#break, line)
    this.#break = NEWLINE
    this.#pendingBytes += line.length + 1
    if (this.#pendingBytes >= SPOOL_BYTES || this.#pending.length >= 4000) await this.#write()
  }

  async end(last: Buffer): Promise<void> {
    this.#pending.push(last)
    await this.#write()
    await Promise.race([new Promise<void>((resolve) => this.#out.end(resolve)), this.#failed])
  }

  async #write(): Promise<void> {
    const ready = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    if (!this.#out.write(ready)) await Promise.race([once(this.#out, 'drain'), this.#failed])
  }
}

const NEWLINE = Buffer.from('\n')
const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, LF, CR] = [34, 92, 123, 125, 91, 93, 10, 13]

/** Trimmed, with line breaks made spaces, and without byte order mark. */
function oneLine(bytes: Buffer): Buffer {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  let from = start
  let to = bytes.length
  while (from < to && isSpace(bytes[from])) from++
  while (to > from && isSpace(bytes[to - 1])) to--
  const line = bytes.subarray(from, to)
  for (let at = 0; at < line.length; at++) if (line[at] === LF || line[at] === CR) line[at] = 32
  return line
}

const isSpace = (byte: number | undefined): boolean => byte === 32 || byte === 9 || byte === LF || byte === CR

/** Follows the bytes of a stream and hands over each candidate record. Holds one candidate at most, and a huge one not whole. */
class Cutter {
  #parts: Buffer[] = []
  #size = 0
  #depth = 0
  #inString = false
  #escaped = false
  /** Depth at which records stand: 0 for plain documents, 2 within `{"records": [`. */
  #base = 0
  /** Begin of an object at depth 1: enough to know an envelope by. */
  #head = ''
  /** True for what is left of an envelope after its list. */
  #dropping = false
  readonly #shape: 'documents' | 'lines'
  readonly #emit: (parts: readonly Buffer[], size: number) => Promise<void>

  constructor(shape: 'documents' | 'lines', emit: (parts: readonly Buffer[], size: number) => Promise<void>) {
    this.#shape = shape
    this.#emit = emit
  }

  async take(chunk: Buffer): Promise<void> {
    let from = 0
    if (this.#shape === 'lines') {
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
        await this.#flush(chunk.subarray(from, at))
        from = at + 1
      }
    } else {
      for (let at = 0; at < chunk.length; at++) {
        const cut = this.#step(chunk[at] as number, this.#size + at - from > 0)
        if (cut === 'go on') continue
        const end = cut === 'end before' ? at : at + 1
        if (cut === 'drop') this.#drop()
        else await this.#flush(chunk.subarray(from, end))
        from = end
      }
    }
    this.#keep(chunk.subarray(from))
  }

  /** Hands over what is left; true if something was. */
  async end(): Promise<boolean> {
    if (this.#size === 0) return false
    await this.#flush(EMPTY)
    return true
  }

  /** What the byte means for the candidate before it; `pending` tells whether there is one. */
  #step(byte: number, pending: boolean): 'go on' | 'end before' | 'end after' | 'drop' {
    if (this.#base === 0 && this.#depth === 1 && this.#head.length < 64) this.#head += String.fromCharCode(byte)
    if (this.#inString) {
      if (byte === LF || byte === CR) return this.#startOver()
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) this.#inString = false
      return 'go on'
    }
    return this.#depth === this.#base ? this.#outside(byte, pending) : this.#inside(byte)
  }

  /** No JSON string holds a line break: a quote is missing, and what follows must not go the same way. */
  #startOver(): 'end after' {
    this.#inString = false
    this.#escaped = false
    this.#dropping = false
    this.#depth = 0
    this.#base = 0
    return 'end after'
  }

  /** Between records. Text there that is no punctuation is a candidate of its own, so that it is not lost. */
  #outside(byte: number, pending: boolean): 'go on' | 'end before' | 'drop' {
    if (byte === OPEN) {
      this.#depth++
      this.#head = ''
      return pending ? 'end before' : 'go on'
    }
    if (this.#base > 0 && byte === CLOSE_LIST) {
      this.#depth = 1
      this.#base = 0
      this.#dropping = true
      return pending ? 'end before' : 'drop'
    }
    if (pending) return byte === LF ? 'end before' : 'go on'
    return isPunctuation(byte) ? 'drop' : 'go on'
  }

  #inside(byte: number): 'go on' | 'end after' | 'drop' {
    if (byte === QUOTE) this.#inString = true
    else if (byte === OPEN) this.#depth++
    else if (byte === OPEN_LIST) {
      this.#depth++
      if (this.#depth === 2 && this.#base === 0 && /^\s*"records"\s*:\s*\[$/.test(this.#head)) {
        this.#base = 2
        return 'drop'
      }
    } else if (byte === CLOSE || byte === CLOSE_LIST) {
      this.#depth--
      if (this.#depth === this.#base) {
        if (!this.#dropping) return 'end after'
        this.#dropping = false
        return 'drop'
      }
    }
    return 'go on'
  }

  #keep(bytes: Buffer): void {
    if (this.#size <= MAX_RECORD_BYTES) this.#parts.push(Buffer.from(bytes))
    this.#size += bytes.length
  }

  #drop(): void {
    this.#parts = []
    this.#size = 0
  }

  async #flush(bytes: Buffer): Promise<void> {
    this.#keep(bytes)
    const [parts, size] = [this.#parts, this.#size]
    this.#drop()
    await this.#emit(parts, size)
  }
}

const isPunctuation = (byte: number): boolean =>
  isSpace(byte) || byte === 44 || byte === OPEN_LIST || byte === CLOSE_LIST
