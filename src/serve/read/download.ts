/** Many events as a file, written piece by piece: no event passes through JavaScript, and a client that leaves stops the next piece. */
import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { timeConditions } from '../../ask/filter.ts'
import type { TimeRange } from '../../ask/times.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { ident, lit } from '../../engine/sql.ts'
import { csv } from '../../export/formats/csv.ts'
import { parquet } from '../../export/formats/parquet.ts'
import { removeScratch, scratchFolder } from '../../ingest/scratch.ts'
import { filesBetween } from '../../lake/read.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import type { Search } from '../search/to-sql.ts'
import { nobodyWaits } from './connections.ts'
import { checkDisk } from './download-places.ts'
import { askerOf, type LakeReader } from './lake-reader.ts'
import { boundsOf } from './spans.ts'
import type { Sight } from './visible.ts'

/** Kinds of files. */
export const DOWNLOADS = ['ndjson', 'csv', 'parquet'] as const
/** One of {@link DOWNLOADS}. */
export type DownloadFormat = (typeof DOWNLOADS)[number]

/** What is downloaded. */
export interface DownloadQuestion extends TimeRange {
  readonly search: Search
  readonly format: DownloadFormat
  readonly limit: number
  /** Events that were counted; those of the limit are the first of them. */
  readonly found: number
  /** Version of the table that was counted. */
  readonly version: number
}

/** Events that are sorted at once; a piece of the file. */
const PIECE_EVENTS = 200_000
/** A piece takes seconds; one that takes longer than this meets a machine in trouble. */
const PIECE_MS = 120_000
const DAY_MS = 86_400_000
const CHUNK_BYTES = 256 * 1024

const TIMES = EVENT_COLUMNS.filter(({ type }) => type === 'timestamp').map(
  ({ name }) => `strftime(${ident(name)}, '%Y-%m-%dT%H:%M:%S.%fZ') AS ${ident(name)}`,
)

/** How each kind is written. */
const WRITTEN: Readonly<Record<DownloadFormat, { select(relation: string): string; first: string; later: string }>> = {
  ndjson: {
    select: (relation) => `SELECT * REPLACE (${TIMES.join(', ')}) FROM ${relation}`,
    first: 'FORMAT json, ARRAY false',
    later: 'FORMAT json, ARRAY false',
  },
  csv: { select: csv.select, first: csv.copyOptions, later: csv.continued ?? csv.copyOptions },
  parquet: { select: parquet.select, first: parquet.copyOptions, later: parquet.copyOptions },
}

/**
 * The bytes of the file, oldest events first. Parquet is one piece; it has the oldest of more than the limit too, in no order.
 *
 * @param hasRoom throws where there is none for the next piece
 */
export async function* download(
  reader: LakeReader,
  sight: Sight,
  question: DownloadQuestion,
  signal: AbortSignal,
  hasRoom: () => Promise<void> = () => checkDisk(reader.home),
): AsyncGenerator<Buffer, void, void> {
  const folder = scratchFolder(reader.home, 'download')
  try {
    await mkdir(folder, { recursive: true })
    let left = question.limit
    let isFirst = true
    for (const piece of await piecesOf(reader, question)) {
      if (left <= 0) return
      await hasRoom()
      const path = join(folder, 'piece')
      const written = await writePiece(reader, sight, question, { piece, left, isFirst, path }, signal)
      left -= written
      if (written === 0 && !isFirst) continue
      isFirst = false
      for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
        if (signal.aborted) throw nobodyWaits(signal)
        yield chunk as Buffer
      }
      await rm(path)
    }
  } finally {
    await removeScratch(folder)
  }
}

interface Piece {
  readonly piece: TimeRange
  readonly left: number
  readonly isFirst: boolean
  readonly path: string
}

async function writePiece(
  reader: LakeReader,
  sight: Sight,
  { search, format, version, found, limit }: DownloadQuestion,
  { piece, left, isFirst, path }: Piece,
  signal: AbortSignal,
): Promise<number> {
  const { select, first, later } = WRITTEN[format]
  const snapshot = await reader.snapshots.asOf(version)
  const sql = ({ events }: { events: string }) => {
    const where = [...timeConditions(piece), `(${search.sql})`].join(' AND ')
    const oldest = 'ORDER BY event_time, event_id'
    if (format !== 'parquet') return select(`(SELECT * FROM ${events} WHERE ${where} ${oldest} LIMIT ${left})`)
    // All that is in a file would be sorted at once: only times and ids are, and only where some events are left out.
    const last = `SELECT event_time, event_id FROM ${events} WHERE ${where} ${oldest} LIMIT 1 OFFSET ${left - 1}`
    // The count may be of a newer version: where this one has no more than are wanted, all of them are.
    const upTo = `coalesce((event_time, event_id) <= (SELECT (event_time, event_id) FROM (${last})), true)`
    const first = found <= limit ? '' : ` AND ${upTo}`
    return select(`(SELECT * FROM ${events} WHERE ${where}${first} LIMIT ${left})`)
  }
  const { events } = reader.relations(sight, snapshot, sql, piece)
  const copy = `COPY (${sql({ events })}) TO ${lit(path)} (${isFirst ? first : later})`
  return reader.connections.with({ lane: 'long', timeoutMs: PIECE_MS, signal, by: askerOf(sight) }, async (engine) =>
    Number((await engine.row<{ Count: string }>(copy)).Count),
  )
}

/** Spans of time with about as many events each. */
async function piecesOf(reader: LakeReader, question: DownloadQuestion): Promise<TimeRange[]> {
  const { events } = await reader.snapshots.asOf(question.version)
  const files = filesBetween(events, question.fromMs, question.toMs)
  const bounds = boundsOf({ files })
  if (bounds === undefined) return [question]
  const span = {
    fromMs: Math.max(question.fromMs ?? bounds.fromMs, bounds.fromMs),
    toMs: Math.min(question.toMs ?? bounds.toMs + 1, bounds.toMs + 1),
  }
  if (question.format === 'parquet') return [span]
  const pieces: TimeRange[] = []
  for (const [day, ofDay] of [...Map.groupBy(files, ({ partition }) => partition)].sort()) {
    const startMs = Date.parse(`${day}T00:00:00Z`)
    const parts = Math.max(1, Math.ceil(rowsOf(ofDay) / PIECE_EVENTS))
    for (let part = 0; part < parts; part++) {
      const fromMs = Math.max(span.fromMs, startMs + Math.floor((part * DAY_MS) / parts))
      const toMs = Math.min(span.toMs, startMs + Math.floor(((part + 1) * DAY_MS) / parts))
      if (fromMs < toMs) pieces.push({ fromMs, toMs })
    }
  }
  return pieces.length === 0 ? [span] : pieces
}

const rowsOf = (files: readonly DataFile[]): number => files.reduce((sum, { rows }) => sum + rows, 0)
