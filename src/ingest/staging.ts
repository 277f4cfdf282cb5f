/**
 * Reading a batch: the records stream through the engine into files of no table. Most go the quick way; what the quick way
 * sets aside is read again with all tolerance; what is left then is refused.
 */
import { AppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { ident, lit } from '../engine/sql.ts'
import { enrichment, learn } from '../enrich/memo.ts'
import { EVENTS_TABLE } from '../lake/table.ts'
import { type StagedDays, type StagedFile, stageDays } from '../lake/write-days.ts'
import { type EventContext, eventsSql, ipSql } from '../normalise/event.ts'
import { formNamed } from '../normalise/registry.ts'
import { isAboutMemory } from './failures.ts'
import { type Hints, inputNamed } from './hints.ts'
import { BROKEN_LINES, REFUSED } from './locate.ts'
import type { Work } from './plan.ts'
import { CSV_REJECTS, isLines, rawSql } from './raw.ts'

/**
 * The joins of the event statement are to run as they are written, with the small tables held and the records streaming. The
 * engine cannot guess how many records a file has, and would now and then hold them all instead.
 */
const AS_WRITTEN = 'join_order,build_side_probe_side'

/** For records of ten kilobytes and more: a few thousand of them are all that memory holds. */
const THRIFTY = { flushRows: 2048, rowGroupBytes: 16 * 1024 * 1024 } as const

/** What the staged rows say of where they come from. */
export interface StagingContext {
  readonly engine: Engine
  readonly tmp: string
  readonly source: string
  readonly batchId: string
  readonly ingestTime: Date
}

/** What the engine read of one object, rows set aside and all. */
export interface ReadCount {
  readonly rows: number
  /** Rows that are JSON, and their bytes, line breaks left out. */
  readonly sized: number
  readonly bytes: number
}

/** The files that hold a batch's events, and how much was read of each object. */
export interface Staged {
  readonly files: readonly StagedFile[]
  readonly read: ReadonlyMap<string, ReadCount>
  /** How many rows were refused of which object; the rows are in the table of `locate.ts`. */
  readonly refused: ReadonlyMap<string, number>
  /** Removes what is left of the files. */
  discard(): Promise<void>
}

/**
 * Reads the objects, which all have one form and shape. Where memory does not do, it is tried again with less of it: huge
 * records stand in memory several times, once for every thread. Nothing is left behind on an error.
 */
export async function stageWorks(works: readonly Work[], hints: Hints, context: StagingContext): Promise<Staged> {
  try {
    return await stageOnce(works, hints, context, true)
  } catch (cause) {
    if (!isAboutMemory(cause)) throw cause
  }
  const { engine } = context
  await engine.run('SET threads = 1')
  try {
    return await stageOnce(works, hints, context, false)
  } finally {
    await engine.run('RESET threads')
  }
}

async function stageOnce(
  works: readonly Work[],
  hints: Hints,
  context: StagingContext,
  ample: boolean,
): Promise<Staged> {
  const done: StagedDays[] = []
  const discard = async () => {
    await Promise.all(done.map((days) => days.discard()))
  }
  try {
    return { ...(await staged(works, hints, { ...context, ample }, done)), discard }
  } catch (cause) {
    await discard()
    throw cause
  }
}

async function staged(
  works: readonly Work[],
  hints: Hints,
  { engine, tmp, source, batchId, ingestTime, ample }: StagingContext & { readonly ample: boolean },
  done: StagedDays[],
): Promise<Omit<Staged, 'discard'>> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${REFUSED} (source_object VARCHAR, reason VARCHAR, text VARCHAR)`)
  const [first] = works
  if (first === undefined) return { files: [], read: new Map(), refused: new Map() }
  const form = formNamed(first.form)
  const stage = async (select: string) => {
    await engine.run(`SET disabled_optimizers = '${AS_WRITTEN}'`)
    try {
      const days = await stageDays(engine, EVENTS_TABLE, select, tmp, ample ? {} : THRIFTY)
      done.push(days)
      return days.files
    } finally {
      await engine.run('RESET disabled_optimizers')
    }
  }
  await objectsTable(engine, works)
  if (!isLines(first)) await prepareTables(engine, works, hints)
  await hints.learn(engine)
  const context: EventContext = { source, batchId, ingestTime, objects: 'batch_objects', enrichment: enrichment() }
  const quick = await stage(eventsSql(form, rawSql(works, ample), context, { signatures: hints.signatures }))
  const read = await readCounts(engine, quick)
  if (first.shape === 'csv') await keepBrokenLines(engine)
  const files = quick.filter(isOfDay)
  const aside = rowsSql(quick.filter((file) => !isOfDay(file)))
  if (aside !== undefined) {
    await engine.run(
      `INSERT INTO ${REFUSED} SELECT source_object, 'malformed_json', NULL FROM ${aside} WHERE extra IS NULL`,
    )
    await learn(engine, (input) => `SELECT ${input} FROM ${aside}`)
    const again = `(SELECT a.extra::JSON AS json, o.file AS file FROM ${aside} a JOIN batch_objects o USING (source_object) WHERE a.extra IS NOT NULL)`
    const tolerant = await stage(eventsSql(form, again, context, { signatures: null }))
    files.push(...tolerant.filter(isOfDay))
    const left = rowsSql(tolerant.filter((file) => !isOfDay(file)))
    if (left !== undefined)
      await engine.run(`INSERT INTO ${REFUSED} SELECT source_object, status_reason, extra FROM ${left}`)
  }
  const refused = await refusedCounts(engine)
  checkNoneLost(read, files, [...refused.values()])
  return { files, read, refused }
}

const isOfDay = ({ partition }: StagedFile): boolean => partition !== null
const rowsOf = (files: readonly StagedFile[]): number => files.reduce((sum, { rows }) => sum + rows, 0)

/** A relation of staged files, undefined for none. */
function rowsSql(files: readonly StagedFile[]): string | undefined {
  return files.length === 0 ? undefined : stagedSql(files)
}

/** The rows of staged files; `options` may ask for the file name and the place in it. */
export const stagedSql = (files: readonly StagedFile[], options = ''): string =>
  `read_parquet([${files.map(({ path }) => lit(path.replaceAll(/[[*?]/g, '[$&]'))).join(', ')}], hive_partitioning = false${options})`

async function objectsTable(engine: Engine, works: readonly Work[]): Promise<void> {
  const rows = works.map(({ readPath, inspected: { object } }) => ({
    file: readPath,
    source_object: object.key,
    path_workspace: /workspaceId=([^/\\]+)/.exec(object.key)?.[1] ?? null,
    object_time: new Date(object.modifiedMs).toISOString(),
  }))
  await engine.tableOf('batch_objects_text', rows, ['file', 'source_object', 'path_workspace', 'object_time'])
  await engine.run(`CREATE OR REPLACE TEMP TABLE batch_objects AS
    SELECT file, source_object, path_workspace, object_time::TIMESTAMPTZ AS object_time FROM batch_objects_text`)
}

/** Tables have no first records to look at; their columns are the key list of all rows. */
async function prepareTables(engine: Engine, works: readonly Work[], hints: Hints): Promise<void> {
  await engine.run(`DROP TABLE IF EXISTS ${CSV_REJECTS.errors}`)
  await engine.run(`DROP TABLE IF EXISTS ${CSV_REJECTS.scans}`)
  for (const { readPath, csv } of works) {
    if (csv !== undefined) hints.takeKeys(csv.columns)
    else await learnParquet(engine, `read_parquet(${lit(readPath)}, hive_partitioning = false)`, hints)
  }
}

async function learnParquet(engine: Engine, table: string, hints: Hints): Promise<void> {
  const described = await engine.rows<{ column_name: string }>(`DESCRIBE SELECT * FROM ${table}`)
  const columns = described.map(({ column_name }) => column_name)
  hints.takeKeys(columns)
  const found = columns.map((name) => ({ name, input: inputNamed(name) }))
  await learn(engine, (input) => {
    const name = found.find((column) => column.input === input)?.name
    if (name === undefined) return 'SELECT NULL::VARCHAR WHERE false'
    const text = `${ident(name)}::VARCHAR`
    return `SELECT DISTINCT ${input === 'source_ip' ? ipSql(text) : text} FROM ${table}`
  })
}

async function readCounts(engine: Engine, files: readonly StagedFile[]): Promise<Map<string, ReadCount>> {
  const rows = rowsSql(files)
  if (rows === undefined) return new Map()
  type Row = { o: string | null; n: string; sized: string; bytes: string | null }
  const counted = await engine.rows<Row>(
    `SELECT source_object AS o, count(*) AS n, count(record_bytes) AS sized, sum(record_bytes) AS bytes FROM ${rows} GROUP BY 1`,
  )
  return new Map(
    counted.map(({ o, n, sized, bytes }) => [
      o ?? '',
      { rows: Number(n), sized: Number(sized), bytes: Number(bytes ?? 0) },
    ]),
  )
}

/** Keeps what the CSV reader has noted, before the object is read again. */
async function keepBrokenLines(engine: Engine): Promise<void> {
  const { errors, scans } = CSV_REJECTS
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${BROKEN_LINES} AS
    SELECT o.source_object, e.line, any_value(CASE WHEN e.error_type = 'LINE SIZE OVER MAXIMUM' THEN 'too_long' ELSE 'malformed_csv' END) AS reason,
      min(split_part(e.error_message, chr(10), 1)) AS detail, max(strlen(e.csv_line)) AS size_bytes, any_value(substr(e.csv_line, 1, 65536)) AS text
    FROM ${errors} e JOIN ${scans} s USING (scan_id, file_id) JOIN batch_objects o ON o.file = s.file_path
    GROUP BY o.source_object, e.line`)
}

async function refusedCounts(engine: Engine): Promise<Map<string, number>> {
  const rows = await engine.rows<{ o: string; n: string }>(
    `SELECT source_object AS o, count(*) AS n FROM ${REFUSED} GROUP BY 1`,
  )
  return new Map(rows.map(({ o, n }) => [o, Number(n)]))
}

/** Every row that was read is an event or refused. Anything else is a bug, and must not be committed. */
function checkNoneLost(
  read: ReadonlyMap<string, ReadCount>,
  files: readonly StagedFile[],
  refused: readonly number[],
): void {
  const rows = [...read.values()].reduce((sum, count) => sum + count.rows, 0)
  const kept = rowsOf(files) + refused.reduce((sum, count) => sum + count, 0)
  if (rows !== kept || read.has(''))
    throw new AppError('ENGINE', `Of ${rows} records read, ${kept} came out; nothing was committed.`)
}
