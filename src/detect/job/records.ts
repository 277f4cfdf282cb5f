/** Records of any JSON files as something rules can be run over. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Compression, compressionOf, decompressed } from '../../collect/decompress.ts'
import { AppError } from '../../core/errors.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { fileSql, lit } from '../../engine/sql.ts'
import type { PackRule } from '../pack/pack.ts'
import { fieldsOf } from '../sigma/tree.ts'
import { duckdb } from '../sql/duckdb.ts'
import type { RecordShape } from '../sql/fields.ts'
import { jsonShape, listFieldsIn } from '../sql/json-fields.ts'

/** The table that {@link readRecords} fills: `record`, `event_id`, `event_time`, `json`. */
export const RECORDS = 'temp.detect_records'

/** A record longer than this is no log record. */
const LONGEST_RECORD = 64 * 1024 * 1024

/** Where programs put the time of a record, the most telling first. */
const TIME_FIELDS = [
  'timestamp',
  '@timestamp',
  'event_time',
  'eventTime',
  'EventTime',
  'UtcTime',
  'TimeCreated',
  'TimeGenerated',
  'SystemTime',
  'time',
  'Time',
  'ts',
  'date',
  'datetime',
  '_time',
  'published',
  'createdDateTime',
  'Event.System.TimeCreated.SystemTime',
  'Event.System.TimeCreated.#attributes.SystemTime',
] as const

/** Members that hold the records of an envelope, where they are a list. */
const ENVELOPES = ['Records', 'records', 'value', 'events'] as const

/** What was read. */
export interface ReadRecords {
  readonly records: number
  /** Records without a time that can be read: rules about single events see them, those about what happens within a time do not. */
  readonly timeless: number
  /** Lines that are no JSON object. */
  readonly unreadable: number
}

/**
 * Reads records: JSON lines, a list, or an object with a list of them under `Records`; `.gz` and `.zst` too.
 *
 * @param timeField name of the field that holds the time, with dots for members of members; the usual names are tried where absent
 * @throws AppError NO_SOURCE for a file that is not there, NO_RECORDS where nothing is a record
 */
export async function readRecords(engine: Engine, files: readonly string[], timeField?: string): Promise<ReadRecords> {
  await readLines(engine, files)
  const lists = ENVELOPES.map(
    (name) => `WHEN json_type(json, ${lit(`$.${name}`)}) = 'ARRAY' THEN json_extract(json, ${lit(`$.${name}[*]`)})`,
  )
  const { lines } = await engine.row<{ lines: string }>('SELECT count(*) AS lines FROM temp.detect_lines')
  await engine.run(`CREATE OR REPLACE TEMP TABLE detect_records AS
    SELECT row_number() OVER () - 1 AS record, md5(json::VARCHAR) AS event_id, ${timeSql(timeField)} AS event_time, json
    FROM (SELECT unnest(CASE ${lists.join(' ')} ELSE [json] END) AS json FROM temp.detect_lines WHERE json_type(json) = 'OBJECT')
    WHERE json_type(json) = 'OBJECT'`)
  const { records, timeless, objects } = await engine.row<Record<string, string>>(
    `SELECT count(*) AS records, count(*) FILTER (event_time IS NULL) AS timeless,
      (SELECT count(*) FROM temp.detect_lines WHERE json_type(json) = 'OBJECT') AS objects FROM ${RECORDS}`,
  )
  if (records === '0')
    throw new AppError('NO_RECORDS', `No JSON object was found in ${files.join(', ')}.`, {
      hint: 'Give JSON lines, or a list of objects.',
    })
  return { records: Number(records), timeless: Number(timeless), unreadable: Number(lines) - Number(objects) }
}

/** Fills the table of everything that is JSON in the files. */
async function readLines(engine: Engine, files: readonly string[]): Promise<void> {
  const spools: string[] = []
  const spool = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'bricktrail-records-'))
    spools.push(folder)
    return join(folder, 'records')
  }
  try {
    const parts: string[] = []
    for (const file of files) parts.push(await partOf(engine, file, await readableAs(file, spool)))
    await engine.run(`CREATE OR REPLACE TEMP TABLE detect_lines AS SELECT json FROM (${parts.join(' UNION ALL ')})`)
  } finally {
    for (const folder of spools) await rm(folder, { recursive: true, force: true })
  }
}

const BYTE_ORDER_MARK = Buffer.from('\uFEFF')

