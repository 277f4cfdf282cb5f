/** What commits added to a table, and how to read it with the file that each event is in. */
import { createHash } from 'node:crypto'
import { fileSql, ident, lit } from '../../engine/sql.ts'
import { commitKey, parseCommit } from '../../lake/log.ts'
import { scanSql } from '../../lake/read.ts'
import { schemaTag } from '../../lake/schema.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import { SCHEMA_TAG } from '../../lake/snapshot.ts'
import { checkedFiles } from '../../lake/state.ts'
import type { DeltaTable } from '../../lake/table.ts'
import { keyOf } from '../../lake/table.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { RecordShape } from '../sql/fields.ts'
import { FILE_FIELD } from './gather.ts'

/** What one commit added. */
export interface Added {
  readonly version: number
  readonly files: readonly DataFile[]
}

/** SHA-256 of the commit file of a version; undefined where it is gone. */
export async function commitDigest(table: DeltaTable, version: number): Promise<string | undefined> {
  const bytes = await table.store.read(commitKey(version))
  return bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('hex')
}

/**
 * Files with new rows in the versions after `from`, up to `to`: files that only hold moved rows are passed over. Undefined if a
 * commit among them is gone.
 */
export async function addedBetween(table: DeltaTable, from: number, to: number): Promise<Added[] | undefined> {
  const added: Added[] = []
  for (let version = from + 1; version <= to; version++) {
    const key = commitKey(version)
    const bytes = await table.store.read(key)
    if (bytes === undefined) return undefined
    const where = table.store.locate(key)
    const actions = parseCommit(bytes, where).filter(({ add }) => add != null && add.dataChange !== false)
    added.push({ version, files: checkedFiles(actions, table.spec, where) })
  }
  return added
}

/** The batch that a file is of: files of an ingestion are called after it. */
export const batchOf = (file: DataFile): string => /([^/]+)-\d+\.parquet$/.exec(keyOf(file))?.[1] ?? ''

const DATA_FILE = 'data_file'

/**
 * A relation over the rows of files, with the file each is in. Files that were merged and deleted since are found again in what they
 * were merged into.
 */
export async function addedRows(table: DeltaTable, files: readonly DataFile[]): Promise<string> {
  const there: DataFile[] = []
  const gone: DataFile[] = []
  for (const file of files) {
    const isThere = (await table.store.stat(keyOf(file))) !== undefined
    if (isThere) there.push(file)
    else gone.push(file)
  }
  const parts = [rowsOf(table, there)]
  if (gone.length > 0) {
    const days = new Set(gone.map(({ partition }) => partition))
    const merged = (await table.snapshot()).files.filter(
      (file) => days.has(file.partition) && !there.some(({ path }) => path === file.path),
    )
    const batches = [...new Set(gone.map(batchOf))].map(lit).join(', ')
    parts.push(`(SELECT * FROM ${rowsOf(table, merged)} WHERE batch_id IN (${batches}))`)
  }
  return parts.length === 1 ? (parts[0] ?? '') : `(${parts.map((part) => `SELECT * FROM ${part}`).join(' UNION ALL ')})`
}

/** Rows of files that are there. */
export function rowsOf(table: DeltaTable, files: readonly DataFile[]): string {
  const { spec } = table
  const tag = schemaTag(spec.columns)
  const isPlain = (file: DataFile): boolean =>
    file.tags?.[SCHEMA_TAG] === tag && keyOf(file).startsWith(`${spec.partitionColumn}=${file.partition}/`)
  const plain = table.root.includes('=') ? [] : files.filter(isPlain)
  const others = files.filter((file) => !plain.includes(file))
  const columns = spec.columns.map(({ name }) => ident(name)).join(', ')
  const parts: string[] = []
  if (plain.length > 0) {
    const paths = table.absolutePaths(plain).map(fileSql).join(', ')
    const hive = `hive_partitioning = true, hive_types = {${lit(spec.partitionColumn)}: DATE}`
    parts.push(`SELECT ${columns}, filename AS ${DATA_FILE} FROM read_parquet([${paths}], ${hive}, filename = true)`)
  }
  if (others.length > 0 || plain.length === 0)
    parts.push(`SELECT ${columns}, NULL::VARCHAR AS ${DATA_FILE} FROM ${scanSql(table, others)}`)
  return `(${parts.join(' UNION ALL ')})`
}

/** Events with the file they are in, as the field `@file`: its key inside the table's folder. */
export function filedShape(shape: RecordShape, table: DeltaTable, dialect: Dialect): RecordShape {
  const value = {
    sql: dialect.replace(`substr(${DATA_FILE}, ${table.root.length + 2})`, dialect.text('\\'), dialect.text('/')),
    columns: [DATA_FILE],
  }
  const name = `context_${DATA_FILE}`
  const file = {
    ...value,
    type: 'text',
    present: `${DATA_FILE} IS NOT NULL`,
    isColumn: false,
    context: name,
  } as const
  return {
    ...shape,
    context: [...shape.context, { ...value, name }],
    field: (field) => (field === FILE_FIELD ? file : shape.field(field)),
  }
}
