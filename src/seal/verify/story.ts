/** The entries, one after the other: do times and versions go forward, and do the numbers of each leaf add up? */
import { isAppError } from '../../core/errors.ts'
import type { CleanEntry, CommitEntry, Entry, ManifestLists, ObjectRecord, RestoreEntry } from '../entry.ts'
import { BASE, parseEntry } from '../entry.ts'
import type { KeyChain } from './key-chain.ts'
import { TableReplay } from './replay.ts'
import type { Findings } from './report.ts'
import { entryFault } from './shapes.ts'

/** What is asked for each leaf. */
export interface StoryReaders {
  /** The lists of the entry's manifest; undefined where they cannot be had. */
  readonly listsOf: (entry: Entry, leaf: number) => ManifestLists | undefined
  /** Called with what a commit took records from. */
  readonly onObjects: (objects: readonly ObjectRecord[], leaf: number) => void
  /** Called with the files of the raw archive that a leaf says were deleted. */
  readonly onRawDeleted: (paths: readonly string[], leaf: number) => void
  /** Called with the file of a batch. */
  readonly onBatchFile: (file: NonNullable<CommitEntry['batchFile']>, leaf: number) => void
  /** Called with the leaves of commits that a restore has undone. */
  readonly onUndone: (leaves: readonly number[]) => void
}

/** Follows the leaves in their order. */
export class Story {
  readonly #findings: Findings
  readonly #keys: KeyChain
  readonly #readers: StoryReaders
  readonly #tables = new Map<string, TableReplay>()
  /** When each leaf says it was made, milliseconds. */
  readonly times: number[] = []
  origin: string | undefined
  #sealed: Readonly<Record<string, number>> = {}
  #late = 0
  #isBased: boolean

  /** @param start index of the first leaf that will be taken: what stood before it is gathered from what it says */
  constructor(findings: Findings, keys: KeyChain, readers: StoryReaders, start = 0) {
    this.#findings = findings
    this.#keys = keys
    this.#readers = readers
    this.#isBased = start === 0
  }

  /** The tables the log tells of. */
  get tables(): readonly TableReplay[] {
    return [...this.#tables.values()]
  }

  /** Takes the next leaf. `where` names the file it stands in. */
  take(bytes: Uint8Array, leaf: number, where: string): void {
    const entry = this.#parsed(bytes, leaf, where)
    if (entry === undefined) {
      this.times[leaf] = this.times.at(-1) ?? 0
      return
    }
    this.#checkTime(entry, leaf, where)
    if (!this.#isBased && 'sealed' in entry) this.#base(entry)
    if ((leaf === 0) !== (entry.kind === 'open')) {
      this.#findings.add('unverifiable', where, 'The first leaf, and no other, opens a log.', leaf)
    }
    if (entry.kind === 'open') this.#open(entry, leaf, where)
    else if (entry.kind === 'key') this.#keys.change(entry.vkey, entry.previous, leaf, where)
    else if (entry.kind === 'config')
      this.#findings.state(`Leaf ${leaf}, ${entry.time}: settings changed.`, 'changes of settings')
    else if (entry.kind === 'commit') this.#commit(entry, leaf, where)
    else if (entry.kind === 'clean') this.#clean(entry, leaf, where)
    else this.#restore(entry, leaf, where)
  }

  /** Says what there is to say about the whole. */
  end(): void {
    if (this.#late > 0) {
      this.#findings.state(
        `${this.#late} versions were sealed later than they were committed, after a crash or a start: who could write the lake in between could commit them.`,
      )
    }
  }

  #tellLate({ table, version, operation, time }: CommitEntry, leaf: number): void {
    this.#late += 1
    const what = `Leaf ${leaf}, ${time}: version ${version} of table ${table} (${operation}) was sealed later than it was committed.`
    this.#findings.state(what, 'versions sealed later')
  }

