/** Rejects: where each stands in its object, its bytes, and the table that keeps them. */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { openBytes } from '../collect/split.ts'
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { filesBetween, scanSql } from '../lake/read.ts'
import type { DataFile, DeltaTable } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'
import type { Reject, Work } from './plan.ts'
import { rawLinesSql } from './raw.ts'

/** Bytes of a record kept with its reject. */
const KEPT_BYTES = 64 * 1024

const DETAILS: Readonly<Record<string, string>> = {
  malformed_json: 'The line is no valid JSON.',
  truncated: 'The object ends in the middle of this record.',
  not_a_record: 'The line is JSON, but no object.',
  missing_time: 'The record has no time that can be read.',
  missing_action: 'The record names no service or no action.',
}

/** A reject as the engine reports it: valid JSON by its text, anything else by its place alone. */
export interface Refused {
  readonly reason: string
  readonly text: string | null
}

/**
 * Finds the lines that the engine refused, and their bytes. The object is read once more, in order, for its place; only
 * objects with rejects come here.
 */
export async function locateRefused(engine: Engine, work: Work, refused: readonly Refused[]): Promise<Reject[]> {
  const reasons = new Map(
    refused.filter(({ text }) => text !== null).map(({ reason, text }) => [text as string, reason]),
  )
  await engine.tableOf(
    'refused_texts',
    [...reasons.keys()].map((text) => ({ text })),
    ['text'],
  )
  await engine.run('SET preserve_insertion_order = true')
  await engine.run('SET threads = 1')
  let places: { place: string; text: string | null }[]
  try {
    places = await engine.rows(`SELECT place, text FROM (
        SELECT row_number() OVER () AS place, json::VARCHAR AS text FROM ${rawLinesSql([work])})
      WHERE text IS NULL OR text IN (SELECT text FROM refused_texts) ORDER BY place`)
  } finally {
    await engine.run('SET preserve_insertion_order = false')
    await engine.run('RESET threads')
  }
  const wanted = new Map(places.map(({ place, text }) => [Number(place), text]))
  const rejects: Reject[] = []
  for await (const { place, line, bytes, last } of records(work)) {
    if (!wanted.has(place)) continue
    const text = wanted.get(place)
    const reason =
      text == null ? (last && !endsWell(work) ? 'truncated' : 'malformed_json') : (reasons.get(text) ?? 'not_a_record')
    rejects.push({
      sourceObject: work.inspected.object.key,
      form: work.form,
      reason,
      detail: DETAILS[reason] ?? reason,
      line: work.linesBefore + (work.inspected.shape === 'documents' ? place : line),
      sizeBytes: bytes.length,
      content: bytes.subarray(0, KEPT_BYTES),
    })
    wanted.delete(place)
  }
  for (const [place, text] of wanted) rejects.push(unplaced(work, place, text, reasons))
  return rejects
}

/** The count holds even where the engine and we disagree on what a line is. */
function unplaced(work: Work, place: number, text: string | null, reasons: ReadonlyMap<string, string>): Reject {
  const reason = text === null ? 'malformed_json' : (reasons.get(text) ?? 'not_a_record')
  const content = Buffer.from(text ?? '').subarray(0, KEPT_BYTES)
  const detail = DETAILS[reason] ?? reason
  return {
    sourceObject: work.inspected.object.key,
    form: work.form,
    reason,
    detail,
    line: work.linesBefore + place,
    sizeBytes: content.length,
    content,
  }
}

const endsWell = ({ inspected }: Work): boolean =>
  inspected.compression === 'none' && inspected.lastBreak === inspected.sizeBytes

interface Line {
  /** Number among the lines that are not blank, from 1: how the engine counts. */
  readonly place: number
  readonly line: number
  readonly bytes: Buffer
  readonly last: boolean
}

async function* records(work: Work): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0)
  let line = 0
  let place = 0
  try {
    for await (const chunk of openBytes(work.readPath, work.compression)) {
      const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
      let from = 0
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        line++
        const found = bytes.subarray(from, at)
        from = at + 1
        if (isBlank(found)) continue
        yield { place: ++place, line, bytes: Buffer.from(found), last: false }
      }
      rest = Buffer.from(bytes.subarray(from))
    }
  } catch (cause) {
    // Damaged compression is a reject of its own; the line it cuts is still one.
    if (work.compression === 'none') throw cause
  }
  if (!isBlank(rest)) yield { place: place + 1, line: line + 1, bytes: rest, last: true }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== 13) return false
  return true
}

/** Where a batch's rejects go. */
export interface RejectContext {
  readonly batchId: string
  readonly ingestTime: Date
  readonly tmp: string
}

/**
 * Writes the rejects that the table does not hold yet; returns the files to commit. The id is made of object, place
 * and bytes, so that reading the same again, or after a crash, adds nothing.
 */
export async function writeRejects(
  engine: Engine,
  table: DeltaTable,
  rejects: readonly Reject[],
  { batchId, ingestTime, tmp }: RejectContext,
): Promise<DataFile[]> {
  if (rejects.length === 0) return []
  const spool = join(tmp, `rejects-${randomUUID()}`)
  await pipeline(function* () {
    for (const reject of rejects) {
      const { sourceObject, form, reason, detail, line, sizeBytes, content } = reject
      yield `${JSON.stringify({ sourceObject, form, reason, detail, line, sizeBytes, content: content.toString('base64') })}\n`
    }
  }, createWriteStream(spool))
  const day = ingestTime.toISOString().slice(0, 10)
  const held = scanSql(table, filesBetween(await table.snapshot()))
  const select = `SELECT * FROM (
      SELECT substr(sha256(concat_ws(chr(29), sourceObject, reason, coalesce(line::VARCHAR, ''), sizeBytes, content)), 1, 32) AS reject_id,
        DATE ${lit(day)} AS reject_date, ${lit(ingestTime.toISOString())}::TIMESTAMPTZ AS ingest_time, ${lit(batchId)} AS batch_id,
        sourceObject AS source_object, form, reason, detail, line, sizeBytes AS size_bytes, content AS content_base64
      FROM read_json(${lit(spool)}, format = 'newline_delimited', maximum_object_size = 1048576, columns = {sourceObject: 'VARCHAR', form: 'VARCHAR',
        reason: 'VARCHAR', detail: 'VARCHAR', line: 'BIGINT', sizeBytes: 'BIGINT', content: 'VARCHAR'}))
    WHERE reject_id NOT IN (SELECT reject_id FROM ${held})`
  try {
    const file = await writePartition(engine, table, { select, partition: day, stem: batchId })
    return file === undefined ? [] : [file]
  } finally {
    await rm(spool, { force: true })
  }
}
