/**
 * Sealing follows the tables: versions that no leaf explains become leaves, in order, appended at once. Runs inside the
 * writer's place. A crash between a commit and its leaf heals with the next call.
 */
import { randomUUID } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import { commitKey } from '../lake/log.ts'
import type { DeltaTable } from '../lake/table.ts'
import type { CleanReason, Doomed } from '../lake/vacuum.ts'
import { type CommitContext, type Described, describeBase, describeCommit, hasAllCommits } from './commits.ts'
import type { SealedLookup } from './commits-files.ts'
import { sealedFiles } from './commits-index.ts'
import type { AddRecord, CommitEntry, Entry, ManifestLists, SealedVersions } from './entry.ts'
import { ENTRY_VERSION, entryBytes, entryTime } from './entry.ts'
import type { SealKeys } from './keys.ts'
import { commitLeaves, lastSealed } from './leaves.ts'
import { SealLog } from './log.ts'
import { Manifests } from './manifests.ts'
import { hexOf, sha256 } from './merkle.ts'

/** Leaves appended at once while catching up: bounds memory, and what a crash would do again. */
const APPEND_AT_ONCE = 256

/** Where the seal stands and who signs. */
export interface SealerOptions {
  /** The home's `seal/` folder. */
  readonly folder: string
  readonly keys: SealKeys
  readonly now: () => Date
  /** Name and version of the program. */
  readonly generator: string
}

/** Entries without what the sealer itself fills in. */
type Told<E extends Entry = Entry> = E extends Entry
  ? Omit<E, 'v' | 'time' | 'clockBackMs' | 'generator' | 'manifest' | 'lists' | 'sealed'>
  : never

/** One leaf to be. */
interface Draft {
  readonly told: Told
  readonly lists?: ManifestLists
  readonly sealed?: SealedVersions
}

/** Seals what happens to a home's tables. One at a time a home; not for concurrent use. */
export class Sealer {
  readonly #options: SealerOptions
  readonly #log: SealLog
  readonly #manifests: Manifests
  readonly #sealedAs: SealedLookup
  #last: Entry | undefined
  #sealed: SealedVersions

  private constructor(options: SealerOptions, log: SealLog, last: Entry | undefined, sealed: SealedVersions) {
    this.#options = options
    this.#log = log
    this.#manifests = new Manifests(options.folder)
    this.#sealedAs = sealedFiles(log, this.#manifests)
    this.#last = last
    this.#sealed = sealed
  }

  /**
   * Opens the seal of a home, or begins it.
   * @throws AppError BAD_SEAL, SEAL_FORKED, BAD_KEY
   */
  static async open(options: SealerOptions): Promise<Sealer> {
    const log = await SealLog.open(options.folder, options.keys, { now: options.now })
    const { last, sealed } = await lastSealed(log)
    const sealer = new Sealer(options, log, last, sealed)
    if (last === undefined) await sealer.#begin()
    return sealer
  }

  /** The log, for proofs and anchors. */
  get log(): SealLog {
    return this.#log
  }

  /** The public key that signs now. */
  get vkey(): string {
    return this.#options.keys.vkey
  }

  /** Up to which version each table is sealed. */
  get sealed(): SealedVersions {
    return this.#sealed
  }

