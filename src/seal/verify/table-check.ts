/** The folder of a table against its leaves: every file that should be there, and no commit that no leaf explains. */
import { join } from 'node:path'
import { parseDeltaCommit } from './delta-commit.ts'
import { noteDigest } from './file-verdict.ts'
import type { Hasher } from './hasher.ts'
import { bytesOf, statOf, UNFINISHED } from './log-files.ts'
import type { OnBytes } from './raw-check.ts'
import type { ExpectedFiles, SealedCommit, SealedFile, TableReplay } from './replay.ts'
import type { Findings } from './report.ts'

/** Leaves whose files are looked at: from the first up to, and without, the last. */
export interface LeafRange {
  readonly from: number
  readonly to: number
}

/** What a check of a table needs to know. */
export interface TableContext {
  readonly home: string
  readonly findings: Findings
  readonly range: LeafRange
  /** When the newest leaf was made, milliseconds. */
  readonly newestMs: number
  /** Number of leaves: what no leaf explains comes after the last. */
  readonly size: number
  /** Files there were in the folder, listed before the head of the log was read. */
  readonly listed: readonly string[]
  /** Tells of a path in the home that nothing need be there. */
  readonly mayLack: (path: string) => boolean
}

/** Folder of a table in a home. */
export const tableFolder = (name: string): string => `lake/${name}`

const LOG_FOLDER = '_delta_log/'
/** A data file where readers look for them; what writers put down on the way stands elsewhere or begins with a dot. */
const DATA_FILE = /^[^/]+=[^/]*\/[^./][^/]*\.parquet$/
/** So many names of leftovers are told for each table. */
const MAX_NAMES = 20

/** One table. */
export class TableCheck {
  readonly #table: TableReplay
  readonly #context: TableContext
  readonly #expected: ExpectedFiles

  constructor(table: TableReplay, context: TableContext) {
    this.#table = table
    this.#context = context
    this.#expected = table.expected()
  }

