/**
 * A Delta table in a folder that somebody else's engine reads: a commit a batch, written as the lake is. The commit carries the id of the
 * batch as a transaction, so a batch that was committed, but not acknowledged, is not written again.
 * https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers
 */
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { AppError, isAppError, messageOf, systemError } from '../../core/errors.ts'
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { fileSql, lit } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import { SYSTEM_TABLE_COLUMNS } from '../../export/formats/system-table.ts'
import { STAGING_DIR } from '../../lake/stores/contract.ts'
import { type DataFile, DeltaTable, keyOf, type TableSpec } from '../../lake/table.ts'
import { writePartition } from '../../lake/write.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { MARK } from '../fit.ts'

/** Its section of the settings. */
export interface DeltaSettings {
  readonly folder: string
}

/** The table: `system.access.audit`, and the mark of what was shortened. */
export const AUDIT_TABLE: TableSpec = {
  name: 'audit',
  columns: [
    ...SYSTEM_TABLE_COLUMNS,
    { name: MARK, type: 'long', doc: 'Bytes of an event that was too long, before it was cut; null for others.' },
  ],
  partitionColumn: 'event_date',
  timeColumn: 'event_time',
  // Bounds of ids and free text skip nothing.
  statsColumns: [
    'event_time',
    'account_id',
    'workspace_id',
    'audit_level',
    'service_name',
    'action_name',
    'source_ip_address',
  ],
}

/** Enough for a batch of the largest size. */
const MEMORY_MB = 400

/** What a crash left half written longer ago than a batch takes is removed when the table is opened. */
const STALE_MS = 3_600_000

/** Failures of the table that somebody has to mend. */
const MISCONFIGURED: ReadonlySet<string> = new Set(['BAD_LAKE', 'BAD_HOME', 'UNREADABLE'])

const COLUMNS = `{${AUDIT_TABLE.columns.map(({ name, type }) => `${lit(name)}: ${lit(duckdbType(type))}`).join(', ')}}`

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)

class AuditTable implements Sink {
  // Few files and few commits: as much as a lane gives at once.
  readonly limits = {
    items: 50_000,
    bytes: 32 * 1024 * 1024,
    itemBytes: 8 * 1024 * 1024,
    itemOverhead: 1,
    sameDay: true,
  }
  readonly #table: DeltaTable
  readonly #engine: Engine
  #turn: Promise<unknown> = Promise.resolve()

  constructor(table: DeltaTable, engine: Engine) {
    this.#table = table
    this.#engine = engine
  }

  /** Several connections take turns: there is one engine. */
  send(batch: Batch): Promise<Outcome> {
    const done = this.#turn.then(() => this.#append(batch)).catch(outcomeOfFailure)
    this.#turn = done
    return done
  }

  async close(): Promise<void> {
    await this.#turn
    this.#engine.close()
  }

  async #append(batch: Batch): Promise<Outcome> {
    const txn = { appId: `bricktrail-${batch.id}`, version: 1 }
    if ((await this.#table.snapshot()).txnVersion(txn.appId) !== undefined) return DELIVERED
    const file = await this.#write(batch)
    if (file?.rows !== batch.items.length) {
      if (file !== undefined) await this.#table.store.delete(keyOf(file))
      return { kind: 'dead', reason: `${batch.items.length} events are ${file?.rows ?? 0} records to the engine.` }
    }
    await this.#table.commit({ adds: [file], operation: 'WRITE', txn, info: { batch: batch.id } })
    return DELIVERED
  }

  /** Writes the batch to a file that is no part of the table yet. */
  async #write({ id, items }: Batch): Promise<DataFile | undefined> {
    const [first] = items
    const partition = dayOf(first?.timeMs ?? 0)
    const staged = await this.#table.store.stage('json')
    try {
      await writeFile(staged, items.map(({ text }) => `${text}\n`).join(''))
      // A batch is of one day, so an event that was cut down to little is of that day too.
      const select = `SELECT * REPLACE (DATE ${lit(partition)} AS event_date) FROM read_json(${fileSql(staged)},
        format = 'newline_delimited', columns = ${COLUMNS}, maximum_object_size = 16777216)`
      const orderBy = 'event_time, event_id'
      return await writePartition(this.#engine, this.#table, { select, partition, stem: id, orderBy })
    } finally {
      await this.#table.store.discard(staged)
    }
  }
}

function outcomeOfFailure(cause: unknown): Outcome {
  const failure = isAppError(cause) ? cause : systemError(cause)
  const reason = (failure?.message ?? messageOf(cause)).split('\n')[0]?.slice(0, 250) ?? ''
  if (failure !== undefined && MISCONFIGURED.has(failure.code)) return { kind: 'misconfigured', reason }
  // The engine cannot read what the format wrote: that never changes.
  return /Invalid Input Error|Conversion Error|Malformed JSON/.test(messageOf(cause))
    ? { kind: 'dead', reason }
    : { kind: 'again', reason }
}

/** The tables of the home are sealed, and are its own. */
function refuseOwn(place: string, home: string): void {
  const { lake } = homeAt(home)
  const way = relative(lake, place)
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return
  throw new AppError('BAD_HOME', `${place} belongs to the lake of the home, which only ingesting may write.`, {
    hint: 'Name another folder; engines may read lake/events as it is.',
    where: place,
  })
}

async function removeStale(root: string, nowMs: number): Promise<void> {
  const folder = join(root, STAGING_DIR)
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && nowMs - found.mtimeMs > STALE_MS) await rm(path, { force: true }).catch(() => {})
  }
}

/** A Delta table. */
export const delta: SinkKind<DeltaSettings> = {
  kind: 'delta',
  takes: 'events',
  doc: 'A Delta Lake table in a folder, rows of `system.access.audit`, a commit a batch, each batch once.',
  formats: ['system-table'],
  // Commits follow one another anyway, and few long files are read faster than many short ones.
  connections: 1,
  schema: {
    type: 'object',
    required: ['folder'],
    additionalProperties: false,
    properties: {
      folder: {
        type: 'string',
        minLength: 1,
        description: 'The folder of the table, made where there is none; relative to the settings file.',
      },
    },
  },
  open: async ({ folder }, context: SinkContext) => {
    const place = resolve(context.folder, folder)
    refuseOwn(place, context.folder)
    await removeStale(place, Date.now())
    const engine = await Engine.open({ memoryLimitMb: MEMORY_MB, threads: 1 })
    return new AuditTable(DeltaTable.at(place, AUDIT_TABLE), engine)
  },
}