/** A file as the engine is to read it. Names lie about compression. */
interface ReadAs {
  readonly path: string
  readonly compression: Compression | 'auto_detect'
}

/** The file, or a copy in the file that `spool` names without the mark of UTF-8 before its text, which the engine takes for a broken record. */
async function readableAs(file: string, spool: () => Promise<string>): Promise<ReadAs> {
  const handle = await open(file).catch(() => undefined)
  if (handle === undefined) return { path: file, compression: 'auto_detect' }
  const head = Buffer.alloc(BYTE_ORDER_MARK.length + 1)
  const isFile = (await handle.stat()).isFile()
  if (isFile) await handle.read(head, 0, head.length, 0)
  await handle.close()
  const compression = compressionOf(head)
  const asItIs: ReadAs = { path: file, compression }
  if (!isFile || (compression === 'none' && !startsMarked(head))) return asItIs
  const chunks = decompressed(file, compression)
  const first = (await chunks.next().catch(() => ({ value: undefined }))).value ?? Buffer.alloc(0)
  if (!startsMarked(first)) {
    await chunks.return()
    return asItIs
  }
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield first.subarray(BYTE_ORDER_MARK.length)
    yield* chunks
  }
  const path = await spool()
  await pipeline(Readable.from(rest()), createWriteStream(path))
  return { path, compression: 'none' }
}

const startsMarked = (bytes: Buffer): boolean => bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)

/** A file that is one list or one long object is read as that, everything else line by line, broken lines being passed over. */
async function partOf(engine: Engine, file: string, { path, compression }: ReadAs): Promise<string> {
  if (file === '-' || (await stat(file).catch(() => undefined))?.isDirectory() === true)
    throw new AppError('BAD_ARGUMENT', `${file} is no file; --input takes files of JSON.`, {
      hint: 'Name the files, such as logs/*.ndjson; what comes from elsewhere has to be in a file first.',
      where: file,
    })
  const read = (options: string): string =>
    `SELECT json FROM read_json_objects(${fileSql(path)}, compression = '${compression === 'none' ? 'uncompressed' : compression}', maximum_object_size = ${LONGEST_RECORD}, ${options})`
  const whole = read("format = 'auto'")
  try {
    await engine.rows(`SELECT count(*) FROM (${whole})`)
    return whole
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    if (/No files found/.test(cause.message))
      throw new AppError('NO_SOURCE', `${file} is no file that can be read.`, { where: file, cause })
    return read("format = 'newline_delimited', ignore_errors = true")
  }
}

/** The first field of these that holds a time. */
function timeSql(timeField: string | undefined): string {
  const names = timeField === undefined ? TIME_FIELDS : [timeField]
  const times = names.flatMap((name) => {
    const steps = name.split('.')
    return [[name], ...(steps.length > 1 ? [steps] : [])].map((path) => timeOf(duckdb.jsonText('json', path)))
  })
  return `coalesce(${times.join(', ')})`
}

/** A comma may stand before the fraction. */
const timeOf = (text: string): string => duckdb.asAnyTime(`replace(${text}, ',', '.')`)

/** Fields that rules ask records for. */
function fieldsAsked(rules: readonly PackRule[]): string[] {
  const fields = rules.flatMap(({ rule, content }) => {
    const entity = content.entity === undefined ? [] : [content.entity]
    if (rule.kind === 'detection') return [...fieldsOf(rule.tree), ...entity]
    if (rule.kind === 'baseline') return [...fieldsOf(rule.select.tree), ...rule.by, ...rule.value, ...entity]
    return [...rule.groupBy, ...rule.fields, ...Object.values(rule.aliases).flatMap(Object.values<string>), ...entity]
  })
  return [...new Set(fields)]
}

/** What the records of {@link RECORDS} are to rules. */
export async function recordShape(engine: Engine, rules: readonly PackRule[]): Promise<RecordShape> {
  const lists = await listFieldsIn(engine, RECORDS, fieldsAsked(rules), duckdb)
  return identified(jsonShape(duckdb, lists))
}

/** The same records, known by id and time. */
function identified(shape: RecordShape): RecordShape {
  const { narrowed } = shape
  return {
    ...shape,
    ids: { event_id: 'VARCHAR', event_time: 'TIMESTAMPTZ' },
    ...(narrowed === undefined ? {} : { narrowed: (fields) => identified(narrowed(fields)) }),
  }
}
