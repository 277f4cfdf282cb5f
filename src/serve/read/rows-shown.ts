/**
 * Few rows of files, as somebody sees them. Masks of all columns take the engine far longer to make ready than few rows take to mask, so
 * that the rows are read first, as they are, and then only those columns are masked in which something may have to be hidden.
 */
import { AppError, isAppError } from '../../core/errors.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { ident, lit } from '../../engine/sql.ts'
import { columnDefinitions } from '../../engine/types.ts'
import { askerOf, type LakeReader, type ReadOptions } from './lake-reader.ts'
import type { FileRows } from './placed-page.ts'
import { numberedSql } from './places.ts'
import { isLimited, limitsSql, mayChangeSql, type Sight, visibleEvents } from './visible.ts'

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
  const rows = await shown<T>(reader, sight, source, showing, options).catch((cause: unknown) => {
    if (reader.isVanished(cause)) return undefined
    throw cause
  })
  return rows
}

/** As {@link rowsShown}, of any relation with the columns of events. */
export async function shown<T>(
  reader: LakeReader,
  sight: Sight,
  source: string,
  showing: Showing,
  options: ReadOptions,
): Promise<readonly T[]> {
  const { select, where, order, limit } = showing
  const ask = (sql: string) =>
    reader.statement(sql, 'rows of files', options.lane ?? 'quick', { by: askerOf(sight), ...options })
  // Rows that are not for this sight never leave the engine.
  const limits = isLimited(sight) ? limitsSql(sight.rows) : 'TRUE'
  const tail = `WHERE ${limits} AND ${where} ${order} LIMIT ${limit}`
  if (sight.masks.length === 0) return (await ask(`SELECT ${select} FROM ${source} ${tail}`)) as unknown as readonly T[]
  const columns = EVENT_COLUMNS.filter(({ name }) => showing.columns(name) || isNeeded(name, sight))
  const tests = columns.flatMap((column) => {
    const test = mayChangeSql(column, sight.masks)
    return test === undefined ? [] : [`coalesce(bool_or(${test}), false) AS ${ident(column.name)}`]
  })
  const names = columns.map(({ name }) => ident(name)).join(', ')
  const [raw] = await ask(`WITH raw AS MATERIALIZED (SELECT ${names} FROM ${source} ${tail})
    SELECT (SELECT to_json(list(raw))::VARCHAR FROM raw) AS rows, count(*) AS count, ${['0 AS none', ...tests].join(', ')} FROM raw`)
  if (raw === undefined || raw.count === 0) return []
  const typed = `(SELECT unnest(${lit(String(raw.rows))}::JSON::STRUCT(${columnDefinitions(columns)})[], max_depth := 2))`
  const seen = visibleEvents(
    typed,
    { masks: sight.masks, rows: {} },
    {
      key: reader.key,
      columns: showing.columns,
      unchanged: (name) => raw[name] === false,
    },
  )
  return (await ask(`SELECT ${select} FROM ${seen} ${order}`).catch(withoutValues)) as unknown as readonly T[]
}

/** The engine may quote a value that is to be hidden in a message. */
function withoutValues(cause: unknown): never {
  if (isAppError(cause) && cause.code !== 'ENGINE') throw cause
  throw new AppError('ENGINE', 'Rows that were read could not be masked.')
}

/** What masks of other columns look at. */
const isNeeded = (name: string, { masks }: Sight): boolean => name === 'query' && masks.includes('query')
