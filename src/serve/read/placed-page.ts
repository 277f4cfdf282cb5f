/** Pages from places: which rows of which files they are is known without the files, so that only these rows are read. */
import { filesBetween } from '../../lake/read.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import { aimedSql, isAllPlaced } from './counts.ts'
import { askerOf, type LakeReader, type ReadOptions } from './lake-reader.ts'
import { PLACES } from './places.ts'
import { countedFiles } from './slots.ts'
import { instantSql } from './spans.ts'
import type { Stretch, Wanted } from './stretches.ts'
import { limitsSql, type Sight } from './visible.ts'

/** More events at one instant than these are left to the files. */
const MOST_AT_ONCE = 2000
/** More places than these take longer to plan than to look through. */
const MOST_SPANS = 24

/** Rows of a file. */
export interface FileRows {
  readonly file: DataFile
  readonly rows: readonly number[]
}

/** What finds the events of a page among the places. */
export interface PlaceFinder {
  /** Adds the events of a stretch; true when there are enough. Undefined where there are too many at once. */
  readonly take: (stretch: Stretch) => Promise<boolean | undefined>
  readonly found: () => readonly FileRows[]
}

/** Where a page goes on: microseconds since the epoch. Events at that instant are found, too: their ids tell which are meant. */
type After = bigint | undefined

/** A finder for a search; undefined where not every event of the span is placed, or places do not know what is searched for. */
export async function placeFinder(
  reader: LakeReader,
  sight: Sight,
  { search, limit, order }: Wanted,
  after: After,
  options: ReadOptions,
): Promise<PlaceFinder | undefined> {
  if (!search.isCounted && search.isPlaced !== true) return undefined
  const { slots, snapshots } = reader
  const kinds = await slots.kindsFor(sight)
  const aims = search.targetsSql === undefined ? undefined : await slots.aimsFor(sight)
  const { events } = await snapshots.asOf(options.version)
  const files = filesBetween(events, options.fromMs, options.toMs)
  const coverage = slots.coverage(files)
  if (!isAllPlaced(coverage) || (aims !== undefined && !coverage.isAimed)) return undefined
  const byId = new Map(files.map((file) => [slots.idOf(file), file]))
  const matching = [
    countedFiles(coverage),
    `kind IN (SELECT kind FROM ${kinds} WHERE ${search.countedSql} AND ${limitsSql(sight.rows)})`,
    ...(aims === undefined || search.targetsSql === undefined ? [] : [aimedSql(aims, search.targetsSql)]),
  ].join(' AND ')
  const ask = async (sql: string): Promise<readonly Candidate[]> =>
    (await reader.statement(sql, `places ${events.version}`, 'quick', {
      by: askerOf(sight),
      ...options,
    })) as unknown as readonly Candidate[]
  const rowsOf = new Map<DataFile, Set<number>>()
  const put = (rows: readonly Candidate[]): boolean => {
    for (const { file, row } of rows) {
      const dataFile = byId.get(file)
      if (dataFile === undefined) return false
      rowsOf.set(dataFile, (rowsOf.get(dataFile) ?? new Set()).add(row))
    }
    return true
  }
  const from = `SELECT file, "row", epoch_us(event_time)::VARCHAR AS us FROM ${PLACES} WHERE ${matching}`
  const direction = order === 'newest' ? 'DESC' : 'ASC'
  const behind =
    after === undefined ? '' : ` AND event_time ${order === 'newest' ? '<' : '>'} make_timestamptz(${after})`
  /** All that happened at an instant: ids tell which of them are meant. */
  const takeInstant = async (us: bigint): Promise<boolean> => {
    const rows = await ask(`${from} AND event_time = make_timestamptz(${us}) LIMIT ${MOST_AT_ONCE + 1}`)
    return rows.length <= MOST_AT_ONCE && put(rows)
  }
  let [missing, begun] = [limit, false]
  return {
    found: () => [...rowsOf].map(([file, rows]) => ({ file, rows: [...rows].sort((a, b) => a - b) })),
    take: async (stretch) => {
      if (!begun && after !== undefined && !(await takeInstant(after))) return undefined
      begun = true
      const rows = await ask(
        `${from} AND ${spansSql(stretch)}${behind} ORDER BY event_time ${direction} LIMIT ${missing}`,
      )
      if (!put(rows)) return undefined
      missing -= rows.length
      const last = rows.at(-1)
      if (missing > 0 || last === undefined) return false
      return (await takeInstant(BigInt(last.us))) ? true : undefined
    },
  }
}

interface Candidate {
  readonly file: number
  readonly row: number
  readonly us: string
}

function spansSql({ fromMs, toMs, places = [] }: Stretch): string {
  const spans = places.length === 0 || places.length > MOST_SPANS ? [] : places
  const spanSql = (from: number, to: number) => `(event_time >= ${instantSql(from)} AND event_time < ${instantSql(to)})`
  const within = spans.length === 0 ? [] : [`(${spans.map(([from, to]) => spanSql(from, to)).join(' OR ')})`]
  return [spanSql(fromMs, toMs), ...within].join(' AND ')
}
