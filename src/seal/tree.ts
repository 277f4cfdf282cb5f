/** A log as files: its hashes and entries, read from tiles and bundles, and the files that further entries make of it. */
import { AppError } from '../core/errors.ts'
import { decodeBundle, encodeBundle } from './bundles.ts'
import { Frontier, HASH_BYTES, type Hash, leafHash, type ReadHash, rootOfHashes, sameHash } from './merkle.ts'
import { pathOf, TILE_HEIGHT, TILE_WIDTH, type Tile, widthOf } from './tiles.ts'

/** Reads a file of a log by its name in it, such as `tile/0/000`; undefined if there is none. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>

/** Tiles kept in memory, 8 KB each: proofs read neighbours again and again. */
const CACHED_TILES = 64

const WIDTH = BigInt(TILE_WIDTH)

/** The first `size` entries of a log. Hashes are as stored: only a root over them, or a proof, shows that they are right. */
export class TreeReader {
  readonly size: bigint
  readonly #read: ReadFile
  readonly #tiles = new Map<string, Promise<Hash[]>>()
  /** The bundle read last: entries are asked for one after another, often backwards. */
  #bundle: { readonly n: bigint; readonly entries: Promise<Uint8Array[]> } | undefined

  constructor(read: ReadFile, size: bigint) {
    this.#read = read
    this.size = size
  }

  /** Root of the complete subtree of 2^`level` leaves at `index`, for the functions of `merkle.ts`. */
  readonly readHash: ReadHash = async (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const span = 1 << (level % TILE_HEIGHT)
    const first = index * BigInt(span)
    const at = Number(first % WIDTH)
    const hashes = await this.tile(tileLevel, first / WIDTH)
    if (at + span > hashes.length)
      throw new RangeError(`A log of ${this.size} has no subtree ${index} of level ${level}.`)
    return rootOfHashes(hashes.slice(at, at + span))
  }

  /**
   * The hashes of a tile.
   *
   * @throws AppError BAD_SEAL if its file is missing or has another length
   */
  tile(level: number, n: bigint): Promise<Hash[]> {
    const tile = this.#named(level, n)
    const path = pathOf(tile)
    const known = this.#tiles.get(path)
    if (known !== undefined) return known
    if (this.#tiles.size >= CACHED_TILES) this.#tiles.delete(this.#tiles.keys().next().value as string)
    const hashes = this.#hashesOf(tile)
    this.#tiles.set(path, hashes)
    hashes.catch(() => this.#tiles.delete(path))
    return hashes
  }

  /**
   * The entries of a bundle, each compared with its hash.
   *
   * @throws AppError BAD_SEAL if the file is missing, cannot be taken apart or holds something else
   */
  bundle(n: bigint): Promise<Uint8Array[]> {
    if (this.#bundle?.n === n) return this.#bundle.entries
    const entries = this.#bundleOf(n)
    this.#bundle = { n, entries }
    entries.catch(() => {
      this.#bundle = undefined
    })
    return entries
  }

  async #bundleOf(n: bigint): Promise<Uint8Array[]> {
    const tile = this.#named('entries', n)
    const { bytes, path } = await this.#bytesOf(tile)
    const [entries, hashes] = [decodeBundle(bytes).slice(0, tile.width), await this.tile(0, n)]
    const wrong = hashes.findIndex((hash, at) => entries[at] === undefined || !sameHash(hash, leafHash(entries[at])))
    if (wrong >= 0) {
      throw new AppError('BAD_SEAL', `Entry ${n * WIDTH + BigInt(wrong)} is not the one the log has hashed.`, {
        where: path,
      })
    }
    return entries
  }

  /** The data of one leaf. */
  async entry(index: bigint): Promise<Uint8Array> {
    if (index < 0n || index >= this.size) throw new RangeError(`A log of ${this.size} has no entry ${index}.`)
    return (await this.bundle(index / WIDTH))[Number(index % WIDTH)] as Uint8Array
  }

  /** The data of the leaves from one on, in order. */
  async *entries(from = 0n): AsyncGenerator<Uint8Array> {
    for (let at = from; at < this.size; at = (at / WIDTH + 1n) * WIDTH) {
      yield* (await this.bundle(at / WIDTH)).slice(Number(at % WIDTH))
    }
  }

  #named<Level extends Tile['level']>(level: Level, n: bigint): Tile & { readonly level: Level } {
    const width = widthOf(level, n, this.size)
    if (n < 0n || width === 0) throw new RangeError(`A log of ${this.size} has no tile ${n} of level ${level}.`)
    return { level, n, width }
  }

  async #hashesOf(tile: Tile): Promise<Hash[]> {
    const { bytes, path, width } = await this.#bytesOf(tile)
    if (bytes.length !== width * HASH_BYTES) {
      throw new AppError('BAD_SEAL', `A tile of ${width} hashes has ${bytes.length} bytes.`, { where: path })
    }
    return Array.from({ length: tile.width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
  }

  /** The file of a tile; of an older size, it may be there only as the full one which has that tile as its beginning. */
  async #bytesOf(tile: Tile): Promise<{ bytes: Uint8Array; path: string; width: number }> {
    for (const width of new Set([tile.width, TILE_WIDTH])) {
      const path = pathOf({ ...tile, width })
      const bytes = await this.#read(path)
      if (bytes !== undefined) return { bytes, path, width }
    }
    throw new AppError('BAD_SEAL', `The log has lost ${pathOf(tile)}.`, { where: pathOf(tile) })
  }
}

/** What further entries make of a log. */
export interface Growth {
  readonly size: bigint
  readonly root: Hash
  /** Files to write, by their names in the log. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/**
 * Works out what entries at the end of a log make of it; writes nothing. The cost follows the number of new entries, not
 * the size of the log.
 *
 * @throws AppError BAD_SEAL if an entry is too long, or a file that is needed is missing or damaged
 */
export async function growTree(reader: TreeReader, entries: readonly Uint8Array[]): Promise<Growth> {
  const files = new Map<string, Uint8Array>()
  const frontier = await Frontier.of(reader.readHash, reader.size)
  const n = reader.size / WIDTH
  const lastBundle = reader.size % WIDTH === 0n ? [] : await reader.bundle(n)
  for (const [tile, part] of tilesFrom('entries', n, [...lastBundle, ...entries]))
    files.set(pathOf(tile), encodeBundle(part))
  let added = entries.map(leafHash)
  for (const leaf of added) frontier.append(leaf)
  for (let level = 0; added.length > 0; level++) {
    const before = reader.size >> BigInt(TILE_HEIGHT * level)
    const last = before % WIDTH === 0n ? [] : await reader.tile(level, before / WIDTH)
    const tiles = [...tilesFrom(level, before / WIDTH, [...last, ...added])]
    for (const [tile, hashes] of tiles) files.set(pathOf(tile), Buffer.concat(hashes))
    added = tiles.filter(([{ width }]) => width === TILE_WIDTH).map(([, hashes]) => rootOfHashes(hashes))
  }
  return { size: frontier.size, root: frontier.root(), files }
}

/** Cuts what begins at tile `n` into tiles. */
function* tilesFrom<Level extends Tile['level']>(
  level: Level,
  n: bigint,
  parts: readonly Uint8Array[],
): Generator<[Tile, Uint8Array[]]> {
  for (let at = 0; at < parts.length; at += TILE_WIDTH) {
    const part = parts.slice(at, at + TILE_WIDTH)
    yield [{ level, n: n + BigInt(at / TILE_WIDTH), width: part.length }, part]
  }
}
