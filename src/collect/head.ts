/** The head of an object: what its first bytes say of the shape and the records of the rest. */
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type CsvDialect, csvDialect } from './csv-dialect.ts'
import { type Compression, DamagedCompression, decompressed } from './decompress.ts'

/**
 * How the records stand in the object. `documents` is JSON that is not one record a line: an array, records printed over
 * several lines, an envelope with a `records` list. `damaged` is compressed and gives nothing.
 */
export type ObjectShape = 'lines' | 'documents' | 'parquet' | 'csv' | 'empty' | 'binary' | 'damaged'

/** A parsed record. */
export type HeadRecord = Readonly<Record<string, unknown>>

/** What a head shows. */
export interface Look {
  readonly shape: ObjectShape
  /** The first records that parse. */
  readonly head: readonly HeadRecord[]
  /** Where none parses: a record of all keys, or all column names, that stand there. Enough to know the form by. */
  readonly marks: HeadRecord
  readonly csv?: CsvDialect
  /** True for lines behind a byte order mark, which the engine takes for a part of the first. */
  readonly marked?: boolean
}

/** Decompressed text of the head. */
export interface HeadText {
  readonly text: string
  /** True if it is the whole object. */
  readonly whole: boolean
  readonly damaged: boolean
}

/** Enough to see some hundred records of the usual size. */
export const HEAD_BYTES = 256 * 1024
/** Compressed bytes that are enough for a head; audit JSON shrinks about tenfold. */
const PACKED_BYTES = 64 * 1024
/** Compressed bytes that begin with a few records, as a rule, … */
const FEW_PACKED_BYTES = 1024
/** … of which there are so many … */
const FEW_RECORDS = 8
/** … in so much text. */
const FEW_TEXT_BYTES = 8 * 1024
/** A head that grows beyond this is not inflated at one go. */
const MAX_INFLATED = 16 * 1024 * 1024
const OPENING_BRACE = 0x7b
/** Keys that are looked for in text that does not parse. */
const MAX_MARKS = 4000

/**
 * The text that an object begins with, where it is cheap to have: as much as shows a few records of a gzip object, all there is of
 * plain text. Undefined where more must be inflated.
 */
export function firstText(raw: Buffer, compression: Compression, headRecords: number): Buffer | undefined {
  if (compression === 'none') return raw
  if (compression !== 'gzip' || headRecords > FEW_RECORDS) return undefined
  try {
    const packed = raw.subarray(0, FEW_PACKED_BYTES)
    // A flush in place of a finish: the bytes are cut.
    return gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: FEW_TEXT_BYTES })
  } catch {
    return undefined
  }
}

/** The text of the head, as far as it goes; damaged compression gives what came before the damage. */
export async function headText(
  path: string,
  raw: Buffer,
  sizeBytes: number,
  compression: Compression,
): Promise<HeadText> {
  const whole = sizeBytes <= HEAD_BYTES
  if (compression === 'none') return { text: raw.toString('utf8'), whole, damaged: false }
  if (sizeBytes <= PACKED_BYTES) {
    try {
      const bytes = inflated(raw, compression)
      if (bytes.length <= HEAD_BYTES) return { text: bytes.toString('utf8'), whole: true, damaged: false }
      return { text: bytes.subarray(0, HEAD_BYTES).toString('utf8'), whole: false, damaged: false }
    } catch {
      // Damaged, or far more than a head: read on below, bit by bit.
    }
  }
  const { bytes, ended, damaged } = await taken(decompressed(path, compression), HEAD_BYTES)
  return { text: bytes.toString('utf8'), whole: ended && !damaged, damaged }
}

function inflated(raw: Buffer, compression: Compression): Buffer {
  const limit = { maxOutputLength: MAX_INFLATED }
  return compression === 'gzip'
    ? gunzipSync(raw, { ...limit, finishFlush: constants.Z_FINISH })
    : zstdDecompressSync(raw, limit)
}

async function taken(source: AsyncGenerator<Buffer>, limit: number) {
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of source) {
      parts.push(Buffer.from(chunk.subarray(0, limit - size)))
      size += chunk.length
      if (size > limit) return { bytes: Buffer.concat(parts), ended: false, damaged: false }
    }
    return { bytes: Buffer.concat(parts), ended: true, damaged: false }
  } catch (cause) {
    if (!(cause instanceof DamagedCompression)) throw cause
    return { bytes: Buffer.concat(parts), ended: true, damaged: true }
  }
}

/** Nothing, an empty list, or an envelope with one. */
const EMPTY = /^(?:\[\s*\]|\{\s*"records"\s*:\s*\[\s*\]\s*\})?\s*$/

/** Judges the shape. `raw` are the first bytes as they stand in the object. */
export function lookAt(raw: Buffer, { text, whole, damaged }: HeadText, headRecords: number): Look {
  if (raw.subarray(0, 4).toString('latin1') === 'PAR1') return { shape: 'parquet', head: [], marks: {} }
  const clean = text.replace(/^\uFEFF/, '').trimStart()
  if (clean === '' && damaged) return { shape: 'damaged', head: [], marks: {} }
  if (whole && EMPTY.test(clean)) return { shape: 'empty', head: [], marks: {} }
  if (clean[0] !== '[' || beginsWithPlainList(clean, whole)) {
    const parsed = firstRecords(clean, headRecords, whole)
    if (parsed.some((record) => Array.isArray(record.records))) {
      return { shape: 'documents', head: parsed.flatMap((record) => asRecords(record.records)), marks: {} }
    }
    if (parsed.length > 0 || clean[0] === '[')
      return { shape: 'lines', head: parsed, marks: {}, marked: text.startsWith('\uFEFF') }
  }
  const csv = csvDialect(clean)
  if (csv !== undefined) return { shape: 'csv', head: [], marks: fromKeys(csv.columns), csv }
  return lookAtBroken(clean, [...linesOf(clean, whole)], headRecords)
}

