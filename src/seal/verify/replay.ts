/** What the leaves say of a table's folder: which files must be there, which may be, and what each holds. */
import { type AddRecord, BASE, type CommitEntry, type LogRecord, type ManifestLists } from '../entry.ts'

/** A file of a table, as its leaf describes it. */
export interface SealedFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly leaf: number
  /** For data files. */
  readonly add?: AddRecord
}

/** One version of a table. */
export interface SealedCommit {
  readonly leaf: number
  readonly version: number
  readonly adds: readonly AddRecord[]
  readonly removes: readonly string[]
  /** Data files that were gone before they could be described. */
  readonly lost: readonly string[]
  readonly log: readonly LogRecord[]
  /** True where it tells of the table as it stood, and not of one version. */
  readonly isBase: boolean
  /** False where the manifest could not be read or is outside the period: what it did is not known. */
  readonly known: boolean
}

/** What the entry of a version says beside its lists. */
export type Told = Partial<Pick<CommitEntry, 'operation' | 'lost'>>

/** What a table's folder should hold. */
export interface ExpectedFiles {
  /** Must be there. */
  readonly present: ReadonlyMap<string, SealedFile>
  /** May be there, and then as described. */
  readonly optional: ReadonlyMap<string, SealedFile>
  /** May be there, and nothing is known of what it holds. */
  readonly undescribed: ReadonlySet<string>
  /** Data files that others took the place of and that no leaf says were deleted. */
  readonly superseded: readonly string[]
}

/** The versions of one table as the log tells them. */
export class TableReplay {
  readonly name: string
  readonly #isFromStart: boolean
  #base: number
  #commits: SealedCommit[] = []
  readonly #undone: SealedCommit[] = []
  #live = new Map<string, SealedFile>()
  /** Files in use that no leaf describes, since they were gone. */
  #lost = new Set<string>()
  #unknown = 0
  /** Files named by `clean` leaves, and the newest such leaf. */
  readonly #cleaned = new Map<string, number>()

  /** @param base newest version before the leaves begin that are taken; -1 where they begin with the table */
  constructor(name: string, base = -1) {
    this.name = name
    this.#base = base
    this.#isFromStart = base < 0
  }

  /** The versions that count, in order. */
  get commits(): readonly SealedCommit[] {
    return this.#commits
  }

  /** The newest version; -1 for none. */
  get version(): number {
    return this.#commits.at(-1)?.version ?? this.#base
  }

  /** The newest leaf about a version that counts; undefined for none. */
  get leaf(): number | undefined {
    return this.#commits.at(-1)?.leaf
  }

  /** True if what every version did is known. */
  get isKnown(): boolean {
    return this.#unknown === 0
  }

  commit(leaf: number, version: number, lists: ManifestLists | undefined, told: Told = {}): void {
    const { adds = [], removes = [], log = [] } = lists ?? {}
    const known = lists !== undefined
    const commit = {
      leaf,
      version,
      adds,
      removes: removes.map(({ path }) => path),
      lost: told.lost ?? [],
      log,
      isBase: told.operation === BASE,
      known,
    }
    this.#commits.push(commit)
    if (!known) this.#unknown += 1
    apply(this.#live, this.#lost, commit)
  }

  clean(leaf: number, lists: ManifestLists | undefined): void {
    for (const { path } of lists?.deleted ?? []) this.#cleaned.set(path, leaf)
  }

  /** Goes back to a version; returns the leaves of the commits that this undoes. */
  restore(version: number): number[] {
    const undone = this.#commits.filter((commit) => commit.version > version)
    this.#undone.push(...undone)
    this.#commits = this.#commits.filter((commit) => commit.version <= version)
    this.#unknown = this.#commits.filter(({ known }) => !known).length
    this.#base = Math.min(this.#base, version)
    this.#live = new Map()
    this.#lost = new Set()
    for (const commit of this.#commits) apply(this.#live, this.#lost, commit)
    return undone.map(({ leaf }) => leaf)
  }

  /** True if every file in use is known: the leaves begin with the table, and all could be read. */
  get isComplete(): boolean {
    return this.#isFromStart && this.isKnown
  }

  /** True for a data file in use. */
  holds(path: string): boolean {
    return this.#live.has(path) || this.#lost.has(path)
  }

  /** True for a data file in use that is described. */
  describes(path: string): boolean {
    return this.#live.has(path)
  }

  /** True for a data file in use that was gone before it could be described. */
  isLost(path: string): boolean {
    return this.#lost.has(path)
  }

  /** Rows in these files, if all of them are in use. */
  rowsOf(paths: readonly string[]): number | undefined {
    let rows = 0
    for (const path of new Set(paths)) {
      const record = this.#live.get(path)?.add
      if (record === undefined) return undefined
      rows += record.rows
    }
    return rows
  }

  /** The files as they should be now. */
  expected(): ExpectedFiles {
    const present = new Map(this.#live)
    const optional = new Map<string, SealedFile>()
    const undescribed = new Set(this.#cleaned.keys())
    // Their commits are not excused: a reader of the table would go by what is left of them.
    for (const { leaf, adds } of this.#undone) {
      for (const add of adds) if (!present.has(add.path)) optional.set(add.path, { ...add, leaf, add })
    }
    for (const { leaf, adds, removes, log } of this.#commits) {
      for (const add of adds) if (!present.has(add.path)) optional.set(add.path, { ...add, leaf, add })
      for (const path of removes) if (!present.has(path)) undescribed.add(path)
      // A later version's record of the same file stands for the earlier one's: the pointer is written anew each time.
      for (const record of log) present.set(record.path, { ...record, leaf })
    }
    for (const [path, cleanedAt] of this.#cleaned) {
      const file = present.get(path)
      // The log's own files go by retention. A data file in use that a leaf says was deleted is missed like any other.
      if (file === undefined || file.add !== undefined || file.leaf > cleanedAt) continue
      present.delete(path)
      optional.set(path, file)
    }
    const removed = new Set(this.#commits.flatMap(({ removes }) => removes))
    const superseded = [...removed].filter((path) => !this.#live.has(path) && !this.#cleaned.has(path))
    return { present, optional, undescribed, superseded }
  }
}

function apply(live: Map<string, SealedFile>, lost: Set<string>, commit: SealedCommit): void {
  const { leaf, adds, removes } = commit
  for (const path of removes) {
    live.delete(path)
    lost.delete(path)
  }
  for (const path of commit.lost) if (!removes.includes(path)) lost.add(path)
  for (const add of adds) {
    live.set(add.path, { ...add, leaf, add })
    lost.delete(add.path)
  }
}
