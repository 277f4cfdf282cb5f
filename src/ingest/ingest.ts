/** Ingest: everything the sources name that is new becomes events of the lake, once. */
import { mkdir } from 'node:fs/promises'
import type { SourceObject } from '../collect/contract.ts'
import { Ledger, lockWriter } from '../collect/ledger.ts'
import { SOURCES } from '../collect/registry.ts'
import { AppError, EXIT, isAppError } from '../core/errors.ts'
import { type Home, OWNERS_FOLDER } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { prepareEnrichment } from '../enrich/memo.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import { loadCatalogue } from '../normalise/catalogue/sql.ts'
import { FORMS } from '../normalise/registry.ts'
import type { BatchContext } from './batch.ts'
import { homeFailure } from './failures.ts'
import { RememberedIds } from './remembered-ids.ts'
import { removeLeftovers, removeScratch, scratchFolder } from './scratch.ts'
import { GENERATOR, Sealing, TXN_APP } from './sealing.ts'
import { SMALL_BATCH_BYTES, SmallBatches } from './small-batch.ts'
import { attachDatabases } from './tables.ts'
import { type IngestReport, type Taken, takeObjects } from './take.ts'

export type { IngestReport } from './take.ts'

/** What follows an ingestion works with, while the writer's place is still held. */
export interface AfterIngestion {
  readonly home: Home
  readonly engine: () => Promise<Engine>
  readonly events: DeltaTable
  readonly findings: DeltaTable
  readonly sealing: Sealing | undefined
}

/** Where events go; the same for all ingestions of an {@link Ingester}. */
export interface IngesterOptions {
  readonly home: Home
  readonly now: () => Date
  /** Called when another process holds the home. */
  readonly onWait?: () => void
  /** Batches of no more raw text than this are read the way that is quickest for few records; {@link SMALL_BATCH_BYTES} where absent. */
  readonly smallBatchBytes?: number
  /** False leaves what is committed unsealed, and what was received unkept, until another ingestion: for measurements. */
  readonly seal?: boolean
  /** Called when all is committed and sealed; what it adds to the tables is sealed after it. */
  readonly afterwards?: (after: AfterIngestion) => Promise<void>
}

/** What to ingest, and how. */
export interface IngestInput {
  /** Files, folders, globs, or `-`. */
  readonly specs: readonly string[]
  /** A form's name, or `auto`. */
  readonly form: string
  readonly stdin: NodeJS.ReadableStream
  /** What the sources hold, where the caller has listed it. Whether anything in it was of use is then for the caller to judge. */
  readonly listed?: readonly SourceObject[]
  readonly onProgress?: (doneBytes: number, totalBytes: number, note: string) => void
}

/** One ingestion from opening to closing. */
export interface IngestOptions extends IngesterOptions, IngestInput {}

/**
 * Ingests. Only what the sources hold that the lake does not is added; a failure leaves the batches before it committed.
 * @throws AppError NO_SOURCE, NO_RECORDS (nothing usable in what was read), UNREADABLE, LOCKED, DISK_FULL, BAD_HOME, BAD_LAKE
 */
export async function ingest(options: IngestOptions): Promise<IngestReport> {
  const ingester = new Ingester(options)
  try {
    return await ingester.ingest(options)
  } finally {
    await ingester.close()
  }
}

/** What stays ready between two ingestions, beside the engine. */
interface Tables {
  readonly ledger: Ledger
  readonly events: DeltaTable
  readonly rejects: DeltaTable
  readonly findings: DeltaTable
}

/** The engine with all that is kept in it. */
type EngineRoom = Pick<BatchContext, 'engine' | 'small' | 'remembered'>

/**
 * Ingests again and again into one home. The engine with its reference tables is opened by the first ingestion and kept, so
 * that a small batch costs little more than itself. The writer's place is held only while an ingestion runs. Not for
 * concurrent use: await each call.
 */
export class Ingester {
  readonly #options: IngesterOptions
  readonly #spill: string
  #tables: Tables | undefined
  #opened: Promise<EngineRoom> | undefined
  /** How long what followed the last ingestion took; no part of it. */
  #afterMs = 0

  /** Touches no disk. */
  constructor(options: IngesterOptions) {
    this.#options = options
    this.#spill = scratchFolder(options.home, 'spill')
  }

