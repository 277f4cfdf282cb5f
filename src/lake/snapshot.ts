/** What a reader or writer sees of a table. */

/** The tag under which a file's schema fingerprint stands; absent on files of other writers. */
export const SCHEMA_TAG = 'bricktrail.schema'

/** A Parquet file of a table. */
export interface DataFile {
  /** Relative to the table's root, percent-encoded as the Delta log has it. */
  readonly path: string
  readonly sizeBytes: number
  /** 0 where another writer left it out of the statistics. */
  readonly rows: number
  /** The day, yyyy-mm-dd. */
  readonly partition: string
  /** Bounds of the time column in whole milliseconds, rounded outwards; absent where unknown or all null. */
  readonly minTimeMs?: number
  readonly maxTimeMs?: number
  /** Per-file statistics as Delta's JSON text. */
  readonly stats: string
  /** When the file was made, milliseconds since the epoch. */
  readonly modificationTime: number
  /** Tags of the log entry; `SCHEMA_TAG` is the fingerprint of the columns it was written with. */
  readonly tags?: Readonly<Record<string, string>>
}

/** A table at one version. It stays valid while the table moves on, until its removed files are past their grace. */
export interface Snapshot {
  /** -1: no table yet. */
  readonly version: number
  readonly files: readonly DataFile[]
  /** The highest transaction number `appId` has committed; undefined if none. */
  txnVersion(appId: string): number | undefined
}
