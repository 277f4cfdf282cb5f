/**
 * CSV for spreadsheets and scripts (RFC 4180: commas, CRLF, quotes doubled). One column per event column; structs, lists and
 * maps are JSON.
 */
import { type ColumnType, EVENT_COLUMNS } from '../../core/event.ts'
import { ident } from '../../engine/sql.ts'
import type { ExportFormat } from '../contract.ts'

/** Characters at the start of a cell that make a spreadsheet run it as a formula (OWASP, CSV injection). */
const FORMULA_START = '^[=+\\-@\\t\\r\\n]'

/** Text a spreadsheet would run gets an apostrophe in front, which spreadsheets show as text. */
const neutralised = (text: string): string =>
  `CASE WHEN regexp_matches(${text}, '${FORMULA_START}') THEN '''' || ${text} ELSE ${text} END`

function cell(name: string, type: ColumnType, safe: boolean): string {
  const column = ident(name)
  if (typeof type !== 'string') return `to_json(${column})::VARCHAR`
  if (type === 'timestamp') return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%fZ')`
  return type === 'string' && safe ? neutralised(column) : column
}

const CSV_OPTIONS = `FORMAT csv, QUOTE '"', ESCAPE '"', DELIMITER ',', NEW_LINE '\\r\\n'`

const csvFormat = (safe: boolean): ExportFormat => ({
  name: 'csv',
  extension: 'csv',
  doc: 'CSV with a header, nested columns as JSON, cells that a spreadsheet would run made harmless.',
  shape: 'rows',
  gzip: true,
  select: (relation, also = []) =>
    `SELECT ${[...also, ...EVENT_COLUMNS.map(({ name, type }) => `${cell(name, type, safe)} AS ${ident(name)}`)].join(', ')}
  FROM ${relation} AS events`,
  copyOptions: `${CSV_OPTIONS}, HEADER true`,
  continued: `${CSV_OPTIONS}, HEADER false`,
})

/** The CSV format, safe to open in a spreadsheet. */
export const csv: ExportFormat = csvFormat(true)

/** CSV with every cell as it is, for programs. */
export const csvAsIs: ExportFormat = csvFormat(false)
