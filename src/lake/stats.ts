/** Per-file statistics: from what DuckDB returns of a written Parquet file to Delta's JSON, and back to time bounds. */
import type { Column } from '../core/event.ts'
import { ident } from '../engine/sql.ts'
import type { TableSpec } from './spec.ts'

/** What `COPY … (RETURN_STATS)` answers, as the engine's plain rows. */
export interface CopyStats {
  readonly count: string
  readonly file_size_bytes: string
  readonly column_statistics: readonly Entry<readonly Entry<string>[]>[]
}

interface Entry<T> {
  readonly key: string
  readonly value: T
}

/** Rows and time bounds as they can be read from a statistics text. */
export interface TimeBounds {
  readonly rows: number
  readonly minTimeMs?: number
  readonly maxTimeMs?: number
}

/** Characters (code points) kept of a string bound: the length Delta's own writer cuts at. */
export const BOUND_LENGTH = 32

/** Delta's statistics text for a file, over the columns the table's spec names. */
export function deltaStats(spec: TableSpec, copied: CopyStats): string {
  const byColumn = new Map(copied.column_statistics.map(({ key, value }) => [key, asRecord(value)]))
  const minValues: string[] = []
  const maxValues: string[] = []
  const nullCount: string[] = []
  for (const column of statsColumns(spec)) {
    // DuckDB names a leaf by its quoted path, so a top-level column is exactly its quoted name.
    const found = byColumn.get(ident(column.name))
    if (found === undefined) continue
    const name = JSON.stringify(column.name)
    if (found.null_count !== undefined) nullCount.push(`${name}:${BigInt(found.null_count)}`)
    const min = found.min === undefined ? undefined : boundJson(column.type as string, found.min, 'min')
    const max = found.max === undefined ? undefined : boundJson(column.type as string, found.max, 'max')
    if (min !== undefined) minValues.push(`${name}:${min}`)
    if (max !== undefined) maxValues.push(`${name}:${max}`)
  }
  const groups = `"minValues":{${minValues}},"maxValues":{${maxValues}},"nullCount":{${nullCount}}`
  return `{"numRecords":${BigInt(copied.count)},${groups}}`
}

/** Reads rows and time bounds out of a statistics text; undefined if it has no row count or is no JSON. */
export function timeBounds(spec: TableSpec, stats: string): TimeBounds | undefined {
  try {
    const { numRecords, minValues, maxValues } = JSON.parse(stats)
    if (typeof numRecords !== 'number') return undefined
    const minTimeMs = spec.timeColumn && Math.floor(Date.parse(minValues?.[spec.timeColumn]))
    // Other writers cut microseconds off the upper bound, so a whole millisecond may stand for one that is later.
    const maxTimeMs = spec.timeColumn && Math.ceil(Date.parse(maxValues?.[spec.timeColumn]))
    return {
      rows: numRecords,
      ...(Number.isFinite(minTimeMs) ? { minTimeMs: Number(minTimeMs) } : {}),
      ...(Number.isFinite(maxTimeMs) ? { maxTimeMs: Number(maxTimeMs) } : {}),
    }
  } catch {
    return undefined
  }
}

/** At most `BOUND_LENGTH` characters that sort at or before `text` in UTF-8 order. */
export function lowerBound(text: string): string {
  return text.length <= BOUND_LENGTH ? text : codePoints(text).slice(0, BOUND_LENGTH).join('')
}

/** At most `BOUND_LENGTH` characters that sort at or after `text` in UTF-8 order; undefined if there are none. */
export function upperBound(text: string): string | undefined {
  const points = codePoints(text)
  if (points.length <= BOUND_LENGTH) return text
  for (let last = BOUND_LENGTH - 1; last >= 0; last--) {
    const next = following(points[last] ?? '')
    if (next !== undefined) return points.slice(0, last).join('') + next
  }
  return undefined
}

const LAST_CODE_POINT = 0x10ffff

/** The next code point, over the surrogates, which are not characters; UTF-8 sorts by code point. */
function following(point: string): string | undefined {
  const next = (point.codePointAt(0) ?? LAST_CODE_POINT) + 1
  if (next > LAST_CODE_POINT) return undefined
  return String.fromCodePoint(next >= 0xd800 && next <= 0xdfff ? 0xe000 : next)
}

/** Only as many as can matter: one more than a bound keeps. */
const codePoints = (text: string): string[] => [...text.slice(0, 2 * BOUND_LENGTH + 2)].slice(0, BOUND_LENGTH + 1)

const asRecord = (entries: readonly Entry<string>[]): Record<string, string | undefined> =>
  Object.fromEntries(entries.map(({ key, value }) => [key, value]))

function statsColumns(spec: TableSpec): Column[] {
  return spec.columns.filter(
    ({ name, type }) =>
      typeof type === 'string' && name !== spec.partitionColumn && (spec.statsColumns?.includes(name) ?? true),
  )
}

/** A bound as JSON text; undefined where Delta has no way to write it, which skips nothing and is always safe. */
function boundJson(type: string, text: string, side: 'min' | 'max'): string | undefined {
  switch (type) {
    case 'string': {
      const bound = side === 'min' ? lowerBound(text) : upperBound(text)
      return bound === undefined ? undefined : JSON.stringify(bound)
    }
    case 'integer':
    case 'long':
      // As digits: a number of JavaScript would round beyond 2^53.
      return /^-?\d+$/.test(text) ? text : undefined
    case 'date':
      return DATE.test(text) ? JSON.stringify(text) : undefined
    case 'timestamp': {
      const iso = isoMillis(text, side)
      return iso === undefined ? undefined : JSON.stringify(iso)
    }
    default:
      return undefined
  }
}

const DATE = /^\d{4}-\d\d-\d\d$/
const TIMESTAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/

/** ISO with milliseconds, rounded outwards: Delta readers know no finer bound, and one cut off would hide rows. */
function isoMillis(text: string, side: 'min' | 'max'): string | undefined {
  const [, day, clock, fraction = ''] = TIMESTAMP.exec(text) ?? []
  if (day === undefined) return undefined
  const micros = Number(fraction.padEnd(6, '0'))
  const millis = side === 'min' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000)
  const iso = new Date(Date.parse(`${day}T${clock}Z`) + millis).toISOString()
  return iso.startsWith('+') ? undefined : iso
}
