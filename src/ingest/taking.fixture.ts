/** A folder with a home and logs, for tests that take logs in and look at what became of them. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import type { Taking } from '../collect/ledger.ts'
import { isAppError } from '../core/errors.ts'
import { type Home, homeAt } from '../core/home.ts'
import { Engine, type Row } from '../engine/duckdb.ts'
import { filesBetween, scanSql } from '../lake/read.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import { CACHE_HOME } from '../normalise/read-records.fixture.ts'
import { type IngestReport, ingest } from './ingest.ts'
import { Sealing, type SealingOptions } from './sealing.ts'
import { SMALL_BATCH_BYTES } from './small-batch.ts'

/** The clock of these tests, which stands still. */
export const NOW = new Date('2026-11-12T12:00:00Z')

/** A reject as the lake has it. */
export interface RejectRow extends Row {
  readonly reject_id: string
  readonly source_object: string
  readonly reason: string
  readonly line: string | null
  readonly size_bytes: string
  readonly content_base64: string
}

/** Gives a home the compiled networks of all test homes. */
export async function shareCache(home: Home): Promise<void> {
  const { cache } = homeAt(CACHE_HOME)
  await mkdir(cache, { recursive: true })
  await mkdir(home.root, { recursive: true })
  await symlink(cache, home.cache)
}

/** What tests of reading are run with: batches as they come, and the same read the way that is for large ones. */
export const BATCH_SIZES = [
  { size: 'small', smallBatchBytes: SMALL_BATCH_BYTES },
  { size: 'large', smallBatchBytes: -1 },
]

/** A folder of its own, with homes and logs in it. */
export class TakingBench {
  readonly folder: string
  readonly home: Home
  readonly #engine: Engine
  readonly #smallBatchBytes: number

  private constructor(folder: string, home: Home, engine: Engine, smallBatchBytes: number) {
    this.folder = folder
    this.home = home
    this.#engine = engine
    this.#smallBatchBytes = smallBatchBytes
  }

  /**
   * @param homeName name of the home's folder
   * @param smallBatchBytes up to what size batches are read as small ones
   */
  static async open(homeName = 'home', smallBatchBytes = SMALL_BATCH_BYTES): Promise<TakingBench> {
    const folder = await mkdtemp(join(tmpdir(), 'taking-'))
    const home = homeAt(join(folder, homeName))
    await shareCache(home)
    return new TakingBench(folder, home, await Engine.open({ threads: 2 }), smallBatchBytes)
  }

  async close(): Promise<void> {
    this.#engine.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Another home in the same folder. */
  async anotherHome(name: string): Promise<Home> {
    const home = homeAt(join(this.folder, name))
    await shareCache(home)
    return home
  }

  /** Writes a file below the folder and returns its path. */
  async file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    return path
  }

  /** Removes a file or folder. */
  remove(path: string): Promise<void> {
    return rm(path, { recursive: true, force: true })
  }

  /** Takes in sources named by paths. */
  take(specs: string | readonly string[], { home = this.home, form = 'auto', stdin = '' } = {}): Promise<IngestReport> {
    return ingest({
      home,
      specs: typeof specs === 'string' ? [specs] : specs,
      form,
      stdin: Readable.from([Buffer.from(stdin)]),
      now: () => NOW,
      smallBatchBytes: this.#smallBatchBytes,
    })
  }

