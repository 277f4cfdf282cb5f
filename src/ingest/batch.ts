/**
 * One batch: objects of one form and shape become one commit. The records stream through the engine into files of no table;
 * then repeats are taken out, rejects are given their place, and all of it is committed at once.
 */
import { randomUUID } from 'node:crypto'
import { access, constants, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ledger, Manifest, Taking } from '../collect/ledger.ts'
import { AppError, messageOf } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import { type DataFile, type DeltaTable, keyOf } from '../lake/table.ts'
import { publishFile } from '../lake/write.ts'
import type { StagedFile } from '../lake/write-days.ts'
import type { RawRecord } from '../seal/entry.ts'
import { changedMeanwhile } from './changed.ts'
import { findDuplicates, isNearNone, withoutDuplicates } from './duplicates.ts'
import { homeFailure, isAboutData } from './failures.ts'
import type { Hints } from './hints.ts'
import { brokenLines, locateRefused } from './locate.ts'
import { setAside, spoolSplit, type Work } from './plan.ts'
import { isLines } from './raw.ts'
import { RejectSpool, writeRejects } from './rejects.ts'
import type { RememberedIds } from './remembered-ids.ts'
import { hasAll, salvageMisread, salvageUnreadable } from './salvage.ts'
import { type Sealing, TXN_APP } from './sealing.ts'
import type { SmallBatches } from './small-batch.ts'
import { type Staged, stageWorks } from './staging.ts'
import { type Outcome, takingsOf } from './takings.ts'

/** The rooms a batch works in. */
export interface BatchContext {
  readonly home: Home
  readonly engine: Engine
  readonly small: SmallBatches
  readonly remembered: RememberedIds
  readonly events: DeltaTable
  readonly rejects: DeltaTable
  readonly ledger: Ledger
  readonly tmp: string
  readonly source: string
  readonly generator: string
  /** Batches of no more raw text than this are staged as small ones. */
  readonly smallBatchBytes: number
  /** Undefined where nothing is to be sealed, which only measurements ask for. */
  readonly sealing: Sealing | undefined
  readonly now: () => Date
}

/** What a batch came to. */
export interface BatchResult {
  readonly records: number
  readonly events: number
  readonly duplicates: number
  readonly rejects: number
  readonly redactions: number
  /** Objects that were not taken after all, so that the next ingestion tries them again. */
  readonly unreadable: readonly Unread[]
}

/** An object that was not taken, and why. */
interface Unread {
  readonly object: string
  readonly message: string
}

/** What became of the received bytes of a batch's objects, by object. */
interface Kept {
  readonly raw: ReadonlyMap<string, RawRecord>
  readonly lost: ReadonlyMap<string, Unread>
}

/** A batch whose received bytes are being kept while it is read. */
interface KeepingContext extends BatchContext {
  readonly keeping: Promise<Kept>
  /** Lets it begin. */
  readonly onReading: () => void
}

const NOTHING: BatchResult = { records: 0, events: 0, duplicates: 0, rejects: 0, redactions: 0, unreadable: [] }

/**
 * Runs a batch to its end. An object that the engine cannot read costs the others nothing: the batch is halved until it stands
 * alone. On any other error nothing of the batch is visible, except rejects, which a repetition will not double.
 */
export async function runBatch(works: readonly Work[], hints: Hints, context: BatchContext): Promise<BatchResult> {
  const { promise: reading, resolve: onReading } = Promise.withResolvers<void>()
  const keeping = reading.then(() => keepReceived(works, context.sealing))
  // A failure is told where it is waited for.
  keeping.catch(() => undefined)
  try {
    return await runWorks(works, hints, { ...context, keeping, onReading })
  } finally {
    onReading()
    // Nothing goes on beside what comes next.
    await Promise.allSettled([keeping])
  }
}

async function runWorks(works: readonly Work[], hints: Hints, context: KeepingContext): Promise<BatchResult> {
  if (works.length === 0) return NOTHING
  const batch = new Batch(await nextSeq(context), hints, context)
  let failure: AppError | undefined
  let left: readonly Unread[]
  try {
    const [staging, keeping] = await Promise.allSettled([
      batch.stage(works).finally(context.onReading),
      context.keeping,
    ])
    const { raw, lost } = outcomeOf(keeping)
    left = works.flatMap((work) => lost.get(work.inspected.object.key) ?? [])
    if (left.length === 0) {
      failure = outcomeOf(staging)
      // After both: what changed since the look may be in the bytes that were kept, or in the rows that were read.
      if (failure === undefined) left = (await changedMeanwhile(works)).map(unsettled)
      if (failure === undefined && left.length === 0) return await batch.commit(raw)
    }
  } catch (cause) {
    throw homeFailure(cause, context.home.root)
  } finally {
    await batch.discard()
  }
  if (left.length > 0) {
    const gone = new Set(left.map(({ object }) => object))
    const others = works.filter(({ inspected }) => !gone.has(inspected.object.key))
    return sum({ ...NOTHING, unreadable: left }, await runWorks(others, hints, context))
  }
  if (works.length === 1) return runAlone(works[0] as Work, failure as AppError, hints, context)
  const half = works.length >> 1
  const first = await runWorks(works.slice(0, half), hints, context)
  return sum(first, await runWorks(works.slice(half), hints, context))
}

function outcomeOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

/**
 * What is to be done with an object that the engine cannot read even alone: lines are read by hand once more; what is no table or
 * a broken one becomes a reject; one that is gone, or that we fail at, is left for later.
 */
async function runAlone(work: Work, failure: AppError, hints: Hints, context: KeepingContext): Promise<BatchResult> {
  const { key, path } = work.inspected.object
  const isThere = await access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
  if (!isThere || work.expectedRows !== undefined)
    return { ...NOTHING, unreadable: [{ object: key, message: failure.message }] }
  if (isLines(work)) return runWorks([await spoolSplit(work, 'lines', context)], hints, context)
  const detail = `The engine cannot read it: ${failure.message}`
  return runWorks([{ ...(await setAside(work, 'unreadable_table', detail)), shape: 'lines' }], hints, context)
}

const unsettled = ({ inspected: { object } }: Work): Unread => ({
  object: object.key,
  message: `${object.key} changed while it was read; it is left for the next time.`,
})

const sum = (a: BatchResult, b: BatchResult): BatchResult => ({
  records: a.records + b.records,
  events: a.events + b.events,
  duplicates: a.duplicates + b.duplicates,
  rejects: a.rejects + b.rejects,
  redactions: a.redactions + b.redactions,
  unreadable: [...a.unreadable, ...b.unreadable],
})

/** Numbers never repeat: each is above all that either table or the ledger has seen. */
async function nextSeq({ events, rejects, ledger }: BatchContext): Promise<number> {
  const seen = await Promise.all(
    [events, rejects].map(async (table) => (await table.snapshot()).txnVersion(TXN_APP) ?? 0),
  )
  return Math.max(ledger.lastSeq(), ...seen) + 1
}

class Batch {
  readonly #seq: number
  readonly #batchId: string
  readonly #ingestTime: Date
  readonly #hints: Hints
  readonly #context: KeepingContext
  #rejects: RejectSpool
  #works: readonly Work[] = []
  #planned: readonly Work[] = []
  #staged: Staged | undefined
  /** Files that stand in the lake's folder and are not committed. */
  #published: DataFile[] = []

  constructor(seq: number, hints: Hints, context: KeepingContext) {
    this.#seq = seq
    this.#batchId = `b${String(seq).padStart(9, '0')}-${randomUUID().slice(0, 8)}`
    this.#ingestTime = context.now()
    this.#hints = hints
    this.#context = context
    this.#rejects = this.#newSpool()
  }

