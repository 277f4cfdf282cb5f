/** The yardstick: DuckDB reads the same files with the types given and writes one Parquet file. Nothing else is done to a record. */
import { DuckDBInstance } from '@duckdb/node-api'
import { lit } from '../../src/engine/sql.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** Every field a delivered record can have; parameters as a map, for their keys differ by action. */
export const DELIVERED_COLUMNS = `{
  version: 'VARCHAR', auditLevel: 'VARCHAR', timestamp: 'BIGINT', orgId: 'VARCHAR', workspaceId: 'VARCHAR', shardName: 'VARCHAR',
  accountId: 'VARCHAR', sourceIPAddress: 'VARCHAR', userAgent: 'VARCHAR', sessionId: 'VARCHAR',
  userIdentity: 'STRUCT(email VARCHAR, subjectName VARCHAR)', serviceName: 'VARCHAR', actionName: 'VARCHAR', requestId: 'VARCHAR',
  requestParams: 'MAP(VARCHAR, VARCHAR)', response: 'STRUCT(statusCode INTEGER, errorMessage VARCHAR, result VARCHAR)'
}`

/** Which files to read, and how to write them. */
export interface BareParams {
  readonly glob: string
  readonly out: string
  readonly codec: 'zstd' | 'snappy'
  /** DuckDB's own default is true. */
  readonly keepOrder: boolean
}

/** Reads and writes; everything else about the engine is its default. */
export async function work({ glob, out, codec, keepOrder }: BareParams): Promise<Measured> {
  const lap = stopwatch()
  const instance = await DuckDBInstance.create(':memory:', keepOrder ? {} : { preserve_insertion_order: 'false' })
  const connection = await instance.connect()
  await connection.run(`COPY (SELECT * FROM read_json(${lit(glob)}, format = 'newline_delimited',
    hive_partitioning = false, columns = ${DELIVERED_COLUMNS})) TO ${lit(out)} (FORMAT parquet, COMPRESSION ${codec})`)
  const measured = lap()
  const reader = await connection.runAndReadAll(`SELECT count(*)::INTEGER AS n FROM read_parquet(${lit(out)})`)
  const events = Number(reader.getRowObjectsJson()[0]?.n)
  connection.closeSync()
  instance.closeSync()
  return { events, ...measured, details: {} }
}