  /** Bytes to be read. */
  get bytes(): number {
    return this.#inRange(this.#expected.present).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Data files in use, in the period. */
  get dataFiles(): readonly SealedFile[] {
    return this.#inRange(this.#expected.present).filter(({ add }) => add !== undefined)
  }

  /** Reads every file of the table. */
  async checkFiles(hasher: Hasher, onBytes: OnBytes): Promise<void> {
    for (const file of this.#inRange(this.#expected.present)) {
      await this.#hash(hasher, file, !this.#context.mayLack(this.#where(file.path)), onBytes)
    }
    const there = new Set(this.#context.listed)
    for (const file of this.#inRange(this.#expected.optional)) {
      if (there.has(file.path)) await this.#hash(hasher, file, false, onBytes)
    }
  }

  /** Compares what the table's own log says with what the leaves say. */
  checkCommits(): void {
    for (const commit of this.#table.commits) {
      if (commit.known && !commit.isBase && this.#isInRange(commit.leaf)) this.#checkCommit(commit)
    }
  }

  /** True if a leaf names the file. */
  names(key: string): boolean {
    const { present, optional, undescribed } = this.#expected
    return present.has(key) || optional.has(key) || undescribed.has(key)
  }

  /** Looks for files that no leaf names; `isListed` is false where there is no folder of the table. */
  checkLeftovers(isListed: boolean): void {
    const { findings, listed } = this.#context
    if (!isListed && this.#expected.present.size > 0) {
      const where = tableFolder(this.#table.name)
      findings.add('missing', where, 'Leaves tell of this table, and its folder is not there.', this.#table.leaf)
    }
    const unknown = listed.filter((key) => !this.names(key))
    const data: string[] = []
    for (const key of unknown) {
      if (key.startsWith(LOG_FOLDER) && !key.startsWith(`${LOG_FOLDER}${UNFINISHED}`)) this.#checkLogLeftover(key)
      else if (this.#table.isLost(key)) this.#noteReturned(key)
      else data.push(key)
    }
    if (!this.#table.isKnown) return
    this.#tellLeftovers(data)
    this.#tellLost(new Set(listed))
  }

  /** A crash leaves some, and the next cleaning takes them; so none is a finding, and each is named. */
  #tellLeftovers(keys: readonly string[]): void {
    if (keys.length === 0) return
    const { findings, home, newestMs } = this.#context
    const folder = tableFolder(this.#table.name)
    findings.notice(
      `${keys.length} files in ${folder}/ are part of no version of the table: ${namesOf(keys)}. Writes that never were committed leave such.`,
    )
    const old = keys.filter((key) => {
      const info = DATA_FILE.test(key) ? statOf(join(home, folder, key)) : undefined
      return info !== undefined && info.mtimeMs < newestMs
    })
    if (old.length === 0) return
    findings.notice(
      `${old.length} of the files in ${folder}/ that are part of no version are data files older than the newest leaf: ${namesOf(old)}. Who reads the folder without its log would take them for part of the table.`,
    )
  }

  /** What was merged into other files may be deleted, after a leaf has said so. */
  #tellLost(there: ReadonlySet<string>): void {
    const lost = this.#expected.superseded.filter((key) => !there.has(key))
    if (lost.length === 0) return
    this.#context.findings.state(
      `${lost.length} files of table ${this.#table.name} that others took the place of are gone, and no leaf says that they were deleted: ${namesOf(lost)}.`,
    )
  }

  #isInRange(leaf: number): boolean {
    return leaf >= this.#context.range.from && leaf < this.#context.range.to
  }

  #inRange(files: ReadonlyMap<string, SealedFile>): SealedFile[] {
    return [...files.values()].filter(({ leaf }) => this.#isInRange(leaf))
  }

  #where(key: string): string {
    return `${tableFolder(this.#table.name)}/${key}`
  }

  async #hash(hasher: Hasher, file: SealedFile, counts: boolean, onBytes: OnBytes): Promise<void> {
    const { findings, home } = this.#context
    const where = this.#where(file.path)
    await hasher.add({ path: join(home, where), bytes: file.bytes }, (result) => {
      if (counts) onBytes(file.bytes)
      if (result.kind === 'absent' && !counts) return
      const what = file.add ? 'The data file' : 'The file of the table log'
      if (!noteDigest(findings, result, { where, what, ...file })) return
      findings.checked.files += 1
      findings.checked.bytes += file.bytes
      if (counts && file.add && this.#table.name === 'events') findings.checked.events += file.add.rows
    })
  }

  /** Readers of the table go by its own log: it must add and remove the very files that the leaf tells. */
  #checkCommit({ version, leaf, adds, removes, lost, log }: SealedCommit): void {
    const { home, findings } = this.#context
    const key = `${LOG_FOLDER}${String(version).padStart(20, '0')}.json`
    const record = log.find(({ path }) => path === key)
    if (record === undefined) {
      findings.add(
        'unverifiable',
        this.#where(key),
        `Leaf ${leaf} does not name the commit of version ${version}.`,
        leaf,
      )
      return
    }
    const bytes = bytesOf(join(home, this.#where(key)), record.bytes)
    // That it is missing or changed is said where files are digested.
    if (bytes === undefined || bytes.length !== record.bytes) return
    const told = parseDeltaCommit(bytes)
    const same =
      told !== undefined &&
      isSame(
        told.adds.filter((add) => !lost.includes(add.slice(0, add.lastIndexOf(' ')))),
        adds.map(({ path, bytes: size }) => `${path} ${size}`),
      ) &&
      isSame(told.removes, removes)
    if (same) return
    const what = `Version ${version} does not add and remove the files that leaf ${leaf} tells.`
    findings.add('changed', this.#where(key), what, leaf)
  }

  #noteReturned(key: string): void {
    const what = 'It was gone when its version was sealed, so no leaf describes it; now readers of the table go by it.'
    this.#context.findings.add('unverifiable', this.#where(key), what, this.#context.size)
  }

  #checkLogLeftover(key: string): void {
    const { findings, size } = this.#context
    const [, digits, rest] = /^_delta_log\/(\d{20})\.(.*)$/.exec(key) ?? []
    const version = digits === undefined ? -1 : Number(digits)
    if (version > this.#table.version) {
      const what =
        rest === 'json'
          ? `Version ${version} of table ${this.#table.name} was committed, and no leaf explains it: the log of the seal stopped before it.`
          : `It is of version ${version}, which no leaf explains.`
      findings.add('gap', this.#where(key), what, size)
      return
    }
    if (!this.#table.isKnown) return
    const what = 'No leaf names this file, and readers of the table would go by it.'
    findings.add('unverifiable', this.#where(key), what, size)
  }
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n')

const namesOf = (keys: readonly string[]): string =>
  keys.length <= MAX_NAMES
    ? keys.join(', ')
    : `${keys.slice(0, MAX_NAMES).join(', ')} and ${keys.length - MAX_NAMES} more`
