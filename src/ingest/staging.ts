/**
 * Reading a batch: the records stream through the engine into files of no table. Most go the quick way; what the quick way
 * sets aside is read again with all tolerance; what is left then is refused.
 */
import type { Engine } from '../engine/duckdb.ts'
import { fileSql, ident } from '../engine/sql.ts'
import { enrichment, learn } from '../enrich/memo.ts'
import { EVENTS_TABLE } from '../lake/table.ts'
import { type StagedDays, type StagedFile, stageDays } from '../lake/write-days.ts'
import { type EventContext, eventsSql, ipSql } from '../normalise/event.ts'
import { formNamed } from '../normalise/registry.ts'
import { isAboutMemory } from './failures.ts'
import { type Hints, inputNamed } from './hints.ts'
import { BROKEN_LINES, REFUSED } from './locate.ts'
import { OBJECT_COLUMNS, objectRows, objectsSql } from './objects.ts'
import type { Work } from './plan.ts'
import { CSV_REJECTS, isLines, rawSql } from './raw.ts'
import { checkNoneLost, type ReadCount, readCounts, refusedCounts } from './read-counts.ts'
import { isSmall, type SmallBatches, type Stage } from './small-batch.ts'
import { SCRATCH } from './tables.ts'

/** Objects of a large batch, as `objectsSql` gives them. */
const OBJECTS = `${SCRATCH}.batch_objects`
const OBJECTS_TEXT = 'batch_objects_text'

/** For records of ten kilobytes and more: a few thousand of them are all that memory holds. */
const THRIFTY = { flushRows: 2048, rowGroupBytes: 16 * 1024 * 1024 } as const

/** Rows set aside, up to which a good plan for the second reading would take longer than it saves. */
const FEW_ROWS = 1000

/** Rows set aside, compressed, up to which memory is left for something beside the second reading. */
const LITTLE_BYTES = 16 * 1024 * 1024

/** What the staged rows say of where they come from. */
export interface StagingContext {
  readonly engine: Engine
  readonly tmp: string
  readonly source: string
  readonly batchId: string
  readonly ingestTime: Date
  readonly small: SmallBatches
  /** Batches of no more raw text than this are staged as small ones. */
  readonly smallBatchBytes: number
  readonly ahead?: Ahead
  /** Called once what is left to do is the engine's: what this process does beside the statements before that holds them up. */
  readonly onReading?: () => void
}

/** What may be done with finished files while the rest of a batch is still to be read. */
export interface Ahead {
  /** Begins with finished files; those that hold nearly all events come first. */
  begin(files: readonly StagedFile[]): Promise<void>
  /** Leaves off; files may be removed then. */
  end(): Promise<void>
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
    await context.ahead?.end()
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
  context: StagingContext & { readonly ample: boolean },
  done: StagedDays[],
): Promise<Omit<Staged, 'discard'>> {
  const { engine, tmp, ample } = context
  await engine.run(`CREATE OR REPLACE TABLE ${REFUSED} (source_object VARCHAR, reason VARCHAR, text VARCHAR)`)
  if (works.length === 0) return { files: [], read: new Map(), refused: new Map() }
  const stage = async (select: string) => {
    const days = await stageDays(engine, EVENTS_TABLE, select, tmp, ample ? {} : THRIFTY)
    done.push(days)
    return days.files
  }
  const isSmallBatch = ample && isSmall(works, context.smallBatchBytes)
  if (isSmallBatch) context.onReading?.()
  const { files, read } = isSmallBatch
    ? await context.small.stage(works, context, stage)
    : await stageLarge(works, hints, context, stage)
  const refused = await refusedCounts(engine)
  checkNoneLost(
    read,
    files.reduce((sum, { rows }) => sum + rows, 0),
    refused,
  )
  return { files, read, refused }
}

