/** The event as it is, every column with its type. */
import type { ExportFormat } from '../contract.ts'

/** The Parquet format. */
export const parquet: ExportFormat = {
  name: 'parquet',
  extension: 'parquet',
  doc: 'The event as it is in the lake, every column with its type, as Parquet.',
  shape: 'rows',
  gzip: false,
  select: (relation, also = []) => `SELECT ${[...also, '*'].join(', ')} FROM ${relation} AS events`,
  copyOptions: 'FORMAT parquet, COMPRESSION zstd',
}
