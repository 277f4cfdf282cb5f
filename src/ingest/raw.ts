/** Objects as the relation every form reads: `(json JSON, file VARCHAR)`, one record a row, NULL for a line that is no JSON. */
import { MAX_RECORD_BYTES } from '../collect/split.ts'
import { lit } from '../engine/sql.ts'
import type { Work } from './plan.ts'

const paths = (works: readonly Pick<Work, 'readPath'>[]): string =>
  `[${works.map(({ readPath }) => lit(readPath)).join(', ')}]`

const ENGINE_NAMES = { none: 'uncompressed', gzip: 'gzip', zstd: 'zstd' } as const
const compressionOf = (work: Pick<Work, 'compression'> | undefined): string =>
  lit(ENGINE_NAMES[work?.compression ?? 'none'])

/** Lines of JSON. All objects must be compressed alike. */
export const rawLinesSql = (works: readonly Pick<Work, 'readPath' | 'compression'>[]): string =>
  `(SELECT json, filename AS file FROM read_ndjson_objects(${paths(works)}, filename = true, ignore_errors = true,
    hive_partitioning = false, compression = ${compressionOf(works[0])}, maximum_object_size = ${MAX_RECORD_BYTES + 2}))`

/** The relation of a batch, whose objects all have one shape. */
export function rawSql(works: readonly Work[]): string {
  switch (works[0]?.shape) {
    case 'parquet':
      return `(SELECT to_json(t) AS json, t._file AS file FROM read_parquet(${paths(works)}, filename = '_file', union_by_name = true, hive_partitioning = false) t)`
    case 'csv':
      return `(SELECT to_json(t) AS json, t._file AS file FROM read_csv(${paths(works)}, filename = '_file', header = true, all_varchar = true,
        union_by_name = true, hive_partitioning = false, ignore_errors = true, store_rejects = true, compression = ${compressionOf(works[0])}) t)`
    default:
      return rawLinesSql(works)
  }
}
