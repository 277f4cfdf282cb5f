/** Merging: the rows of several files of one day, written anew in order of time, in bounded memory. */
import type { Engine } from '../engine/duckdb.ts'
import { ident } from '../engine/sql.ts'
import { scanSql } from './read.ts'
import type { DataFile } from './snapshot.ts'
import type { DeltaTable } from './table.ts'
import { writePartition } from './write.ts'

/**
 * Rows to a row group of a merged file: half of DuckDB's own, which halves what a writer holds in memory and makes a
 * probe by time cheaper, while footers stay small. Measured in docs/design/001-delta-writer.md.
 */
export const MERGED_ROW_GROUP_ROWS = 61_440

/** Rows of one merged file at most: audit events of this number are sorted in 500 MB with hardly any spilling. */
export const MERGED_FILE_ROWS = 400_000

/** A half-open span of time, in microseconds; open where undefined. */
interface Slice {
  readonly from?: string
  readonly to?: string
}

/**
 * Writes the rows of `files`, all of one partition, to new files of about `targetBytes`, sorted by time and id within
 * and across them. Each file is one span of time and is sorted by itself: sorting a whole day would not fit in memory.
 */
export async function mergeFiles(
  engine: Engine,
  table: DeltaTable,
  files: readonly DataFile[],
  options: { readonly targetBytes: number; readonly stem: string },
): Promise<DataFile[]> {
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  const count = Math.max(Math.ceil(bytes / options.targetBytes), Math.ceil(rows / MERGED_FILE_ROWS))
  const merged: DataFile[] = []
  for (const slice of await timeSlices(engine, table, files, count)) {
    const file = await writePartition(engine, table, {
      select: sliceSql(table, files, slice),
      partition: files[0]?.partition ?? '',
      stem: options.stem,
      orderBy: rowOrder(table),
      rowGroupRows: MERGED_ROW_GROUP_ROWS,
    })
    if (file) merged.push(file)
  }
  return merged
}

/** Cuts the files' rows into at most `count` spans of about as many rows each. */
async function timeSlices(
  engine: Engine,
  table: DeltaTable,
  files: readonly DataFile[],
  count: number,
): Promise<Slice[]> {
  const { timeColumn } = table.spec
  if (count < 2 || timeColumn === undefined) return [{}]
  const time = ident(timeColumn)
  const shares = Array.from({ length: count - 1 }, (_, index) => (index + 1) / count)
  const { cuts, timeless } = await engine.row<{ cuts: string[] | null; timeless: string }>(
    `SELECT approx_quantile(epoch_us(${time}), [${shares}]) AS cuts, count(*) - count(${time}) AS timeless
     FROM ${scanSql(table, files)}`,
  )
  // Rows without a time are in no span.
  if (timeless !== '0') return [{}]
  const ends = [...new Set(cuts ?? [])]
  return [...ends, undefined].map((to, index) => {
    const from = ends[index - 1]
    return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  })
}

function sliceSql(table: DeltaTable, files: readonly DataFile[], { from, to }: Slice): string {
  const time = ident(table.spec.timeColumn ?? '')
  const fromMs = from === undefined ? -Infinity : Number(from) / 1000
  const toMs = to === undefined ? Infinity : Number(to) / 1000
  const touched = files.filter(
    ({ minTimeMs = -Infinity, maxTimeMs = Infinity }) => minTimeMs <= toMs && maxTimeMs >= fromMs,
  )
  const conditions = [
    ...(from === undefined ? [] : [`${time} >= make_timestamptz(${from})`]),
    ...(to === undefined ? [] : [`${time} < make_timestamptz(${to})`]),
  ]
  return `SELECT * FROM ${scanSql(table, touched)} WHERE ${conditions.join(' AND ') || 'true'}`
}

/** By time, then by the first column, which is the row's id: the same order however the rows came in. */
const rowOrder = ({ spec }: DeltaTable): string =>
  [...(spec.timeColumn === undefined ? [] : [spec.timeColumn]), spec.columns[0]?.name ?? ''].map(ident).join(', ')
