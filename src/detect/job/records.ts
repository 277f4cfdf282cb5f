/** Records of any JSON files as something rules can be run over. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Compression, compressionOf, DamagedCompression, decompressed, survey } from '../../collect/decompress.ts'
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
  /** Compressed files that end early or are broken; what is whole before that was read. */
  readonly damaged: readonly { readonly file: string; readonly why: string }[]
}

/**
 * Reads records: JSON lines, a list, or an object with a list of them under `Records`; in UTF-8 or UTF-16,
 * compressed with gzip or zstd too.
 *
 * @param timeField name of the field that holds the time, with dots for members of members; the usual names are tried where absent
 * @throws AppError NO_SOURCE for a file that is not there, NO_RECORDS where nothing is a record
 */
export async function readRecords(engine: Engine, files: readonly string[], timeField?: string): Promise<ReadRecords> {
  const damaged = await readLines(engine, files)
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
    throw new AppError(
      'NO_RECORDS',
      `No JSON object was found in ${files.join(', ')}.${damaged.map(damageText).join('')}`,
      {
        hint:
          damaged.length > 0 ? 'Fetch the damaged files again.' : 'Give JSON lines, or a list of objects, in UTF-8.',
      },
    )
  return { records: Number(records), timeless: Number(timeless), unreadable: Number(lines) - Number(objects), damaged }
}

const damageText = ({ file, why }: ReadRecords['damaged'][number]): string =>
  ` ${file} cannot be read to its end: ${why}.`

/** Fills the table of everything that is JSON in the files; tells which are damaged. */
async function readLines(engine: Engine, files: readonly string[]): Promise<ReadRecords['damaged']> {
  const spools: string[] = []
  const spool = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'bricktrail-records-'))
    spools.push(folder)
    return join(folder, 'records')
  }
  try {
    const parts: string[] = []
    const damaged: { file: string; why: string }[] = []
    for (const file of files) {
      const { why, ...as } = await readableAs(file, spool)
      if (why !== undefined) damaged.push({ file, why })
      parts.push(await partOf(engine, file, as))
    }
    await engine.run(`CREATE OR REPLACE TEMP TABLE detect_lines AS SELECT json FROM (${parts.join(' UNION ALL ')})`)
    return damaged
  } finally {
    for (const folder of spools) await rm(folder, { recursive: true, force: true })
  }
}

/** What texts begin with that say how they are encoded. */
const BYTE_ORDER_MARKS = [
  { encoding: 'utf-8', bytes: Buffer.from([0xef, 0xbb, 0xbf]) },
  { encoding: 'utf-16le', bytes: Buffer.from([0xff, 0xfe]) },
  { encoding: 'utf-16be', bytes: Buffer.from([0xfe, 0xff]) },
] as const

/** Enough to tell how a file is compressed and encoded. */
const HEAD_BYTES = 4

/** A file as the engine is to read it. Names lie about compression. */
interface ReadAs {
  readonly path: string
  readonly compression: Compression | 'auto_detect'
}

/**
 * The file as it is; or else a copy in the file that `spool` names, of what the engine cannot read itself: text with a mark before it, which
 * it takes for a broken record, UTF-16, and what is damaged, as far as it is whole, with the reason (`why`).
 */
async function readableAs(file: string, spool: () => Promise<string>): Promise<ReadAs & { readonly why?: string }> {
  const handle = await open(file).catch(() => undefined)
  if (handle === undefined) return { path: file, compression: 'auto_detect' }
  const head = Buffer.alloc(HEAD_BYTES)
  const isFile = (await handle.stat()).isFile()
  if (isFile) await handle.read(head, 0, head.length, 0)
  await handle.close()
  const compression = compressionOf(head)
  if (!isFile) return { path: file, compression }
  const damage = compression === 'none' ? undefined : (await survey(file, compression)).damage
  const encoding = markedAs(compression === 'none' ? head : await headOf(file, compression))
  if (damage === undefined && encoding === undefined) return { path: file, compression }
  const path = await spool()
  await pipeline(Readable.from(inUtf8(wholeOf(file, compression), encoding)), createWriteStream(path))
  return { path, compression: 'none', ...(damage === undefined ? {} : { why: damage }) }
}

type Encoding = (typeof BYTE_ORDER_MARKS)[number]['encoding']

/** The encoding that a text says it has; JSON begins with a letter of ASCII, so that UTF-16 shows without a mark, too. */
function markedAs(head: Buffer): Encoding | undefined {
  const marked = BYTE_ORDER_MARKS.find(({ bytes }) => head.subarray(0, bytes.length).equals(bytes))
  if (marked !== undefined || head.length < HEAD_BYTES) return marked?.encoding
  const isZero = [...head].map((byte) => byte === 0).join()
  return isZero === 'false,true,false,true' ? 'utf-16le' : isZero === 'true,false,true,false' ? 'utf-16be' : undefined
}

/** The first bytes, decompressed. */
async function headOf(file: string, compression: Compression): Promise<Buffer> {
  for await (const chunk of wholeOf(file, compression)) if (chunk.length >= HEAD_BYTES) return chunk
  return Buffer.alloc(0)
}

/** The bytes, decompressed, to where damage begins. */
async function* wholeOf(file: string, compression: Compression): AsyncGenerator<Buffer> {
  try {
    yield* decompressed(file, compression)
  } catch (cause) {
    if (!(cause instanceof DamagedCompression)) throw cause
  }
}

/** Text without its mark. */
async function* inUtf8(
  chunks: AsyncGenerator<Buffer>,
  encoding: Encoding | undefined,
): AsyncGenerator<Buffer | string> {
  if (encoding === undefined) return yield* chunks
  const decoder = new TextDecoder(encoding)
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

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
