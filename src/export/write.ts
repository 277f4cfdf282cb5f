/** Writing exports: DuckDB COPY under a temporary name, then a rename, so that a reader never sees half a file. */
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import type { ExportFormat } from './contract.ts'
import type { ExportTarget } from './target.ts'

/** A file that was written. */
export interface ExportedFile {
  readonly path: string
  readonly events: number
  readonly bytes: number
}

/** Events of one UTC day, as SQL that can stand after FROM. */
export interface DayRelation {
  /** yyyy-mm-dd */
  readonly date: string
  readonly relation: string
}

/** Writes a relation of events to one file, replacing it. Returns undefined, and writes nothing, if there are none. */
export async function exportFile(
  engine: Engine,
  format: ExportFormat,
  relation: string,
  target: Pick<ExportTarget, 'path' | 'copyOptions'>,
): Promise<ExportedFile | undefined> {
  const { path, copyOptions } = target
  const partial = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`)
  await onDisk(path, mkdir(dirname(path), { recursive: true }))
  try {
    const events = await copyEvents(engine, format, relation, `${lit(partial)} (${copyOptions})`)
    if (events === 0) return undefined
    const { size } = await stat(partial)
    await onDisk(path, rename(partial, path))
    return { path, events, bytes: size }
  } finally {
    await rm(partial, { force: true })
  }
}

/** A thread makes text of 2,048 events at once; where these are huge, of a sixteenth of them. */
const SLICES = 16

/** Runs the COPY; if memory does not hold it, again on one thread and in slices, which takes longer and very little memory. */
async function copyEvents(engine: Engine, format: ExportFormat, relation: string, to: string): Promise<number> {
  const run = async (select: string) => Number((await engine.row<{ Count: string }>(`COPY (${select}) TO ${to}`)).Count)
  try {
    return await run(format.select(relation))
  } catch (cause) {
    if (!isAppError(cause) || !cause.message.startsWith('Out of Memory')) throw cause
  }
  const { threads } = await engine.row<{ threads: string }>("SELECT current_setting('threads') AS threads")
  await engine.run('SET threads = 1')
  try {
    const slices = Array.from({ length: SLICES }, (_, slice) =>
      format.select(`(SELECT * FROM ${relation} WHERE hash(event_id) % ${SLICES} = ${slice})`),
    )
    return await run(slices.join(' UNION ALL '))
  } finally {
    await engine.run(`SET threads = ${threads}`)
  }
}

/**
 * Writes one file a day as `<folder>/<format>/date=yyyy-mm-dd/<format>-<date>.<extension>`; days without events get none.
 * A day's file is replaced as a whole, so an export may be repeated.
 */
export async function exportFolder(
  engine: Engine,
  format: ExportFormat,
  days: readonly DayRelation[],
  target: ExportTarget,
  onDay: (done: number, date: string) => void = () => {},
): Promise<ExportedFile[]> {
  const written: ExportedFile[] = []
  for (const [index, { date, relation }] of days.entries()) {
    onDay(index, date)
    const path = join(target.path, format.name, `date=${date}`, `${format.name}-${date}.${target.extension}`)
    const file = await exportFile(engine, format, relation, { ...target, path })
    if (file !== undefined) written.push(file)
  }
  return written
}

async function onDisk<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new AppError('DISK_FULL', `The disk is full: ${path}.`, { cause })
    }
    throw new AppError('UNREADABLE', `Cannot write ${path}: ${messageOf(cause)}`, { where: path, cause })
  }
}
