/** ClickHouse, embedded as `chdb`, doing what the yardstick does. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Measured, stopwatch } from '../outcome.ts'

const STRUCTURE = [
  'version String',
  'auditLevel String',
  'timestamp Int64',
  'orgId String',
  'workspaceId String',
  'shardName String',
  'accountId String',
  'sourceIPAddress String',
  'userAgent String',
  'sessionId String',
  'userIdentity Tuple(email Nullable(String), subjectName Nullable(String))',
  'serviceName String',
  'actionName String',
  'requestId String',
  'requestParams Map(String, String)',
  'response Tuple(statusCode Nullable(Int32), errorMessage Nullable(String), result Nullable(String))',
].join(', ')

/** Nulls become empty text, and nested values stay JSON text, as they do for the yardstick. */
const SETTINGS = [
  'input_format_null_as_default = 1',
  'input_format_skip_unknown_fields = 1',
  'input_format_json_read_objects_as_strings = 1',
  'input_format_json_read_arrays_as_strings = 1',
  'input_format_json_read_numbers_as_strings = 1',
  'input_format_json_read_bools_as_strings = 1',
  "output_format_parquet_compression_method = 'zstd'",
  'engine_file_truncate_on_insert = 1',
].join(', ')

/** Which files to read, and where `chdb` is installed. */
export interface ChdbParams {
  readonly glob: string
  readonly out: string
  /** Folder with a `node_modules`. */
  readonly peers: string
}

interface Chdb {
  query(sql: string, format: string): string
}

const text = (value: string): string => `'${value.replaceAll(/['\\]/g, '\\$&')}'`

/** Reads and writes with the engine's defaults, but for what makes the two do the same. */
export async function work({ glob, out, peers }: ChdbParams): Promise<Measured> {
  const chdb = createRequire(join(peers, 'package.json'))('chdb') as Chdb
  const lap = stopwatch()
  chdb.query(
    `INSERT INTO FUNCTION file(${text(out)}, 'Parquet') SELECT * FROM file(${text(glob)}, 'JSONEachRow', ${text(STRUCTURE)}) SETTINGS ${SETTINGS}`,
    'CSV',
  )
  const measured = lap()
  const events = Number(chdb.query(`SELECT count() FROM file(${text(out)}, 'Parquet')`, 'CSV'))
  return { events, ...measured, details: {} }
}