  /** As {@link ingest}. */
  async ingest(input: IngestInput): Promise<IngestReport> {
    checkForm(input.form)
    const started = performance.now()
    const tmp = scratchFolder(this.#options.home, 'ingest')
    try {
      const { report, useful } = await this.#run(input, tmp)
      report.seconds = (performance.now() - started - this.#afterMs) / 1000
      report.eventsPerSecond = report.events / report.seconds
      if (!useful && input.listed === undefined) throw useless(report, input)
      return report
    } catch (cause) {
      // Bad input says nothing against the engine; after anything else it may be in no state to go on.
      if (!isAppError(cause) || cause.exit !== EXIT.badInput) await this.close()
      throw homeFailure(cause, this.#options.home.root)
    } finally {
      await removeScratch(tmp)
    }
  }

  /** Objects are listed before the writer's place is taken, so that a slow standard input keeps nobody out. */
  async #run(input: IngestInput, tmp: string): Promise<Taken> {
    const { home, onWait } = this.#options
    await mkdir(tmp, OWNERS_FOLDER)
    const objects = input.listed ?? (await listObjects(input, home, tmp))
    const unlock = await lockWriter(home, onWait)
    let sealing: Sealing | undefined
    let taken: Taken
    try {
      await removeLeftovers(home)
      const tables = await this.#prepared()
      // The seal is asked before anything is mended: what it does not know again is evidence, and stays as it is.
      sealing = await this.#sealing(tables)
      await this.#recover(tables, sealing)
      taken = await takeObjects(objects, input, {
        ledger: tables.ledger,
        tmp,
        hold: (sha256, bytes) => sealing?.raw.hold(sha256, bytes),
        batch: async () => ({
          ...tables,
          ...(await this.#room()),
          sealing,
          home,
          tmp,
          source: 'files',
          generator: GENERATOR,
          smallBatchBytes: this.#options.smallBatchBytes ?? SMALL_BATCH_BYTES,
          now: this.#options.now,
        }),
      })
      await this.#afterwards(tables, sealing)
    } finally {
      unlock()
    }
    const anchors = await sealing?.anchor()
    return anchors === undefined ? taken : { ...taken, report: { ...taken.report, anchors } }
  }

  async #afterwards({ events, findings }: Tables, sealing: Sealing | undefined): Promise<void> {
    const { home, afterwards } = this.#options
    if (afterwards === undefined) return
    const started = performance.now()
    await afterwards({ home, engine: async () => (await this.#room()).engine, events, findings, sealing })
    await sealing?.follow()
    this.#afterMs = performance.now() - started
  }

  async #sealing({ events, rejects, findings }: Tables): Promise<Sealing | undefined> {
    const { home, now, seal = true } = this.#options
    if (!seal) return undefined
    const engine = async () => (await this.#room()).engine
    return Sealing.open({ home, now, engine, tables: [rejects, events, findings] })
  }

  /** Ends what goes on beside ingestions and frees the engine; the next ingestion would open another. */
  async close(): Promise<void> {
    const { events, rejects, findings } = this.#tables ?? {}
    await Promise.all([events?.settled(), rejects?.settled(), findings?.settled()])
    this.#tables?.ledger.close()
    this.#tables = undefined
    const opened = await this.#opened?.catch(() => undefined)
    opened?.engine.close()
    this.#opened = undefined
    await removeScratch(this.#spill)
  }

  async #prepared(): Promise<Tables> {
    const { home } = this.#options
    this.#tables ??= {
      ledger: await Ledger.open(home),
      events: DeltaTable.at(home.events, EVENTS_TABLE, { checkpointLater: true }),
      rejects: DeltaTable.at(home.rejects, REJECTS_TABLE, { checkpointLater: true }),
      findings: DeltaTable.at(home.findings, FINDINGS_TABLE, { checkpointLater: true }),
    }
    return this.#tables
  }

  async #recover({ events, ledger }: Tables, sealing: Sealing | undefined): Promise<void> {
    await ledger.recover((await events.snapshot()).txnVersion(TXN_APP) ?? 0, await sealing?.lastSeq())
  }

  /** Opened by the first batch: where nothing is new, nothing is opened. */
  #room(): Promise<EngineRoom> {
    this.#opened ??= this.#open().catch((cause: unknown) => {
      this.#opened = undefined
      throw cause
    })
    return this.#opened
  }

  async #open(): Promise<EngineRoom> {
    const engine = await Engine.open({ tempDir: this.#spill })
    try {
      await loadCatalogue(engine)
      await prepareEnrichment(engine, this.#options.home)
      await attachDatabases(engine)
      const small = await SmallBatches.open(engine)
      const remembered = new RememberedIds(engine)
      return { engine, small, remembered }
    } catch (cause) {
      engine.close()
      throw cause
    }
  }
}

function checkForm(form: string): void {
  if (form === 'auto' || FORMS.some(({ name }) => name === form)) return
  const names = FORMS.map(({ name }) => name).join(', ')
  throw new AppError('BAD_ARGUMENT', `There is no form ${form}; the forms are auto, ${names}.`)
}

async function listObjects({ specs, stdin }: IngestInput, home: Home, tmp: string): Promise<SourceObject[]> {
  const found = new Map<string, SourceObject>()
  for (const spec of specs) {
    const source = SOURCES.find((each) => each.takes(spec))
    if (source === undefined) throw new AppError('NO_SOURCE', `${spec} is nothing Bricktrail can read from yet.`)
    const objects = await source.list(spec, { home, tmp, stdin })
    if (objects.length === 0) throw new AppError('NO_SOURCE', `${spec} holds no files.`, { where: spec })
    for (const object of objects) found.set(object.key, object)
  }
  return [...found.values()]
}

/** Exit 2 is for input of which nothing could be used. */
function useless(report: IngestReport, { specs }: IngestInput): AppError {
  if (report.unreadable.length > 0 && report.objects === 0) {
    return new AppError('UNREADABLE', report.unreadable[0]?.message ?? 'No object could be read.')
  }
  return new AppError(
    'NO_RECORDS',
    `No audit record was found in ${specs.join(', ')}: ${report.objects + report.unchanged} objects, ${report.rejects} rejects.`,
  )
}
