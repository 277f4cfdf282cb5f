/** What is new in a source, told without reading any of it: files that are not as they were when they were taken. */
import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { SourceObject } from '../collect/contract.ts'
import { SOURCES } from '../collect/registry.ts'
import { AppError, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'

/** How a source is watched. */
export interface SourceWatchOptions {
  readonly home: Home
  readonly specs: readonly string[]
  /** Called when something may have changed. */
  readonly onHint: () => void
  /** A file that changed less than this ago may still be written to: it is left for the next look. */
  readonly settleMs: number
  /** True where a folder that is not there is as good as an empty one. */
  readonly mayBeMissing: boolean
}

/** What a look at a source gives. */
export interface Looked {
  /** Objects to take, in the order of the listing. */
  readonly fresh: readonly SourceObject[]
  /** Objects listed. */
  readonly listed: number
  /** Unix ms at which objects that were left may be taken. */
  readonly againMs?: number
}

/** Files that are written to all the time are taken after so many settling times, as they are then. */
const LONGEST_SETTLING = 10

/** A system has a limit of watched folders, for all programs. */
const MOST_WATCHED = 48

/** One source of the loop. */
export class SourceWatch {
  readonly #options: SourceWatchOptions
  /** Size and time of each object when it was taken. */
  readonly #taken = new Map<string, string>()
  /** When an object was first seen as it is, or at least changed. */
  readonly #waiting = new Map<string, number>()
  readonly #watchers = new Map<string, FSWatcher>()
  #folders: readonly string[] = []
  #hinting: NodeJS.Timeout | undefined

  constructor(options: SourceWatchOptions) {
    this.#options = options
  }

  /**
   * Lists the source. A folder without files, and a pattern that fits none, are no failure: files may come.
   * @throws AppError NO_SOURCE, UNREADABLE
   */
  async look(nowMs: number): Promise<Looked> {
    const objects = await this.#list()
    this.#folders = newestFolders(objects)
    const keys = new Set(objects.map(({ key }) => key))
    for (const known of [this.#taken, this.#waiting])
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key)
    const changed = objects.filter((object) => this.#taken.get(object.key) !== stampOf(object))
    const fresh = changed.filter((object) => this.#isSettled(object, nowMs))
    const againMs = fresh.length === changed.length ? undefined : nowMs + this.#options.settleMs
    return { fresh, listed: objects.length, ...(againMs === undefined ? {} : { againMs }) }
  }

  /** Takes note that objects were taken as they were listed. */
  took(objects: readonly SourceObject[]): void {
    for (const object of objects) {
      this.#taken.set(object.key, stampOf(object))
      this.#waiting.delete(object.key)
    }
  }

  /**
   * Takes hints of the system from now on: of the folders that the last listing found, those of the newest days before others. Hints may be
   * missing or too many: the schedule is what counts.
   */
  async watchFolders(): Promise<void> {
    const wanted = new Set<string>()
    for (const spec of this.#options.specs) {
      const root = await folderOf(spec)
      if (root === undefined) continue
      wanted.add(root)
      for (const folder of this.#folders)
        for (let at = folder; at.length > root.length && at.startsWith(root); at = dirname(at)) wanted.add(at)
    }
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#forget(folder)
    for (const folder of wanted) this.#watch(folder)
  }

  #watch(folder: string): void {
    if (this.#watchers.has(folder)) return
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#hint())
      watcher.on('error', () => this.#forget(folder))
      this.#watchers.set(folder, watcher)
    } catch {
      // Some file systems have no such hints, and what was listed may be gone.
    }
  }

  /** Ends the hints. */
  close(): void {
    clearTimeout(this.#hinting)
    for (const folder of [...this.#watchers.keys()]) this.#forget(folder)
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }

  /** Many changes are one hint, given when the files may have settled. */
  #hint(): void {
    this.#hinting ??= setTimeout(() => {
      this.#hinting = undefined
      this.#options.onHint()
    }, this.#options.settleMs + 50)
  }

  async #list(): Promise<SourceObject[]> {
    const { home, specs, mayBeMissing } = this.#options
    const found = new Map<string, SourceObject>()
    for (const spec of specs) {
      const source = SOURCES.find((each) => each.takes(spec))
      if (source === undefined || spec === '-')
        throw new AppError('NO_SOURCE', `${spec} is nothing that a service can watch.`, { hint: 'Name a folder.' })
      const objects = await source.list(spec, { home, tmp: home.tmp, stdin: process.stdin }).catch((cause: unknown) => {
        if (isAppError(cause) && cause.code === 'NO_SOURCE' && (mayBeMissing || isPattern(spec))) return []
        throw cause
      })
      for (const object of objects) found.set(object.key, object)
    }
    return [...found.values()]
  }

  #isSettled({ key, modifiedMs }: SourceObject, nowMs: number): boolean {
    const { settleMs } = this.#options
    const sinceMs = this.#waiting.get(key) ?? nowMs
    this.#waiting.set(key, sinceMs)
    // A time in the future says nothing: then only how long it has been seen counts.
    const age = modifiedMs > nowMs ? 0 : nowMs - modifiedMs
    return age >= settleMs || nowMs - sinceMs >= settleMs * LONGEST_SETTLING
  }
}

const stampOf = ({ sizeBytes, modifiedMs }: SourceObject): string => `${sizeBytes} ${modifiedMs}`

/** Folders of the last objects of a listing, which has the newest day last. */
function newestFolders(objects: readonly SourceObject[]): string[] {
  const folders = new Set<string>()
  for (let at = objects.length - 1; at >= 0 && folders.size < MOST_WATCHED; at--)
    folders.add(dirname(objects[at]?.path ?? ''))
  return [...folders]
}

/** True for texts that `glob` takes as a pattern. */
export const isPattern = (spec: string): boolean => /[*?[{]/.test(spec)

/** The folder that a spec is about: itself, that of the file, or the part of a pattern before what varies. */
export function fixedPart(spec: string): string {
  if (!isPattern(spec)) return resolve(spec)
  const parts = spec.split('/')
  const fixed = parts.slice(0, parts.findIndex(isPattern)).join('/')
  return resolve(fixed === '' && spec.startsWith('/') ? '/' : fixed)
}

async function folderOf(spec: string): Promise<string | undefined> {
  const path = fixedPart(spec)
  const info = await stat(path).catch(() => undefined)
  if (info === undefined) return undefined
  return info.isDirectory() ? path : dirname(path)
}
