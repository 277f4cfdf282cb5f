/**
 * Few rows of files, as somebody sees them. Masks of all columns take the engine far longer to make ready than few rows take to mask, so
 * that the rows are read first, as they are, and then only those columns are masked in which something may have to be hidden.
 */
import { createHash } from 'node:crypto'
import { AppError, isAppError } from '../../core/errors.ts'
import { type Column, EVENT_COLUMNS } from '../../core/event.ts'
import { ident, lit } from '../../engine/sql.ts'
import { columnDefinitions } from '../../engine/types.ts'
import type { PlainRow } from './connections.ts'
import { askerOf, type LakeReader, type ReadOptions } from './lake-reader.ts'
import type { FileRows } from './placed-page.ts'
import { numberedSql } from './places.ts'
import { type RawRow, unchangedIn } from './unchanged.ts'
import { LIMITED, type Sight, visibleEvents } from './visible.ts'

/** What is shown of the rows. Conditions and order are over columns that are never masked. */
export interface Showing {
  /** Columns that `select` names. */
  readonly columns: (name: string) => boolean
  /** Expressions over columns as they are seen. */
  readonly select: string
  readonly where: string
  readonly order: string
  readonly limit: number
}

/** The rows that `where` leaves. Undefined where a file is gone. */
export async function rowsShown<T>(
  reader: LakeReader,
  sight: Sight,
  places: readonly FileRows[],
  showing: Showing,
  options: ReadOptions,
): Promise<readonly T[] | undefined> {
  // Limits look at some columns, and masks of some at the text of the query.
  const needed = (name: string) => LIMITED.includes(name) || (name === 'query' && sight.masks.length > 0)
  const columns = EVENT_COLUMNS.filter(({ name }) => showing.columns(name) || needed(name))
  const ask = asking(reader, sight, options)
  const rows = await rawRows(reader, places, columns, ask).catch((cause: unknown) => {
    if (reader.isVanished(cause)) return undefined
    throw cause
  })
  if (rows === undefined || rows.length === 0) return rows as undefined | []
  const seen = maskedRows(reader, sight, `[${rows.join(', ')}]`, showing.columns)
  const { select, where, order, limit } = showing
  const sql = `SELECT ${select} FROM ${seen} WHERE ${where} ${order} LIMIT ${limit}`
  return (await ask(sql).catch(withoutValues)) as unknown as readonly T[]
}

/** Rows of files as JSON, for everybody alike: those that are not kept are read. */
async function rawRows(
  { rowCache, snapshots }: LakeReader,
  places: readonly FileRows[],
  columns: readonly Column[],
  ask: (sql: string) => Promise<readonly PlainRow[]>,
): Promise<string[]> {
  const shape = createHash('sha256').update(JSON.stringify(columns)).digest('base64').slice(0, 8)
  const struct = columns.map(({ name }) => `${lit(name)}: ${ident(name)}`).join(', ')
  const found: string[] = []
  const parts: string[] = []
  const keyOf = (at: number, row: number) => `${shape}:${places[at]?.file.path}:${row}`
  for (const [at, { file, rows: numbers }] of places.entries()) {
    const missing: number[] = []
    for (const number of numbers) {
      const kept = rowCache.of(keyOf(at, number))
      if (kept === undefined) missing.push(number)
      else found.push(kept)
    }
    if (missing.length > 0) {
      const source = numberedSql(snapshots.events, file, missing)
      parts.push(`SELECT ${at} AS "at", "row", to_json({${struct}})::VARCHAR AS json FROM ${source}`)
    }
  }
  if (parts.length === 0) return found
  for (const { at, row, json } of await ask(parts.join(' UNION ALL '))) {
    rowCache.keep(keyOf(Number(at), Number(row)), String(json))
    found.push(String(json))
  }
  return found
}

const asking =
  (reader: LakeReader, sight: Sight, options: ReadOptions) =>
  (sql: string): Promise<readonly PlainRow[]> =>
    reader.statement(sql, 'rows of files', options.lane ?? 'quick', { by: askerOf(sight), ...options })

/**
 * SQL of those of some rows that somebody may see, as they see them.
 *
 * @param json the rows as they are, as JSON of a list of structs
 */
export function maskedRows(
  { key }: Pick<LakeReader, 'key'>,
  sight: Sight,
  json: string,
  columns: (name: string) => boolean,
): string {
  const rows = JSON.parse(json) as RawRow[]
  const present = EVENT_COLUMNS.filter(({ name }) => rows[0] !== undefined && Object.hasOwn(rows[0], name))
  const typed = `(SELECT unnest(${lit(json)}::JSON::STRUCT(${columnDefinitions(present)})[], max_depth := 2))`
  return visibleEvents(typed, sight, { key, columns, unchanged: unchangedIn(rows, sight.masks) })
}

/** The engine may quote a value that is to be hidden in a message. */
export function withoutValues(cause: unknown): never {
  if (isAppError(cause) && cause.code !== 'ENGINE') throw cause
  throw new AppError('ENGINE', 'Rows that were read could not be shown.')
}
