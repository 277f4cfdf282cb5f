/**
 * The root over the rows of a data file (docs/design/005-seal.md, "Row" and "File root"): the engine writes each row's
 * canonical text and takes its digest, so that only digests, 64 to a page, come into this process.
 */
import type { Column } from '../core/event.ts'
import type { Engine } from '../engine/duckdb.ts'
import { fileSql, ident } from '../engine/sql.ts'
import { canonical } from './entry.ts'
import { leafHash, rootOfHashes, sha256 } from './merkle.ts'

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
  const text = `concat(${[`to_json([${plain.map(({ sql }) => sql).join(', ')}])::VARCHAR`, ...lines].join(', chr(10), ')})`
  const names = [...plain.map(({ name }) => name), ...nested.map(({ name }) => name)]
  return { text, names, columns: Buffer.from(sha256(canonical(names))).toString('hex') }
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
  const found = await engine.rows<{ page: string; digests: string }>(
    `SELECT file_row_number // ${PAGE_ROWS} AS page, string_agg(sha256(${form.text}), '' ORDER BY file_row_number) AS digests
     FROM ${numberedRows(path)} GROUP BY ALL ORDER BY page`,
  )
  const pages = found.map(({ digests }) => Buffer.from(digests, 'hex'))
  const rows = pages.reduce((sum, page) => sum + page.length / DIGEST_BYTES, 0)
  return { rows, root: Buffer.from(rootOfHashes(pages.map((page) => leafHash(page)))), pages }
}

/** The canonical text of one row of a file, by its position. */
export async function rowText(engine: Engine, path: string, form: RowForm, position: number): Promise<string> {
  const { text } = await engine.row<{ text: string }>(
    `SELECT ${form.text} AS text FROM ${numberedRows(path)} WHERE file_row_number = ${position}`,
  )
  return text
}

const numberedRows = (path: string): string =>
  `read_parquet(${fileSql(path)}, hive_partitioning = false, file_row_number = true)`
