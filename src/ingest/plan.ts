/** What to do with each object: pass it by, take it whole, take only what it has grown by, or set it aside. */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { SourceObject } from '../collect/contract.ts'
import { type Compression, digestOf, type Inspected, inspect } from '../collect/inspect.ts'
import type { Ledger, Taking } from '../collect/ledger.ts'
import { split } from '../collect/split.ts'
import type { Shape } from '../normalise/contract.ts'
import { FORMS } from '../normalise/registry.ts'

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
  /** The file the engine reads: the object itself, or a spool made of it. */
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
  | { readonly kind: 'unchanged' }
  /** No log by its nature, such as the simulator's list of labels. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'work'; readonly work: Work }

/** What planning may use. */
export interface PlanContext {
  readonly ledger: Ledger
  /** Form the user asked for, or `auto`. */
  readonly form: string
  /** Folder for spools of this run. */
  readonly tmp: string
}

/** Bytes of an object set aside whole that are kept with the reject. */
const KEPT_OF_OBJECT = 64 * 1024

/** Looks at one object. Throws AppError UNREADABLE if it cannot be read. */
export async function plan(object: SourceObject, context: PlanContext): Promise<Planned> {
  const before = context.ledger.latest(object.key)
  if (before?.size_bytes === object.sizeBytes && before.modified_ms === object.modifiedMs) return { kind: 'unchanged' }
  const inspected = await inspect(object)
  if (before?.sha256 === inspected.sha256) {
    context.ledger.touch(object.key, object.modifiedMs)
    return { kind: 'unchanged' }
  }
  if (isLabels(inspected)) return { kind: 'skipped' }
  return { kind: 'work', work: await prepare(inspected, before, context) }
}

/** The simulator leaves its answers beside its logs. */
const isLabels = ({ object, head }: Inspected): boolean =>
  basename(object.key) === 'labels.json' && head.some((record) => 'scenarios' in record && !('actionName' in record))

async function prepare(inspected: Inspected, before: Taking | undefined, context: PlanContext): Promise<Work> {
  const { object, shape } = inspected
  const form = context.form === 'auto' ? recognise(inspected) : context.form
  const plain = { inspected, compression: inspected.compression, firstByte: 0, linesBefore: 0, rejects: [] as Reject[] }
  if (shape === 'empty') return { ...plain, form: form ?? 'none', shape: 'lines', readPath: '', spooled: false }
  if (form === undefined || shape === 'binary')
    return setAside(inspected, shape === 'binary' ? 'not_a_log' : 'unknown_form')
  if (shape === 'documents')
    return spoolSplit({ ...plain, form, shape: 'lines', readPath: object.path, spooled: false }, 'documents', context)
  const grown = shape === 'lines' && (await hasGrown(inspected, before))
  if (grown && before?.resume_byte != null) {
    const spool = join(context.tmp, `tail-${randomUUID()}`)
    await pipeline(createReadStream(object.path, { start: before.resume_byte }), createWriteStream(spool))
    const linesBefore = before.resume_lines ?? 0
    return {
      ...plain,
      form,
      shape: 'lines',
      readPath: spool,
      spooled: true,
      firstByte: before.resume_byte,
      linesBefore,
    }
  }
  return { ...plain, form, shape, readPath: await safePath(object.path, context), spooled: false }
}

/** True if the object begins with all that was taken of it before. */
async function hasGrown(inspected: Inspected, before: Taking | undefined): Promise<boolean> {
  if (before?.resume_byte == null || before.resume_byte === 0 || inspected.compression !== 'none') return false
  if (inspected.sizeBytes <= before.resume_byte) return false
  return (await digestOf(inspected.object.path, before.resume_byte)) === before.resume_sha256
}

/** The form most of the first records have. */
function recognise({ head, shape }: Inspected): string | undefined {
  if (shape === 'parquet' || shape === 'csv') return 'system-table'
  const votes = head
    .map((record) => FORMS.find((form) => form.recognises(record))?.name)
    .filter((name) => name !== undefined)
  const counts = Map.groupBy(votes, (name) => name)
  return [...counts].sort((a, b) => b[1].length - a[1].length)[0]?.[0]
}

async function setAside(inspected: Inspected, reason: 'not_a_log' | 'unknown_form'): Promise<Work> {
  const { object, sizeBytes } = inspected
  const parts: Buffer[] = []
  for await (const part of createReadStream(object.path, { end: KEPT_OF_OBJECT - 1 })) parts.push(part as Buffer)
  const reject: Reject = {
    sourceObject: object.key,
    form: 'none',
    reason,
    detail:
      reason === 'not_a_log'
        ? 'The object holds no JSON, CSV or Parquet records.'
        : 'No record at the head of the object has the marks of a known form.',
    line: null,
    sizeBytes,
    content: Buffer.concat(parts),
  }
  return {
    inspected,
    form: 'none',
    shape: 'lines',
    compression: inspected.compression,
    readPath: '',
    spooled: false,
    firstByte: 0,
    linesBefore: 0,
    rejects: [reject],
  }
}

/** Reads the object by hand into a spool of lines, salvaging what damage leaves. */
export async function spoolSplit(
  work: Work,
  shape: 'documents' | 'lines',
  context: Pick<PlanContext, 'tmp'>,
): Promise<Work> {
  const spool = join(context.tmp, `split-${randomUUID()}`)
  const { object } = work.inspected
  const report = await split(
    { path: work.spooled ? work.readPath : object.path, compression: work.compression },
    shape,
    spool,
  )
  const rejects: Reject[] = report.tooLong.map(({ place, sizeBytes, kept }) => ({
    sourceObject: object.key,
    form: work.form,
    reason: 'too_long',
    detail: `The record has ${sizeBytes} bytes; its first ${kept.length} are kept here.`,
    line: work.linesBefore + place,
    sizeBytes,
    content: kept,
  }))
  if (report.damage !== undefined) {
    rejects.push({
      sourceObject: object.key,
      form: work.form,
      reason: 'damaged_compression',
      detail: `The compressed bytes end early or are damaged (${report.damage}); records before the damage were taken.`,
      line: null,
      sizeBytes: work.inspected.sizeBytes,
      content: Buffer.alloc(0),
    })
  }
  return {
    ...work,
    shape: 'lines',
    compression: 'none',
    readPath: spool,
    spooled: true,
    rejects: [...work.rejects, ...rejects],
  }
}

/** The engine expands patterns in paths; a path that looks like one is read through a link with a plain name. */
async function safePath(path: string, context: PlanContext): Promise<string> {
  if (!/[*?[\]{}]/.test(path)) return path
  const link = join(context.tmp, `link-${randomUUID()}`)
  await symlink(path, link)
  return link
}
