/** Ingest: everything the sources name that is new becomes events of the lake, once. */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceObject } from '../collect/contract.ts'
import { Ledger, lockWriter } from '../collect/ledger.ts'
import { SOURCES } from '../collect/registry.ts'
import { AppError, EXIT, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { prepareEnrichment } from '../enrich/memo.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import { loadCatalogue } from '../normalise/catalogue/sql.ts'
import { FORMS } from '../normalise/registry.ts'
import { type BatchContext, estimatedBytes, runBatch, TXN_APP } from './batch.ts'
import { plan, type Work } from './plan.ts'

/** Where events go; the same for all ingestions of an {@link Ingester}. */
export interface IngesterOptions {
  readonly home: Home
  readonly now: () => Date
  /** Called when another process holds the home. */
  readonly onWait?: () => void
}

/** What to ingest, and how. */
export interface IngestInput {
  /** Files, folders, globs, or `-`. */
  readonly specs: readonly string[]
  /** A form's name, or `auto`. */
  readonly form: string
  readonly stdin: NodeJS.ReadableStream
  readonly onProgress?: (doneBytes: number, totalBytes: number, note: string) => void
}

/** One ingestion from opening to closing. */
export interface IngestOptions extends IngesterOptions, IngestInput {}

/** What an ingestion came to. */
export interface IngestReport {
  /** Objects read. */
  objects: number
  /** Objects passed by, since nothing in them is new. */
  unchanged: number
  /** Files that are no logs by their nature. */
  skipped: number
  /** Objects that could not be read at all, with the reason. */
  unreadable: { object: string; message: string }[]
  records: number
  events: number
  duplicates: number
  rejects: number
  /** Secrets replaced by a mark. */
  redactions: number
  bytes: number
  seconds: number
  eventsPerSecond: number
}

/** A batch holds at most this much raw text, about a million events, … */
const BATCH_BYTES = 1024 * 1024 * 1024
/** … and at most this many objects. */
const BATCH_OBJECTS = 4000

const GENERATOR = 'bricktrail 0.1.0'

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

/** What stays ready between two ingestions. */
interface Warm {
  readonly engine: Engine
  readonly ledger: Ledger
  readonly events: DeltaTable
  readonly rejects: DeltaTable
}

/**
 * Ingests again and again into one home. The engine with its reference tables is opened by the first ingestion and kept, so
 * that a small batch costs little more than itself. The writer's place is held only while an ingestion runs. Not for
 * concurrent use: await each call.
 */
export class Ingester {
  readonly #options: IngesterOptions
  readonly #spill: string
  #warm: Warm | undefined

  /** Touches no disk. */
  constructor(options: IngesterOptions) {
    this.#options = options
    this.#spill = join(options.home.tmp, `${SPILL}${process.pid}-${randomUUID()}`)
  }

  /** As {@link ingest}. */
  async ingest(input: IngestInput): Promise<IngestReport> {
    checkForm(input.form)
    const { home, onWait } = this.#options
    const started = performance.now()
    const tmp = join(home.tmp, `ingest-${randomUUID()}`)
    const unlock = await lockWriter(home, onWait)
    try {
      await removeLeftovers(home)
      await mkdir(tmp, { recursive: true })
      const objects = await listObjects(input, tmp)
      const report = await ingestObjects(objects, input, await this.#context(tmp))
      report.seconds = (performance.now() - started) / 1000
      report.eventsPerSecond = report.events / report.seconds
      refuseUseless(report, input)
      return report
    } catch (cause) {
      // Bad input says nothing against the engine; after anything else it may be in no state to go on.
      if (!isAppError(cause) || cause.exit !== EXIT.badInput) await this.close()
      throw cause
    } finally {
      await rm(tmp, { recursive: true, force: true })
      unlock()
    }
  }

  /** Frees the engine; the next ingestion would open another. */
  async close(): Promise<void> {
    this.#warm?.ledger.close()
    this.#warm?.engine.close()
    this.#warm = undefined
    spillsInUse.delete(this.#spill)
    await rm(this.#spill, { recursive: true, force: true })
  }

  async #context(tmp: string): Promise<BatchContext> {
    const { home, now } = this.#options
    this.#warm ??= await this.#open()
    const { events, ledger } = this.#warm
    await ledger.recover((await events.snapshot()).txnVersion(TXN_APP) ?? 0)
    return { ...this.#warm, home, tmp, source: 'files', generator: GENERATOR, now }
  }

  async #open(): Promise<Warm> {
    const { home } = this.#options
    spillsInUse.add(this.#spill)
    const engine = await Engine.open({ tempDir: this.#spill })
    try {
      await loadCatalogue(engine)
      await prepareEnrichment(engine, home)
      const events = DeltaTable.at(home.events, EVENTS_TABLE)
      const rejects = DeltaTable.at(home.rejects, REJECTS_TABLE)
      return { engine, ledger: await Ledger.open(home), events, rejects }
    } catch (cause) {
      engine.close()
      throw cause
    }
  }
}

/** Begins the names of the engines' spill folders; then comes the process. */
const SPILL = 'spill-'
/** Those of this process that an engine has open. */
const spillsInUse = new Set<string>()

/** Spools and spills of runs that were killed; nobody else ingests while we hold the lock, but may have an engine open. */
async function removeLeftovers(home: Home): Promise<void> {
  const names = await readdir(home.tmp).catch(() => [])
  const old = names.filter((name) => name.startsWith('ingest-') || isAbandoned(home, name))
  await Promise.all(old.map((name) => rm(join(home.tmp, name), { recursive: true, force: true })))
}

function isAbandoned(home: Home, name: string): boolean {
  if (!name.startsWith(SPILL)) return false
  const pid = Number(name.slice(SPILL.length).split('-')[0])
  if (pid === process.pid) return !spillsInUse.has(join(home.tmp, name))
  try {
    process.kill(pid, 0)
    return false
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function checkForm(form: string): void {
  if (form === 'auto' || FORMS.some(({ name }) => name === form)) return
  const names = FORMS.map(({ name }) => name).join(', ')
  throw new AppError('BAD_ARGUMENT', `There is no form ${form}; the forms are auto, ${names}.`)
}

async function listObjects({ specs, stdin }: IngestInput, tmp: string): Promise<SourceObject[]> {
  const found = new Map<string, SourceObject>()
  for (const spec of specs) {
    const source = SOURCES.find((each) => each.takes(spec))
    if (source === undefined) throw new AppError('NO_SOURCE', `${spec} is nothing Bricktrail can read from yet.`)
    const objects = await source.list(spec, { tmp, stdin })
    if (objects.length === 0) throw new AppError('NO_SOURCE', `${spec} holds no files.`, { where: spec })
    for (const object of objects) found.set(object.key, object)
  }
  return [...found.values()]
}

async function ingestObjects(
  objects: readonly SourceObject[],
  options: IngestInput,
  context: BatchContext,
): Promise<IngestReport> {
  const report: IngestReport = {
    objects: 0,
    unchanged: 0,
    skipped: 0,
    unreadable: [],
    records: 0,
    events: 0,
    duplicates: 0,
    rejects: 0,
    redactions: 0,
    bytes: 0,
    seconds: 0,
    eventsPerSecond: 0,
  }
  const totalBytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let doneBytes = 0
  const waiting = new Map<string, { works: Work[]; bytes: number }>()
  const flush = async (key: string) => {
    const works = waiting.get(key)?.works ?? []
    waiting.delete(key)
    if (works.length === 0) return
    const result = await runBatch(works, context)
    for (const name of ['records', 'events', 'duplicates', 'rejects', 'redactions'] as const)
      report[name] += result[name]
    for (const { inspected } of works) doneBytes += inspected.sizeBytes
    options.onProgress?.(doneBytes, totalBytes, `${report.events} events`)
    for (const work of works) if (work.spooled) await rm(work.readPath, { force: true })
  }
  for (const object of objects) {
    const planned = await plan(object, { ledger: context.ledger, form: options.form, tmp: context.tmp }).catch(
      (cause) => {
        if (!isAppError(cause) || cause.code !== 'UNREADABLE') throw cause
        report.unreadable.push({ object: object.key, message: cause.message })
      },
    )
    if (planned?.kind !== 'work') {
      if (planned !== undefined) report[planned.kind]++
      doneBytes += object.sizeBytes
      continue
    }
    report.objects++
    report.bytes += planned.work.inspected.sizeBytes
    const { form, shape, compression } = planned.work
    const key = `${form} ${shape} ${compression}`
    const group = waiting.get(key) ?? { works: [], bytes: 0 }
    waiting.set(key, group)
    group.works.push(planned.work)
    group.bytes += estimatedBytes(planned.work)
    if (group.bytes >= BATCH_BYTES || group.works.length >= BATCH_OBJECTS) await flush(key)
  }
  for (const key of [...waiting.keys()]) await flush(key)
  return report
}

/** Exit 2 is for input of which nothing could be used; an input already taken in whole is none of that. */
function refuseUseless(report: IngestReport, { specs }: IngestInput): void {
  if (report.events + report.duplicates + report.unchanged > 0) return
  if (report.unreadable.length > 0 && report.objects === 0) {
    throw new AppError('UNREADABLE', report.unreadable[0]?.message ?? 'No object could be read.')
  }
  throw new AppError(
    'NO_RECORDS',
    `No audit record was found in ${specs.join(', ')}: ${report.objects} objects, ${report.rejects} rejects.`,
  )
}
