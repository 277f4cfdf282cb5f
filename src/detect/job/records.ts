/** Records of any JSON files as something rules can be run over. */
import { stat } from 'node:fs/promises'
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
  const parts: string[] = []
  for (const file of files) parts.push(await partOf(engine, file))
  await engine.run(`CREATE OR REPLACE TEMP TABLE detect_lines AS SELECT json FROM (${parts.join(' UNION ALL ')})`)
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

/** A file that is one list or one long object is read as that, everything else line by line, broken lines being passed over. */
async function partOf(engine: Engine, file: string): Promise<string> {
  if (file === '-' || (await stat(file).catch(() => undefined))?.isDirectory() === true)
    throw new AppError('BAD_ARGUMENT', `${file} is no file; --input takes files of JSON.`, {
      hint: 'Name the files, such as logs/*.ndjson; what comes from elsewhere has to be in a file first.',
      where: file,
    })
  const read = (options: string): string =>
    `SELECT json FROM read_json_objects(${fileSql(file)}, maximum_object_size = ${LONGEST_RECORD}, ${options})`
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

/** Numbers are seconds since 1970 from here on (March 1973), and what is less is no time, such as a day written 20261101. */
const LEAST_SECS = 1e8

/** The first field of these that holds a time. */
function timeSql(timeField: string | undefined): string {
  const names = timeField === undefined ? TIME_FIELDS : [timeField]
  const times = names.flatMap((name) => {
    const steps = name.split('.')
    return [[name], ...(steps.length > 1 ? [steps] : [])].map((path) => timeOf(duckdb.jsonText('json', path)))
  })
  return `coalesce(${times.join(', ')})`
}

/** ISO text, also with a comma before the fraction, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970. */
function timeOf(text: string): string {
  const number = duckdb.asNumber(text)
  const scale = `CASE WHEN ${number} < ${LEAST_SECS} THEN NULL WHEN ${number} < 1e11 THEN 1e6 WHEN ${number} < 1e14 THEN 1e3
    WHEN ${number} < 1e17 THEN 1 WHEN ${number} < 1e20 THEN 1e-3 END`
  return `CASE WHEN ${number} IS NULL THEN ${duckdb.asTime(`replace(${text}, ',', '.')`)}
    ELSE make_timestamptz(try_cast(${number} * (${scale}) AS BIGINT)) END`
}

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