/**
 * What {@link lookAt} says of a text that begins with as many records as are looked at, a line each, and of these lines alone;
 * undefined where more must be seen.
 */
export function lookAtLines(text: Buffer, headRecords: number): Look | undefined {
  if (text[0] !== OPENING_BRACE) return undefined
  let end = 0
  for (let line = 0; line < headRecords; line++) {
    end = text.indexOf(10, end) + 1
    if (end === 0) return undefined
  }
  const head = firstRecords(text.toString('utf8', 0, end), headRecords, true)
  if (head.length < headRecords || head.some((record) => Array.isArray(record.records))) return undefined
  return { shape: 'lines', head, marks: {}, marked: false }
}

/** The records among the whole lines of a piece cut out of a text, the first of which is the end of another. */
export function recordsWithin(piece: string, count: number): HeadRecord[] {
  const from = piece.indexOf('\n') + 1
  const to = piece.lastIndexOf('\n')
  return from > 0 && to > from ? firstRecords(piece.slice(from, to), count, true) : []
}

/** True where the first line is a list without a record in it: then it is a line like others, not the beginning of a document. */
function beginsWithPlainList(clean: string, whole: boolean): boolean {
  const [first = ''] = linesOf(clean, whole)
  try {
    return !(JSON.parse(first) as unknown[]).some((item) => typeof item === 'object' && item !== null)
  } catch {
    return false
  }
}

/** Where no line parses: one document of several lines, or lines that are all broken. */
function lookAtBroken(clean: string, lines: readonly string[], headRecords: number): Look {
  const likeLines = lines.filter((line) => /^\s*\{\s*"/.test(line)).length
  if (clean[0] === '[' || (clean[0] === '{' && (lines.length === 1 || likeLines * 2 < lines.length))) {
    return { shape: 'documents', head: documentRecords(clean, headRecords), marks: marksOf(clean) }
  }
  return { shape: likeLines > 0 ? 'lines' : 'binary', head: [], marks: marksOf(clean) }
}

/**
 * Looks beyond a head in which nothing parses: behind a first record longer than a head, or behind junk, there may be good
 * lines. Undefined if there are none.
 */
export async function lookFurther(
  path: string,
  compression: Compression,
  headRecords: number,
): Promise<Look | undefined> {
  let at = 0
  const source = decompressed(path, compression)
  const afterBreak = async function* (): AsyncGenerator<Buffer> {
    let found = false
    for await (const chunk of source) {
      const from = found ? 0 : chunk.indexOf(10, Math.max(0, HEAD_BYTES - at)) + 1
      if (from > 0) found = true
      if (found) yield chunk.subarray(from)
      at += chunk.length
    }
  }
  const { bytes, ended } = await taken(afterBreak(), HEAD_BYTES)
  const head = firstRecords(bytes.toString('utf8'), headRecords, ended)
  if (head.length === 0) return undefined
  const shape = head.some((record) => Array.isArray(record.records)) ? 'documents' : 'lines'
  return { shape, head: shape === 'lines' ? head : head.flatMap((record) => asRecords(record.records)), marks: {} }
}

/** The lines that are not blank, without one that the end of the head cuts, unless it is the only one. */
function* linesOf(text: string, whole: boolean): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from)
    if (end < 0 && !whole && from > 0) return
    const line = text.slice(from, end < 0 ? text.length : end)
    if (line.trim() !== '') yield line
    from = end < 0 ? text.length : end + 1
  }
}

/** The first lines that are records. */
function firstRecords(text: string, count: number, whole: boolean): HeadRecord[] {
  const records: HeadRecord[] = []
  for (const line of linesOf(text, whole)) {
    const record = parseRecord(line)
    if (record !== undefined) records.push(record)
    if (records.length >= count) break
  }
  return records
}

function parseRecord(line: string): HeadRecord | undefined {
  const text = line.trim()
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as HeadRecord
  } catch {
    return undefined
  }
}

const asRecords = (value: unknown): HeadRecord[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : []

/** All that look like keys. Keys within JSON text have their quotes escaped, so they are not taken for it. */
function marksOf(text: string): HeadRecord {
  const keys: string[] = []
  for (const [, key = ''] of text.matchAll(/"(\w+)"\s*:/g)) {
    keys.push(key)
    if (keys.length >= MAX_MARKS) break
  }
  return fromKeys(keys)
}

const fromKeys = (keys: readonly string[]): HeadRecord => Object.fromEntries(keys.map((key) => [key, true]))

/** The first whole objects of an array, an envelope or a pretty-printed text. */
function documentRecords(text: string, count: number): HeadRecord[] {
  const inner = text.replace(/^\[\s*/, '').replace(/^\{\s*"records"\s*:\s*\[\s*/, '')
  const records: HeadRecord[] = []
  for (let from = 0; records.length < count; ) {
    const start = inner.indexOf('{', from)
    const end = start < 0 ? undefined : endOfObject(inner, start)
    if (end === undefined) break
    const record = parseRecord(inner.slice(start, end).replaceAll(/[\r\n]/g, ' '))
    if (record !== undefined) records.push(record)
    from = end
  }
  return records
}

function endOfObject(text: string, start: number): number | undefined {
  let depth = 0
  let inString = false
  for (let at = start; at < text.length; at++) {
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
