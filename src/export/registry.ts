/** Every export format, in the order `--help` lists them. A test compares this list with the folder. */
import { AppError } from '../core/errors.ts'
import type { ExportFormat } from './contract.ts'
import { cef } from './formats/cef.ts'
import { csv } from './formats/csv.ts'
import { ocsf } from './formats/ocsf.ts'
import { parquet } from './formats/parquet.ts'
import { raw } from './formats/raw.ts'
import { systemTable } from './formats/system-table.ts'
import { uam } from './formats/uam.ts'

/** All formats; the order is that of the help text. */
export const FORMATS: readonly ExportFormat[] = [uam, ocsf, systemTable, raw, cef, csv, parquet]

/** The names of all formats. */
export const FORMAT_NAMES: readonly string[] = FORMATS.map((format) => format.name)

/** The format of that name. Throws BAD_ARGUMENT naming those there are. */
export function formatNamed(name: string): ExportFormat {
  const format = FORMATS.find((each) => each.name === name)
  if (format !== undefined) return format
  throw new AppError('BAD_ARGUMENT', `There is no export format "${name}".`, {
    hint: `Formats: ${FORMAT_NAMES.join(', ')}.`,
  })
}