  /** Rows come by ingestion and go by nothing; files go by being merged. A lake may hold other commits, and then somebody made them. */
  #checkCause({ table, version, operation, batch, counts, lists }: CommitEntry, leaf: number, where: string): void {
    const [added, removed] = [lists?.adds?.count ?? 0, lists?.removes?.count ?? 0]
    if (operation === 'OPTIMIZE' || operation === BASE || added + removed === 0) return
    const which = `Leaf ${leaf}: version ${version} of table ${table} (${operation})`
    const isExplained = operation === 'WRITE' && (table !== 'events' || (batch !== undefined && counts !== undefined))
    if (removed > 0) this.#findings.add('gap', where, `${which} removes files, and merges none.`, leaf)
    else if (!isExplained) this.#findings.add('gap', where, `${which} adds rows that no ingestion explains.`, leaf)
  }

  #parsed(bytes: Uint8Array, leaf: number, where: string): Entry | undefined {
    try {
      const entry = parseEntry(bytes)
      const fault = entryFault(entry)
      if (fault === undefined) return entry
      this.#findings.add('unverifiable', where, `Leaf ${leaf} has no ${fault} that can be read.`, leaf)
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      this.#findings.add('unverifiable', where, `Leaf ${leaf} cannot be read: ${cause.message}`, leaf)
    }
    return undefined
  }

  #checkTime({ time, clockBackMs }: Entry, leaf: number, where: string): void {
    const ms = Date.parse(time)
    const before = this.times.at(-1)
    this.times[leaf] = ms
    if (clockBackMs !== undefined || (before !== undefined && ms < before)) {
      const back = before === undefined ? '' : `, ${((before - ms) / 1000).toFixed(3)} s before the leaf in front of it`
      this.#findings.add('reordered', where, `The clock was set back: leaf ${leaf} is of ${time}${back}.`, leaf)
    }
  }

  #open(entry: Extract<Entry, { kind: 'open' }>, leaf: number, where: string): void {
    if (leaf > 0) return
    this.origin = entry.origin
    this.#keys.open(entry.vkey, leaf, where)
  }

  /** Takes from the first leaf that tells where the tables stood before it. */
  #base(entry: CommitEntry | CleanEntry | RestoreEntry): void {
    this.#isBased = true
    this.#sealed = { ...entry.sealed }
    if (entry.kind === 'commit') {
      const before = entry.operation === BASE ? -1 : entry.version - 1
      this.#sealed = { ...this.#sealed, [entry.table]: before }
    }
    if (entry.kind === 'restore') this.#sealed = { ...this.#sealed, [entry.table]: entry.version + entry.undone }
  }

  #tableOf(name: string): TableReplay {
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    const table = new TableReplay(name, this.#sealed[name] ?? -1)
    this.#tables.set(name, table)
    return table
  }

  #commit(entry: CommitEntry, leaf: number, where: string): void {
    const { table: name, version } = entry
    const table = this.#tableOf(name)
    const lists = this.#readers.listsOf(entry, leaf)
    const next = table.version + 1
    if (entry.operation === BASE) this.#begin(entry, table, leaf, where)
    else if (version > next) {
      const which = version - next === 1 ? `version ${next} has` : `versions ${next} to ${version - 1} have`
      this.#findings.add('gap', where, `${which} of table ${name} no leaf before version ${version}.`, leaf)
    }
    if (version < next) {
      this.#findings.add(
        'reordered',
        where,
        `Version ${version} of table ${name} comes after version ${next - 1}.`,
        leaf,
      )
    }
    this.#checkSealed({ ...this.#sealed, [name]: version }, entry, leaf, where)
    this.#checkCause(entry, leaf, where)
    if (lists !== undefined) this.#checkSums(entry, lists, table, leaf, where)
    if (entry.lost !== undefined) this.#tellLost(entry, table, leaf, where)
    table.commit(leaf, version, lists, entry)
    this.#findings.checked.versions += 1
    if (entry.late) this.#tellLate(entry, leaf)
    if (entry.batchFile) this.#readers.onBatchFile(entry.batchFile, leaf)
    if (lists?.objects) this.#readers.onObjects(lists.objects, leaf)
  }

  #clean(entry: CleanEntry, leaf: number, where: string): void {
    const lists = this.#readers.listsOf(entry, leaf)
    this.#checkSealed(this.#sealed, entry, leaf, where)
    if (entry.reason === 'raw-retention') {
      this.#readers.onRawDeleted(lists?.deleted?.map(({ path }) => path) ?? [], leaf)
    } else this.#tableOf(entry.table).clean(leaf, lists)
  }

  #restore(entry: RestoreEntry, leaf: number, where: string): void {
    const { table: name, version, undone, reason, time } = entry
    const table = this.#tableOf(name)
    if (version >= table.version || undone !== table.version - version) {
      this.#findings.add(
        'unverifiable',
        where,
        `Leaf ${leaf} undoes versions of table ${name} that were not there.`,
        leaf,
      )
    }
    this.#readers.onUndone(table.restore(version))
    this.#checkSealed({ ...this.#sealed, [name]: version }, entry, leaf, where)
    this.#findings.state(
      `Leaf ${leaf}, ${time}: an operator put table ${name} back to version ${version}, which undid ${undone} versions. Reason given: ${reason}`,
    )
  }

  /** Each entry says up to where the log goes, so that entries taken out or put in show even to one who signs anew. */
  #checkSealed(
    expected: Readonly<Record<string, number>>,
    { sealed }: { readonly sealed: Readonly<Record<string, number>> },
    leaf: number,
    where: string,
  ): void {
    this.#sealed = sealed
    const names = new Set([...Object.keys(expected), ...Object.keys(sealed)])
    const wrong = [...names].find((name) => (expected[name] ?? -1) !== (sealed[name] ?? -1))
    if (wrong === undefined) return
    const what = `Leaf ${leaf} says that table ${wrong} is sealed up to ${sealed[wrong] ?? -1}; the leaves say ${expected[wrong] ?? -1}.`
    this.#findings.add((sealed[wrong] ?? -1) > (expected[wrong] ?? -1) ? 'gap' : 'reordered', where, what, leaf)
  }

  #checkSums(entry: CommitEntry, lists: ManifestLists, table: TableReplay, leaf: number, where: string): void {
    const { counts, operation, lost } = entry
    const { adds = [], removes = [], objects = [] } = lists
    const rows = adds.reduce((sum, add) => sum + add.rows, 0)
    if (counts !== undefined) {
      for (const object of objects) this.#checkSum(object, `object ${object.key}`, leaf, where)
      this.#checkSum(counts, 'the batch', leaf, where)
      for (const name of ['records', 'events', 'duplicates', 'rejects'] as const) {
        const sum = objects.reduce((all, object) => all + object[name], 0)
        if (objects.length > 0) this.#mustEqual(sum, counts[name], `${name} of its objects`, leaf, where)
      }
      if (table.name === 'events' && !lost) this.#mustEqual(rows, counts.events, 'rows of its files', leaf, where)
    }
    const again = adds.find(({ path }) => table.holds(path) && !removes.some((remove) => remove.path === path))
    if (again !== undefined) {
      const what = `Leaf ${leaf} adds the file ${again.path} of table ${table.name}, which was there.`
      this.#findings.add('changed', where, what, leaf)
    }
    const stranger = table.isComplete ? removes.find(({ path }) => !table.holds(path)) : undefined
    if (stranger !== undefined) {
      const what = `Leaf ${leaf} removes the file ${stranger.path} of table ${table.name}, which was not in use.`
      this.#findings.add('gap', where, what, leaf)
    }
    const before = operation === 'OPTIMIZE' && !lost ? table.rowsOf(removes.map(({ path }) => path)) : undefined
    if (before !== undefined) this.#mustEqual(rows, before, 'rows after merging files', leaf, where)
  }

  /** A seal may begin with a table that has lost its first commits, never go on so. */
  #begin({ table: name, version, time }: CommitEntry, table: TableReplay, leaf: number, where: string): void {
    if (table.version < 0) {
      const what = `Leaf ${leaf}, ${time}: the seal of table ${name} begins with version ${version} as it stood: nothing tells of what was before.`
      this.#findings.state(what, 'tables that were there before the seal')
      return
    }
    const what = `Leaf ${leaf} begins table ${name} anew at version ${version}, after version ${table.version}.`
    this.#findings.add('gap', where, what, leaf)
  }

  #tellLost({ table: name, version, lost = [] }: CommitEntry, table: TableReplay, leaf: number, where: string): void {
    const which = `of version ${version} of table ${name}`
    for (const path of lost) {
      if (table.describes(path)) {
        const what = `The file ${path} was gone when version ${version} of table ${name}, which merges it, was sealed: nothing shows that its rows are still the same.`
        this.#findings.add('missing', where, what, leaf)
      } else if (path.startsWith('manifests/')) {
        this.#findings.add('missing', path, `The record of the batch ${which} was lost before it was sealed.`, leaf)
      } else
        this.#findings.state(`Leaf ${leaf}: the file ${path} ${which} was lost before it was sealed.`, 'lost files')
    }
  }

  #checkSum(counts: NonNullable<CommitEntry['counts']>, of: string, leaf: number, where: string): void {
    const { records, events, duplicates, rejects } = counts
    const accounted = events + duplicates + rejects
    if (accounted === records) return
    const what = `Leaf ${leaf}, ${of}: ${records} records, but ${events} events, ${duplicates} duplicates and ${rejects} rejects.`
    this.#findings.add(accounted < records ? 'missing' : 'changed', where, what, leaf)
  }

  #mustEqual(found: number, expected: number, of: string, leaf: number, where: string): void {
    if (found === expected) return
    const what = `Leaf ${leaf}: ${found} ${of}, where ${expected} are told.`
    this.#findings.add(found < expected ? 'missing' : 'changed', where, what, leaf)
  }
}
