/**
 * Do the stored entries give the signed root? A log keeps every hash more than once: in its bundles (as entries), in tiles of
 * level 0, and, folded, in those above. Where the bundles do not give the root, the copy that does tells which file is wrong.
 */
import { join } from 'node:path'
import { type Hash, rootOfHashes, sameHash } from '../merkle.ts'
import { entriesPath, pathOf, TILE_WIDTH, type Tile, tilePath, widthOf } from '../tiles.ts'
import { faultAt, hashesIn, inLog, LogFiles, type LogListing, leafHashes, tileKey } from './log-files.ts'
import { CUT_SHORT, isWrittenBy, type NotedHead, pendingAppend } from './pending-check.ts'
import type { Findings } from './report.ts'

/** A head to be reached. */
export interface Head {
  readonly size: number
  readonly root: Hash
}

/** Up to 256 leaves: what one bundle and one tile of level 0 hold. */
interface Chunk {
  readonly width: number
  /** Root by the entries; undefined where the bundle cannot be read. */
  readonly byEntries: Hash | undefined
  /** Root by the tile of level 0. */
  readonly byTile: Hash | undefined
}

/** A log as measured against a head. */
export interface LogTree {
  readonly size: number
  /** True if some copy of the hashes gives the signed root, so that all that differs from it is wrong. */
  readonly proven: boolean
  /** The entries of a chunk, and the hashes they should have; undefined entries where none can be read. */
  chunk(n: number): {
    readonly entries: readonly Uint8Array[] | undefined
    readonly hashes: readonly Hash[] | undefined
  }
}

/** Measures the log of a home, and finds which files are missing or other than what the head signs. */
export function measureLog(home: string, head: NotedHead, findings: Findings): LogTree {
  return new Measuring(home, head, findings).tree()
}

class Measuring {
  readonly #home: string
  readonly #head: Head
  readonly #findings: Findings
  readonly #files: LogFiles
  readonly #listing: LogListing
  /** An append that was cut short; its files are there before the checkpoint. */
  readonly #pending: ReturnType<typeof pendingAppend>
  readonly #chunks: Chunk[] = []

  constructor(home: string, head: NotedHead, findings: Findings) {
    this.#home = home
    this.#head = head
    this.#findings = findings
    this.#files = new LogFiles(home)
    this.#listing = this.#files.list()
    this.#pending = pendingAppend(home, head)
  }

  tree(): LogTree {
    const { size } = this.#head
    for (let n = 0; n * TILE_WIDTH < size; n++) this.#chunks.push(this.#measure(n))
    const roots = this.#provenRoots()
    const files = this.#files
    const wrong = new Set<number>()
    for (const [n, chunk] of this.#chunks.entries()) {
      if (this.#judge(n, chunk, roots?.[n])) wrong.add(n)
    }
    this.#checkUpperTiles(roots ?? this.#chunks.map(({ byEntries }) => byEntries))
    this.#checkStrangers()
    return {
      size,
      proven: roots !== undefined,
      chunk: (n) => {
        const width = this.#chunks[n]?.width ?? 0
        const entries = files.entries(n, width)
        if (!wrong.has(n)) return { entries, hashes: entries && leafHashes(entries) }
        const hashes = files.tile(0, n, width)
        const right = roots?.[n]
        return { entries, hashes: hashes && right && sameHash(rootOfHashes(hashes), right) ? hashes : undefined }
      },
    }
  }

  #measure(n: number): Chunk {
    const { size } = this.#head
    const width = Math.min(TILE_WIDTH, size - n * TILE_WIDTH)
    const entries = this.#files.entries(n, width)
    const tile = this.#files.tile(0, n, width)
    return {
      width,
      byEntries: entries && rootOfHashes(leafHashes(entries)),
      byTile: tile && rootOfHashes(tile),
    }
  }

  /** The chunks' roots that give the head's: by the entries, by the tiles, or by what two of three copies say. */
  #provenRoots(): Hash[] | undefined {
    const above = this.#rootsAbove()
    const byMost = ({ byEntries, byTile }: Chunk, n: number): Hash | undefined => {
      const third = above[n]
      if (byTile && third && sameHash(byTile, third)) return byTile
      return byEntries ?? byTile ?? third
    }
    const ways: readonly ((chunk: Chunk, n: number) => Hash | undefined)[] = [
      ({ byEntries }) => byEntries,
      ({ byTile }) => byTile,
      byMost,
      // The last chunk has no third copy, so each of its two is tried.
      (chunk, n) => (n === this.#chunks.length - 1 ? (chunk.byTile ?? chunk.byEntries) : byMost(chunk, n)),
      (_, n) => above[n] ?? this.#chunks[n]?.byEntries,
    ]
    for (const way of ways) {
      const roots = this.#chunks.map(way).filter((root) => root !== undefined)
      if (roots.length === this.#chunks.length && sameHash(rootOfHashes(roots), this.#head.root)) return roots
    }
    return undefined
  }

  /** Roots of full chunks as the tiles of level 1 have them. */
  #rootsAbove(): (Hash | undefined)[] {
    const full = Math.floor(this.#head.size / TILE_WIDTH)
    const roots: (Hash | undefined)[] = []
    for (let n = 0; n * TILE_WIDTH < full; n++) {
      const width = Math.min(TILE_WIDTH, full - n * TILE_WIDTH)
      const tile = this.#files.tile(1, n, width)
      for (let at = 0; at < width; at++) roots.push(tile?.[at])
    }
    return roots
  }

  /** Says what is wrong with the bundle and the tile of a chunk; true if the bundle is. */
  #judge(n: number, { width, byEntries, byTile }: Chunk, right: Hash | undefined): boolean {
    const first = n * TILE_WIDTH
    const bundleName = entriesPath(BigInt(n), width)
    const tileName = tilePath(0, BigInt(n), width)
    const expected = right ?? byEntries
    const wrongBundle = byEntries === undefined || (right !== undefined && !sameHash(byEntries, right))
    const wrongTile = byTile === undefined || (expected !== undefined && !sameHash(byTile, expected))
    if (wrongBundle) this.#wrongBundle(n, width, bundleName, byEntries !== undefined && !wrongTile)
    if (wrongTile) this.#wrongFile(tileName, `The hashes of the leaves from ${first} on`, first)
    if (!wrongTile) this.#findings.checked.tiles += 1
    if (!wrongBundle) this.#checkShorter('entries', n, width, first)
    if (!wrongTile) this.#checkShorter(0, n, width, first)
    return wrongBundle
  }

