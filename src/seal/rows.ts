/**
 * The root over the rows of a data file (docs/design/005-seal.md, "Row" and "File root"): the engine writes each row's
 * canonical text, and this process takes its digest.
 */
import { hash } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Column } from '../core/event.ts'
import type { Engine } from '../engine/duckdb.ts'
import { fileSql, ident } from '../engine/sql.ts'
import { takeTexts } from '../engine/texts.ts'
import { canonical } from './entry.ts'
import { hexOf, leafHash, rootOfHashes, sha256 } from './merkle.ts'

/** Rows whose digests make one leaf of a file's tree. */
export const PAGE_ROWS = 64

/** Files whose rows are digested by one statement: enough for all threads, few enough that digests of all rows fit into memory. */
export const AT_ONCE_BYTES: number = 128 * 1024 * 1024

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
 * busy. At most 100 bytes of memory a row.
 *
 * @param options `signal` ends it before its time; `onPlanned` is called once no more settings of the engine are looked at
 * @returns one for each path, in their order
 * @throws AppError as {@link digestRows}
 */
export async function digestFiles(
  engine: Engine,
  paths: readonly string[],
  form: RowForm,
  { signal, onPlanned }: { readonly signal?: AbortSignal; readonly onPlanned?: () => void } = {},
): Promise<FileRows[]> {
  signal?.throwIfAborted()
  const digested = new Map(paths.map((path) => [path, new Digests(path)]))
  const sql = { text: form.text, file: 'filename', place: 'file_row_number' }
  let last: Digests | undefined
  const take = (text: Uint8Array, file: string, row: number) => {
    if (signal?.aborted) throw signal.reason
    if (last?.path !== file) last = digested.get(file)
    if (last === undefined) throw new AppError('ENGINE', `The engine read ${file}, which was not asked for.`)
    // Asked for as text, a digest costs half of what it does as a buffer of its own.
    last.put(row, hash('sha256', text, 'binary'))
  }
  await takeTexts(engine, numberedRows(paths), sql, take, onPlanned)
  return paths.map((path) => (digested.get(path) as Digests).all())
}

/** Pages whose digests are in one piece of memory: it is never copied to make room for more. */
const BLOCK_PAGES = 64
const BLOCK_ROWS = BLOCK_PAGES * PAGE_ROWS
const PAGE_BYTES = PAGE_ROWS * DIGEST_BYTES

interface Block {
  readonly bytes: Buffer
  /** Of each row, 1 once its digest is there. */
  readonly known: Uint8Array
}

/** The digests of a file's rows, as they come. */
class Digests {
  readonly path: string
  readonly #blocks: (Block | undefined)[] = []
  #rows = 0
  #count = 0

  constructor(path: string) {
    this.path = path
  }

  put(row: number, digest: string): void {
    const at = row % BLOCK_ROWS
    const { bytes, known } = this.#block((row - at) / BLOCK_ROWS)
    if (known[at] !== 0) throw this.#misnumbered()
    known[at] = 1
    bytes.write(digest, at * DIGEST_BYTES, 'latin1')
    this.#count += 1
    if (row >= this.#rows) this.#rows = row + 1
  }

  all(): FileRows {
    const rows = this.#rows
    if (rows !== this.#count) throw this.#misnumbered()
    const pages = Array.from({ length: Math.ceil(rows / PAGE_ROWS) }, (_, page) => {
      const from = (page % BLOCK_PAGES) * PAGE_BYTES
      const length = Math.min(PAGE_ROWS, rows - page * PAGE_ROWS) * DIGEST_BYTES
      return this.#block(Math.floor(page / BLOCK_PAGES)).bytes.subarray(from, from + length)
    })
    const root = Buffer.from(rootOfHashes(pages.map((page) => leafHash(page))))
    return { rows, root, pages }
  }

  #block(at: number): Block {
    let block = this.#blocks[at]
    if (block === undefined) {
      block = { bytes: Buffer.allocUnsafeSlow(BLOCK_ROWS * DIGEST_BYTES), known: new Uint8Array(BLOCK_ROWS) }
      this.#blocks[at] = block
    }
    return block
  }

  #misnumbered(): AppError {
    return new AppError('ENGINE', `The engine did not number the rows of ${this.path} from 0 on.`, { where: this.path })
  }
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
