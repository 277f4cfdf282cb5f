/** Where the parts of a log stand (C2SP tlog-tiles): names of tiles and entry bundles, and which of them a tree has. */

/** Hashes of a full tile, entries of a full bundle. */
export const TILE_WIDTH = 256

/** Binary levels of a tree that a tile spans. */
export const TILE_HEIGHT = 8

/** Where a log keeps its newest signed note. */
export const CHECKPOINT_PATH = 'checkpoint'

/** One tile or, where the level is `entries`, one bundle of entries. */
export interface Tile {
  /** 0 holds leaf hashes; a hash of level n+1 is the root of a full tile of level n. */
  readonly level: number | 'entries'
  readonly n: bigint
  /** 1 to 256; less than 256 for the last tile of a level. */
  readonly width: number
}

/** Deepest level of a tree of 64-bit size would be 7; the form allows two digits up to this. */
const LAST_LEVEL = 63

const PATH = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/** The name of a tile within the log, such as `tile/0/x001/x234/067` or `tile/1/000.p/17`. */
export const tilePath = (level: number, n: bigint, width = TILE_WIDTH): string => pathOf({ level, n, width })

/** The name of an entry bundle within the log, such as `tile/entries/000.p/3`. */
export const entriesPath = (n: bigint, width = TILE_WIDTH): string => pathOf({ level: 'entries', n, width })

/** The name of a tile or bundle within the log. */
export function pathOf({ level, n, width }: Tile): string {
  if (level !== 'entries' && !(level >= 0 && level <= LAST_LEVEL)) throw new RangeError(`There is no level ${level}.`)
  if (n < 0n || !(width >= 1 && width <= TILE_WIDTH)) throw new RangeError(`There is no tile ${n} of width ${width}.`)
  return `tile/${level}/${groupsOf(n)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** The number in groups of three digits, each but the last with an `x` before it. */
function groupsOf(n: bigint): string {
  const text = String(n)
  const digits = text.padStart(Math.ceil(text.length / 3) * 3, '0')
  return digits.replaceAll(/\d{3}(?=\d)/g, 'x$&/')
}

/** The tile or bundle of that name; undefined for any other name, also for one that is spelt another way. */
export function parseTilePath(path: string): Tile | undefined {
  const [, level, groups, partial] = PATH.exec(path) ?? []
  if (level === undefined || groups === undefined) return undefined
  const n = BigInt(groups.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  if (groupsOf(n) !== groups || (partial !== undefined && width >= TILE_WIDTH)) return undefined
  if (level === 'entries') return { level, n, width }
  return Number(level) > LAST_LEVEL ? undefined : { level: Number(level), n, width }
}

/** How wide the tile `n` of a level is in a tree of `size` leaves; 0 where it has none. `entries` are as level 0. */
export function widthOf(level: number | 'entries', n: bigint, size: bigint): number {
  const hashes = size >> BigInt(TILE_HEIGHT * (level === 'entries' ? 0 : level))
  const left = hashes - n * BigInt(TILE_WIDTH)
  return left <= 0n ? 0 : left >= TILE_WIDTH ? TILE_WIDTH : Number(left)
}

/** All tiles of a tree of `size` leaves, level by level from the left, without the bundles (which are as level 0). */
export function* tileWidths(size: bigint): Generator<Tile & { readonly level: number }> {
  for (let level = 0; size >> BigInt(TILE_HEIGHT * level) > 0n; level++) {
    for (let n = 0n, width = widthOf(level, n, size); width > 0; width = widthOf(level, ++n, size)) {
      yield { level, n, width }
    }
  }
}

/** Tiles and bundles that were partial at size `from` and are full at size `to`: the partial ones are needed no more. */
export function* filledTiles(from: bigint, to: bigint): Generator<Tile> {
  for (let level = 0; from >> BigInt(TILE_HEIGHT * level) > 0n; level++) {
    const n = (from >> BigInt(TILE_HEIGHT * level)) / BigInt(TILE_WIDTH)
    if (widthOf(level, n, from) === 0 || widthOf(level, n, to) < TILE_WIDTH) continue
    yield { level, n, width: TILE_WIDTH }
    if (level === 0) yield { level: 'entries', n, width: TILE_WIDTH }
  }
}
