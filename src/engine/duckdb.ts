/** The embedded engine: one DuckDB in memory, bounded in memory and threads, spilling to a folder of its own. */
import './allocator.ts'
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResultReader,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { AppError, messageOf } from '../core/errors.ts'
import { lit } from './sql.ts'

/** Half of the 1.5 GB ingest budget: DuckDB's own limit leaves out allocator slack, JSON buffers and Node itself. */
export const DEFAULT_MEMORY_LIMIT_MB = 800

/**
 * Value of `disabled_optimizers` for joins that run in the order and with the sides they are written with. For statements whose
 * tables the engine cannot guess the size of when it plans them.
 */
export const AS_WRITTEN = 'join_order,build_side_probe_side'

/**
 * Optimizers that build what the tables hold at the time into the plan: a column that is all NULL then becomes the constant NULL. A plan
 * that is kept meets other rows later.
 */
const OF_THE_MOMENT = 'statistics_propagation,compressed_materialization,empty_result_pullup'

/** Optimizers that are worth their time whatever a statement meets; see {@link Engine.lightly}. */
const ALWAYS_WORTH: ReadonlySet<string> = new Set([
  'column_lifetime',
  'common_subexpressions',
  'deliminator',
  'expression_rewriter',
  'filter_pushdown',
  'unused_columns',
])

/** How an {@link Engine} is opened. */
export interface EngineOptions {
  /** Where DuckDB spills what exceeds memory; made if missing. Without it nothing spills. */
  readonly tempDir?: string
  readonly memoryLimitMb?: number
  readonly threads?: number
}

/** A row as plain JSON values: 64-bit integers and timestamps come as strings. */
export type Row = Record<string, unknown>

/** A row of texts by column name. */
export type TextRow = Readonly<Record<string, string | null>>

/** What runs when an engine is closed is interrupted this often: a statement that just begins passes over it. */
const INTERRUPT_AGAIN_MS = 50

/**
 * One connection to DuckDB. Not for concurrent use: await each call. What runs on `connection` itself has to have ended before it is
 * closed; statements of the methods here need not.
 */
