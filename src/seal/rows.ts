/**
 * The root over the rows of a data file (docs/design/005-seal.md, "Row" and "File root"): the engine writes each row's
 * canonical text and takes its digest, so that only digests, 64 to a page, come into this process.
 */
import { AppError } from '../core/errors.ts'
import type { Column } from '../core/event.ts'
import type { Engine } from '../engine/duckdb.ts'
import { fileSql, ident } from '../engine/sql.ts'
import { canonical } from './entry.ts'
import { hexOf, leafHash, rootOfHashes, sha256 } from './merkle.ts'

/** Rows whose digests make one leaf of a file's tree. */
export const PAGE_ROWS = 64

const DIGEST_BYTES = 32

/** What Bricktrail says about an event or its handling: all of it follows from the rest of the row, or from the manifest. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  events: [
    'event_date',
    'ingest_time',
    'source',
    'batch_id',
    'category',
    'verb',
    'key_event',
    'client',
    'geo',
    'targets',
    'record_bytes',
    'redactions',
  ],
}

/** How the rows of a file become texts. */
export interface RowForm {
  /** SQL expression over the columns of the file: the canonical text. */
  readonly text: string
  /** Names of the values in it, in order. */
  readonly names: readonly string[]
  /** SHA-256 of the canonical JSON of the names, hex. */
  readonly columns: string
}

/** The row form of a table's files that have these columns, in their order. */
export function rowForm(table: string, columns: readonly Column[]): RowForm {
  const told = columns.filter(({ name }) => !LEFT_OUT[table]?.includes(name))
  const plain = told.flatMap((column) => plainValues(column) ?? [])
  const nested = told.filter((column) => plainValues(column) === undefined)
  const lines = nested.map(
    ({ name }) => `CASE WHEN ${ident(name)} IS NOT NULL THEN to_json(${ident(name)})::VARCHAR END`,
  )
  const text = `concat(${[`json_array(${plain.map(({ sql }) => sql).join(', ')})::VARCHAR`, ...lines].join(', chr(10), ')})`
  const names = [...plain.map(({ name }) => name), ...nested.map(({ name }) => name)]
  return { text, names, columns: hexOf(sha256(canonical(names))) }
}

interface Value {
  readonly name: string
  readonly sql: string
}

/** The values of a column that stand in the first line; undefined for one with a line of its own. */
function plainValues({ name, type }: Column): Value[] | undefined {
  if (typeof type === 'string') return [{ name, sql: valueSql(ident(name), type) }]
  if (!('struct' in type) || !type.struct.every((field) => typeof field.type === 'string')) return undefined
  return type.struct.map((field) => ({
    name: `${name}.${field.name}`,
    sql: valueSql(`${ident(name)}.${ident(field.name)}`, String(field.type)),
  }))
}

function valueSql(sql: string, type: string): string {
  if (type === 'string') return sql
  return type === 'timestamp' ? `epoch_us(${sql})::VARCHAR` : `${sql}::VARCHAR`
}

/** The rows of one file, digested. */
export interface FileRows {
  readonly rows: number
  /** Root over the pages, 32 bytes. */
  readonly root: Buffer
  /** Of each page, its rows' digests one after the other. */
  readonly pages: readonly Buffer[]
}

/**
 * Digests the rows of a Parquet file.
 * @throws AppError ENGINE if it cannot be read, or the engine numbers its rows otherwise than from 0 on without a gap
 */
export async function digestRows(engine: Engine, path: string, form: RowForm): Promise<FileRows> {
  const [digested] = await digestFiles(engine, [path], form)
  return digested as FileRows
}

/**
 * Digests the rows of several files of one form in one statement: it costs much less than one each, and keeps all threads
 * busy. Some 100 bytes of memory a row, so for some hundred thousand rows at once.
 *
 * @returns one for each path, in their order
 * @throws AppError as {@link digestRows}
 */
export async function digestFiles(engine: Engine, paths: readonly string[], form: RowForm): Promise<FileRows[]> {
  // Grouping costs threads that wait for each other, which small files feel.
  const perFile = paths.length > 1 ? 'GROUP BY filename' : 'HAVING count(*) > 0'
  const found = await engine.rows<{ file: string; rows: string; last: string; digests: string }>(
    `SELECT any_value(filename) AS file, count(*) AS rows, max(file_row_number) AS last,
       string_agg(sha256(${form.text}), '' ORDER BY file_row_number) AS digests
     FROM ${numberedRows(paths)} ${perFile}`,
  )
  const digested = new Map<string, FileRows>()
  for (const { file, rows, last, digests } of found) {
    if (!paths.includes(file)) throw new AppError('ENGINE', `The engine read ${file}, which was not asked for.`)
    if (Number(last) + 1 !== Number(rows))
      throw new AppError('ENGINE', `The engine did not number the rows of ${file} from 0 on.`, { where: file })
    digested.set(file, fileRows(Buffer.from(digests, 'hex')))
  }
  // A file without rows is in no group.
  return paths.map((path) => digested.get(path) ?? fileRows(Buffer.alloc(0)))
}

function fileRows(digests: Buffer): FileRows {
  const pageBytes = PAGE_ROWS * DIGEST_BYTES
  const pages = Array.from({ length: Math.ceil(digests.length / pageBytes) }, (_, page) =>
    digests.subarray(page * pageBytes, (page + 1) * pageBytes),
  )
  const root = Buffer.from(rootOfHashes(pages.map((page) => leafHash(page))))
  return { rows: digests.length / DIGEST_BYTES, root, pages }
}

/** The canonical text of one row of a file, by its position. */
export async function rowText(engine: Engine, path: string, form: RowForm, position: number): Promise<string> {
  const { text } = await engine.row<{ text: string }>(
    `SELECT ${form.text} AS text FROM ${numberedRows([path])} WHERE file_row_number = ${position}`,
  )
  return text
}

const numberedRows = (paths: readonly string[]): string =>
  `read_parquet([${paths.map(fileSql).join(', ')}], hive_partitioning = false, filename = true, file_row_number = true)`
