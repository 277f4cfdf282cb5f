/**
 * Parquet files in a folder that somebody else's engine reads: one file a batch, in a folder for each UTC day, written once under a name that
 * follows from what is in it. It is no Delta table: there is no log beside the files, so a reader lists the folder.
 * A folder may be one that is mounted, of a volume or a bucket.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf, systemError } from '../../core/errors.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { fileSql, ident, lit } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import { formatNamed } from '../../export/registry.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { MARK } from '../fit.ts'
import { objectName } from '../object-name.ts'

/** Its section of the settings. */
export interface ParquetSettings {
  readonly folder: string
}

/** Enough for a batch of the largest size. */
const MEMORY_MB = 400

/** The format that it takes: rows of `system.access.audit`, whose columns and types the files have. */
const FORMAT = 'system-table'

/** Folder for files that are being written. No reader of such folders looks into one with a dot, nor for files of no kind. */
const STAGED = '.bricktrail'

/** What a crash left there longer ago than a batch takes is removed when the folder is opened. */
const STALE_MS = 3_600_000

/** Errors of the system that say that the folder is not as it must be. */
const MISCONFIGURED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'])

class ParquetFolder implements Sink {
  // Files of parts of a day are small already; as much as a lane gives at once.
  readonly limits = {
    items: 50_000,
    bytes: 32 * 1024 * 1024,
    itemBytes: 8 * 1024 * 1024,
    itemOverhead: 1,
    sameDay: true,
  }
  readonly #folder: string
  readonly #engine: Engine
  readonly #columns: string
  #turn: Promise<unknown> = Promise.resolve()

  constructor(folder: string, engine: Engine, columns: string) {
    this.#folder = folder
    this.#engine = engine
    this.#columns = columns
  }

  /** Several connections take turns: there is one engine. */
  send(batch: Batch): Promise<Outcome> {
    const done = this.#turn.then(() => this.#write(batch))
    this.#turn = done.catch(() => {})
    return done
  }

  async close(): Promise<void> {
    await this.#turn
    this.#engine.close()
  }

  async #write(batch: Batch): Promise<Outcome> {
    const file = join(this.#folder, objectName('', batch, 'parquet'))
    const staged = join(this.#folder, STAGED, randomUUID())
    try {
      if (await isThere(file)) return DELIVERED
      await mkdir(dirname(staged), { recursive: true })
      await mkdir(dirname(file), { recursive: true })
      await writeFile(`${staged}.json`, batch.items.map(({ text }) => `${text}\n`).join(''))
      await this.#engine.run(
        `COPY (SELECT * FROM read_json(${fileSql(`${staged}.json`)}, format = 'newline_delimited', columns = ${this.#columns}, maximum_object_size = 16777216)
         ORDER BY event_time, event_id) TO ${lit(`${staged}.part`)} (FORMAT parquet, COMPRESSION zstd)`,
      )
      await publish(`${staged}.part`, file)
      return DELIVERED
    } catch (cause) {
      return outcomeOfFailure(cause)
    } finally {
      for (const rest of ['json', 'part']) await rm(`${staged}.${rest}`, { force: true }).catch(() => {})
    }
  }
}

async function removeStale(folder: string, nowMs: number): Promise<void> {
  const staged = join(folder, STAGED)
  for (const name of await readdir(staged).catch(() => [])) {
    const file = join(staged, name)
    const found = await stat(file).catch(() => undefined)
    if (found !== undefined && nowMs - found.mtimeMs > STALE_MS) await rm(file, { force: true }).catch(() => {})
  }
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return false
      throw cause
    },
  )

/** Makes a file that is whole visible under its name, durably. One that stands there already has the same events. */
async function publish(staged: string, file: string): Promise<void> {
  await synced(staged)
  // Mounted buckets have no links; there the name comes last too.
  await link(staged, file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') return
    if (cause.code === 'ENOTSUP' || cause.code === 'EPERM' || cause.code === 'ENOSYS') return rename(staged, file)
    throw cause
  })
  await synced(dirname(file))
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function outcomeOfFailure(cause: unknown): Outcome {
  const system = systemError(cause)
  const reason = (system?.message ?? messageOf(cause)).split('\n')[0]?.slice(0, 250) ?? ''
  if (MISCONFIGURED.has((cause as { code?: string }).code ?? '')) return { kind: 'misconfigured', reason }
  // The engine cannot read what the format wrote: that never changes.
  return /Invalid Input Error|Conversion Error|Malformed JSON/.test(messageOf(cause))
    ? { kind: 'dead', reason }
    : { kind: 'again', reason }
}

/** The columns of the format with their types, as `read_json` wants them, and that of the mark. */
async function columnsOf(engine: Engine): Promise<string> {
  const empty = EVENT_COLUMNS.map(({ name, type }) => `NULL::${duckdbType(type)} AS ${ident(name)}`).join(', ')
  const columns = await engine.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE ${formatNamed(FORMAT).select(`(SELECT ${empty} WHERE false)`)}`,
  )
  const typed = [...columns, { column_name: MARK, column_type: 'BIGINT' }]
  return `{${typed.map(({ column_name: name, column_type: type }) => `${lit(name)}: ${lit(type)}`).join(', ')}}`
}

/** A folder of Parquet files. */
export const parquet: SinkKind<ParquetSettings> = {
  kind: 'parquet',
  takes: 'events',
  doc: 'Parquet files in a folder, rows of `system.access.audit`, one file a batch in a folder for each UTC day; written once, with no table log beside them.',
  formats: [FORMAT],
  // Few long objects are read faster than many short ones.
  connections: 1,
  schema: {
    type: 'object',
    required: ['folder'],
    additionalProperties: false,
    properties: {
      folder: {
        type: 'string',
        minLength: 1,
        description: 'The folder; relative to the settings file. It may be a mounted volume.',
      },
    },
  },
  open: async ({ folder }, context: SinkContext) => {
    const place = resolve(context.folder, folder)
    await removeStale(place, Date.now())
    const engine = await Engine.open({ memoryLimitMb: MEMORY_MB, threads: 1 })
    return new ParquetFolder(place, engine, await columnsOf(engine))
  },
}
