/**
 * Few rows of files, as somebody sees them. Masks of all columns take the engine far longer to make ready than few rows take to mask, so
 * that the rows are read first, as they are, and then only those columns are masked in which something may have to be hidden.
 */
import { AppError, isAppError } from '../../core/errors.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { ident, lit } from '../../engine/sql.ts'
import { columnDefinitions } from '../../engine/types.ts'
import type { PlainRow } from './connections.ts'
import { askerOf, type LakeReader, type ReadOptions } from './lake-reader.ts'
import type { FileRows } from './placed-page.ts'
import { numberedSql } from './places.ts'
import { type RawRow, unchangedIn } from './unchanged.ts'
import { isLimited, limitsSql, type Sight, visibleEvents } from './visible.ts'

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
  if (places.length === 0) return []
  const { events } = reader.snapshots
  const parts = places.map(({ file, rows }) => `SELECT * FROM ${numberedSql(events, file, rows)}`)
  const source = `(${parts.join(' UNION ALL BY NAME ')})`
  const shown = showingFrom<T>(reader, sight, source, showing, options)
  return shown.catch((cause: unknown) => {
    if (reader.isVanished(cause)) return undefined
    throw cause
  })
}

async function showingFrom<T>(
  reader: LakeReader,
  sight: Sight,
  source: string,
  { select, columns, where, order, limit }: Showing,
  options: ReadOptions,
): Promise<readonly T[]> {
  // Rows that are not for this sight never leave the engine.
  const limits = isLimited(sight) ? limitsSql(sight.rows) : 'TRUE'
  const tail = `WHERE ${limits} AND ${where} ${order} LIMIT ${limit}`
  if (sight.masks.length === 0) {
    const rows = await asking(reader, sight, options)(`SELECT ${select} FROM ${source} ${tail}`)
    return rows as unknown as readonly T[]
  }
  // Masks of other columns look at the text of the query.
  const read = EVENT_COLUMNS.filter(({ name }) => columns(name) || name === 'query')
  const names = read.map(({ name }) => ident(name)).join(', ')
  const [raw] = await asking(
    reader,
    sight,
    options,
  )(`SELECT to_json(list(raw))::VARCHAR AS json FROM (SELECT ${names} FROM ${source} ${tail}) raw`)
  if (typeof raw?.json !== 'string') return []
  const seen = maskedRows(reader, sight, raw.json, columns)
  const rows = await asking(reader, sight, options)(`SELECT ${select} FROM ${seen} ${order}`).catch(withoutValues)
  return rows as unknown as readonly T[]
}

const asking =
  (reader: LakeReader, sight: Sight, options: ReadOptions) =>
  (sql: string): Promise<readonly PlainRow[]> =>
    reader.statement(sql, 'rows of files', options.lane ?? 'quick', { by: askerOf(sight), ...options })

/**
 * SQL of rows as somebody sees them who may see these rows.
 *
 * @param json the rows as they are, as JSON of a list of structs
 */
export function maskedRows(
  { key }: Pick<LakeReader, 'key'>,
  { masks }: Sight,
  json: string,
  columns: (name: string) => boolean,
): string {
  const rows = JSON.parse(json) as RawRow[]
  const present = EVENT_COLUMNS.filter(({ name }) => rows[0] !== undefined && Object.hasOwn(rows[0], name))
  const typed = `(SELECT unnest(${lit(json)}::JSON::STRUCT(${columnDefinitions(present)})[], max_depth := 2))`
  return visibleEvents(typed, { masks, rows: {} }, { key, columns, unchanged: unchangedIn(rows, masks) })
}

/** The engine may quote a value that is to be hidden in a message. */
export function withoutValues(cause: unknown): never {
  if (isAppError(cause) && cause.code !== 'ENGINE') throw cause
  throw new AppError('ENGINE', 'Rows that were read could not be masked.')
}
