/** Exports to a pipe: day by day through a file of our own, so that no event passes through JavaScript one by one. */
import { createReadStream, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../engine/duckdb.ts'
import type { ExportFormat } from './contract.ts'
import type { ExportTarget } from './target.ts'
import { type DayRelation, exportFile } from './write.ts'

/** Takes bytes; resolves when there is room for more. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>

/** What went through. */
export interface Streamed {
  readonly events: number
  readonly bytes: number
}

/** Few and large pieces, each far smaller than a day. */
const PIECE_BYTES = 1_000_000

/**
 * Writes a relation of events in one piece, oldest day first. On disk lies a day at most, in the system's folder for such
 * things. A failure may come after some days are out; `onDay` is told before each.
 */
export async function exportStream(
  engine: Engine,
  format: ExportFormat,
  days: readonly DayRelation[],
  target: ExportTarget,
  write: WriteBytes,
  onDay: (done: number, date: string) => void = () => {},
): Promise<Streamed> {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-stream-'))
  // A reader that goes away ends the process on the spot.
  const removeAtExit = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeAtExit)
  let [events, bytes] = [0, 0]
  try {
    for (const [index, { date, relation }] of days.entries()) {
      onDay(index, date)
      const copyOptions = events === 0 ? target.copyOptions : (target.continued ?? target.copyOptions)
      const file = await exportFile(engine, format, relation, { path: join(folder, date), copyOptions })
      if (file === undefined) continue
      for await (const piece of createReadStream(file.path, { highWaterMark: PIECE_BYTES })) await write(piece)
      await rm(file.path)
      events += file.events
      bytes += file.bytes
    }
    return { events, bytes }
  } finally {
    await rm(folder, { recursive: true, force: true })
    process.off('exit', removeAtExit)
  }
}
