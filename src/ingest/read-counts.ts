/** What was read of each object, and the proof that nothing of it was lost on the way. */
import { AppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { REFUSED } from './locate.ts'

/** What the engine read of one object, rows set aside and all. */
export interface ReadCount {
  readonly rows: number
  /** Rows that are JSON, and their bytes, line breaks left out. */
  readonly sized: number
  readonly bytes: number
}

/** Counts the rows of a relation with the columns of events, by object. */
export async function readCounts(engine: Engine, rows: string): Promise<Map<string, ReadCount>> {
  type Row = { o: string | null; n: string; sized: string; bytes: string | null }
  const counted = await engine.rows<Row>(
    `SELECT source_object AS o, count(*) AS n, count(record_bytes) AS sized, sum(record_bytes) AS bytes FROM ${rows} GROUP BY 1`,
  )
  return new Map(
    counted.map(({ o, n, sized, bytes }) => [
      o ?? '',
      { rows: Number(n), sized: Number(sized), bytes: Number(bytes ?? 0) },
    ]),
  )
}

/** How many rows were refused of which object. */
export async function refusedCounts(engine: Engine): Promise<Map<string, number>> {
  const rows = await engine.rows<{ o: string; n: string }>(
    `SELECT source_object AS o, count(*) AS n FROM ${REFUSED} GROUP BY 1`,
  )
  return new Map(rows.map(({ o, n }) => [o, Number(n)]))
}

/** Every row that was read is an event or refused. Anything else is a bug, and must not be committed. */
export function checkNoneLost(
  read: ReadonlyMap<string, ReadCount>,
  events: number,
  refused: ReadonlyMap<string, number>,
): void {
  const rows = [...read.values()].reduce((sum, count) => sum + count.rows, 0)
  const kept = [...refused.values()].reduce((sum, count) => sum + count, events)
  if (rows !== kept || read.has(''))
    throw new AppError('ENGINE', `Of ${rows} records read, ${kept} came out; nothing was committed.`)
}
