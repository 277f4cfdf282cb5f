/** From a list of objects to batches: objects are looked at ahead, gathered by form and shape, and run when there are enough. */
import { rm } from 'node:fs/promises'
import type { SourceObject } from '../collect/contract.ts'
import { ROOM_BYTES } from '../collect/inspect.ts'
import type { Ledger } from '../collect/ledger.ts'
import { Pace } from '../collect/pace.ts'
import { isAppError, messageOf } from '../core/errors.ts'
import { Rooms } from '../core/rooms.ts'
import { FORMS } from '../normalise/registry.ts'
import { ahead, type Distance } from './ahead.ts'
import { type BatchContext, runBatch } from './batch.ts'
import { Hints } from './hints.ts'
import { HEAD_RECORDS, type Planned, plan, type Work } from './plan.ts'
import { areSmall, estimatedBytes } from './raw.ts'
import type { AnchorLine } from './sealing.ts'

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
  /** What became of the newest checkpoint at each configured anchor; absent where none is configured. */
  anchors?: readonly AnchorLine[]
}

/** The report, and whether anything was an event, now or when it was taken before. */
export interface Taken {
  readonly report: IngestReport
  readonly useful: boolean
}

/** What taking asks for. */
export interface TakeInput {
  /** A form's name, or `auto`. */
  readonly form: string
  readonly onProgress?: (doneBytes: number, totalBytes: number, note: string) => void
}

/** What taking works with. */
export interface TakeContext {
  readonly ledger: Ledger
  readonly tmp: string
  /** Takes note of the bytes of small objects that are to be kept. */
  readonly hold?: (sha256: string, bytes: Buffer) => Promise<void> | undefined
  /** Makes ready for batches; called once, and not where nothing is new. */
  batch(): Promise<BatchContext>
}

/** A batch holds at most this much raw text, about a million events, … */
const BATCH_BYTES = 1024 * 1024 * 1024
/**
 * … and at most this many objects, or some more where few are left: a batch costs what a thousand small objects do, also a first one
 * that gives the engine work while the others are looked at; …
 */
const BATCH_OBJECTS = 10_000
const FEW_LEFT = 2000
/** … and, of small objects, this much, since they are gathered in memory, … */
const GATHERED_BYTES = 256 * 1024 * 1024
/** … or tables, each of which is a statement of its own to the engine. */
const BATCH_TABLES = 200

/**
 * Objects are looked at while a batch runs. Several at once hide the latency of disks and networks; the weight bounds what
 * spools take on disk.
 */
const LOOK_AHEAD: Distance<SourceObject> = {
  atOnce: 16,
  items: BATCH_OBJECTS,
  weight: 256 * 1024 * 1024,
  weigh: ({ sizeBytes }) => sizeBytes,
}

/**
 * Many first records of an object are looked at until this many were seen, or so many objects: by then nearly all key lists and most
 * addresses are known, the form needs but a few, and a few of each of many objects show the rest.
 */
const HINT_RECORDS = 20_000
const HINT_OBJECTS = 200
const FEW_RECORDS = 3

/** An object with something to read. */
interface Found {
  readonly work: Work
  readonly usable: boolean
  readonly hints: Hints
}

/** What a look at an object gave. */
type Looked = { readonly object: SourceObject } & (
  | { readonly kind: 'found'; readonly found: Found }
  | { readonly kind: 'passed'; readonly why: 'unchanged' | 'skipped'; readonly usable: boolean }
  | { readonly kind: 'unreadable'; readonly message: string }
)

/** Objects of one form and shape that wait for their batch. */
interface Group {
  readonly works: Work[]
  readonly hints: Hints
  bytes: number
}

/** Takes what is new in the objects. Batches before a failure stay committed. */
export async function takeObjects(
  objects: readonly SourceObject[],
  input: TakeInput,
  context: TakeContext,
): Promise<Taken> {
  const taking = new TakingObjects(objects, input, context)
  const pace = new Pace()
  const rooms = new Rooms(ROOM_BYTES)
  let [hinted, shown] = [0, 0]
  const look = (object: SourceObject): Promise<Looked> =>
    plan(object, {
      ledger: context.ledger,
      form: input.form,
      tmp: context.tmp,
      pace,
      rooms,
      hold: context.hold,
      headRecords: hinted < HINT_RECORDS && shown < HINT_OBJECTS ? HEAD_RECORDS : FEW_RECORDS,
    }).then(
      (planned) => {
        if (planned.kind !== 'work')
          return { object, kind: 'passed', why: planned.kind, usable: planned.kind === 'unchanged' && planned.usable }
        hinted += planned.head.length
        shown++
        return { object, kind: 'found', found: foundOf(planned) }
      },
      (cause: unknown) => {
        if (!isAppError(cause) || cause.code !== 'UNREADABLE') throw cause
        return { object, kind: 'unreadable', message: messageOf(cause) }
      },
    )
  for await (const looked of ahead(objects, LOOK_AHEAD, look)) {
    if (looked.kind === 'found') await taking.add(looked.found)
    else taking.pass(looked)
  }
  return taking.end()
}

