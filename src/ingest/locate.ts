/**
 * Where the rows stand that the engine refused, and what bytes they are. An object is read once more for it, in order; only
 * objects with rejects come here.
 */
import { DamagedCompression, decompressed, isBlank } from '../collect/decompress.ts'
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import type { Reject, Work } from './plan.ts'
import { isLines, placedSql } from './raw.ts'
import { detailOf, KEPT_BYTES } from './rejects.ts'
import { SCRATCH } from './tables.ts'

/** Table `(source_object, reason, text)` of refused rows; `text` is the row as JSON, NULL for what is no JSON. */
export const REFUSED = `${SCRATCH}.refused`
/** Table `(source_object, line, reason, detail, size_bytes, text)` of CSV lines without columns to read. */
export const BROKEN_LINES = `${SCRATCH}.broken_lines`

const PLACES = `${SCRATCH}.refused_places`
const PAGE_ROWS = 10_000

/** Gives the rejects of one object, by place. */
export async function* locateRefused(engine: Engine, work: Work): AsyncGenerator<Reject> {
  await inOrder(engine, () =>
    engine.run(`CREATE OR REPLACE TABLE ${PLACES} AS
      SELECT p.place, r.reason, ${isLines(work) ? 'NULL' : `substr(r.text, 1, ${KEPT_BYTES})`} AS text, strlen(r.text) AS size_bytes
      FROM ${placedSql(work)} p
      LEFT JOIN (SELECT DISTINCT reason, text FROM ${REFUSED} WHERE source_object = ${lit(work.inspected.object.key)} AND text IS NOT NULL) r
        ON r.text = p.json::VARCHAR
      WHERE p.json IS NULL OR r.text IS NOT NULL`),
  )
  if (isLines(work)) yield* locatedLines(engine, work)
  else yield* rowRejects(engine, work)
  await engine.run(`DROP TABLE ${PLACES}`)
}

/** Row numbers count what comes in the order of the object only if one thread reads and order is kept. */
async function inOrder(engine: Engine, read: () => Promise<void>): Promise<void> {
  await engine.run('SET preserve_insertion_order = true')
  await engine.run('SET threads = 1')
  try {
    await read()
  } finally {
    await engine.run('SET preserve_insertion_order = false')
    await engine.run('RESET threads')
  }
}

interface Place {
  readonly place: number
  readonly reason: string | null
  readonly text: string | null
  readonly sizeBytes: number
}

async function* places(engine: Engine): AsyncGenerator<Place> {
  type Row = { place: string; reason: string | null; text: string | null; size_bytes: string }
  for (let after = 0; ; ) {
    const page = await engine.rows<Row>(
      `SELECT * FROM ${PLACES} WHERE place > ${after} ORDER BY place LIMIT ${PAGE_ROWS}`,
    )
    for (const { place, reason, text, size_bytes } of page) {
      after = Number(place)
      yield { place: after, reason, text, sizeBytes: Number(size_bytes) }
    }
    if (page.length < PAGE_ROWS) return
  }
}

async function* locatedLines(engine: Engine, work: Work): AsyncGenerator<Reject> {
  const lines = records(work)
  try {
    for await (const { place, reason: known } of places(engine)) {
      let found = await lines.next()
      while (!found.done && found.value.place < place) found = await lines.next()
      // The count holds even where the engine and we should disagree on what a line is.
      const { line, bytes, last } = found.done ? { line: place, bytes: Buffer.alloc(0), last: false } : found.value
      const reason = known ?? (last ? 'truncated' : 'malformed_json')
      yield {
        sourceObject: work.inspected.object.key,
        form: work.form,
        reason,
        detail: detailOf(reason),
        line: work.linesBefore + (work.inspected.shape === 'documents' ? place : line),
        sizeBytes: bytes.length,
        content: bytes.subarray(0, KEPT_BYTES),
      }
    }
  } finally {
    await lines.return(undefined)
  }
}

/** Rows of tables have no bytes of their own: what is kept is the row as JSON. */
async function* rowRejects(engine: Engine, work: Work): AsyncGenerator<Reject> {
  for await (const { place, reason, text, sizeBytes } of places(engine)) {
    yield {
      sourceObject: work.inspected.object.key,
      form: work.form,
      reason: reason ?? 'not_a_record',
      detail: detailOf(reason ?? 'not_a_record'),
      line: place,
      sizeBytes,
      content: Buffer.from(text ?? '').subarray(0, KEPT_BYTES),
    }
  }
}

/** Gives the rejects that the CSV reader has noted of one object. */
export async function* brokenLines(engine: Engine, work: Work): AsyncGenerator<Reject> {
  type Row = { line: string; reason: string; detail: string; size_bytes: string; text: string }
  const { key } = work.inspected.object
  for (let after = -1; ; ) {
    const page = await engine.rows<Row>(
      `SELECT * EXCLUDE (source_object) FROM ${BROKEN_LINES} WHERE source_object = ${lit(key)} AND line > ${after} ORDER BY line LIMIT ${PAGE_ROWS}`,
    )
    for (const { line, reason, detail, size_bytes, text } of page) {
      after = Number(line)
      const content = Buffer.from(text).subarray(0, KEPT_BYTES)
      yield { sourceObject: key, form: work.form, reason, detail, line: after, sizeBytes: Number(size_bytes), content }
    }
    if (page.length < PAGE_ROWS) return
  }
}

interface Line {
  /** Number among the lines that are not blank, from 1: how the engine counts. */
  readonly place: number
  readonly line: number
  readonly bytes: Buffer
  /** True for what stands after the last line break. */
  readonly last: boolean
}

async function* records(work: Work): AsyncGenerator<Line, void, void> {
  let rest: Buffer[] = []
  let line = 0
  let place = 0
  try {
    for await (const bytes of decompressed(work.readPath, work.compression)) {
      let from = 0
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        line++
        const found = Buffer.concat([...rest, bytes.subarray(from, at)])
        rest = []
        from = at + 1
        if (!isBlank(found)) yield { place: ++place, line, bytes: found, last: false }
      }
      rest.push(Buffer.from(bytes.subarray(from)))
    }
  } catch (cause) {
    // Damaged compression is a reject of its own; the line it cuts is still one.
    if (!(cause instanceof DamagedCompression)) throw cause
  }
  const found = Buffer.concat(rest)
  if (!isBlank(found)) yield { place: place + 1, line: line + 1, bytes: found, last: true }
}
