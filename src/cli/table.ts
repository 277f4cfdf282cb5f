/** Rows of text as a table on standard output. */
import { headLines, layTable, rowLine } from '../ask/table.ts'
import { readerOf } from './answers.ts'
import type { CliContext } from './contract.ts'

/** Prints a table; columns named in `numeric` hold numbers. */
export function printTable(
  cli: CliContext,
  names: readonly string[],
  rows: readonly (readonly unknown[])[],
  numeric: readonly string[] = [],
): void {
  const { tty, width } = readerOf(cli)
  const columns = names.map((name) => ({ name, numeric: numeric.includes(name) }))
  const layout = layTable(columns, rows, tty ? width : undefined)
  cli.out(headLines(layout) + rows.map((row) => rowLine(layout, row)).join(''))
}
