/** Everything that leaves name: the files of tables, their rows, and what was received. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { attempt } from '../../core/result.ts'
import type { AddRecord } from '../entry.ts'
import { RAW_FOLDER } from '../raw/stored.ts'
import type { Hasher } from './hasher.ts'
import { folderAt, keysUnder, namesIn, statOf } from './log-files.ts'
import type { RawCheck } from './raw-check.ts'
import type { TableReplay } from './replay.ts'
import type { Findings } from './report.ts'
import { type LeafRange, TableCheck, tableFolder } from './table-check.ts'

/** Digests the rows of a data file anew; needs an engine, so it comes from outside. */
export type RowsOf = (path: string, table: string, record: AddRecord) => Promise<{ rows: number; rowsRoot: string }>

/** How content is looked at. */
export interface ContentOptions {
  readonly rowsOf?: RowsOf
  /** Called now and then: leaves of the log first, then bytes of files. */
  readonly onProgress?: (done: number, total: number, what: 'leaves' | 'bytes') => void
}

/** What is to be looked at. */
export interface Content {
  readonly tables: readonly TableReplay[]
  /** Files of each table, of {@link listTables}. */
  readonly listed: TableFiles
  readonly range: LeafRange
  /** Number of leaves. */
  readonly size: number
  /** When the newest was made, milliseconds. */
  readonly newestMs: number
  /**
   * `home`: every leaf is looked at, and what no leaf names is told. `part`: leaves of a period, in a home. `export`: a folder that
   * holds what the leaves of a period name and nothing else.
   */
  readonly scope: 'home' | 'part' | 'export'
  /** Tells of a path in the folder that nothing need be there. */
  readonly mayLack?: (path: string) => boolean
}

/** Keys of the files in each table's folder, by the table's name. */
export type TableFiles = ReadonlyMap<string, readonly string[]>

/** The files in each table's folder, links to folders included. */
export function listTables(home: string): TableFiles {
  const lake = join(home, 'lake')
  const names = namesIn(lake).filter((name) => folderAt(join(lake, name)) !== undefined)
  return new Map(names.map((name) => [name, keysUnder(join(lake, name))]))
}

/** So many bytes of tables, or so many files, take longer to digest than a thread to start. */
const MUCH_BYTES = 32 * 1024 * 1024
const MANY_FILES = 2000

/** True if there is so much to digest that a thread for it is worth its start. */
export function isMuch(home: string, listed: TableFiles): boolean {
  let [bytes, files] = [0, 0]
  for (const [table, keys] of listed) {
    for (const key of keys) {
      bytes += statOf(join(home, tableFolder(table), key))?.size ?? 0
      files += 1
      if (bytes > MUCH_BYTES || files > MANY_FILES) return true
    }
  }
  return false
}

interface NamedTable {
  readonly name: string
  readonly check: TableCheck
}

/** Holds the files of a folder against what its leaves tell. */
export class ContentCheck {
  readonly #home: string
  readonly #findings: Findings
  readonly #raw: RawCheck
  readonly #options: ContentOptions
  readonly #hasher: Hasher

  /** @param hasher stays the caller's to close */
  constructor(home: string, findings: Findings, raw: RawCheck, hasher: Hasher, options: ContentOptions) {
    this.#home = home
    this.#findings = findings
    this.#raw = raw
    this.#hasher = hasher
    this.#options = options
  }

  async check(content: Content): Promise<void> {
    const { listed, range, size, newestMs, scope, mayLack = () => false } = content
    const tables = content.tables.map((table) => {
      const files = listed.get(table.name) ?? []
      const context = { home: this.#home, findings: this.#findings, range, size, newestMs, listed: files, mayLack }
      return { name: table.name, check: new TableCheck(table, context) }
    })
    await this.#digest(tables)
    const isAllKnown = content.tables.every(({ isKnown }) => isKnown)
    if (scope === 'export' && isAllKnown) this.#checkStrangers(tables, listed)
    if (scope !== 'export') {
      for (const { name, check } of tables) check.checkLeftovers(listed.has(name))
      this.#checkOtherTables(content)
    }
    if (!isAllKnown) {
      this.#findings.notice(
        'Files that no leaf names, other than commits: what all leaves name was not read, or cannot be.',
      )
    }
    this.#raw.end(scope === 'home')
    await this.#checkRows(tables)
  }

  async #digest(tables: readonly NamedTable[]): Promise<void> {
    const total = tables.reduce((sum, { check }) => sum + check.bytes, this.#raw.bytes)
    let done = 0
    const onBytes = (bytes: number): void => {
      done += bytes
      this.#options.onProgress?.(done, total, 'bytes')
    }
    await this.#raw.checkPacks(this.#hasher, onBytes)
    for (const { check } of tables) await check.checkFiles(this.#hasher, onBytes)
    await this.#raw.check(this.#hasher, onBytes)
    for (const { check } of tables) check.checkCommits()
    await this.#hasher.settled()
    // They end while the rest is looked at; who made them waits for it.
    void this.#hasher.close()
  }

  #checkOtherTables({ tables, listed, size }: Content): void {
    for (const [name, keys] of listed) {
      if (tables.some((table) => table.name === name)) continue
      const commit = keys.find((key) => /^_delta_log\/\d{20}\.json$/.test(key))
      const where = `${tableFolder(name)}/${commit ?? ''}`
      if (commit !== undefined) this.#findings.add('gap', where, `No leaf tells of the table ${name}.`, size)
      else
        for (const key of keys) this.#findings.stranger('files in lake/ are of no table', `${tableFolder(name)}/${key}`)
    }
  }

  /** Exports hold what leaves name; whatever else lies there was put there afterwards, and would be taken for evidence. */
  #checkStrangers(tables: readonly NamedTable[], listed: TableFiles): void {
    const inLake = [...listed].flatMap(([name, keys]) => {
      const check = tables.find((table) => table.name === name)?.check
      return keys.filter((key) => !check?.names(key)).map((key) => `${tableFolder(name)}/${key}`)
    })
    const elsewhere = [RAW_FOLDER, 'manifests'].map((folder) =>
      keysUnder(join(this.#home, folder)).flatMap((key) => {
        const path = `${folder}/${key}`
        return this.#raw.names(path) ? [] : [path]
      }),
    )
    for (const paths of [inLake, ...elsewhere]) {
      if (paths[0] === undefined) continue
      const more = paths.length === 1 ? '' : `, and so with ${paths.length - 1} more files`
      this.#findings.add('unverifiable', paths[0], `No leaf of the period names this file${more}.`)
    }
  }

  async #checkRows(tables: readonly NamedTable[]): Promise<void> {
    const { rowsOf } = this.#options
    if (rowsOf === undefined) {
      this.#findings.notice(
        'The rows in data files were not digested one by one (--rows does); the files that hold them were.',
      )
      return
    }
    for (const { name, check } of tables) {
      for (const { path, leaf, add } of check.dataFiles) {
        const where = `${tableFolder(name)}/${path}`
        if (add === undefined || !existsSync(join(this.#home, where))) continue
        const found = await attempt(() => rowsOf(join(this.#home, where), name, add))
        this.#findings.checked.rowRoots += 1
        if (!found.ok) {
          this.#findings.add('unverifiable', where, `Its rows cannot be read: ${found.error.message}`, leaf)
        } else if (found.value.rows !== add.rows || found.value.rowsRoot !== add.rowsRoot) {
          this.#findings.add('changed', where, `Its rows do not give the root that leaf ${leaf} tells.`, leaf)
        }
      }
    }
  }
}
