/** Questions to counts instead of events: what is counted already, and the rest counted on the way. */

import { lit } from '../../engine/sql.ts'
import { filesBetween, scanSql } from '../../lake/read.ts'
import type { Answer } from '../contract.ts'
import { columnsNamedIn } from './columns-named.ts'
import { askerOf, type LakeReader, laneOf, type ReadOptions } from './lake-reader.ts'
import { COUNT_COLUMNS, countedSql, SLOT_MS, slotsSql, usedColumns } from './slots.ts'
import type { LakeSnapshot } from './snapshots.ts'
import { limitsSql, type Sight, visible } from './visible.ts'

/** Years that a time in SQL can have without words. */
const FAR_MS = 8.64e15

/**
 * Runs a statement over counts: `sql` is given a relation with the columns of {@link KIND_COLUMNS}, and `slot`, `n`, `first`, `last`.
 * Only events of the span of `options` are in it.
 */
export async function counts<T extends Record<string, unknown>>(
  reader: LakeReader,
  sight: Sight,
  sql: (counts: string) => string,
  options: ReadOptions,
): Promise<Answer<T>> {
  const snapshot = await reader.snapshots.asOf(options.version)
  reader.slots.follow((await reader.snapshots.newest()).events)
  const wanted = columnsNamedIn(sql('(counts)'))
  const { relation, scanned } = await countsRelation(reader, sight, snapshot, wanted, options)
  const { version } = snapshot.events
  const rows = await reader.statement(sql(relation), `counts ${version}`, laneOf(scanned), {
    by: askerOf(sight),
    ...options,
  })
  return { rows: rows as unknown as readonly T[], version }
}

async function countsRelation(
  reader: LakeReader,
  sight: Sight,
  snapshot: LakeSnapshot,
  wanted: (name: string) => boolean,
  { fromMs = -FAR_MS, toMs = FAR_MS }: ReadOptions,
) {
  const { slots } = reader
  const kinds = await slots.kindsFor(sight)
  const table = reader.snapshots.events
  const files = filesBetween(snapshot.events, fromMs, toMs)
  const coverage = slots.coverage(files)
  const [from, to] = [Math.ceil(fromMs / SLOT_MS) * SLOT_MS, Math.floor(toMs / SLOT_MS) * SLOT_MS]
  const whole = from < to
  const parts: string[] = []
  const masks = { key: reader.key }
  const columns = usedColumns(wanted)
  const scan = (some: typeof files, fromTime: number, toTime: number) => {
    if (some.length === 0 || fromTime >= toTime) return []
    const counted = `(${countedSql(scanSql(table, some), spanSql(fromTime, toTime), wanted)})`
    parts.push(`SELECT * FROM ${visible(counted, columns, sight, masks, COUNT_COLUMNS)}`)
    return some
  }
  if (coverage.counted.length > 0 && whole) {
    const known = slotsSql(
      kinds,
      coverage,
      from === -Infinity || fromMs === -FAR_MS ? undefined : from,
      toMs === FAR_MS ? undefined : to,
      wanted,
    )
    parts.push(`SELECT * FROM (${known}) WHERE ${limitsSql(sight.rows)}`)
  }
  const rest = new Set(coverage.rest)
  const covered = files.filter((file) => !rest.has(file))
  const edges = whole
    ? [
        [fromMs, from],
        [to, toMs],
      ]
    : [[fromMs, toMs]]
  const scanned = [
    ...scan([...coverage.rest], fromMs, toMs),
    ...edges.flatMap(([start = 0, end = 0]) =>
      start < end && Math.abs(start) < FAR_MS && Math.abs(end) < FAR_MS
        ? scan(within(covered, start, end), start, end)
        : [],
    ),
  ]
  const nothing = `SELECT * FROM (${slotsSql(kinds, { counted: [], rest: [] }, undefined, undefined, wanted)})`
  return { relation: `(${parts.length === 0 ? nothing : parts.join(' UNION ALL BY NAME ')})`, scanned }
}

const within = (files: readonly Parameters<typeof laneOf>[0][number][], fromMs: number, toMs: number) =>
  filesBetween({ version: 0, files, txnVersion: () => undefined }, fromMs, toMs - 1)

function spanSql(fromMs: number, toMs: number): string {
  const day = (ms: number) => lit(new Date(ms).toISOString().slice(0, 10))
  const conditions = [
    ...(fromMs > -FAR_MS
      ? [`event_date >= DATE ${day(fromMs)}`, `event_time >= TIMESTAMPTZ ${lit(new Date(fromMs).toISOString())}`]
      : []),
    ...(toMs < FAR_MS
      ? [`event_date <= DATE ${day(toMs)}`, `event_time < TIMESTAMPTZ ${lit(new Date(toMs).toISOString())}`]
      : []),
  ]
  return conditions.length === 0 ? 'TRUE' : conditions.join(' AND ')
}
