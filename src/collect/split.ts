/**
 * Reading by hand what the engine cannot: JSON that is not one record a line, damaged compression, lines beyond all bounds.
 * The bytes are streamed into a spool file with one candidate record a line; whether each is JSON is for the engine to say.
 * Only such objects pass here, never the bulk of the logs.
 */

import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { messageOf } from '../core/errors.ts'
import type { Compression } from './inspect.ts'

/** A candidate longer than this is set aside unread: the vendor truncates parameters at 100 KB. */
export const MAX_RECORD_BYTES = 32 * 1024 * 1024
/** How much of a record too long is kept with the reject. */
export const KEPT_BYTES = 64 * 1024

/** A record the spool does not hold, since it is too long. */
export interface TooLong {
  /** Number of the record in the object, from 1. */
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

/** The object's bytes, decompressed. */
export function openBytes(path: string, compression: Compression): Readable {
  const raw = createReadStream(path, { highWaterMark: 1 << 20 })
  if (compression === 'none') return raw
  const inflate = compression === 'gzip' ? createGunzip() : createZstdDecompress()
  raw.on('error', (cause) => inflate.destroy(cause))
  return raw.pipe(inflate)
}

/**
 * Splits an object into one candidate a line.
 *
 * @param shape `documents` follows braces and strings; `lines` only line breaks
 */
export async function split(
  source: { readonly path: string; readonly compression: Compression },
  shape: 'documents' | 'lines',
  spool: string,
): Promise<SplitReport> {
  const out = createWriteStream(spool)
  const tooLong: TooLong[] = []
  let candidates = 0
  let place = 0
  let pending: Buffer[] = []
  const emit = async (parts: readonly Buffer[], size: number) => {
    if (size === 0) return
    if (size > MAX_RECORD_BYTES) {
      place++
      tooLong.push({ place, sizeBytes: size, kept: Buffer.concat(parts).subarray(0, KEPT_BYTES) })
      return
    }
    const line = oneLine(Buffer.concat(parts))
    if (line.length === 0) return
    place++
    candidates++
    pending.push(line, NEWLINE)
    if (pending.length >= 2000 || line.length > 1 << 20) {
      const ready = Buffer.concat(pending)
      pending = []
      if (!out.write(ready)) await once(out, 'drain')
    }
  }
  const cutter = new Cutter(shape, emit)
  let damage: string | undefined
  try {
    for await (const chunk of openBytes(source.path, source.compression)) await cutter.take(chunk as Buffer)
  } catch (cause) {
    if (source.compression === 'none') throw cause
    damage = messageOf(cause)
  }
  await cutter.end()
  await new Promise<void>((resolve, reject) => {
    out.once('error', reject)
    out.end(Buffer.concat(pending), resolve)
  })
  return { candidates, tooLong, damage }
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
        await this.#flush(chunk.subarray(from, at + 1))
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

  async end(): Promise<void> {
    await this.#flush(Buffer.alloc(0))
  }

  /** What the byte means for the candidate before it; `pending` tells whether there is one. */
  #step(byte: number, pending: boolean): 'go on' | 'end before' | 'end after' | 'drop' {
    if (this.#base === 0 && this.#depth === 1 && this.#head.length < 64) this.#head += String.fromCharCode(byte)
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) this.#inString = false
      return 'go on'
    }
    return this.#depth === this.#base ? this.#outside(byte, pending) : this.#inside(byte)
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
      return 'drop'
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