  /** Says in the seal that the lake was put back on purpose. */
  async sayRestored(reason: string, home = this.home): Promise<void> {
    await Sealing.restore(this.#sealingOf(home), reason)
  }

  /** The open seal of the home. */
  sealing(home = this.home): Promise<Sealing> {
    return Sealing.open(this.#sealingOf(home))
  }

  #sealingOf(home: Home): SealingOptions {
    const tables = [DeltaTable.at(home.rejects, REJECTS_TABLE), DeltaTable.at(home.events, EVENTS_TABLE)]
    return { home, now: () => NOW, engine: async () => this.#engine, tables }
  }

  /** As `take`, where it must fail: the code of the error and the exit code it leads to. */
  async refused(specs: string | readonly string[], options: { home?: Home; form?: string } = {}) {
    try {
      await this.take(specs, options)
    } catch (cause) {
      if (isAppError(cause)) return { code: cause.code, exit: cause.exit, message: cause.message }
      throw cause
    }
    throw new Error('it was taken')
  }

  /** Rows of `events`, by SQL over the relation. */
  async events<T extends Row>(select: string, rest = '', home = this.home): Promise<T[]> {
    const table = DeltaTable.at(home.events, EVENTS_TABLE)
    return this.#engine.rows<T>(`SELECT ${select} FROM ${scanSql(table, filesBetween(await table.snapshot()))} ${rest}`)
  }

  /** How many events there are, and how many different ones. */
  async eventCount(home = this.home): Promise<{ rows: number; ids: number }> {
    const [counted] = await this.events<{ n: string; ids: string }>(
      'count(*) AS n, count(DISTINCT event_id) AS ids',
      '',
      home,
    )
    return { rows: Number(counted?.n), ids: Number(counted?.ids) }
  }

  /** All rejects, in order of object and line. */
  async rejects(home = this.home): Promise<RejectRow[]> {
    const table = DeltaTable.at(home.rejects, REJECTS_TABLE)
    const files = filesBetween(await table.snapshot())
    return this.#engine.rows<RejectRow>(`SELECT * FROM ${scanSql(table, files)} ORDER BY source_object, line, reason`)
  }

  /** All takings, oldest first. */
  takings(home = this.home): Taking[] {
    const db = new DatabaseSync(home.ledger, { readOnly: true })
    try {
      return db.prepare('SELECT * FROM takings ORDER BY id').all() as unknown as Taking[]
    } finally {
      db.close()
    }
  }

  /** Names of what stands in the working folders of a home. */
  async leftovers(home = this.home): Promise<string[]> {
    const names = await Promise.all(
      [home.tmp, join(home.events, '_staging'), join(home.rejects, '_staging')].map((folder) =>
        readdir(folder).catch(() => []),
      ),
    )
    return names.flat()
  }

  /** Rows of any query, such as one that writes a Parquet file for a test. */
  sql(query: string): Promise<Row[]> {
    return this.#engine.rows(query)
  }
}

/** A delivery record; `n` makes it different from others. */
export const deliveryRecord = (n: number, more: Readonly<Record<string, unknown>> = {}) => ({
  version: '2.0',
  auditLevel: 'WORKSPACE_LEVEL',
  timestamp: Date.UTC(2026, 10, 10) + n * 1000,
  orgId: '1234567890',
  accountId: '77636e6d-0000-4000-8000-000000000000',
  sourceIPAddress: `10.2.${(n >> 8) & 255}.${n & 255}`,
  userAgent: 'curl/7.64.1',
  sessionId: `session-${n % 7}`,
  userIdentity: { email: `user${n % 5}@example.com`, subjectName: null },
  serviceName: 'clusters',
  actionName: n % 2 === 0 ? 'create' : 'edit',
  requestId: `request-${n}`,
  requestParams: { cluster_name: `cluster ${n}`, num_workers: String(n % 9) },
  response: { statusCode: 200, errorMessage: null, result: `{"cluster_id":"c-${n}"}` },
  ...more,
})

type DeliveryRecord = ReturnType<typeof deliveryRecord>

/** The same event as Azure tells it. */
export const asAzure = (record: DeliveryRecord) => ({
  resourceId: '/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DATABRICKS/WORKSPACES/W',
  operationVersion: '1.0.0',
  identity: JSON.stringify(record.userIdentity),
  operationName: `Microsoft.Databricks/${record.serviceName}/${record.actionName}`,
  time: `${new Date(record.timestamp).toISOString().slice(0, 19)}Z`,
  category: record.serviceName,
  properties: {
    sourceIPAddress: record.sourceIPAddress,
    logId: `log-${record.requestId}`,
    serviceName: record.serviceName,
    userAgent: record.userAgent,
    response: JSON.stringify(record.response),
    sessionId: record.sessionId,
    actionName: record.actionName,
    requestId: record.requestId,
    requestParams: JSON.stringify(record.requestParams),
  },
})

/** The same event as a row of `system.access.audit`. */
export const asSystemRow = (record: DeliveryRecord) => ({
  account_id: record.accountId,
  workspace_id: record.orgId,
  event_time: new Date(record.timestamp).toISOString(),
  source_ip_address: record.sourceIPAddress,
  user_agent: record.userAgent,
  session_id: record.sessionId,
  user_identity: { email: record.userIdentity.email, subject_name: record.userIdentity.subjectName },
  service_name: record.serviceName,
  action_name: record.actionName,
  request_id: record.requestId,
  request_params: record.requestParams,
  response: {
    status_code: record.response.statusCode,
    error_message: record.response.errorMessage,
    result: record.response.result,
  },
  audit_level: record.auditLevel,
  event_id: `event-${record.requestId}`,
})

/** Lines of delivery records, `from` and `to` included. */
export function deliveryLines(from: number, to: number): string {
  let text = ''
  for (let n = from; n <= to; n++) text += `${JSON.stringify(deliveryRecord(n))}\n`
  return text
}

/** Sums of a home's takings, which must be those of the lake. */
export function totals(takings: readonly Taking[]) {
  const sum = (of: (taking: Taking) => number) => takings.reduce((total, taking) => total + of(taking), 0)
  return {
    records: sum(({ records }) => records),
    events: sum(({ events }) => events),
    duplicates: sum(({ duplicates }) => duplicates),
    rejects: sum(({ rejects }) => rejects),
  }
}
