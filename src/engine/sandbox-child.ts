/**
 * The process a {@link Sandbox} runs its queries in: it can be killed when a query will not stop, and its memory is
 * watched from within, because some functions take memory that DuckDB's own limit does not count. It answers one
 * request at a time, see `sandbox-messages.ts`.
 */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBPreparedStatement,
  type DuckDBResult,
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

/** An answer being read: where in the stream of chunks it stands. */
interface Reading {
  readonly result: DuckDBResult
  readonly maxRows: number
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
  const opened = await Engine.open({ memoryLimitMb: wanted.memoryLimitMb, tempDir: wanted.spillDir })
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

/** The checked statement as a stream of chunks. */
async function startStream(sql: string): Promise<DuckDBResult> {
  if (engine === undefined || gate === undefined) throw new Error('The sandbox is not open.')
  await checkSelect(engine, sql, gate)
  const prepared = await prepareOne(engine.connection, sql)
  return prepared.stream()
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
    if (chunk === null || of.taken >= of.maxRows) {
      reading = undefined
      return { kind: 'rows', rows, bytes, end: { truncated: chunk !== null } }
    }
    const values = chunk.convertRowValues<Plain>(of.row, plainValue)
    rows.push(values)
    for (const value of values) bytes += plainBytes(value)
    of.row += 1
    of.taken += 1
  }
  return { kind: 'rows', rows, bytes, end: null }
}

/** Copies the answer into an engine of our own, which alone may write, and from there to a file. */
async function writeParquet(sql: string, maxRows: number, path: string): Promise<SandboxReply> {
  if (setup === undefined) throw new Error('The sandbox is not open.')
  const result = await startStream(sql)
  const writer = await Engine.open({ memoryLimitMb: setup.memoryLimitMb, tempDir: `${setup.spillDir}/writer` })
  try {
    const columns = columnsOf(result).map((column) => `${ident(column.name)} ${column.type}`)
    await writer.run(`CREATE TABLE answer (${columns.join(', ')})`)
    const appender = await writer.connection.createAppender('answer')
    let taken = 0
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) break
      appender.appendDataChunk(chunk)
      taken += chunk.rowCount
      if (taken > maxRows) break
    }
    appender.closeSync()
    const rowCount = Math.min(taken, maxRows)
    await writer.run(`COPY (FROM answer LIMIT ${rowCount}) TO ${lit(path)} (FORMAT parquet, COMPRESSION zstd)`)
    return { kind: 'written', rowCount, truncated: taken > maxRows }
  } finally {
    writer.close()
  }
}

async function serve(request: Exclude<SandboxRequest, { op: 'interrupt' }>): Promise<SandboxReply> {
  switch (request.op) {
    case 'open':
      await open(request.setup)
      return { kind: 'ready' }
    case 'start': {
      const result = await startStream(request.sql)
      reading = { result, maxRows: request.maxRows, chunk: null, row: 0, taken: 0 }
      return { kind: 'columns', columns: columnsOf(result) }
    }
    case 'next':
      if (reading === undefined) throw new Error('No query is being read.')
      return next(reading)
    case 'leave':
      reading = undefined
      // A stream half read still belongs to its connection until another statement runs.
      await engine?.run('SELECT 1')
      return { kind: 'ready' }
    case 'parquet':
      return writeParquet(request.sql, request.maxRows, request.path)
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
  if (/^Out of Memory Error|max_temp_directory_size/.test(message)) return outOfMemory(plainMessage(cause))
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

const outOfMemory = (detail: string): SandboxReply => ({
  kind: 'failed',
  code: 'SQL_REFUSED',
  message: `The query needs more memory than the ${setup?.memoryLimitMb} MB it may use: ${detail.split('. ', 1)[0]}`,
  hint: 'Narrow the time range, select fewer columns, or count and group instead of sorting everything.',
})

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
