/** Rows as aligned columns of text. */
import { displayWidth, fitted, jsonText, printable } from '../core/printable.ts'

/** A column to lay out; numbers stand to the right and are never cut. */
export interface TableColumn {
  readonly name: string
  readonly numeric: boolean
}

/** Which columns are shown and how wide. */
export interface TableLayout {
  readonly shown: readonly { readonly at: number; readonly width: number; readonly numeric: boolean; name: string }[]
  /** Names of columns for which there was no room. */
  readonly hidden: readonly string[]
}

const GAP = '  '
/** A column cut shorter than this says nothing; a later column is left out instead. */
const LEAST_WIDTH = 10
/** Where there is no terminal to fit, a cell still ends somewhere: whole values are for json and csv. */
export const WIDEST_CELL = 100

/** A value on one line: text as it is, nested values as JSON, null as nothing; safe for a terminal. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return printable(value)
  return typeof value === 'object' ? jsonText(value) : String(value)
}

/** Fits columns into `width` (no limit if absent), judging by the rows given: the first ones of the answer. */
export function layTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly unknown[])[],
  width = Number.POSITIVE_INFINITY,
): TableLayout {
  const wanted = columns.map(({ name, numeric }, at) => {
    const cells = rows.map((row) => displayWidth(cellText(row[at])))
    const longest = cells.reduce((most, cell) => Math.max(most, cell), displayWidth(printable(name)))
    return { at, name: printable(name), numeric, width: numeric ? longest : Math.min(longest, WIDEST_CELL) }
  })
  let count = wanted.length
  while (count > 1 && leastWidth(wanted.slice(0, count)) > width) count -= 1
  const kept = wanted.slice(0, count)
  const room = width - GAP.length * (kept.length - 1)
  const level = cellLevel(kept, room)
  return {
    shown: kept.map((column) => ({ ...column, width: column.numeric ? column.width : Math.min(column.width, level) })),
    hidden: wanted.slice(count).map((column) => column.name),
  }
}

interface Wanted {
  readonly numeric: boolean
  readonly width: number
}

const leastWidth = (columns: readonly Wanted[]): number =>
  columns.reduce((sum, { numeric, width }) => sum + (numeric ? width : Math.min(width, LEAST_WIDTH)), 0) +
  GAP.length * (columns.length - 1)

/** The widest that cut columns may be so that all fit: long ones give up room first. */
function cellLevel(columns: readonly Wanted[], room: number): number {
  let level = WIDEST_CELL
  const total = () => columns.reduce((sum, { numeric, width }) => sum + (numeric ? width : Math.min(width, level)), 0)
  while (level > LEAST_WIDTH && total() > room) level -= 1
  // One column alone may still be wider than the terminal.
  return columns.length === 1 ? Math.max(1, Math.min(level, room)) : level
}

/** The heading and the rule below it. */
export function headLines({ shown }: TableLayout): string {
  const names = shown.map(({ name, width, numeric }) => fitted(name, width, numeric ? 'right' : 'left'))
  return `${names.join(GAP).trimEnd()}\n${shown.map(({ width }) => '─'.repeat(width)).join(GAP)}\n`
}

/** One row. */
export function rowLine({ shown }: TableLayout, row: readonly unknown[]): string {
  const cells = shown.map(({ at, width, numeric }) => fitted(cellText(row[at]), width, numeric ? 'right' : 'left'))
  return `${cells.join(GAP).trimEnd()}\n`
}