  #newSpool(): RejectSpool {
    return new RejectSpool(join(this.#context.tmp, `rejects-${randomUUID()}`))
  }

  /**
   * Reads the objects; what the engine cannot read, or misreads, is read by hand into spools, once. Returns why the engine failed,
   * if it was about the data.
   */
  async stage(works: readonly Work[]): Promise<AppError | undefined> {
    const { tmp } = this.#context
    this.#planned = works
    const failure = await this.#read(works)
    const salvaged =
      this.#staged === undefined
        ? await salvageUnreadable(works, tmp)
        : await salvageMisread(works, this.#staged.read, tmp)
    if (salvaged === undefined) return failure
    await this.#forget()
    return this.#read(salvaged)
  }

  async #read(works: readonly Work[]): Promise<AppError | undefined> {
    const batch = {
      ...this.#context,
      batchId: this.#batchId,
      ingestTime: this.#ingestTime,
      ahead: { begin: (files: readonly StagedFile[]) => this.#digestAhead(files), end: () => this.#endAhead() },
    }
    this.#works = works
    try {
      const readable = works.filter(({ readPath }) => readPath !== '')
      const staged = await stageWorks(readable, this.#hints, batch)
      this.#staged = staged
      await this.#locateRejects(staged.refused)
      if (!hasAll(readable, staged.read)) throw misread()
      return undefined
    } catch (cause) {
      if (!isAboutData(cause)) throw cause
      await this.#forget()
      return cause
    }
  }

  /** Takes out repeats, writes rejects, and commits everything. */
  async commit(raw: Kept['raw']): Promise<BatchResult> {
    const { engine, events, rejects, ledger, remembered, sealing } = this.#context
    const files = this.#staged?.files ?? []
    const found = await findDuplicates(engine, events, files, remembered)
    await sealing?.digestAhead(files.filter(({ path }) => !found.byFile.has(path)).map(({ path }) => path))
    const [batchId, ingestTime, seq] = [this.#batchId, this.#ingestTime, this.#seq]
    const rejectFiles = await writeRejects(engine, rejects, this.#rejects, { batchId, ingestTime })
    for (const file of files) {
      const day = { partition: file.partition as string, stem: batchId }
      const drops = found.byFile.get(file.path) ?? 0
      if (drops === file.rows) continue
      if (drops === 0) this.#published.push(await publishFile(events, file.path, file.stats, day))
      else this.#published.push(...(await withoutDuplicates(engine, events, file, day)))
    }
    const { eventsByObject, duplicatesByObject } = found
    const outcome = { events: eventsByObject, duplicates: duplicatesByObject, rejects: this.#rejects.counts }
    const takings = takingsOf(this.#works, outcome, { batchId, seq, ingestTime })
    const manifest = this.#manifest(takings, raw)
    const counts = countsOf(outcome)
    const commit = { operation: 'WRITE', txn: { appId: TXN_APP, version: seq }, nowMs: ingestTime.getTime() }
    if (rejectFiles.length > 0) await rejects.commit({ ...commit, adds: rejectFiles })
    await ledger.prepare(manifest)
    // From here on the files may be committed, whatever is thrown; if they are not, a vacuum finds them.
    const adds = this.#published
    this.#published = []
    await events.commit({ ...commit, adds, info: { batchId, ...counts } })
    ledger.record(manifest)
    await sealing?.follow()
    return { ...counts, redactions: found.redactions, unreadable: [] }
  }

  /** What lies near nothing in the lake probably holds no repeats, so that it is published as it is. */
  async #digestAhead(files: readonly StagedFile[]): Promise<void> {
    const { sealing, events } = this.#context
    if (sealing !== undefined && (await isNearNone(events, files)))
      await sealing.digestAhead(files.map(({ path }) => path))
  }

  async #endAhead(): Promise<void> {
    await this.#context.sealing?.endAhead()
  }

  async #locateRejects(refused: ReadonlyMap<string, number>): Promise<void> {
    const { engine } = this.#context
    for (const work of this.#works) {
      const { key } = work.inspected.object
      for (const reject of work.rejects) await this.#rejects.add(reject)
      const expected = refused.get(key) ?? 0
      if (expected > 0) {
        const before = this.#rejects.countOf(key)
        for await (const reject of locateRefused(engine, work)) await this.#rejects.add(reject)
        if (this.#rejects.countOf(key) - before !== expected) throw misread()
      }
      if (work.shape === 'csv') for await (const reject of brokenLines(engine, work)) await this.#rejects.add(reject)
    }
  }

  #manifest(objects: readonly Taking[], raw: Kept['raw']): Manifest {
    const { source, generator } = this.#context
    return {
      version: 1,
      batchId: this.#batchId,
      seq: this.#seq,
      ingestTime: this.#ingestTime.toISOString(),
      source,
      generator,
      objects,
      dataFiles: this.#published.map(({ path, sizeBytes, rows }) => ({ path, sizeBytes, rows })),
      ...(raw.size > 0 ? { raw: rawByObject(objects, raw) } : {}),
    }
  }

  /** Takes back what was read. */
  async #forget(): Promise<void> {
    await this.#staged?.discard()
    this.#staged = undefined
    await this.#rejects.discard()
    this.#rejects = this.#newSpool()
  }

  /** Removes what was made and not committed. */
  async discard(): Promise<void> {
    await this.#forget()
    const { store } = this.#context.events
    await Promise.all(this.#published.map((file) => store.delete(keyOf(file)).catch(messageOf)))
    const spools = new Set([...this.#works].filter(({ spooled }) => spooled).map(({ readPath }) => readPath))
    for (const { readPath } of this.#planned) spools.delete(readPath)
    for (const spool of spools) await rm(spool, { force: true })
  }
}

function rawByObject(objects: readonly Taking[], raw: Kept['raw']): Record<string, RawRecord> {
  const entries = objects.map(({ object_key: key }) => [key, raw.get(key)] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, RawRecord] => entry[1] !== undefined))
}

/**
 * Keeps what was received, beside the reading of it; nothing is committed before it ends. An object that cannot be kept waits for the
 * next ingestion.
 */
async function keepReceived(works: readonly Work[], sealing: Sealing | undefined): Promise<Kept> {
  const raw = new Map<string, RawRecord>()
  const lost = new Map<string, Unread>()
  if (sealing === undefined) return { raw, lost }
  const results = await sealing.raw.keepAll(
    works.map(({ inspected: { object, sizeBytes, sha256 }, firstByte }) => ({
      path: object.path,
      firstByte,
      lastByte: sizeBytes,
      sha256: firstByte === 0 ? sha256 : undefined,
    })),
  )
  for (const [index, work] of works.entries()) {
    const { key } = work.inspected.object
    const result = results[index]
    if (result?.ok) raw.set(key, result.value)
    else lost.set(key, { object: key, message: result?.error.message ?? 'It was not kept.' })
  }
  return { raw, lost }
}

const misread = (): AppError =>
  new AppError('ENGINE', 'What the engine read of an object twice was not the same; nothing of it was committed.')

function countsOf({ events, duplicates, rejects }: Outcome) {
  const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((all, count) => all + count, 0)
  const counts = { events: total(events), duplicates: total(duplicates), rejects: total(rejects) }
  return { records: counts.events + counts.duplicates + counts.rejects, ...counts }
}
