/** Where to look for a page of events: stretches of time from its beginning on, each of which holds about what is missing. */
import { filesBetween } from '../../lake/read.ts'
import type { Search } from '../search/to-sql.ts'
import { counts } from './counts.ts'
import type { LakeReader, ReadOptions } from './lake-reader.ts'
import { SLOT_MS } from './slots.ts'
import type { Sight } from './visible.ts'

/** A stretch of time, both ends included. */
export interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  /** Where matches lie in few places: those places, as [from, to]. */
  readonly places?: readonly (readonly [number, number])[]
}

/** What is looked for. */
export interface Wanted {
  readonly search: Search
  readonly limit: number
  readonly order: 'newest' | 'oldest'
}

/** Events read for the first stretch, where counts cannot tell which match; each further stretch is so many times as long. */
const FIRST_ROWS = 150_000
const GROWTH = 8
/** Stretches before the last, which is all the rest. */
const STRETCHES = 4
/** More places than these are no better than the stretch as a whole. */
const MOST_PLACES = 96
/** More uncounted events than these take longer to count than to look through. */
const MOST_UNCOUNTED = 500_000

/** The stretches, in the order of the page. */
export async function stretches(
  reader: LakeReader,
  sight: Sight,
  wanted: Wanted,
  options: ReadOptions,
): Promise<readonly Stretch[]> {
  const { events } = await reader.snapshots.asOf(options.version)
  const files = filesBetween(events, options.fromMs, options.toMs)
  const uncounted = reader.slots.coverage(files).rest.reduce((sum, { rows }) => sum + rows, 0)
  if (uncounted > MOST_UNCOUNTED) {
    reader.slots.follow((await reader.snapshots.newest()).events)
    return byDay(files, wanted.order)
  }
  const { rows } = await counts<Chunk>(reader, sight, (relation) => chunksSql(relation, wanted), {
    ...options,
    ...aligned(options),
  })
  return rows.map(({ lo, hi, places }) => ({
    fromMs: lo,
    toMs: hi + SLOT_MS,
    ...(places.length > MOST_PLACES ? {} : { places: joined(places) }),
  }))
}

interface Chunk extends Record<string, unknown> {
  readonly lo: number
  readonly hi: number
  readonly places: readonly number[]
}

/** Whole slots: one too many costs nothing, the page itself has the exact ends. */
function aligned({ fromMs, toMs }: ReadOptions): Pick<ReadOptions, 'fromMs' | 'toMs'> {
  return {
    ...(fromMs === undefined ? {} : { fromMs: Math.floor(fromMs / SLOT_MS) * SLOT_MS }),
    ...(toMs === undefined ? {} : { toMs: Math.ceil((toMs + 1) / SLOT_MS) * SLOT_MS }),
  }
}

/** Slots that hold what is looked for (or may), in the order of the page, cut where enough are together. */
function chunksSql(relation: string, { search, limit, order }: Wanted): string {
  const direction = order === 'newest' ? 'DESC' : 'ASC'
  const first = search.isCounted ? limit : FIRST_ROWS
  const bounds = Array.from({ length: STRETCHES }, (_, at) => first * GROWTH ** at)
  const chunk = `CASE ${bounds.map((bound, at) => `WHEN before < ${bound} THEN ${at}`).join(' ')} ELSE ${STRETCHES} END`
  return `WITH filled AS (SELECT slot, sum(n) AS n FROM ${relation} WHERE ${search.countedSql} GROUP BY slot),
    summed AS (SELECT slot, sum(n) OVER (ORDER BY slot ${direction} ROWS UNBOUNDED PRECEDING) - n AS before FROM filled)
    SELECT ${chunk} AS chunk, epoch_ms(min(slot)) AS lo, epoch_ms(max(slot)) AS hi,
      list(epoch_ms(slot) ORDER BY slot)[1:${MOST_PLACES + 1}] AS places FROM summed GROUP BY chunk ORDER BY chunk`
}

/** Slots that follow one another as one place. */
function joined(slots: readonly number[]): [number, number][] {
  const places: [number, number][] = []
  for (const slot of slots) {
    const last = places.at(-1)
    if (last !== undefined && last[1] === slot) last[1] = slot + SLOT_MS
    else places.push([slot, slot + SLOT_MS])
  }
  return places
}

/** Nothing is counted yet: day by day, then more and more days at once. */
function byDay(
  files: readonly { readonly partition: string; readonly rows: number }[],
  order: Wanted['order'],
): Stretch[] {
  const days = [...new Set(files.map(({ partition }) => partition))].sort()
  if (order === 'newest') days.reverse()
  const found: Stretch[] = []
  for (let [at, many] = [0, 1]; at < days.length; at += many, many *= 4) {
    const some = days.slice(at, at + many).sort()
    const [first = '', last = ''] = [some[0], some.at(-1)]
    found.push({ fromMs: Date.parse(`${first}T00:00:00Z`), toMs: Date.parse(`${last}T00:00:00Z`) + DAY_MS })
  }
  return found
}

const DAY_MS = 86_400_000
