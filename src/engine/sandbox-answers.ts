/** An engine shut against files, network and settings, and the answers it gives. Runs in the sandbox process. */
import { mkdir } from 'node:fs/promises'
import {
  type DuckDBDataChunk,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  DuckDBTypeId,
  StatementType,
} from '@duckdb/node-api'
import { AppError } from '../core/errors.ts'
import { Engine } from './duckdb.ts'
import { type Plain, plainBytes, plainValue } from './plain-values.ts'
import type { AnswerColumn, SandboxReply, SandboxSetup } from './sandbox-messages.ts'
import { checkSelect, type Gate, gateOf } from './select-only.ts'
import { ident, lit, litList, patternOf } from './sql.ts'

/** One reply carries about this much, so that neither side holds more than a few such batches. */
const BATCH_BYTES = 1_000_000
/** The temporary table that holds an answer while it is read. */
const ANSWER = 'answer'

/** An answer ready to be read: no error can come any more, which a stream of the statement itself would hide. */
interface Held {
  readonly result: DuckDBResult
  /** Rows to come; undefined for the small answers that are held as they are. */
  readonly rowCount: number | undefined
  readonly truncated: boolean
}

/** An answer being read, and where in its chunks it stands. */
interface Reading extends Held {
  chunk: DuckDBDataChunk | null
  row: number
  taken: number
}

/** One answer at a time. */
export class SandboxAnswers {
  readonly #engine: Engine
  readonly #gate: Gate
  readonly #setup: SandboxSetup
  #reading: Reading | undefined

  private constructor(engine: Engine, gate: Gate, setup: SandboxSetup) {
    this.#engine = engine
    this.#gate = gate
    this.#setup = setup
  }

  /** Opens the engine, makes the relations views, then shuts files, network and settings. */
  static async open(setup: SandboxSetup): Promise<SandboxAnswers> {
    await mkdir(setup.spillDir, { recursive: true })
    const engine = await Engine.open({ memoryLimitMb: setup.memoryLimitMb, tempDir: setup.spillDir })
    // A LIMIT over a sorted subquery must give the first rows.
    await engine.run('SET preserve_insertion_order = true')
    await engine.run(`SET max_temp_directory_size = ${lit(`${setup.maxSpillMb}MB`)}`)
    // A path with `[`, `*` or `?` in it is read by way of a pattern that means itself, so both spellings are allowed.
    const spellings = new Set(setup.allowedPaths.flatMap((path) => [path, patternOf(path)]))
    await engine.run(`SET allowed_paths = ${litList([...spellings])}`)
    await engine.run('SET enable_external_access = false')
    for (const [name, relation] of Object.entries(setup.relations)) {
      await engine.run(`CREATE VIEW ${ident(name)} AS SELECT * FROM ${relation}`)
    }
    const gate = await gateOf(engine, Object.keys(setup.relations))
    await engine.run('SET lock_configuration = true')
    return new SandboxAnswers(engine, gate, setup)
  }

  /** Stops what is running. */
  interrupt(): void {
    this.#engine.interrupt()
  }

  /** Runs a statement and makes its answer ready for {@link next}. */
  async start(sql: string, maxRows: number): Promise<SandboxReply> {
    const held = await this.#hold(sql, maxRows)
    this.#reading = { ...held, chunk: null, row: 0, taken: 0 }
    return { kind: 'columns', columns: columnsOf(held.result) }
  }

  /** The next rows of the answer. */
  async next(): Promise<SandboxReply> {
    const of = this.#reading
    if (of === undefined) throw new Error('No query is being read.')
    const rows: unknown[][] = []
    let bytes = 0
    while (bytes < BATCH_BYTES) {
      const chunk = await chunkWithRow(of)
      if (chunk === null) {
        if (of.rowCount !== undefined && of.taken !== of.rowCount) throw new Error('The answer broke off.')
        await this.leave()
        return { kind: 'rows', rows, bytes, end: { truncated: of.truncated } }
      }
      const values = chunk.convertRowValues<Plain>(of.row, plainValue)
      rows.push(values)
      for (const value of values) bytes += plainBytes(value)
      of.row += 1
      of.taken += 1
    }
    return { kind: 'rows', rows, bytes, end: null }
  }

