/** Questions to counts instead of events: what is counted already, and the rest counted on the way. */

import { timeConditions } from '../../ask/filter.ts'
import { filesBetween, scanSql } from '../../lake/read.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import type { Answer } from '../contract.ts'
import { columnsNamedIn } from './columns-named.ts'
import { askerOf, type LakeReader, laneOf, type ReadOptions } from './lake-reader.ts'
import { COUNT_COLUMNS, type Coverage, countedSql, FAR_MS, placesSql, SLOT_MS, slotsSql, usedColumns } from './slots.ts'
import type { LakeSnapshot } from './snapshots.ts'
import { limitsSql, type Sight, visible } from './visible.ts'

/** How counts are asked for. */
export interface CountOptions extends ReadOptions {
  /** Length of a slot, where it is shorter than those that are kept: the span must have both ends then. */
  readonly slotMs?: number
}

/** Shorter spans are counted event by event: fewer rows than the slots of all kinds. */
const SHORT_MS = 6 * 3_600_000

/**
 * Runs a statement over counts: `sql` is given a relation with the columns of {@link KIND_COLUMNS}, and `slot`, `n`, `first`, `last`.
 * Only events of the span of `options` are in it.
 */
export async function counts<T extends Record<string, unknown>>(
  reader: LakeReader,
  sight: Sight,
  sql: (counts: string) => string,
  options: CountOptions,
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

/**
 * As {@link counts}, of those events only whose targets meet a condition; undefined where the targets of some are not known.
 *
 * @param targetsSql a condition over `targets`
 */
export async function countsOfTargets<T extends Record<string, unknown>>(
  reader: LakeReader,
  sight: Sight,
  targetsSql: string,
  sql: (counts: string) => string,
  options: CountOptions,
): Promise<Answer<T> | undefined> {
  const { slots, snapshots } = reader
  const [kinds, aims] = [await slots.kindsFor(sight), await slots.aimsFor(sight)]
  const { events } = await snapshots.asOf(options.version)
  slots.follow((await snapshots.newest()).events)
  const { fromMs = -FAR_MS, toMs = FAR_MS } = options
  const coverage = slots.coverage(filesBetween(events, fromMs, toMs))
  if (!isAllPlaced(coverage) || !coverage.isAimed) return undefined
  const wanted = columnsNamedIn(sql('(counts)'))
  const condition = aimedSql(aims, targetsSql)
  const part = placesSql(kinds, coverage, [[fromMs, toMs]], wanted, { condition, slotMs: options.slotMs })
  const relation = `(SELECT * FROM (${part}) WHERE ${limitsSql(sight.rows)})`
  const rows = await reader.statement(sql(relation), `counts ${events.version}`, 'quick', {
    by: askerOf(sight),
    ...options,
  })
  return { rows: rows as unknown as readonly T[], version: events.version }
}

/** A condition over places: their targets meet one. */
export const aimedSql = (aims: string, targetsSql: string): string =>
  `aim IN (SELECT aim FROM ${aims} WHERE ${targetsSql})`

/** True where every event of the files is placed. */
export const isAllPlaced = ({ counted, rest, unplaced }: Coverage): boolean =>
  counted.length > 0 && rest.length === 0 && unplaced.length === 0

async function countsRelation(
  reader: LakeReader,
  sight: Sight,
  snapshot: LakeSnapshot,
  wanted: (name: string) => boolean,
  { fromMs = -FAR_MS, toMs = FAR_MS, slotMs }: CountOptions,
) {
  const { slots } = reader
  const kinds = await slots.kindsFor(sight)
  const table = reader.snapshots.events
  const files = filesBetween(snapshot.events, fromMs, toMs)
  const coverage = slots.coverage(files)
  const [from, to] = [Math.ceil(fromMs / SLOT_MS) * SLOT_MS, Math.floor(toMs / SLOT_MS) * SLOT_MS]
  const isPlaced = coverage.counted.length > coverage.unplaced.length
  const isShort = isPlaced && coverage.unplaced.length === 0 && toMs - fromMs <= SHORT_MS
  const isWhole = from < to && !isShort && slotMs === undefined
  const edges = (isWhole ? [[fromMs, from] as const, [to, toMs] as const] : [[fromMs, toMs] as const]).filter(
    ([start, end]) => start < end && Math.abs(start) < FAR_MS && Math.abs(end) < FAR_MS,
  )
  const columns = usedColumns(wanted)
  const scanned: DataFile[] = []
  const parts: string[] = []
  const limited = (sql: string) => parts.push(`SELECT * FROM (${sql}) WHERE ${limitsSql(sight.rows)}`)
  const scan = (some: readonly DataFile[], fromTime: number, toTime: number) => {
    if (some.length === 0 || fromTime >= toTime) return
    const counted = `(${countedSql(scanSql(table, some), spanSql(fromTime, toTime), wanted, slotMs)})`
    parts.push(`SELECT * FROM ${visible(counted, columns, sight, { key: reader.key }, COUNT_COLUMNS)}`)
    scanned.push(...some)
  }
  if (coverage.counted.length > 0 && isWhole) {
    limited(slotsSql(kinds, coverage, fromMs === -FAR_MS ? undefined : from, toMs === FAR_MS ? undefined : to, wanted))
  }
  // Events of files that are counted and not placed are not among the places.
  if (isPlaced && edges.length > 0) limited(placesSql(kinds, coverage, edges, wanted, { slotMs }))
  scan(coverage.rest, fromMs, toMs)
  for (const [start, end] of edges) scan(within(coverage.unplaced, start, end), start, end)
  const none = { counted: [], rest: [], unplaced: [], isAimed: false }
  const nothing = `SELECT * FROM (${slotsSql(kinds, none, undefined, undefined, wanted)})`
  return { relation: `(${parts.length === 0 ? nothing : parts.join(' UNION ALL BY NAME ')})`, scanned }
}

const within = (files: readonly DataFile[], fromMs: number, toMs: number) =>
  filesBetween({ version: 0, files, txnVersion: () => undefined }, fromMs, toMs - 1)

function spanSql(fromMs: number, toMs: number): string {
  const conditions = timeConditions({
    ...(fromMs > -FAR_MS ? { fromMs } : {}),
    ...(toMs < FAR_MS ? { toMs } : {}),
  })
  return conditions.length === 0 ? 'TRUE' : conditions.join(' AND ')
}
