/**
 * What the engine needs for the shape of our events alone: it reads the same files as `bare` does and writes the columns of an
 * event, one file a day, as ingestion writes them. Each column is a field of the record as it stands, or a constant; about as
 * many are filled as in real events. No digest, no catalogue, no targets, no fingerprint, no search for secrets or duplicates.
 */
import { mkdir } from 'node:fs/promises'
import { EVENT_COLUMNS } from '../../src/core/event.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { ident, lit } from '../../src/engine/sql.ts'
import { EVENTS_TABLE } from '../../src/lake/table.ts'
import { stageDays } from '../../src/lake/write-days.ts'
import { bytesIn } from '../data.ts'
import { type Measured, stopwatch } from '../outcome.ts'
import { DELIVERED_COLUMNS } from './bare.ts'

const GIVEN: Readonly<Record<string, string>> = {
  event_id: 'requestId',
  event_time: 'make_timestamptz("timestamp" * 1000)',
  event_date: 'make_timestamptz("timestamp" * 1000)::DATE',
  received_time: 'now()',
  ingest_time: 'now()',
  source: "'files'",
  source_object: 'filename',
  batch_id: "'b000000001'",
  form: "'delivery'",
  account_id: 'accountId',
  workspace_id: 'orgId',
  audit_level: 'auditLevel',
  service: 'serviceName',
  action: 'actionName',
  category: 'serviceName',
  verb: 'actionName',
  key_event: 'serviceName',
  actor: `{'type': 'user', 'id': NULL, 'name': userIdentity.subjectName, 'email': userIdentity.email, 'identity_provider': NULL,
    'run_by': NULL, 'run_as': NULL, 'acting_resource': NULL, 'impersonated_by': NULL}`,
  session_id: 'sessionId',
  request_id: 'requestId',
  source_ip: 'sourceIPAddress',
  user_agent: 'userAgent',
  client: 'userAgent',
  geo: `{'country': 'XX', 'region': NULL, 'city': NULL, 'asn': 0, 'as_org': accountId, 'scope': 'public', 'provider': auditLevel,
    'built': "version"}`,
  targets: `[{'type': serviceName, 'id': requestId, 'name': actionName, 'principal': NULL, 'privilege': NULL}]`,
  status: "'SUCCESS'",
  status_code: 'response.statusCode',
  error_message: 'response.errorMessage',
  request_params: 'requestParams',
  response_result: 'response.result',
  extra: 'shardName',
  record_bytes: '0',
}

/** Which files to read, and a folder to write to. */
export interface FloorParams {
  readonly glob: string
  readonly folder: string
}

/** As ample as `bare` has it: reading by given types takes more buffers than reading lines does. */
const MEMORY_LIMIT_MB = 4000

/** Reads and writes, with the settings of ingestion but for memory. */
export async function work({ glob, folder }: FloorParams): Promise<Measured> {
  await mkdir(folder, { recursive: true })
  const lap = stopwatch()
  const engine = await Engine.open({ memoryLimitMb: MEMORY_LIMIT_MB })
  const columns = EVENT_COLUMNS.map(({ name }) => `${GIVEN[name] ?? 'NULL'} AS ${ident(name)}`).join(', ')
  const { files, discard } = await stageDays(
    engine,
    EVENTS_TABLE,
    `SELECT ${columns} FROM read_json(${lit(glob)}, format = 'newline_delimited', hive_partitioning = false, filename = true, columns = ${DELIVERED_COLUMNS})`,
    folder,
  )
  engine.close()
  const measured = lap()
  const outBytes = await bytesIn(folder)
  await discard()
  return { events: files.reduce((sum, { rows }) => sum + rows, 0), ...measured, details: { out_bytes: outBytes } }
}