  /** Lets go of the answer and its memory. */
  async leave(): Promise<void> {
    this.#reading = undefined
    await this.#engine.run(`DROP TABLE IF EXISTS temp.${ANSWER}`)
  }

  /** Writes the answer to a Parquet file by a COPY of ours: the engine may write to its own folder and nowhere else. */
  async writeParquet(sql: string, maxRows: number): Promise<SandboxReply> {
    const checked = await checkSelect(this.#engine, sql, this.#gate)
    if (checked.small) throw new AppError('SQL_REFUSED', 'Only a SELECT can go to a Parquet file.')
    const columns = parquetColumns(await this.#prepare(sql))
    // Without a limit nothing need be held; with one, a row more shows whether there are more.
    const held = Number.isFinite(maxRows) ? await this.#hold(sql, maxRows) : undefined
    const from = held === undefined ? `(\n${checked.subquery}\n)` : `temp.${ANSWER}${limitOf(maxRows)}`
    const path = `${this.#setup.spillDir}/answer.parquet`
    const written = await this.#engine.row<{ Count: string }>(
      `COPY (SELECT ${columns} FROM ${from}) TO ${lit(path)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    await this.leave()
    return { kind: 'written', path, rowCount: Number(written.Count), truncated: held?.truncated ?? false }
  }

  /**
   * Runs the statement to its end, or to `maxRows`, and holds the answer in a temporary table, which spills. DuckDB's
   * stream of a statement ends without a word when the statement fails midway.
   */
  async #hold(sql: string, maxRows: number): Promise<Held> {
    const checked = await checkSelect(this.#engine, sql, this.#gate)
    const prepared = await this.#prepare(sql)
    if (checked.small) return { result: await prepared.run(), rowCount: undefined, truncated: false }
    const { connection } = this.#engine
    const answer = `SELECT * FROM (\n${checked.subquery}\n)${limitOf(maxRows + 1)}`
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${ANSWER} AS ${answer}`)
    const { held } = await this.#engine.row<{ held: string }>(`SELECT count(*) AS held FROM temp.${ANSWER}`)
    const rowCount = Math.min(Number(held), maxRows)
    const result = await connection.stream(`FROM temp.${ANSWER}${limitOf(rowCount)}`)
    return { result, rowCount, truncated: Number(held) > maxRows }
  }

  /** The gate has read the tree; this asks the engine itself what the text is. */
  async #prepare(sql: string): Promise<DuckDBPreparedStatement> {
    const statements = await this.#engine.connection.extractStatements(sql)
    if (statements.count !== 1) throw new AppError('SQL_REFUSED', 'Only one statement runs at a time.')
    const prepared = await statements.prepare(0)
    const type = prepared.statementType
    if (type !== StatementType.SELECT && type !== StatementType.EXPLAIN) {
      throw new AppError('SQL_REFUSED', `${StatementType[type]} is not allowed: queries only read.`)
    }
    return prepared
  }
}

const limitOf = (rows: number): string => (Number.isFinite(rows) ? ` LIMIT ${rows}` : '')

const columnsOf = (result: DuckDBResult): AnswerColumn[] => {
  const names = result.deduplicatedColumnNames()
  return names.map((name, at) => ({ name, type: result.columnType(at).toString() }))
}

/** The chunk that holds the next row, or null at the end of the answer. */
async function chunkWithRow(of: Reading): Promise<DuckDBDataChunk | null> {
  while (of.chunk === null || of.row >= of.chunk.rowCount) {
    of.chunk = await of.result.fetchChunk()
    of.row = 0
    if (of.chunk === null || of.chunk.rowCount === 0) return null
  }
  return of.chunk
}

/** Parquet has no 128-bit integers, and DuckDB would round them. */
function parquetColumns(prepared: DuckDBPreparedStatement): string {
  const exact = Array.from({ length: prepared.columnCount }, (_, at) => at)
    .filter((at) => [DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT].includes(prepared.columnTypeId(at)))
    .map((at) => ident(prepared.columnName(at)))
    .map((name) => `CAST(${name} AS DECIMAL(38, 0)) AS ${name}`)
  return exact.length === 0 ? '*' : `* REPLACE (${exact.join(', ')})`
}
