/** Columns in Delta's words: the schema text of the log, its fingerprint, and how a table's schema grows. */
import { createHash } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Column, ColumnType } from '../core/event.ts'
import { ident } from '../engine/sql.ts'
import { duckdbType } from '../engine/types.ts'

/** A data type as Delta serialises it (protocol, "Schema Serialization Format"). */
type DeltaType =
  | string
  | { readonly type: 'struct'; readonly fields: readonly DeltaField[] }
  | { readonly type: 'array'; readonly elementType: DeltaType; readonly containsNull: boolean }
  | {
      readonly type: 'map'
      readonly keyType: DeltaType
      readonly valueType: DeltaType
      readonly valueContainsNull: boolean
    }

interface DeltaField {
  readonly name: string
  readonly type: DeltaType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

/** The `schemaString` of a Delta `metaData` action: every column nullable, its meaning as the column comment. */
export function deltaSchemaString(columns: readonly Column[]): string {
  return JSON.stringify({ type: 'struct', fields: columns.map(deltaField) })
}

/** A SELECT list that gives each column its own type; costs nothing where it has it already. */
export const typedColumns = (columns: readonly Column[]): string =>
  columns.map(({ name, type }) => `CAST(${ident(name)} AS ${duckdbType(type)}) AS ${ident(name)}`).join(', ')

/** Fingerprint of names and types; files written under the same one have the same columns. */
export function schemaTag(columns: readonly Column[]): string {
  const shape = JSON.stringify(columns, (key, value) => (key === 'doc' ? undefined : value))
  return createHash('sha256').update(shape).digest('hex').slice(0, 16)
}

/**
 * The schema text of a table after a writer with `columns` has joined: the table's own columns, then the writer's new
 * ones; undefined if there is nothing new. Throws BAD_LAKE where a column changed its type.
 */
export function grownSchema(current: string, columns: readonly Column[]): string | undefined {
  const before = parseSchema(current)
  const after = merge(before, JSON.parse(deltaSchemaString(columns)) as DeltaType, '')
  const grown = JSON.stringify(after)
  return grown === JSON.stringify(before) ? undefined : grown
}

/** True if the table has columns or fields that `columns` lack: rewriting its files with these would lose them. */
export function hasMoreColumns(current: string, columns: readonly Column[]): boolean {
  const ours = JSON.parse(deltaSchemaString(columns)) as DeltaType
  return JSON.stringify(merge(ours, parseSchema(current), '')) !== JSON.stringify(ours)
}

function parseSchema(text: string): DeltaType {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('BAD_LAKE', 'The schema in the log is not JSON.', { cause })
  }
}

const deltaField = (column: Column): DeltaField => ({
  name: column.name,
  type: deltaType(column.type),
  nullable: true,
  metadata: { comment: column.doc },
})

function deltaType(type: ColumnType): DeltaType {
  if (typeof type === 'string') return type
  if ('struct' in type) return { type: 'struct', fields: type.struct.map(deltaField) }
  if ('array' in type) return { type: 'array', elementType: deltaType(type.array), containsNull: true }
  const [key, value] = type.map
  return { type: 'map', keyType: deltaType(key), valueType: deltaType(value), valueContainsNull: true }
}

function merge(before: DeltaType, wanted: DeltaType, where: string): DeltaType {
  if (typeof before === 'string' || typeof wanted === 'string' || before.type !== wanted.type) {
    if (before === wanted) return before
    throw new AppError('BAD_LAKE', `Column ${where} is ${nameOf(before)} in the table and ${nameOf(wanted)} here.`, {
      hint: 'The table was written by another version of Bricktrail; use that version, or another --home.',
      where,
    })
  }
  if (before.type === 'array' && wanted.type === 'array') {
    return { ...before, elementType: merge(before.elementType, wanted.elementType, `${where}[]`) }
  }
  if (before.type === 'map' && wanted.type === 'map') {
    const keyType = merge(before.keyType, wanted.keyType, `${where} keys`)
    return { ...before, keyType, valueType: merge(before.valueType, wanted.valueType, `${where} values`) }
  }
  if (before.type !== 'struct' || wanted.type !== 'struct') return before
  return { ...before, fields: mergeFields(before.fields, wanted.fields, where) }
}

function mergeFields(before: readonly DeltaField[], wanted: readonly DeltaField[], where: string): DeltaField[] {
  const kept = before.map((field) => {
    const same = wanted.find((other) => other.name === field.name)
    return same ? { ...field, type: merge(field.type, same.type, within(where, field.name)) } : field
  })
  return [...kept, ...wanted.filter((field) => !before.some((other) => other.name === field.name))]
}

const within = (where: string, name: string): string => (where === '' ? name : `${where}.${name}`)

const nameOf = (type: DeltaType): string => (typeof type === 'string' ? type : type.type)
