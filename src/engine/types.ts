/** Column types in the engine's own words. */
import type { Column, ColumnType } from '../core/event.ts'
import { ident } from './sql.ts'

const PRIMITIVES = {
  string: 'VARCHAR',
  integer: 'INTEGER',
  long: 'BIGINT',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  date: 'DATE',
} as const

/** The DuckDB type of a column type. */
export function duckdbType(type: ColumnType): string {
  if (typeof type === 'string') return PRIMITIVES[type]
  if ('array' in type) return `${duckdbType(type.array)}[]`
  if ('map' in type) return `MAP(${duckdbType(type.map[0])}, ${duckdbType(type.map[1])})`
  return `STRUCT(${type.struct.map((field) => `${ident(field.name)} ${duckdbType(field.type)}`).join(', ')})`
}

/** `name TYPE, …` for CREATE TABLE. */
export const columnDefinitions = (columns: readonly Column[]): string =>
  columns.map((column) => `${ident(column.name)} ${duckdbType(column.type)}`).join(', ')
