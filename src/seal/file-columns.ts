/** The columns a Parquet file has, in its order, as ours are described: a file older than a column has no such column. */

import { AppError } from '../core/errors.ts'
import type { Column, ColumnType } from '../core/event.ts'
import type { Engine } from '../engine/duckdb.ts'
import { fileSql } from '../engine/sql.ts'

interface SchemaRow extends Record<string, unknown> {
  readonly name: string
  readonly type: string | null
  readonly num_children: string | null
  readonly converted_type: string | null
  readonly logical_type: string | null
}

/**
 * Reads the columns of a file.
 * @throws AppError BAD_LAKE for a type that none of our tables has; ENGINE if the file cannot be read
 */
export async function fileColumns(engine: Engine, path: string): Promise<Column[]> {
  const rows = await engine.rows<SchemaRow>(
    `SELECT name, type, num_children, converted_type, logical_type::VARCHAR AS logical_type FROM parquet_schema(${fileSql(path)})`,
  )
  const reader = new SchemaReader(rows, path)
  return reader.root()
}

/** Parquet lists a schema depth first, each group with the number of its children. */
class SchemaReader {
  readonly #rows: readonly SchemaRow[]
  readonly #path: string
  #at = 0

  constructor(rows: readonly SchemaRow[], path: string) {
    this.#rows = rows
    this.#path = path
  }

  root(): Column[] {
    return this.#children(this.#next())
  }

  #next(): SchemaRow {
    const row = this.#rows[this.#at++]
    if (row === undefined)
      throw new AppError('BAD_LAKE', `The schema of ${this.#path} ends early.`, { where: this.#path })
    return row
  }

  #children(group: SchemaRow): Column[] {
    return Array.from({ length: Number(group.num_children) }, () => this.#column())
  }

  #column(): Column {
    const row = this.#next()
    return { name: row.name, type: this.#typeOf(row), doc: '' }
  }

  #typeOf(row: SchemaRow): ColumnType {
    if (row.num_children === null || Number(row.num_children) === 0) return this.#plain(row)
    if (row.converted_type === 'LIST') return { array: this.#children(this.#next())[0]?.type ?? 'string' }
    if (row.converted_type === 'MAP') {
      const [key, value] = this.#children(this.#next())
      return { map: [key?.type ?? 'string', value?.type ?? 'string'] }
    }
    return { struct: this.#children(row) }
  }

  #plain({ name, type, converted_type, logical_type }: SchemaRow): ColumnType {
    if (type === 'BYTE_ARRAY') return 'string'
    if (type === 'BOOLEAN') return 'boolean'
    if (type === 'INT32') return converted_type === 'DATE' ? 'date' : 'integer'
    if (type === 'INT64') return /TIMESTAMP/i.test(`${converted_type} ${logical_type}`) ? 'timestamp' : 'long'
    throw new AppError(
      'BAD_LAKE',
      `The column ${name} of ${this.#path} has the type ${type}, which no table of ours has.`,
      {
        where: this.#path,
      },
    )
  }
}
