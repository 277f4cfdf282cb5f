/**
 * Bulk writing: one streamed COPY over all days of a batch, to files that are no part of the table yet. The writer looks at
 * them, and publishes them as they are or writes them again without the rows it does not want.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../engine/duckdb.ts'
import { ident, lit } from '../engine/sql.ts'
import { typedColumns } from './schema.ts'
import type { TableSpec } from './spec.ts'
import type { CopyStats } from './stats.ts'

/** A written file that no table knows yet. */
export interface StagedFile {
  readonly path: string
  /** The day, yyyy-mm-dd; null for rows without one. */
  readonly partition: string | null
  readonly rows: number
  readonly stats: CopyStats
}

/** The files of one COPY, in a folder of their own. */
export interface StagedDays {
  readonly files: readonly StagedFile[]
  /** Removes what is left of the folder. */
  discard(): Promise<void>
}

/**
 * Rows a thread gathers before it writes row groups. Small, since every day open at once costs memory; larger than the
 * engine's vectors by enough for dictionaries to pay.
 */
const FLUSH_ROWS = 65_536

/**
 * Rows of a day that make a row group. Whoever has half as many in hand writes them; what is left of all days at the end is written by
 * one thread while the others wait, and the engine's own 122,880 would leave it most of a batch.
 */
const GROUP_ROWS = 32_768

/** What staging may hold in memory at once; the defaults suit records of about a kilobyte. */
export interface StageLimits {
  /** Rows a thread gathers before it writes row groups. */
  readonly flushRows?: number
  /** Rows to a row group. */
  readonly groupRows?: number
  /** Bytes to a row group, before compression. */
  readonly rowGroupBytes?: number
}

interface CopiedFile extends CopyStats, Record<string, unknown> {
  readonly filename: string
  readonly partition_keys: readonly { readonly key: string; readonly value: string }[] | null
}

/**
 * Streams `select` into Parquet files, one or more a day.
 *
 * @param select SQL that gives all columns of the spec
 * @param folder where to make the staging folder; on the same file system as the table
 */
export async function stageDays(
  engine: Engine,
  spec: TableSpec,
  select: string,
  folder: string,
  { flushRows = FLUSH_ROWS, groupRows = GROUP_ROWS, rowGroupBytes }: StageLimits = {},
): Promise<StagedDays> {
  const at = join(folder, `days-${randomUUID()}`)
  await mkdir(at, { recursive: true })
  const discard = () => rm(at, { recursive: true, force: true })
  try {
    await engine.run(`SET partitioned_write_flush_threshold = ${flushRows}`)
    const rowGroup = rowGroupBytes === undefined ? '' : `, ROW_GROUP_SIZE_BYTES ${rowGroupBytes}`
    const copied =
      await engine.rows<CopiedFile>(`COPY (SELECT ${typedColumns(spec.columns)} FROM (${select})) TO ${lit(at)}
      (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (${ident(spec.partitionColumn)}), RETURN_STATS, ROW_GROUP_SIZE ${groupRows}${rowGroup})`)
    const files = copied.map((file) => ({
      path: file.filename,
      partition: dayOf(file),
      rows: Number(file.count),
      stats: file,
    }))
    return { files, discard }
  } catch (cause) {
    await discard()
    throw cause
  }
}

function dayOf(file: CopiedFile): string | null {
  const day = /=(\d{4}-\d\d-\d\d)(?:[/\\][^/\\]*)$/.exec(file.filename)?.[1]
  return day ?? null
}
