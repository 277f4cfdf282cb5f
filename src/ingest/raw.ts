/** Objects as the relation every form reads: `(json JSON, file VARCHAR)`, one record a row, NULL for a line that is no JSON. */
import type { Compression } from '../collect/decompress.ts'
import { MAX_RECORD_BYTES } from '../collect/split.ts'
import { lit } from '../engine/sql.ts'
import type { Work } from './plan.ts'

const paths = (works: readonly Pick<Work, 'readPath'>[]): string =>
  `[${works.map(({ readPath }) => lit(readPath)).join(', ')}]`

const ENGINE_NAMES = { none: 'uncompressed', gzip: 'gzip', zstd: 'zstd' } as const

/** Tables to which the engine writes the CSV lines that have no columns to read. */
export const CSV_REJECTS = { errors: 'csv_errors', scans: 'csv_scans' } as const

/**
 * Longest record of a CSV object. The engine's CSV buffers are several times this; the vendor truncates parameters at
 * 100 KB.
 */
export const MAX_CSV_RECORD_BYTES = 4 * 1024 * 1024

/** Lines of JSON. All objects must be compressed alike. */
function linesSql(works: readonly Work[], compression: Compression): string {
  return `SELECT json, filename AS file FROM read_ndjson_objects(${paths(works)}, filename = true, ignore_errors = true,
    hive_partitioning = false, compression = ${lit(ENGINE_NAMES[compression])}, maximum_object_size = ${MAX_RECORD_BYTES + 2})`
}

/** Rows of one table as JSON. Each object for itself: the columns of one must not show in the rows of another. */
function rowsSql({ readPath, shape, csv, compression }: Work): string {
  const path = lit(readPath)
  if (shape === 'parquet' || csv === undefined)
    return `SELECT to_json(t) AS json, ${path} AS file FROM read_parquet(${path}, hive_partitioning = false) t`
  const columns = csv.columns.map((name) => `${lit(name)}: 'VARCHAR'`).join(', ')
  return `SELECT to_json(t) AS json, ${path} AS file FROM read_csv(${path}, auto_detect = false, columns = {${columns}}, header = true,
    delim = ${lit(csv.delimiter)}, quote = '"', escape = ${lit(csv.escape)}, max_line_size = ${MAX_CSV_RECORD_BYTES}, compression = ${lit(ENGINE_NAMES[compression])},
    hive_partitioning = false, ignore_errors = true, store_rejects = true, rejects_table = ${lit(CSV_REJECTS.errors)}, rejects_scan = ${lit(CSV_REJECTS.scans)}) t`
}

/** Raw bytes an object probably holds: audit JSON shrinks about tenfold. */
export const estimatedBytes = ({ inspected, shape }: Work): number =>
  inspected.sizeBytes * (inspected.compression === 'none' && shape !== 'parquet' ? 1 : 10)

/** True for objects whose records are lines of a text that is JSON. */
export const isLines = ({ shape }: Pick<Work, 'shape'>): boolean => shape === 'lines'

/** Objects smaller than this fill the engine's vectors of 2,048 rows badly. */
const SMALL_BYTES = 512 * 1024

/**
 * True for many small objects. The engine hands each object's rows on by themselves, and what a statement of this size costs a
 * vector, however few rows are in it, was measured at four times what its rows cost; so they are gathered first.
 */
export const areSmall = (objects: number, bytes: number): boolean => objects > 1 && bytes < objects * SMALL_BYTES

/**
 * The relation of a batch, whose objects all have one shape.
 *
 * @param gather whether small objects may be gathered in memory first
 */
export function rawSql(works: readonly Work[], gather = true): string {
  const [first] = works
  if (first === undefined) return "(SELECT NULL::JSON AS json, '' AS file WHERE false)"
  if (!isLines(first)) return `(${works.map(rowsSql).join(' UNION ALL ')})`
  const alike = Map.groupBy(works, ({ compression }) => compression)
  const lines = [...alike].map(([compression, group]) => linesSql(group, compression)).join(' UNION ALL ')
  const bytes = works.reduce((sum, work) => sum + estimatedBytes(work), 0)
  return gather && areSmall(works.length, bytes)
    ? `(WITH gathered AS MATERIALIZED (${lines}) SELECT json, file FROM gathered)`
    : `(${lines})`
}

/** The rows of one object with their place, from 1; the engine must keep the order of input. */
export const placedSql = (work: Work): string =>
  `(SELECT row_number() OVER () AS place, json, file FROM ${rawSql([work])})`
