/** What to do with each object: pass it by, take it whole, take only what it has grown by, or set it aside. */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { SourceObject } from '../collect/contract.ts'
import type { CsvDialect } from '../collect/csv-dialect.ts'
import { type Compression, DamagedCompression, decompressed } from '../collect/decompress.ts'
import type { HeadRecord } from '../collect/head.ts'
import { digestOf, type Inspected, type Inspection, inspect } from '../collect/inspect.ts'
import type { Ledger, Taking } from '../collect/ledger.ts'
import type { Pace } from '../collect/pace.ts'
import { type SplitReport, split } from '../collect/split.ts'
import { AppError, messageOf } from '../core/errors.ts'
import type { Rooms } from '../core/rooms.ts'
import type { Shape } from '../normalise/contract.ts'
import { FORMS } from '../normalise/registry.ts'
import { homeFailure } from './failures.ts'

/** A record or a whole object that cannot become events. */
export interface Reject {
  readonly sourceObject: string
  readonly form: string
  readonly reason: string
  readonly detail: string
  /** Line or record number from 1; null where it is the object as a whole. */
  readonly line: number | null
  readonly sizeBytes: number
  readonly content: Buffer
}

/** An object ready to be read by the engine. */
export interface Work {
  readonly inspected: Inspected
  readonly form: string
  readonly shape: Shape
  readonly compression: Compression
  readonly csv?: CsvDialect | undefined
  /** Bytes of text the engine should find there; undefined where that is not known before. */
  readonly textBytes: number | undefined
  /** Records the engine should find there; undefined where they were not counted. */
  readonly expectedRows?: number
  /** The file the engine reads: the object itself, or a spool made of it; empty for none. */
  readonly readPath: string
  readonly spooled: boolean
  readonly firstByte: number
  /** Lines of the object before the first that is read. */
  readonly linesBefore: number
  /** Rejects known before the engine has seen a record. */
  readonly rejects: readonly Reject[]
}

/** What planning an object gives. */
export type Planned =
  /** `usable`: it gave events, or repeats of events, when it was taken. */
  | { readonly kind: 'unchanged'; readonly usable: boolean }
  /** No log by its nature, such as the simulator's list of labels. */
  | { readonly kind: 'skipped' }
  | {
      readonly kind: 'work'
      readonly work: Work
      readonly head: readonly HeadRecord[]
      /** Records from behind the head that, like those of it, show what the rest are like. */
      readonly samples: readonly HeadRecord[]
      /** The object has grown, and what it had before was of use. */
      readonly usable: boolean
    }

/** What planning may use. */
export interface PlanContext {
  readonly ledger: Ledger
  /** Form the user asked for, or `auto`. */
  readonly form: string
  /** Folder for spools of this run. */
  readonly tmp: string
  /** How many of the object's first records are worth a look. */
  readonly headRecords: number
  readonly pace: Pace
  readonly rooms: Rooms
  /** Called with the bytes of small objects, whole, before they are kept; they stand there until it is done. */
  readonly hold?: ((sha256: string, bytes: Buffer) => Promise<void> | undefined) | undefined
}

/** First records that tell most of what an object holds. */
export const HEAD_RECORDS = 200

/** Bytes of an object set aside whole that are kept with the reject. */
const KEPT_OF_OBJECT = 64 * 1024

const DETAILS = {
  not_a_log: 'The object holds no JSON, CSV or Parquet records.',
  unknown_form: 'No record at the head of the object has the marks of a known form.',
  damaged_compression: 'Nothing of the compressed bytes can be read.',
} as const

/**
 * Looks at one object.
 * @throws AppError UNREADABLE if it cannot be read, DISK_FULL or BAD_HOME if a spool cannot be written
 */
export async function plan(object: SourceObject, context: PlanContext): Promise<Planned> {
  try {
    return await context.rooms.lend((room) => planned(object, context, room))
  } catch (cause) {
    const { path = '' } = cause as NodeJS.ErrnoException
    throw path === object.path ? unreadable(object, cause) : homeFailure(cause, context.tmp)
  }
}

