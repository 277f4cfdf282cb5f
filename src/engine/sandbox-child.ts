/**
 * The process a {@link Sandbox} runs its queries in: it can be killed when a query will not stop, and its memory is
 * watched from within, because some functions take memory that DuckDB's own limit does not count. It answers one
 * request at a time, see `sandbox-messages.ts`.
 */
import { mkdir } from 'node:fs/promises'
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  DuckDBTypeId,
  StatementType,
} from '@duckdb/node-api'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import { Engine } from './duckdb.ts'
import { type Plain, plainBytes, plainValue } from './plain-values.ts'
import {
  type AnswerColumn,
  patternOf,
  type SandboxReply,
  type SandboxRequest,
  type SandboxSetup,
} from './sandbox-messages.ts'
import { checkSelect, type Gate, gateOf } from './select-only.ts'
import { ident, lit, litList } from './sql.ts'

/** One reply carries about this much, so that neither side holds more than a few such batches. */
const BATCH_BYTES = 1_000_000
const WATCH_EVERY_MS = 50
const INTERRUPT_EVERY_MS = 20
/** The process may hold twice DuckDB's limit (the limit, and results under way) and the runtime itself. */
const ceilingMb = (memoryLimitMb: number): number => 2 * memoryLimitMb + 400

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

let engine: Engine | undefined
let setup: SandboxSetup | undefined
let gate: Gate | undefined
let reading: Reading | undefined
let busy = false
/** A process that holds this much after a query is replaced: freed memory often stays with the allocator. */
let wornMb = Number.POSITIVE_INFINITY
let interrupting: NodeJS.Timeout | undefined

/** Opens the engine, makes the relations views, then shuts files, network and settings. */
async function open(wanted: SandboxSetup): Promise<void> {
  setup = wanted
  await mkdir(wanted.spillDir, { recursive: true })
  const opened = await Engine.open({ memoryLimitMb: wanted.memoryLimitMb, tempDir: wanted.spillDir })
  // A LIMIT over a sorted subquery must give the first rows.
  await opened.run('SET preserve_insertion_order = true')
  await opened.run(`SET max_temp_directory_size = ${lit(`${wanted.maxSpillMb}MB`)}`)
  // A path with `[`, `*` or `?` in it is read by way of a pattern that means itself, so both spellings are allowed.
  const spellings = new Set(wanted.allowedPaths.flatMap((path) => [path, patternOf(path)]))
  await opened.run(`SET allowed_paths = ${litList([...spellings])}`)
  await opened.run('SET enable_external_access = false')
  for (const [name, relation] of Object.entries(wanted.relations)) {
    await opened.run(`CREATE VIEW ${ident(name)} AS SELECT * FROM ${relation}`)
  }
  gate = await gateOf(opened, Object.keys(wanted.relations))
  await opened.run('SET lock_configuration = true')
  engine = opened
  wornMb = ceilingMb(wanted.memoryLimitMb) / 2
  watchMemory(ceilingMb(wanted.memoryLimitMb))
}

const usedMb = (): number => Math.round(process.memoryUsage.rss() / 1_000_000)

/** Ends the process when it holds more than `limitMb`: nothing else stops a single function call. */
function watchMemory(limitMb: number): void {
  setInterval(() => {
    const used = usedMb()
    if (used <= limitMb) return
    const runaway: SandboxReply = { kind: 'runaway', usedMb: used }
    process.send?.(runaway, () => process.kill(process.pid, 'SIGKILL'))
  }, WATCH_EVERY_MS).unref()
}

/**
 * Runs the statement to its end, or to `maxRows`, and holds the answer in a temporary table, which spills. DuckDB's
 * stream of a statement ends without a word when the statement fails midway.
 */
async function hold(sql: string, maxRows: number): Promise<Held> {
  const { engine, checked } = await check(sql)
  if (checked.small) {
    const result = await (await prepareOne(engine.connection, sql)).run()
    return { result, rowCount: undefined, truncated: false }
  }
  await prepareOne(engine.connection, sql)
  await engine.connection.run(`CREATE OR REPLACE TEMP TABLE ${ANSWER} AS ${limited(checked.subquery, maxRows + 1)}`)
  const { held } = await engine.row<{ held: string }>(`SELECT count(*) AS held FROM temp.${ANSWER}`)
  const rowCount = Math.min(Number(held), maxRows)
  const result = await engine.connection.stream(`FROM temp.${ANSWER}${limitOf(rowCount)}`)
  return { result, rowCount, truncated: Number(held) > maxRows }
}

const limitOf = (rows: number): string => (Number.isFinite(rows) ? ` LIMIT ${rows}` : '')
const limited = (subquery: string, rows: number): string => `SELECT * FROM (\n${subquery}\n)${limitOf(rows)}`

async function check(sql: string) {
  if (engine === undefined || gate === undefined) throw new Error('The sandbox is not open.')
  return { engine, checked: await checkSelect(engine, sql, gate) }
}

/** The gate has read the tree; this asks the engine itself what the text is. */
async function prepareOne(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statements = await connection.extractStatements(sql)
  if (statements.count !== 1) throw new AppError('SQL_REFUSED', 'Only one statement runs at a time.')
  const prepared = await statements.prepare(0)
  const type = prepared.statementType
  if (type !== StatementType.SELECT && type !== StatementType.EXPLAIN) {
    throw new AppError('SQL_REFUSED', `${StatementType[type]} is not allowed: queries only read.`)
  }
  return prepared
}

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

