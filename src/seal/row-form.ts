/** How the engine makes the canonical bytes of a row (docs/design/005-seal.md, "Row"). */
import { AppError } from '../core/errors.ts'
import type { Column } from '../core/event.ts'
import { ident } from '../engine/sql.ts'
import { type AddRecord, canonical } from './entry.ts'
import { hexOf, sha256 } from './merkle.ts'
import { isRowForm, ROW_FORM, type RowFormName } from './row-bytes.ts'

/** What Bricktrail says about an event or its handling: all of it follows from the rest of the row, or from the manifest. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  events: [
    'event_date',
    'ingest_time',
    'source',
    'batch_id',
    'category',
    'verb',
    'key_event',
    'client',
    'geo',
    'targets',
    'record_bytes',
    'redactions',
  ],
}

/** How the rows of a file become bytes. */
export interface RowForm {
  readonly name: RowFormName
  /** SQL expression over the columns of the file: the canonical bytes, a BLOB. */
  readonly bytes: string
  /** The same of the values one by one: each is a text, or NULL. */
  readonly values: readonly string[]
  /** Names of the values, in order. */
  readonly names: readonly string[]
  /** SHA-256 of the canonical JSON of the names, hex. */
  readonly columns: string
}

/** The row form of a table's files that have these columns, in their order. */
export function rowForm(table: string, columns: readonly Column[], name: RowFormName = ROW_FORM): RowForm {
  const told = columns.filter((column) => !LEFT_OUT[table]?.includes(column.name))
  const plain = told.flatMap((column) => plainValues(column) ?? [])
  const nested = told.filter((column) => plainValues(column) === undefined).map(nestedValue)
  const names = [...plain, ...nested].map((value) => value.name)
  const [first, others] = [sqlOf(plain), sqlOf(nested)]
  const values = [...first, ...others]
  const bytes = name === ROW_FORM ? rowBytesSql(values) : textSql(first, others)
  return { name, bytes, values, names, columns: hexOf(sha256(canonical(names))) }
}

/**
 * The form in which the rows of a file were sealed.
 * @throws AppError BAD_SEAL for one that this program does not know
 */
export function sealedForm(table: string, columns: readonly Column[], { rowForm: name, path }: AddRecord): RowForm {
  if (isRowForm(name)) return rowForm(table, columns, name)
  throw new AppError('BAD_SEAL', `The rows of ${path} were sealed in the form ${name}, which is not known.`, {
    where: path,
    hint: 'Use the version of Bricktrail that sealed them, or a newer one.',
  })
}

/**
 * What `rowBytes` gives, as the engine writes it: the key it would sort these texts by. It has no cheaper way to write values one
 * after the other so that no two rows look the same.
 */
export const rowBytesSql = (values: readonly string[]): string =>
  `create_sort_key(${values.map((sql) => `${sql}, 'ASC NULLS LAST'`).join(', ')})`

/** `row/1`: a JSON array of the plain values, then a line for each of the others. */
const textSql = (plain: readonly string[], nested: readonly string[]): string =>
  `encode(concat(${[`json_array(${plain.join(', ')})::VARCHAR`, ...nested].join(', chr(10), ')}))`

interface Value {
  readonly name: string
  readonly sql: string
}

const sqlOf = (values: readonly Value[]): string[] => values.map(({ sql }) => sql)

/** The values of a column that holds no lists, maps, or structs in structs; undefined for one that does. */
function plainValues({ name, type }: Column): Value[] | undefined {
  if (typeof type === 'string') return [{ name, sql: valueSql(ident(name), type) }]
  if (!('struct' in type) || !type.struct.every((field) => typeof field.type === 'string')) return undefined
  return type.struct.map((field) => ({
    name: `${name}.${field.name}`,
    sql: valueSql(`${ident(name)}.${ident(field.name)}`, String(field.type)),
  }))
}

/** Of another writer's file, a column of texts may be one of bytes to the engine. */
function valueSql(sql: string, type: string): string {
  return type === 'timestamp' ? `epoch_us(${sql})::VARCHAR` : `${sql}::VARCHAR`
}

const nestedValue = ({ name }: Column): Value => ({
  name,
  sql: `CASE WHEN ${ident(name)} IS NOT NULL THEN to_json(${ident(name)})::VARCHAR END`,
})