  #wrongBundle(n: number, width: number, name: string, tileIsRight: boolean): void {
    const first = n * TILE_WIDTH
    const entries = this.#files.entries(n, width)
    const hashes = tileIsRight ? this.#files.tile(0, n, width) : undefined
    const changed = entries && hashes ? leafHashes(entries).map((hash, at) => !sameHash(hash, hashes[at] as Hash)) : []
    for (const [at, differs] of changed.entries()) {
      if (differs)
        this.#findings.add('changed', inLog(name), `Entry ${first + at} is not the one that was sealed.`, first + at)
    }
    if (!changed.includes(true)) this.#wrongFile(name, `The entries from ${first} on`, first)
  }

  #wrongFile(name: string, what: string, leaf: number): void {
    const kind = faultAt(join(this.#home, inLog(name)))
    const faults = {
      changed: 'are not those that were sealed.',
      missing: 'are missing: there is no such file.',
      unverifiable: 'cannot be read.',
    }
    this.#findings.add(kind, inLog(name), `${what} ${faults[kind]}`, leaf)
  }

  /** Shorter forms that earlier sizes had may be there still; they must begin as the present one does. */
  #checkShorter(level: number | 'entries', n: number, width: number, leaf: number): void {
    const others = (this.#listing.widths.get(tileKey(level, n)) ?? []).filter((other) => other !== width)
    if (others.length === 0) return
    const nameOf = (some: number) => pathOf({ level, n: BigInt(n), width: some })
    const present = this.#files.read(nameOf(width))
    for (const other of others) {
      const bytes = this.#files.read(nameOf(other))
      if (other > width) this.#beyondHead({ level, n: BigInt(n), width: other })
      else if (!isCutOf(bytes, present, level, other, () => this.#files.entries(n, other))) {
        this.#findings.add(
          'changed',
          inLog(nameOf(other)),
          'It does not begin as the later form of the same file does.',
          leaf,
        )
      } else this.#findings.checked.tiles += 1
    }
  }

  #beyondHead(tile: Tile): void {
    const { size } = this.#head
    const pending = this.#pending
    if (typeof pending === 'object' && isWrittenBy(pending, tile)) {
      this.#findings.skip(CUT_SHORT)
      return
    }
    this.#findings.add(
      'unverifiable',
      inLog(pathOf(tile)),
      `It goes beyond the ${size} leaves that the checkpoint signs: a later checkpoint is missing, or this was added.`,
      size,
    )
  }

  /** Tiles above level 0, from the roots of the chunks. */
  #checkUpperTiles(chunkRoots: readonly (Hash | undefined)[]): void {
    const { size } = this.#head
    let hashes: (Hash | undefined)[] = chunkRoots.slice(0, Math.floor(size / TILE_WIDTH))
    for (let level = 1; hashes.length > 0; level++) {
      const next: (Hash | undefined)[] = []
      for (let n = 0; n * TILE_WIDTH < hashes.length; n++) {
        const own = hashes.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH)
        if (own.length === TILE_WIDTH) next.push(own.includes(undefined) ? undefined : rootOfHashes(own as Hash[]))
        if (!own.includes(undefined)) this.#checkUpperTile(level, n, own as Hash[])
      }
      hashes = next
    }
  }

  #checkUpperTile(level: number, n: number, own: readonly Hash[]): void {
    const leaf = n * TILE_WIDTH ** (level + 1)
    const tile = this.#files.tile(level, n, own.length)
    if (tile?.every((hash, at) => sameHash(hash, own[at] as Hash))) this.#findings.checked.tiles += 1
    else
      this.#wrongFile(
        tilePath(level, BigInt(n), own.length),
        `The hashes of level ${level} over the leaves from ${leaf} on`,
        leaf,
      )
    if (tile !== undefined) this.#checkShorter(level, n, own.length, leaf)
  }

  #checkStrangers(): void {
    for (const path of this.#listing.strangers) this.#findings.skip(`${path} is no part of the log.`)
    for (const [key, widths] of this.#listing.widths) {
      const [level = '', n = ''] = key.split('/')
      const tileLevel = level === 'entries' ? level : Number(level)
      if (widthOf(tileLevel, BigInt(n), BigInt(this.#head.size)) > 0) continue
      for (const width of widths) {
        this.#beyondHead({ level: tileLevel, n: BigInt(n), width })
      }
    }
  }
}

/** True if `bytes` is the beginning of `whole`, with so many entries or hashes. */
function isCutOf(
  bytes: Buffer | undefined,
  whole: Buffer | undefined,
  level: number | 'entries',
  width: number,
  entries: () => Uint8Array[] | undefined,
): boolean {
  if (bytes === undefined || whole === undefined || !whole.subarray(0, bytes.length).equals(bytes)) return false
  return level === 'entries' ? entries() !== undefined : hashesIn(bytes).length === width && bytes.length % 32 === 0
}
