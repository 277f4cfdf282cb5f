/**
 * The root over the rows of a data file (docs/design/005-seal.md, "Row" and "File root"): the engine writes each row's
 * canonical bytes, and this process takes their digest.
 */
import { hash } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { fileSql } from '../engine/sql.ts'
import { takeBytes } from '../engine/take-bytes.ts'
import { type Hash, leafHash, rootOfHashes } from './merkle.ts'
import type { RowContent } from './proof.ts'
import { ROW_FORM, rowBytes } from './row-bytes.ts'
import { type RowForm, rowBytesSql } from './row-form.ts'

/** Rows whose digests make one leaf of a file's tree. */
export const PAGE_ROWS = 64

/** Files whose rows are digested by one statement: enough for all threads, few enough that digests of all rows fit into memory. */
export const AT_ONCE_BYTES: number = 128 * 1024 * 1024

const DIGEST_BYTES = 32

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

/** How digesting goes along with what else is done. */
export interface DigestOptions {
  /** Ends it before its time. */
  readonly signal?: AbortSignal
  /** Called once no more settings of the engine are looked at. */
  readonly onPlanned?: () => void
}

/**
 * Digests the rows of several files of one form in one statement: it costs much less than one each, and keeps all threads
 * busy. At most 100 bytes of memory a row.
 *
 * @returns one for each path, in their order
 * @throws AppError as {@link digestRows}; ENGINE if the engine writes rows otherwise than the form says
 */
export async function digestFiles(
  engine: Engine,
  paths: readonly string[],
  form: RowForm,
  { signal, onPlanned }: DigestOptions = {},
): Promise<FileRows[]> {
  if (form.name === ROW_FORM) await checkWriting(engine)
  signal?.throwIfAborted()
  const digested = new Map(paths.map((path) => [path, new Digests(path)]))
  const sql = { bytes: form.bytes, file: 'filename', place: 'file_row_number' }
  let last: Digests | undefined
  const take = (bytes: Uint8Array, file: string, row: number) => {
    if (signal?.aborted) throw signal.reason
    if (last?.path !== file) last = digested.get(file)
    if (last === undefined) throw new AppError('ENGINE', `The engine read ${file}, which was not asked for.`)
    // Asked for as text, a digest costs half of what it does as a buffer of its own.
    last.put(row, hash('sha256', bytes, 'binary'))
  }
  await takeBytes(engine, numberedRows(paths), sql, take, onPlanned)
  return paths.map((path) => (digested.get(path) as Digests).all())
}

const SAMPLE = ['', null, 'a\u0000\u007fé\u{10ffff}', '\u0001']
const checked = new WeakSet<object>()

/** The engine's way of writing rows is its own affair: should another version have another, no root must be made with it. */
async function checkWriting(engine: Engine): Promise<void> {
  if (checked.has(engine.database)) return
  const values = SAMPLE.map((value) =>
    value === null ? 'NULL::VARCHAR' : `decode(unhex('${Buffer.from(value).toString('hex')}'))`,
  )
  const { written } = await engine.row<{ written: string }>(`SELECT lower(hex(${rowBytesSql(values)})) AS written`)
  if (written !== rowBytes(SAMPLE).toString('hex'))
    throw new AppError('ENGINE', `This version of the engine writes rows otherwise than ${ROW_FORM} says.`, {
      hint: 'Install Bricktrail again, with the versions in its package-lock.json.',
    })
  checked.add(engine.database)
}

/** Pages whose digests are in one piece of memory: it is never copied to make room for more. */
const BLOCK_PAGES = 64
const BLOCK_ROWS = BLOCK_PAGES * PAGE_ROWS
const PAGE_BYTES = PAGE_ROWS * DIGEST_BYTES

interface Block {
  readonly bytes: Buffer
  /** Of each row, 1 once its digest is there; of each page, how many of its rows have theirs. */
  readonly known: Uint8Array
  readonly counts: Uint8Array
  /** Of each page that is full, its hash as a leaf. */
  readonly hashes: (Hash | undefined)[]
}

/** The digests of the first rows of a page. */
const pageOf = ({ bytes }: Block, page: number, rows: number): Buffer =>
  bytes.subarray(page * PAGE_BYTES, page * PAGE_BYTES + rows * DIGEST_BYTES)

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
    const block = this.#block((row - at) / BLOCK_ROWS)
    const { bytes, known, counts } = block
    if (known[at] !== 0) throw this.#misnumbered()
    known[at] = 1
    bytes.write(digest, at * DIGEST_BYTES, 'latin1')
    this.#count += 1
    if (row >= this.#rows) this.#rows = row + 1
    const page = Math.floor(at / PAGE_ROWS)
    const count = (counts[page] as number) + 1
    counts[page] = count
    // While the engine makes the bytes of other rows: at the end there would be nothing else to do.
    if (count === PAGE_ROWS) block.hashes[page] = leafHash(pageOf(block, page, PAGE_ROWS))
  }

  all(): FileRows {
    const rows = this.#rows
    if (rows !== this.#count) throw this.#misnumbered()
    const pages: Buffer[] = []
    const hashes: Hash[] = []
    for (let first = 0; first < rows; first += PAGE_ROWS) {
      const block = this.#block(Math.floor(first / BLOCK_ROWS))
      const at = (first % BLOCK_ROWS) / PAGE_ROWS
      const page = pageOf(block, at, Math.min(PAGE_ROWS, rows - first))
      pages.push(page)
      hashes.push(block.hashes[at] ?? leafHash(page))
    }
    return { rows, root: Buffer.from(rootOfHashes(hashes)), pages }
  }

  #block(at: number): Block {
    let block = this.#blocks[at]
    if (block === undefined) {
      block = {
        bytes: Buffer.allocUnsafeSlow(BLOCK_ROWS * DIGEST_BYTES),
        known: new Uint8Array(BLOCK_ROWS),
        counts: new Uint8Array(BLOCK_PAGES),
        hashes: [],
      }
      this.#blocks[at] = block
    }
    return block
  }

  #misnumbered(): AppError {
    return new AppError('ENGINE', `The engine did not number the rows of ${this.path} from 0 on.`, { where: this.path })
  }
}

/** The values of one row of a file, by its position; of a form of which nothing is written any more, its text. */
export async function rowContent(engine: Engine, path: string, form: RowForm, position: number): Promise<RowContent> {
  const row = `FROM ${numberedRows([path])} WHERE file_row_number = ${position}`
  if (form.name === 'row/1') return engine.row<{ text: string }>(`SELECT decode(${form.bytes}) AS text ${row}`)
  const names = form.values.map((sql, at) => `${sql} AS v${at}`)
  const values = Object.values(await engine.row<Record<string, string | null>>(`SELECT ${names.join(', ')} ${row}`))
  return { values }
}

const numberedRows = (paths: readonly string[]): string =>
  `read_parquet([${paths.map(fileSql).join(', ')}], hive_partitioning = false, filename = true, file_row_number = true)`