const KNOWN_KEYS = new Map(FORMS.map(({ name, knownKeys }) => [name, new Set(knownKeys)]))
const NO_KEYS: ReadonlySet<string> = new Set()

/** Of the records that were seen, what they tell is all that is kept. */
function foundOf({ work, usable, head, samples }: Extract<Planned, { kind: 'work' }>): Found {
  const hints = new Hints(KNOWN_KEYS.get(work.form) ?? NO_KEYS)
  for (const record of [...head, ...samples]) hints.take(record)
  return { work, usable, hints }
}

/** @param left objects that have not been looked at */
function isFull({ works, bytes }: Group, left: number): boolean {
  const mostLines = BATCH_OBJECTS + (left < FEW_LEFT ? FEW_LEFT : 0)
  const most = works[0]?.shape === 'lines' ? mostLines : BATCH_TABLES
  return works.length >= most || bytes >= BATCH_BYTES || (bytes >= GATHERED_BYTES && areSmall(works.length, bytes))
}

class TakingObjects {
  readonly #input: TakeInput
  readonly #context: TakeContext
  readonly #totalBytes: number
  readonly #groups = new Map<string, Group>()
  /** Works with nothing to read go along with whichever batch is next. */
  #idle: Work[] = []
  /** The engine's room, asked for when there is the first work, so that it opens while objects are looked at. */
  #batch: Promise<BatchContext> | undefined
  #doneBytes = 0
  #left: number
  #useful = false
  readonly #report: IngestReport = {
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

  constructor(objects: readonly SourceObject[], input: TakeInput, context: TakeContext) {
    this.#input = input
    this.#context = context
    this.#left = objects.length
    this.#totalBytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  pass(looked: Exclude<Looked, { kind: 'found' }>): void {
    this.#left--
    if (looked.kind === 'unreadable')
      this.#report.unreadable.push({ object: looked.object.key, message: looked.message })
    else {
      this.#report[looked.why]++
      if (looked.usable) this.#useful = true
    }
    this.#done(looked.object.sizeBytes)
  }

  async add({ work, usable, hints }: Found): Promise<void> {
    this.#left--
    if (usable) this.#useful = true
    this.#batch ??= this.#opening()
    this.#report.objects++
    this.#report.bytes += work.inspected.sizeBytes - work.firstByte
    if (work.readPath === '') {
      this.#idle.push(work)
      if (this.#idle.length >= BATCH_OBJECTS) await this.#runIdle()
      return
    }
    const key = `${work.form} ${work.shape}`
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { works: [], hints: new Hints(KNOWN_KEYS.get(work.form) ?? NO_KEYS), bytes: 0 }
      this.#groups.set(key, group)
    }
    group.works.push(work)
    group.bytes += estimatedBytes(work)
    group.hints.takeAll(hints)
    if (isFull(group, this.#left)) await this.#flush(key, group)
  }

  #opening(): Promise<BatchContext> {
    const batch = this.#context.batch()
    // A failure is told when the first batch is run.
    batch.catch(() => undefined)
    return batch
  }

  async #flush(key: string, { works, hints }: Group): Promise<void> {
    this.#groups.delete(key)
    await this.#run([...works, ...this.#idle.splice(0)], hints)
  }

  async #runIdle(): Promise<void> {
    if (this.#idle.length > 0) await this.#run(this.#idle.splice(0), new Hints(NO_KEYS))
  }

  async #run(works: readonly Work[], hints: Hints): Promise<void> {
    const report = this.#report
    this.#batch ??= this.#opening()
    const result = await runBatch(works, hints, await this.#batch)
    for (const name of ['records', 'events', 'duplicates', 'rejects', 'redactions'] as const)
      report[name] += result[name]
    report.unreadable.push(...result.unreadable)
    report.objects -= result.unreadable.length
    if (result.events + result.duplicates > 0) this.#useful = true
    for (const work of works) if (work.spooled) await rm(work.readPath, { force: true })
    this.#done(works.reduce((sum, { inspected }) => sum + inspected.sizeBytes, 0))
  }

  #done(bytes: number): void {
    this.#doneBytes += bytes
    this.#input.onProgress?.(this.#doneBytes, this.#totalBytes, `${this.#report.events} events`)
  }

  async end(): Promise<Taken> {
    for (const [key, group] of [...this.#groups]) await this.#flush(key, group)
    await this.#runIdle()
    return { report: this.#report, useful: this.#useful }
  }
}
