/** Reading: data files as a SQL relation, and the files a span of time can be in. */
import { fileSql, ident, lit } from '../engine/sql.ts'
import { duckdbType } from '../engine/types.ts'
import { schemaTag, typedColumns } from './schema.ts'
import { type DataFile, SCHEMA_TAG, type Snapshot } from './snapshot.ts'
import type { TableSpec } from './spec.ts'
import type { DeltaTable } from './table.ts'

const DAY_MS = 86_400_000

/**
 * A parenthesised SQL relation over `files`: the table's columns, in order and of the right types; empty if there are no
 * files. Filters on the partition column skip whole files, others whole row groups.
 */
export function scanSql(table: DeltaTable, files: readonly DataFile[]): string {
  const { spec } = table
  const nothing = `SELECT ${nullColumns(spec)} WHERE false`
  if (files.length === 0) return `(${nothing})`
  const source = hasOwnPartitionPath(table, files) ? hiveScan(table, files) : scanByPartition(table, files)
  const tag = schemaTag(spec.columns)
  if (files.every((file) => file.tags?.[SCHEMA_TAG] === tag)) {
    return `(SELECT ${spec.columns.map(({ name }) => ident(name)).join(', ')} FROM (${source}))`
  }
  // The empty branch brings the columns that no file has; the casts bring or drop fields of structs by name.
  return `(SELECT ${typedColumns(spec.columns)} FROM (${nothing} UNION ALL BY NAME ${source}))`
}

/** The files that can hold rows with `fromMs` ≤ time ≤ `toMs`; an absent end is open. */
export function filesBetween(snapshot: Snapshot, fromMs = -Infinity, toMs = Infinity): DataFile[] {
  return snapshot.files.filter((file) => {
    const dayMs = Date.parse(`${file.partition}T00:00:00Z`)
    const minMs = Math.max(dayMs, file.minTimeMs ?? dayMs)
    const maxMs = Math.min(dayMs + DAY_MS, file.maxTimeMs ?? dayMs + DAY_MS)
    return minMs <= toMs && maxMs >= fromMs
  })
}

const nullColumns = (spec: TableSpec): string =>
  spec.columns.map(({ name, type }) => `NULL::${duckdbType(type)} AS ${ident(name)}`).join(', ')

/** `[`, `*` and `?` in a path are patterns to DuckDB; in brackets they stand for themselves. */
const pathList = (paths: readonly string[]): string => `[${paths.map((path) => fileSql(path)).join(', ')}]`

/** Opening every file for its columns is slow with many files, so only where they were not all written alike. */
const byName = (spec: TableSpec, files: readonly DataFile[]): string =>
  `union_by_name = ${files.some((file) => file.tags?.[SCHEMA_TAG] !== schemaTag(spec.columns))}`

function hiveScan(table: DeltaTable, files: readonly DataFile[]): string {
  const hive = `hive_partitioning = true, hive_types = {${lit(table.spec.partitionColumn)}: DATE}`
  return `SELECT * FROM read_parquet(${pathList(table.absolutePaths(files))}, ${hive}, ${byName(table.spec, files)})`
}

/** True if the only `name=value` in the files' paths is their partition, so that DuckDB may read it from there. */
function hasOwnPartitionPath(table: DeltaTable, files: readonly DataFile[]): boolean {
  const { partitionColumn } = table.spec
  return (
    !table.root.includes('=') &&
    files.every(({ path, partition }) => {
      const [folder, name, ...more] = path.split('/')
      return folder === `${partitionColumn}=${partition}` && name?.includes('=') === false && more.length === 0
    })
  )
}

function scanByPartition(table: DeltaTable, files: readonly DataFile[]): string {
  const { spec } = table
  const byDay = Map.groupBy(files, (file) => file.partition)
  const scans = [...byDay].map(([day, ofDay]) => {
    const paths = pathList(table.absolutePaths(ofDay))
    const scan = `read_parquet(${paths}, hive_partitioning = false, ${byName(spec, files)})`
    return `SELECT *, DATE ${lit(day)} AS ${ident(spec.partitionColumn)} FROM ${scan}`
  })
  return scans.join(' UNION ALL BY NAME ')
}
