/**
 * Files on their way to their final names: written under another name, synced, renamed, and at the end the folders synced. A
 * file that has its final name is whole, whatever happens; that it is there still after a crash holds once `end` returned.
 */

import { randomUUID } from 'node:crypto'
import { chmodSync, closeSync, fsync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { syncFolder } from '../../lake/stores/local.ts'

const syncFile = promisify(fsync)

/** Owner only. */
export const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Folder of unfinished files. */
const UNFINISHED = '.unfinished'

/**
 * Files synced together: journals write what comes at once at once, and the next group is made meanwhile. Each has an open
 * file descriptor until then.
 */
const GROUP_FILES = 128
const SYNCS_AT_ONCE = 16

/** Small files are written without waiting; after so many, whatever else the process does gets its turn. */
const BREATH_FILES = 8

interface Waiting {
  readonly file: number
  readonly from: string
  readonly to: string
}

/** One group of files being placed below a folder. */
export class Placing {
  readonly #root: string
  readonly #unfinished: string
  readonly #names = randomUUID()
  readonly #made = new Set<string>()
  /** Folders whose entries are to be synced. */
  readonly #changed = new Set<string>()
  #count = 0
  #waiting: Waiting[] = []
  #syncing: Promise<void> = Promise.resolve()

  /** @param root folder of all; it and its parent folder are made and synced as needed */
  constructor(root: string) {
    this.#root = root
    this.#unfinished = join(root, UNFINISHED)
    this.#makeFolder(root)
    this.#makeFolder(this.#unfinished)
  }

  /** A name for a file that is not finished. */
  newName(): string {
    return join(this.#unfinished, `${this.#names}-${this.#count++}`)
  }

  /** Writes pieces of a small file, to stand at `to` soon. */
  write(pieces: readonly Uint8Array[], to: string): void {
    const from = this.newName()
    const file = openSync(from, 'wx', FILE_MODE)
    this.#waiting.push({ file, from, to })
    for (const piece of pieces) writeFileSync(file, piece)
  }

  /** Gives a file that is written and synced its final name. */
  rename(from: string, to: string): void {
    this.#makeFolder(dirname(to))
    renameSync(from, to)
    this.#changed.add(dirname(to))
  }

  /** Sees to it that a file which stands already is durable and its owner's only. */
  adopt(path: string): void {
    chmodSync(path, FILE_MODE)
    this.#changed.add(dirname(path))
  }

  /** Waits until there is room for more files. */
  async room(): Promise<void> {
    if (this.#count % BREATH_FILES === 0) await setImmediate()
    if (this.#waiting.length < GROUP_FILES) return
    await this.#syncing
    if (this.#waiting.length >= GROUP_FILES) this.#syncing = this.#place(this.#waiting.splice(0))
    // Who waits next gets the failure; until then it is nobody's.
    this.#syncing.catch(() => {})
  }

  /** Makes all of it durable. */
  async end(): Promise<void> {
    await this.#syncing
    await this.#place(this.#waiting.splice(0))
    await eachOf([...this.#changed], syncFolder)
  }

  /** Removes what has no final name yet. */
  async abandon(): Promise<void> {
    await this.#syncing.catch(() => {})
    for (const { file } of this.#waiting.splice(0)) closeSync(file)
    for (const name of await readdir(this.#unfinished))
      if (name.startsWith(this.#names)) await rm(join(this.#unfinished, name), { force: true })
  }

  async #place(files: readonly Waiting[]): Promise<void> {
    const closed = new Set<number>()
    try {
      await eachOf(files, async ({ file, from, to }) => {
        await syncFile(file)
        closed.add(file)
        closeSync(file)
        this.rename(from, to)
      })
    } finally {
      for (const { file } of files) if (!closed.has(file)) closeSync(file)
    }
  }

  #makeFolder(path: string): void {
    if (this.#made.has(path)) return
    const first = mkdirSync(path, { recursive: true, mode: FOLDER_MODE })
    if (path === this.#root) chmodSync(path, FOLDER_MODE)
    if (first !== undefined)
      for (let made = path; made.length >= first.length; made = dirname(made)) this.#changed.add(dirname(made))
    this.#made.add(path)
  }
}

/** Removes what killed processes left unfinished. Only who holds the writer's place may call it. */
export async function removeUnfinished(root: string): Promise<void> {
  await rm(join(root, UNFINISHED), { recursive: true, force: true })
}

/** Does the work for each, some at once; after a failure no more is begun, and what was begun has ended when it is thrown. */
export async function eachOf<T>(
  items: readonly T[],
  work: (item: T, at: number) => Promise<void>,
  atOnce = SYNCS_AT_ONCE,
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++
      try {
        await work(items[at] as T, at)
      } catch (cause) {
        next = items.length
        throw cause
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, lane))
  for (const lane of ended) if (lane.status === 'rejected') throw lane.reason
}