async function planned(object: SourceObject, context: PlanContext, room: Buffer): Promise<Planned> {
  const before = context.ledger.latest(object.key)
  const doubtful =
    before !== undefined && isDoubtful(before, context.form) && !context.ledger.isConfirmed(object, context.form)
  if (!doubtful && before?.size_bytes === object.sizeBytes && before.modified_ms === object.modifiedMs) {
    return unchanged(before)
  }
  const look = (records: number) => inspect(object, records, context.pace, room)
  let inspection = await look(context.headRecords)
  let form = formOf(inspection, context.form)
  if (form === 'none' && inspection.inspected.shape === 'lines' && context.headRecords < HEAD_RECORDS) {
    // What an object is must not depend on how many others were looked at before it.
    inspection = await look(HEAD_RECORDS)
    form = formOf(inspection, context.form)
  }
  const misread = doubtful && form !== 'none' && form !== before.form
  if (!misread && before?.sha256 === inspection.inspected.sha256) {
    context.ledger.touch(object.key, object.modifiedMs)
    if (doubtful) context.ledger.confirm(object, context.form)
    return unchanged(before)
  }
  if (isLabels(inspection)) return { kind: 'skipped' }
  const work = await prepare(inspection, form, misread ? undefined : before, context)
  const { bytes, inspected, head, samples } = inspection
  if (bytes !== undefined && work.firstByte === 0) await context.hold?.(inspected.sha256, bytes)
  return { kind: 'work', work, head, samples, usable: work.firstByte > 0 && wasUsable(before) }
}

/** Nothing but rejects came of it, by a form that may have been the wrong one to read it by. */
const isDoubtful = (before: Taking, form: string): boolean =>
  !wasUsable(before) && before.rejects > 0 && (form === 'auto' ? before.form !== 'none' : before.form !== form)

/** The form an object is read by; `none` for what is no log, or of no form that is known. */
function formOf(inspection: Inspection, asked: string): string {
  const { shape } = inspection.inspected
  if (shape === 'binary' || shape === 'damaged') return 'none'
  return (asked === 'auto' ? recognise(inspection) : asked) ?? 'none'
}

const unreadable = ({ key }: SourceObject, cause: unknown): AppError =>
  new AppError('UNREADABLE', `${key} cannot be read: ${messageOf(cause)}`, { where: key, cause })

const unchanged = (before: Taking): Planned => ({ kind: 'unchanged', usable: wasUsable(before) })

/** What an object has grown by may hold nothing of use; by what it held before it is a log all the same. */
const wasUsable = (before: Taking | undefined): boolean =>
  before !== undefined && before.events + before.duplicates + before.first_byte > 0

/** The simulator leaves its answers beside its logs. */
const isLabels = ({ inspected: { object }, head, marks }: Inspection): boolean =>
  basename(object.key) === 'labels.json' &&
  [...head, marks].some((record) => 'scenarios' in record && !('actionName' in record))

async function prepare(
  inspection: Inspection,
  form: string,
  before: Taking | undefined,
  context: PlanContext,
): Promise<Work> {
  const { inspected, csv, marked } = inspection
  const { object, shape, compression, sizeBytes } = inspected
  const textBytes = compression === 'none' ? sizeBytes : inspected.statedLength
  const whole = {
    inspected,
    compression,
    csv,
    textBytes,
    readPath: '',
    spooled: false,
    firstByte: 0,
    linesBefore: 0,
    rejects: [],
  }
  if (shape === 'empty') return { ...whole, form, shape: 'lines' }
  if (shape === 'binary') return setAside({ ...whole, form, shape: 'lines' }, 'not_a_log')
  if (shape === 'damaged') return setAside({ ...whole, form, shape: 'lines' }, 'damaged_compression')
  if (form === 'none') return setAside({ ...whole, form, shape: 'lines' }, 'unknown_form')
  if (shape === 'documents' || marked) {
    return spoolSplit(
      { ...whole, form, shape: 'lines', readPath: object.path },
      marked ? 'lines' : 'documents',
      context,
    )
  }
  if (shape === 'csv' && compression !== 'none') return spoolCsv({ ...whole, form, shape }, context)
  const tail = shape === 'lines' ? await grownTail(inspected, before, context) : undefined
  if (tail !== undefined) return { ...whole, form, shape: 'lines', ...tail }
  return { ...whole, form, shape, readPath: await safePath(object.path, context) }
}