/** Most go the quick way; what it sets aside is read again. */
async function stageLarge(
  works: readonly Work[],
  hints: Hints,
  { engine, source, batchId, ingestTime, ahead, ample, onReading }: StagingContext & { readonly ample: boolean },
  stageAsPlanned: Stage,
): Promise<Pick<Staged, 'files' | 'read'>> {
  const [first] = works as [Work, ...Work[]]
  const form = formNamed(first.form)
  const stage: Stage = (select) => engine.asWritten(() => stageAsPlanned(select))
  await objectsTable(engine, works)
  if (!isLines(first)) await prepareTables(engine, works, hints)
  await hints.learn(engine)
  engine.forgetPlans()
  const context: EventContext = { source, batchId, ingestTime, objects: OBJECTS, enrichment: enrichment() }
  onReading?.()
  const quick = await stage(eventsSql(form, rawSql(works, ample), context, { signatures: hints.signatures }))
  const read = quick.length === 0 ? new Map() : await readCounts(engine, stagedSql(quick))
  if (first.shape === 'csv') await keepBrokenLines(engine)
  const files = quick.filter(isOfDay)
  const setAside = quick.filter((file) => !isOfDay(file))
  if (ample && bytesOf(setAside) <= LITTLE_BYTES) await ahead?.begin([...files])
  const aside = rowsSql(setAside)
  if (aside !== undefined) {
    await engine.run(
      `INSERT INTO ${REFUSED} SELECT source_object, 'malformed_json', NULL FROM ${aside} WHERE extra IS NULL`,
    )
    await learn(engine, (input) => `SELECT ${input} FROM ${aside}`)
    const again = `(SELECT a.extra::JSON AS json, o.file AS file FROM ${aside} a JOIN ${OBJECTS} o USING (source_object) WHERE a.extra IS NOT NULL)`
    const few = setAside.reduce((sum, { rows }) => sum + rows, 0) <= FEW_ROWS
    const statement = eventsSql(form, again, context, { signatures: null })
    const tolerant = await (few ? engine.lightly(() => stageAsPlanned(statement)) : stage(statement))
    const more = tolerant.filter(isOfDay)
    files.push(...more)
    if (ample) await ahead?.begin(more)
    const left = rowsSql(tolerant.filter((file) => !isOfDay(file)))
    if (left !== undefined)
      await engine.run(`INSERT INTO ${REFUSED} SELECT source_object, status_reason, extra FROM ${left}`)
  }
  return { files, read }
}

const isOfDay = ({ partition }: StagedFile): boolean => partition !== null

const bytesOf = (files: readonly StagedFile[]): number =>
  files.reduce((sum, { stats }) => sum + Number(stats.file_size_bytes), 0)

/** A relation of staged files, undefined for none. */
function rowsSql(files: readonly StagedFile[]): string | undefined {
  return files.length === 0 ? undefined : stagedSql(files)
}

/** The rows of staged files; `options` may ask for the file name and the place in it. */
export const stagedSql = (files: readonly StagedFile[], options = ''): string =>
  `read_parquet([${files.map(({ path }) => fileSql(path)).join(', ')}], hive_partitioning = false${options})`

async function objectsTable(engine: Engine, works: readonly Work[]): Promise<void> {
  await engine.tableOf(OBJECTS_TEXT, objectRows(works), OBJECT_COLUMNS)
  await engine.run(`CREATE OR REPLACE TABLE ${OBJECTS} AS FROM ${objectsSql(OBJECTS_TEXT)}`)
}

/** Tables have no first records to look at; their columns are the key list of all rows. */
async function prepareTables(engine: Engine, works: readonly Work[], hints: Hints): Promise<void> {
  await engine.run(`DROP TABLE IF EXISTS ${CSV_REJECTS.errors}`)
  await engine.run(`DROP TABLE IF EXISTS ${CSV_REJECTS.scans}`)
  for (const { readPath, csv } of works) {
    if (csv !== undefined) hints.takeKeys(csv.columns)
    else await learnParquet(engine, `read_parquet(${fileSql(readPath)}, hive_partitioning = false)`, hints)
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

/** Keeps what the CSV reader has noted, before the object is read again. */
async function keepBrokenLines(engine: Engine): Promise<void> {
  const { errors, scans } = CSV_REJECTS
  await engine.run(`CREATE OR REPLACE TABLE ${BROKEN_LINES} AS
    SELECT o.source_object, e.line, any_value(CASE WHEN e.error_type = 'LINE SIZE OVER MAXIMUM' THEN 'too_long' ELSE 'malformed_csv' END) AS reason,
      min(split_part(e.error_message, chr(10), 1)) AS detail, max(strlen(e.csv_line)) AS size_bytes, any_value(substr(e.csv_line, 1, 65536)) AS text
    FROM ${errors} e JOIN ${scans} s USING (scan_id, file_id) JOIN ${OBJECTS} o ON o.file = s.file_path
    GROUP BY o.source_object, e.line`)
}