  /**
   * Seals every version of the tables that no leaf explains yet; returns how many leaves that made.
   *
   * @param late true if they were not sealed with their commits
   * @throws AppError SEAL_FORKED if a table is other than its seal says, or a merge changed rows; BAD_LAKE if a commit that must be
   *   told is missing, or a file is damaged
   */
  async follow(tables: readonly DeltaTable[], context: CommitContext, late = false): Promise<number> {
    let count = 0
    let drafts: Draft[] = []
    const sealed = { ...this.#sealed }
    for (const table of tables) {
      for await (const { version, about, lists } of this.#unsealed(table, context)) {
        const { name } = table.spec
        sealed[name] = version
        const told: Told<CommitEntry> = { kind: 'commit', table: name, version, ...about, ...(late ? { late } : {}) }
        drafts.push({ told, lists, sealed: { ...sealed } })
        count += 1
        if (drafts.length < APPEND_AT_ONCE) continue
        await this.#append(drafts)
        drafts = []
      }
    }
    if (drafts.length > 0) await this.#append(drafts)
    return count
  }

  /** The versions that no leaf explains, in order; where a table has lost commits before its seal began, what it stands at. */
  async *#unsealed(
    table: DeltaTable,
    context: CommitContext,
  ): AsyncGenerator<Described & { readonly version: number }> {
    const { version } = await table.snapshot()
    const first = (this.#sealed[table.spec.name] ?? -1) + 1
    if (first === 0 && !(await hasAllCommits(table, version))) {
      yield { version, ...(await describeBase(table, context)) }
      return
    }
    const described = new Map<string, AddRecord>()
    const sealedAs: SealedLookup = async (name, key) => described.get(key) ?? this.#sealedAs(name, key)
    for (let next = first; next <= version; next++) {
      const commit = await describeCommit(table, next, { ...context, sealedAs })
      for (const add of commit.lists.adds ?? []) described.set(add.path, add)
      yield { version: next, ...commit }
    }
  }

  /**
   * Checks that the tables still hold what was sealed last of them.
   * @throws AppError SEAL_FORKED naming what is gone or changed
   */
  async check(tables: readonly DeltaTable[]): Promise<void> {
    for (const table of tables) {
      const { name } = table.spec
      const upTo = this.#sealed[name] ?? -1
      const { version } = await table.snapshot()
      if (version < upTo) throw older(table, version, upTo)
      if (!(await this.#isAsSealed(table, upTo))) throw otherwise(table, upTo)
    }
  }

  async #isAsSealed({ spec, store }: DeltaTable, version: number): Promise<boolean> {
    const bytes = version < 0 ? undefined : await store.read(commitKey(version))
    // Past its retention a commit may be gone; a checkpoint stands for it.
    if (bytes === undefined) return true
    return (await this.#commitDigests(spec.name, version)).includes(hexOf(sha256(bytes)))
  }

  /** The newest leaf of a commit that a batch made. */
  async lastBatch(): Promise<CommitEntry | undefined> {
    for await (const { entry } of commitLeaves(this.#log, '"batch":')) if (entry.batch !== undefined) return entry
    return undefined
  }

  /** Puts a deletion on record; to be called before it. Files that were never committed need no leaf. */
  async clean(table: DeltaTable, files: readonly Doomed[], reason: CleanReason): Promise<void> {
    const deleted = files
      .filter(({ key }) => !isLeftover(key))
      .map(({ key, sizeBytes }) => ({ path: key, bytes: sizeBytes }))
    if (deleted.length === 0) return
    await this.#append([
      { told: { kind: 'clean', table: table.spec.name, reason }, lists: { deleted }, sealed: this.#sealed },
    ])
  }

  /**
   * Goes on from the newest versions that still are what was sealed; returns what of each table was undone. What the tables
   * hold beyond is new, and sealed by the next {@link follow}.
   */
  async restore(tables: readonly DeltaTable[], reason: string): Promise<{ table: string; undone: number }[]> {
    const restored: { table: string; undone: number }[] = []
    for (const table of tables) {
      const { name } = table.spec
      const from = this.#sealed[name] ?? -1
      let version = Math.min(from, (await table.snapshot()).version)
      while (version >= 0 && !(await this.#isAsSealed(table, version))) version -= 1
      const undone = from - version
      if (undone === 0) continue
      const sealed = { ...this.#sealed, [name]: version }
      await this.#append([{ told: { kind: 'restore', table: name, version, undone, reason }, sealed }])
      restored.push({ table: name, undone })
    }
    return restored
  }

  /** Puts settings that bear on evidence on record. */
  async configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#append([{ told: { kind: 'config', settings } }])
  }

  /**
   * Another key takes over; both sign the checkpoint.
   *
   * @param reference where the new key is; the home makes one where absent
   */
  async rotate(reference?: string): Promise<void> {
    const { previous, vkey } = await this.#options.keys.prepareRotation(reference)
    await this.#append([{ told: { kind: 'key', vkey, previous } }])
  }

  async #begin(): Promise<void> {
    const { origin, vkey } = this.#options.keys
    await this.#append([{ told: { kind: 'open', origin, vkey, home: randomUUID() } }])
  }

  async #append(drafts: readonly Draft[]): Promise<void> {
    let last = this.#last
    let sealed = this.#sealed
    const entries: Uint8Array[] = []
    for (const draft of drafts) {
      const summary = draft.lists === undefined ? {} : await this.#manifests.write(draft.lists)
      const entry = {
        v: ENTRY_VERSION,
        ...entryTime(this.#options.now().getTime(), last),
        generator: this.#options.generator,
        ...draft.told,
        ...(draft.sealed === undefined ? {} : { sealed: draft.sealed }),
        ...summary,
      } as Entry
      entries.push(entryBytes(entry))
      last = entry
      sealed = draft.sealed ?? sealed
    }
    await this.#log.append(entries)
    this.#last = last
    this.#sealed = sealed
  }

  /** Digests of the commit file of a version, by the newest leaf about it. */
  async #commitDigests(table: string, version: number): Promise<string[]> {
    for await (const { entry } of commitLeaves(this.#log, `"table":${JSON.stringify(table)}`)) {
      if (entry.table !== table || entry.version !== version) continue
      const { log = [] } = entry.manifest ? await this.#manifests.read(entry.manifest.sha256) : {}
      return log.filter(({ path }) => path === commitKey(version)).map(({ sha256: digest }) => digest)
    }
    return []
  }
}

/** Data files stand in partition folders and the log in its own; all else is what a crash left of an unfinished write. */
const isLeftover = (key: string): boolean => !/^(_delta_log\/\d|[^/]+=[^/]*\/[^./][^/]*\.parquet$)/.test(key)

const RESTORE_HINT =
  'If a backup was put back on purpose, say so: `bricktrail seal restore --reason TEXT`. If not, keep a copy and find out: `bricktrail verify`.'

const older = (table: DeltaTable, version: number, sealed: number): AppError =>
  new AppError(
    'SEAL_FORKED',
    `The table ${table.spec.name} ends at version ${version}, but version ${sealed} was sealed: ${sealed - version} commits are gone.`,
    { where: table.root, hint: RESTORE_HINT },
  )

const otherwise = (table: DeltaTable, version: number): AppError =>
  new AppError('SEAL_FORKED', `Version ${version} of the table ${table.spec.name} is not the one that was sealed.`, {
    where: table.store.locate(commitKey(version)),
    hint: RESTORE_HINT,
  })