export class Engine {
  readonly connection: DuckDBConnection
  readonly #instance: DuckDBInstance
  readonly #owns: boolean
  #optimizers: readonly string[] | undefined
  readonly #kept = new Map<string, DuckDBPreparedStatement>()
  #underWay = 0
  #isClosed = false
  #stopping: NodeJS.Timeout | undefined

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, owns: boolean) {
    this.#instance = instance
    this.#owns = owns
    this.connection = connection
  }

  /** Opens an in-memory database with UTC times, and no extension loading or network. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${options.memoryLimitMb ?? DEFAULT_MEMORY_LIMIT_MB}MB`,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Order is by event time where it matters; keeping input order costs memory and a fifth of the speed.
      preserve_insertion_order: 'false',
      ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
      // Empty turns spilling off; left out, DuckDB would spill into the current folder.
      temp_directory: options.tempDir ?? '',
    })
    const engine = new Engine(instance, await instance.connect(), true)
    await engine.run("SET TimeZone = 'UTC'")
    return engine
  }

  /** Another connection to the same database, for a statement beside those of this one. Closing it leaves the others. */
  async beside(): Promise<Engine> {
    const engine = new Engine(this.#instance, await this.#instance.connect(), false)
    await engine.run("SET TimeZone = 'UTC'")
    return engine
  }

  /** The database, which is the same for all its connections. */
  get database(): object {
    return this.#instance
  }

  /** Runs a statement for its effect. */
  async run(sql: string): Promise<void> {
    await this.#whileOpen(() => this.connection.run(sql))
  }

  /** Does something with the connection, which is there until it is done. */
  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new AppError('ENGINE', 'The engine was closed.')
    this.#underWay += 1
    try {
      return await work()
    } catch (cause) {
      throw engineError(cause)
    } finally {
      this.#underWay -= 1
      if (this.#isClosed) this.#letGo()
    }
  }

  /**
   * Runs a statement for its effect and keeps its plan for the next time the same text comes; for few texts that take long to plan.
   * Once a table is made or dropped in a database that the statement uses (such as that of the
   * temporary tables), its plan is made anew each time, until {@link forgetPlans}.
   *
   * @param disabledOptimizers such as {@link AS_WRITTEN}
   */
  async runKept(sql: string, disabledOptimizers?: string): Promise<void> {
    await this.#whileOpen(async () => {
      const plan = this.#kept.get(sql) ?? (await this.#plan(sql, disabledOptimizers))
      this.#kept.set(sql, plan)
      await plan.run()
    })
  }

  #plan(sql: string, disabledOptimizers?: string): Promise<DuckDBPreparedStatement> {
    const disabled = [OF_THE_MOMENT, ...(disabledOptimizers === undefined ? [] : [disabledOptimizers])].join(',')
    return this.#without(disabled, () => this.connection.prepare(sql))
  }

  /** Runs `work` with joins planned {@link AS_WRITTEN}. */
  asWritten<T>(work: () => Promise<T>): Promise<T> {
    return this.#without(AS_WRITTEN, work)
  }

  /**
   * Runs `work` with little thought about its plan, and joins {@link AS_WRITTEN}. For long statements that meet few rows: of
   * hundreds of columns the plan takes longer than a thousand rows do.
   */
  async lightly<T>(work: () => Promise<T>): Promise<T> {
    this.#optimizers ??= (await this.rows<{ name: string }>('SELECT name FROM duckdb_optimizers()')).map(
      ({ name }) => name,
    )
    return this.#without(this.#optimizers.filter((name) => !ALWAYS_WORTH.has(name)).join(','), work)
  }

  async #without<T>(optimizers: string, work: () => Promise<T>): Promise<T> {
    await this.run(`SET disabled_optimizers = ${lit(optimizers)}`)
    let result: T
    try {
      result = await work()
    } catch (cause) {
      // In a transaction that has failed nothing runs any more; who rolls it back resets.
      await this.run('RESET disabled_optimizers').catch(() => {})
      throw cause
    }
    await this.run('RESET disabled_optimizers')
    return result
  }

  /** Undoes a transaction, and what it may have left of settings. */
  async rollBack(): Promise<void> {
    await this.run('ROLLBACK')
    await this.run('RESET disabled_optimizers')
  }

  /** Forgets the plans of {@link runKept}; the next run of each makes another, to keep. */
  forgetPlans(): void {
    for (const plan of this.#kept.values()) plan.destroySync()
    this.#kept.clear()
  }

  /** Runs a query and returns its rows as plain values; for small answers only. */
  async rows<T extends Row = Row>(sql: string): Promise<T[]> {
    return (await this.read(sql)).getRowObjectsJson() as unknown as T[]
  }

  /** Runs a query and returns its answer as the engine has it; for small answers only. */
  read(sql: string): Promise<DuckDBResultReader> {
    return this.#whileOpen(() => this.connection.runAndReadAll(sql))
  }

  /**
   * The columns of a query, each of them UINTEGER and never NULL. As they lie in memory: a value at a time, millions of them would take
   * many seconds.
   */
  async numbers(sql: string): Promise<Uint32Array[]> {
    return this.#whileOpen(async () => {
      const result = await this.connection.run(sql)
      const columns = Array.from({ length: result.columnCount }, () => new Uint32Array(result.rowCount))
      let from = 0
      for (let chunk = await result.fetchChunk(); chunk?.rowCount; chunk = await result.fetchChunk()) {
        const bytes = chunk.rowCount * Uint32Array.BYTES_PER_ELEMENT
        for (const [at, column] of columns.entries()) {
          const data = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk.chunk, at), bytes)
          column.set(new Uint32Array(data.buffer, data.byteOffset, chunk.rowCount), from)
        }
        from += chunk.rowCount
      }
      return columns
    })
  }

  /**
   * Plans a query; what it returns runs it, once. For who has to know when its plan is made: planning looks at settings of the
   * whole database, which must not change meanwhile.
   */
  async planned<T extends Row = Row>(sql: string): Promise<() => Promise<T[]>> {
    const plan = await this.#whileOpen(() => this.connection.prepare(sql))
    return async () => {
      try {
        const answer = await this.#whileOpen(() => plan.runAndReadAll())
        return answer.getRowObjectsJson() as unknown as T[]
      } finally {
        plan.destroySync()
      }
    }
  }

  /** The first row of a query; throws if there is none. */
  async row<T extends Row = Row>(sql: string): Promise<T> {
    const [first] = await this.rows<T>(sql)
    if (first === undefined) throw new AppError('ENGINE', 'The query returned no row.')
    return first
  }

  /** Makes `name` a temporary table of VARCHAR columns with these rows; for small reference data. */
  async tableOf(name: string, rows: readonly TextRow[], columns: readonly string[]): Promise<void> {
    await this.run(`CREATE OR REPLACE TEMP TABLE ${name} (${columns.map((c) => `${c} VARCHAR`).join(', ')})`)
    await this.append(name, rows, columns)
  }

  /** Appends rows to a table of VARCHAR columns, such as `tableOf` makes. */
  async append(
    name: string,
    rows: readonly TextRow[],
    columns: readonly string[],
    database: string = 'temp',
  ): Promise<void> {
    await this.#whileOpen(async () => {
      const appender = await this.connection.createAppender(name, 'main', database)
      for (const row of rows) {
        for (const column of columns) {
          const value = row[column]
          if (value == null) appender.appendNull()
          else appender.appendVarchar(value)
        }
        appender.endRow()
      }
      appender.closeSync()
    })
  }

  /** Stops what is running on this connection. */
  interrupt(): void {
    if (!this.#isClosed) this.connection.interrupt()
  }

  /**
   * Closes it; what comes later is refused. A statement that is under way is interrupted, and the connection is closed once that has
   * ended: closed below it, the process would crash.
   */
  close(): void {
    if (this.#isClosed) return
    this.interrupt()
    this.#isClosed = true
    if (this.#underWay > 0) this.#stopping = setInterval(() => this.connection.interrupt(), INTERRUPT_AGAIN_MS)
    else this.#letGo()
  }

  #letGo(): void {
    if (this.#underWay > 0) return
    clearInterval(this.#stopping)
    this.forgetPlans()
    this.connection.closeSync()
    if (this.#owns) this.#instance.closeSync()
  }
}

/** Names the causes a user can mend; the rest stays an engine error with DuckDB's own words. */
export function engineError(cause: unknown): AppError {
  const message = messageOf(cause)
  if (/No space left on device|ENOSPC|disk full/i.test(message)) {
    return new AppError('DISK_FULL', `The disk is full: ${firstLine(message)}`, { cause })
  }
  if (/Permission denied|EACCES/i.test(message)) return new AppError('UNREADABLE', firstLine(message), { cause })
  return new AppError('ENGINE', firstLine(message), { cause })
}

const firstLine = (message: string): string => message.split('\n', 1)[0] ?? message

/** `SET name = 'value'` for settings given as text. */
export const setting = (name: string, value: string): string => `SET ${name} = ${lit(value)}`