async function next(of: Reading): Promise<SandboxReply> {
  const rows: unknown[][] = []
  let bytes = 0
  while (bytes < BATCH_BYTES) {
    const chunk = await chunkWithRow(of)
    if (chunk === null) {
      if (of.rowCount !== undefined && of.taken !== of.rowCount) throw new Error('The answer broke off.')
      await leave()
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
async function leave(): Promise<void> {
  reading = undefined
  await engine?.run(`DROP TABLE IF EXISTS temp.${ANSWER}`)
}

/** Writes the answer to a Parquet file by a COPY of ours: the engine may write to its own folder and nowhere else. */
async function writeParquet(sql: string, maxRows: number): Promise<SandboxReply> {
  const { engine, checked } = await check(sql)
  if (checked.small) throw new AppError('SQL_REFUSED', 'Only a SELECT can go to a Parquet file.')
  const prepared = await prepareOne(engine.connection, sql)
  // Without a limit nothing need be held; with one, a row more shows whether there are more.
  const held = Number.isFinite(maxRows) ? await hold(sql, maxRows) : undefined
  const from = held === undefined ? `(\n${checked.subquery}\n)` : `temp.${ANSWER}${limitOf(maxRows)}`
  const path = `${setup?.spillDir}/answer.parquet`
  const written = await engine.row<{ Count: string }>(
    `COPY (SELECT ${parquetColumns(prepared)} FROM ${from}) TO ${lit(path)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  await leave()
  return { kind: 'written', path, rowCount: Number(written.Count), truncated: held?.truncated ?? false }
}

/** Parquet has no 128-bit integers, and DuckDB would round them. */
function parquetColumns(prepared: DuckDBPreparedStatement): string {
  const exact = Array.from({ length: prepared.columnCount }, (_, at) => at)
    .filter((at) => [DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT].includes(prepared.columnTypeId(at)))
    .map((at) => ident(prepared.columnName(at)))
    .map((name) => `CAST(${name} AS DECIMAL(38, 0)) AS ${name}`)
  return exact.length === 0 ? '*' : `* REPLACE (${exact.join(', ')})`
}

async function serve(request: Exclude<SandboxRequest, { op: 'interrupt' }>): Promise<SandboxReply> {
  switch (request.op) {
    case 'open':
      await open(request.setup)
      return { kind: 'ready' }
    case 'start': {
      const held = await hold(request.sql, request.maxRows)
      reading = { ...held, chunk: null, row: 0, taken: 0 }
      return { kind: 'columns', columns: columnsOf(held.result) }
    }
    case 'next':
      if (reading === undefined) throw new Error('No query is being read.')
      return next(reading)
    case 'leave':
      await leave()
      return { kind: 'ready' }
    case 'parquet':
      return writeParquet(request.sql, request.maxRows)
  }
}

/** DuckDB's own words, without their class, the pointer into the text, and anything that could steer a terminal. */
const plainMessage = (cause: unknown): string =>
  (messageOf(cause).split(/\s*\n+LINE \d+:/, 1)[0] ?? '')
    .replace(/^(?:Failed to \w+ statements?: )?(?:\w+ ){1,3}Error: /, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .slice(0, 2000)

function failure(cause: unknown): SandboxReply {
  if (isAppError(cause)) {
    return { kind: 'failed', code: cause.code, message: plainMessage(cause), hint: cause.hint }
  }
  const message = messageOf(cause)
  const { code, hint } = new AppError('BAD_SQL', '')
  if (/Out of Memory Error|max_temp_directory_size/.test(message)) return outOfMemory(message)
  if (/^(IO|Fatal|INTERNAL) Error/i.test(message)) {
    const fault = new AppError('ENGINE', '')
    return { kind: 'failed', code: fault.code, message: plainMessage(cause), hint: fault.hint }
  }
  if (/^Permission Error|: Permission Error/.test(message)) {
    const refused = new AppError('SQL_REFUSED', '')
    return { kind: 'failed', code: refused.code, message: plainMessage(cause), hint: refused.hint }
  }
  return { kind: 'failed', code, message: plainMessage(cause), hint }
}

function outOfMemory(detail: string): SandboxReply {
  const { memoryLimitMb = 0, maxSpillMb = 0 } = setup ?? {}
  const disk = /offload|temp_directory/.test(detail) ? ` and the ${maxSpillMb} MB of disk` : ''
  return {
    kind: 'failed',
    code: 'SQL_REFUSED',
    message: `The query needs more than the ${memoryLimitMb} MB of memory${disk} it may use.`,
    hint: 'Narrow the time range, select fewer columns, or count and group instead of sorting everything.',
  }
}

process.on('message', async (request: SandboxRequest) => {
  if (request.op === 'interrupt') {
    // One that falls between two steps of a query would be lost, so it is repeated until the reply is out.
    if (busy) interrupting ??= setInterval(() => engine?.interrupt(), INTERRUPT_EVERY_MS)
    return
  }
  busy = true
  let answer: SandboxReply
  try {
    answer = await serve(request)
  } catch (cause) {
    reading = undefined
    answer = failure(cause)
  }
  busy = false
  clearInterval(interrupting)
  interrupting = undefined
  process.send?.({ ...answer, worn: usedMb() > wornMb } satisfies SandboxReply)
})
// Ctrl-C reaches the whole process group; the parent decides what it means.
process.on('SIGINT', () => {})
// A plain exit would wait for the engine's threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
