/** Ingest: everything the sources name that is new becomes events of the lake, once. */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceObject } from '../collect/contract.ts'
import { Ledger, lockWriter } from '../collect/ledger.ts'
import { SOURCES } from '../collect/registry.ts'
import { AppError, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { prepareEnrichment } from '../enrich/memo.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import { loadCatalogue } from '../normalise/catalogue/sql.ts'
import { FORMS } from '../normalise/registry.ts'
import { type BatchContext, estimatedBytes, runBatch, TXN_APP } from './batch.ts'
import { plan, type Work } from './plan.ts'

/** What to ingest, and how. */
export interface IngestOptions {
  readonly home: Home
  /** Files, folders, globs, or `-`. */
  readonly specs: readonly string[]
  /** A form's name, or `auto`. */
  readonly form: string
  readonly stdin: NodeJS.ReadableStream
  readonly now: () => Date
  /** Called when another process holds the home. */
  readonly onWait?: () => void
  readonly onProgress?: (doneBytes: number, totalBytes: number, note: string) => void
}

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
  if (options.form !== 'auto' && !FORMS.some(({ name }) => name === options.form)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `There is no form ${options.form}; the forms are auto, ${FORMS.map(({ name }) => name).join(', ')}.`,
    )
  }
  const { home } = options
  const started = performance.now()
  const tmp = join(home.tmp, `ingest-${randomUUID()}`)
  const unlock = await lockWriter(home, options.onWait)
  try {
    await rm(home.tmp, { recursive: true, force: true })
    await mkdir(tmp, { recursive: true })
    const objects = await listObjects(options, tmp)
    const engine = await Engine.open({ tempDir: join(tmp, 'spill') })
    const ledger = await Ledger.open(home)
    try {
      const events = DeltaTable.at(home.events, EVENTS_TABLE)
      const rejects = DeltaTable.at(home.rejects, REJECTS_TABLE)
      await ledger.recover((await events.snapshot()).txnVersion(TXN_APP) ?? 0)
      await loadCatalogue(engine)
      await prepareEnrichment(engine, home)
      const context: BatchContext = {
        home,
        engine,
        events,
        rejects,
        ledger,
        tmp,
        source: 'files',
        generator: GENERATOR,
        now: options.now,
      }
      const report = await ingestObjects(objects, options, context)
      report.seconds = (performance.now() - started) / 1000
      report.eventsPerSecond = report.events / report.seconds
      refuseUseless(report, options)
      return report
    } finally {
      ledger.close()
      engine.close()
    }
  } finally {
    await rm(tmp, { recursive: true, force: true })
    unlock()
  }
}

async function listObjects({ specs, stdin }: IngestOptions, tmp: string): Promise<SourceObject[]> {
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
  options: IngestOptions,
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
function refuseUseless(report: IngestReport, { specs }: IngestOptions): void {
  if (report.events + report.duplicates + report.unchanged > 0) return
  if (report.unreadable.length > 0 && report.objects === 0) {
    throw new AppError('UNREADABLE', report.unreadable[0]?.message ?? 'No object could be read.')
  }
  throw new AppError(
    'NO_RECORDS',
    `No audit record was found in ${specs.join(', ')}: ${report.objects} objects, ${report.rejects} rejects.`,
  )
}
