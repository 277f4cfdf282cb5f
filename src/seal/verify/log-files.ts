/** The files of a log on disk: tiles and bundles, found by listing and read whole. */
import {
  accessSync,
  constants,
  type Dirent,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { decodeBundle } from '../bundles.ts'
import { HASH_BYTES, type Hash, leafHash } from '../merkle.ts'
import { entriesPath, parseTilePath, TILE_WIDTH, type Tile, tilePath } from '../tiles.ts'

/** Folder of the log inside a home. */
export const LOG_FOLDER = 'seal/log'

/** How the names of files begin whose writing a crash cut short; readers of logs and of tables pass them by. */
export const UNFINISHED = '.tmp-'

/** A bundle with 256 of the longest entries, which none exceeds. */
const LONGEST_BUNDLE = 256 * (65_535 + 2)

/** What stands under a log's folder. */
export interface LogListing {
  /** Widths there are of a tile or bundle, by `level/n`. */
  readonly widths: ReadonlyMap<string, readonly number[]>
  /** Files that are no part of any log. */
  readonly strangers: readonly string[]
}

/** Keys of {@link LogListing.widths}. */
export const tileKey = (level: Tile['level'], n: number | bigint): string => `${level}/${n}`

/** What stands at a path; undefined where nothing does, or nothing that can be followed: a link in a circle, a folder in the way. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** No file is read whole that is longer. */
const LONGEST_BYTES = 0x7fff_ffff

/** The bytes of a file; undefined if there is none, or none that can be read up to `limit` bytes. */
export function bytesOf(path: string, limit: number): Buffer | undefined {
  const info = statOf(path)
  if (!info?.isFile() || info.size > Math.min(limit, LONGEST_BYTES)) return undefined
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** What is wrong with a path where no such file could be read as should be: nothing is there, it may not be read, or it is another. */
export function faultAt(path: string): 'missing' | 'unverifiable' | 'changed' {
  const [found, read] = [failureOf(() => lstatSync(path)), failureOf(() => accessSync(path, constants.R_OK))]
  if ([found, read].some((code) => code === 'EACCES' || code === 'EPERM')) return 'unverifiable'
  return found === 'ENOENT' || found === 'ENOTDIR' ? 'missing' : 'changed'
}

function failureOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code
  }
}

/** Names in a folder; none where it cannot be listed: what should be in it is found missing, or said to be unreadable. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Links that are followed on the way to a file: with more of them, a handful of folders can have files without number. */
const MOST_LINKS = 2

/**
 * Files under a folder, as keys with forward slashes in order; none where there is no such folder. Links are followed as readers
 * of the folder follow them; one that leads nowhere, back to where it is, or stands behind two others counts as a file.
 */
export function keysUnder(folder: string): string[] {
  const real = folderAt(folder)
  return real === undefined ? [] : [...keysIn(folder, '', [real], 0)].sort()
}

function* keysIn(folder: string, prefix: string, above: readonly string[], links: number): Generator<string> {
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name)
    // A folder stands in the one it is read from; a link may lead anywhere.
    const isLinked = entry.isSymbolicLink() && links < MOST_LINKS
    const inner = entry.isDirectory() ? join(above.at(-1) ?? '', entry.name) : isLinked ? folderAt(path) : undefined
    if (inner === undefined || above.includes(inner)) yield `${prefix}${entry.name}`
    else yield* keysIn(path, `${prefix}${entry.name}/`, [...above, inner], links + (isLinked ? 1 : 0))
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Where a folder really is; undefined if there is none. Links in a circle are none. */
export function folderAt(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? realpathSync(path) : undefined
  } catch {
    return undefined
  }
}

/** The log of a home. */
export class LogFiles {
  readonly #folder: string

  constructor(home: string) {
    this.#folder = join(home, LOG_FOLDER)
  }

  /** What is there. */
  list(): LogListing {
    const widths = new Map<string, number[]>()
    const strangers: string[] = []
    for (const key of keysUnder(join(this.#folder, 'tile'))) {
      const tile = parseTilePath(`tile/${key}`)
      if (tile === undefined) strangers.push(`${LOG_FOLDER}/tile/${key}`)
      else {
        const at = tileKey(tile.level, tile.n)
        widths.set(at, [...(widths.get(at) ?? []), tile.width])
      }
    }
    return { widths, strangers }
  }

  /** A file by its name within the log. */
  read(name: string): Buffer | undefined {
    return bytesOf(join(this.#folder, name), LONGEST_BUNDLE)
  }

  /** The width of the longest form of a bundle there is; 0 for none. */
  widest(n: number): number {
    if (existsSync(join(this.#folder, entriesPath(BigInt(n))))) return TILE_WIDTH
    const folder = join(this.#folder, `${entriesPath(BigInt(n))}.p`)
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^[1-9]\d{0,2}$/.test(name)) : []
    return Math.max(0, ...names.map(Number))
  }

  /** The entries of a bundle; undefined if it is missing, broken, or holds another number of them. */
  entries(n: number, width: number): Uint8Array[] | undefined {
    const bytes = this.read(entriesPath(BigInt(n), width))
    if (bytes === undefined) return undefined
    try {
      const entries = decodeBundle(bytes)
      return entries.length === width ? entries : undefined
    } catch {
      return undefined
    }
  }

  /** The hashes of a tile; undefined if it is missing or has another length. */
  tile(level: number, n: number, width: number): Hash[] | undefined {
    const bytes = this.read(tilePath(level, BigInt(n), width))
    return bytes === undefined || bytes.length !== width * HASH_BYTES ? undefined : hashesIn(bytes)
  }
}

/** A tile's hashes. */
export const hashesIn = (bytes: Uint8Array): Hash[] =>
  Array.from({ length: bytes.length / HASH_BYTES }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))

/** Leaf hashes of entries. */
export const leafHashes = (entries: readonly Uint8Array[]): Hash[] => entries.map(leafHash)

/** The name of a file of the log, as findings give it. */
export const inLog = (name: string): string => `${LOG_FOLDER}/${name}`