/** What an object has grown by, in a spool; undefined if it does not begin with all that was taken of it before. */
async function grownTail(
  { object, sizeBytes, compression }: Inspected,
  before: Taking | undefined,
  { tmp }: PlanContext,
): Promise<Pick<Work, 'readPath' | 'spooled' | 'firstByte' | 'linesBefore' | 'textBytes'> | undefined> {
  const from = before?.resume_byte ?? 0
  if (from === 0 || compression !== 'none' || sizeBytes <= from) return undefined
  if ((await digestOf(object.path, from)) !== before?.resume_sha256) return undefined
  const spool = join(tmp, `tail-${randomUUID()}`)
  // No further than what the digest stands for: bytes that come while we read are for the next time.
  await pipeline(createReadStream(object.path, { start: from, end: sizeBytes - 1 }), createWriteStream(spool))
  const linesBefore = before?.resume_lines ?? 0
  return { readPath: spool, spooled: true, firstByte: from, linesBefore, textBytes: sizeBytes - from }
}

/** The form most of the first records have. */
function recognise({ head, marks, inspected: { shape } }: Inspection): string | undefined {
  const formOf = (record: HeadRecord) => FORMS.find((form) => form.recognises(record))?.name
  const votes = head.map(formOf).filter((name) => name !== undefined)
  const counts = Map.groupBy(votes, (name) => name)
  const [most] = [...counts].sort((a, b) => b[1].length - a[1].length)
  return most?.[0] ?? formOf(marks) ?? (shape === 'parquet' || shape === 'csv' ? 'system-table' : undefined)
}

/** Makes the whole object a reject, with its first bytes. */
export async function setAside(work: Work, reason: string, detail?: string): Promise<Work> {
  const { object, sizeBytes } = work.inspected
  const parts: Buffer[] = []
  for await (const part of createReadStream(object.path, { end: KEPT_OF_OBJECT - 1 })) parts.push(part as Buffer)
  const reject: Reject = {
    sourceObject: object.key,
    form: work.form,
    reason,
    detail: detail ?? DETAILS[reason as keyof typeof DETAILS] ?? reason,
    line: null,
    sizeBytes,
    content: Buffer.concat(parts),
  }
  return { ...work, readPath: '', rejects: [reject] }
}

/** Reads the object by hand into a spool of lines, salvaging what damage leaves. */
export async function spoolSplit(
  work: Work,
  shape: 'documents' | 'lines',
  context: Pick<PlanContext, 'tmp'>,
): Promise<Work> {
  const spool = join(context.tmp, `split-${randomUUID()}`)
  const { readPath: path, compression, textBytes } = work
  const report = await split({ path, compression, limit: compression === 'none' ? textBytes : undefined }, shape, spool)
  return {
    ...work,
    shape: 'lines',
    compression: 'none',
    textBytes: undefined,
    expectedRows: report.candidates,
    readPath: spool,
    spooled: true,
    rejects: [...work.rejects, ...splitRejects(work, report)],
  }
}

/** A CSV object as it was before compression; how long its lines were cannot be told from what the engine reads. */
async function spoolCsv(work: Work, { tmp }: Pick<PlanContext, 'tmp'>): Promise<Work> {
  const spool = join(tmp, `csv-${randomUUID()}`)
  let damage: string | undefined
  const { path } = work.inspected.object
  await pipeline(async function* () {
    try {
      yield* decompressed(path, work.compression)
    } catch (cause) {
      if (!(cause instanceof DamagedCompression)) throw cause
      damage = cause.message
    }
  }, createWriteStream(spool))
  const rejects = splitRejects(work, { candidates: 0, tooLong: [], damage })
  return { ...work, compression: 'none', textBytes: undefined, readPath: spool, spooled: true, rejects }
}

function splitRejects(work: Work, report: SplitReport): Reject[] {
  const { object, sizeBytes: objectBytes } = work.inspected
  const of = { sourceObject: object.key, form: work.form }
  const rejects: Reject[] = report.tooLong.map(({ place, sizeBytes, kept }) => ({
    ...of,
    reason: 'too_long',
    detail: `The record has ${sizeBytes} bytes; its first ${kept.length} are kept here.`,
    line: work.linesBefore + place,
    sizeBytes,
    content: kept,
  }))
  if (report.damage === undefined) return rejects
  const detail = `The compressed bytes end early or are damaged (${report.damage}); what could be read of them was taken.`
  return [
    ...rejects,
    { ...of, reason: 'damaged_compression', detail, line: null, sizeBytes: objectBytes, content: Buffer.alloc(0) },
  ]
}

/** The engine expands patterns in paths; a path that looks like one is read through a link with a plain name. */
async function safePath(path: string, context: Pick<PlanContext, 'tmp'>): Promise<string> {
  if (!/[*?[\]{}\\]/.test(path)) return path
  const link = join(context.tmp, `link-${randomUUID()}`)
  await symlink(path, link)
  return link
}
