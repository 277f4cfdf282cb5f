/** What a verification says: what is wrong, what was checked and how much, what could not be checked and why. */

/**
 * - `changed`: something is there and is not what was sealed
 * - `missing`: something sealed is not there, or the log ends before a head that was signed
 * - `gap`: something happened that no leaf explains: the log stopped
 * - `reordered`: versions or times go backwards
 * - `forked`: two signed heads that cannot be of one log
 * - `unverifiable`: something that should prove itself and cannot
 */
export type FindingKind = 'changed' | 'missing' | 'gap' | 'reordered' | 'forked' | 'unverifiable'

/** One thing that is wrong. */
export interface Finding {
  readonly kind: FindingKind
  /** The file, or the part of a file, relative to what was verified. */
  readonly where: string
  /** One sentence. */
  readonly what: string
  /** Index of the leaf it is about, from 0. */
  readonly leaf?: number
}

/** How much was checked. */
export interface Checked {
  /** Entries of the log, hashed up to the signed root. */
  leaves: number
  tiles: number
  manifests: number
  /** Records of manifests, hashed up to their list roots. */
  records: number
  /** Versions of Delta tables. */
  versions: number
  /** Files of tables, logs of tables included, hashed whole. */
  files: number
  /** Bytes of these files. */
  bytes: number
  /** Rows that the files of the table `events` hold now, by their records. */
  events: number
  rawObjects: number
  /** Bytes hashed for them, as stored. */
  rawBytes: number
  /** Signed notes, those of the log and those given. */
  checkpoints: number
  cosignatures: number
  timestamps: number
  /** Files whose rows were digested anew. */
  rowRoots: number
  proofs: number
}

/** Nothing checked yet. */
export const nothingChecked = (): Checked => ({
  leaves: 0,
  tiles: 0,
  manifests: 0,
  records: 0,
  versions: 0,
  files: 0,
  bytes: 0,
  events: 0,
  rawObjects: 0,
  rawBytes: 0,
  checkpoints: 0,
  cosignatures: 0,
  timestamps: 0,
  rowRoots: 0,
  proofs: 0,
})

/** The log that was verified, as far as a signed head says. */
export interface VerifiedLog {
  readonly origin: string
  readonly size: number
  /** Root of the tree, base64 as in the checkpoint. */
  readonly root: string
  /** Key ids that signed the head, `name+id`. */
  readonly signedBy: readonly string[]
  /** Time of the newest entry. */
  readonly newest?: string
}

/** The outcome of a verification. */
export interface Report {
  /** True if there is no finding. */
  readonly ok: boolean
  /** In the order of the log; the first is the first bad thing. At most {@link MAX_FINDINGS}. */
  readonly findings: readonly Finding[]
  /** How many findings there were, those left out included. */
  readonly findingCount: number
  readonly checked: Readonly<Checked>
  /** What was not checked, and why. */
  readonly notChecked: readonly string[]
  /** What the log says happened on purpose and a reader should ask about: restores, rotations, late seals. */
  readonly statements: readonly string[]
  readonly log?: VerifiedLog
}

/** So many findings say enough; a reader looks at the first. */
export const MAX_FINDINGS = 1000

/** How many notices of one kind are kept word for word. */
const MAX_NOTICES = 200

/** Lines of which there may be as many as somebody likes to cause: the first are kept, the others counted. */
class Flood {
  readonly #count = new Map<string, number>()

  /** True if there is room for one more line of this kind. */
  takes(kind: string): boolean {
    const count = (this.#count.get(kind) ?? 0) + 1
    this.#count.set(kind, count)
    return count <= MAX_NOTICES
  }

  /** How many had no room, by kind. */
  get left(): [string, number][] {
    return [...this.#count].flatMap(([kind, count]) => (count > MAX_NOTICES ? [[kind, count - MAX_NOTICES]] : []))
  }
}

/** Collects what a verification finds. */
export class Findings {
  readonly checked: Checked = nothingChecked()
  log: VerifiedLog | undefined
  #found: Finding[] = []
  readonly #kinds = new Set<FindingKind>()
  #count = 0
  readonly #notChecked = new Set<string>()
  readonly #statements = new Set<string>()
  readonly #strangers = new Map<string, { readonly first: string; readonly count: number }>()
  readonly #flood = new Flood()
  readonly #statedFlood = new Flood()

  /** Notes something wrong. */
  add(kind: FindingKind, where: string, what: string, leaf?: number): void {
    this.#count += 1
    this.#found.push({ kind, where, what, ...(leaf === undefined ? {} : { leaf }) })
    this.#kinds.add(kind)
    // Later ones may be about earlier leaves: the first in the order of the log are kept.
    if (this.#found.length >= 2 * MAX_FINDINGS) this.#found = this.#first()
  }

  /** Notes something that was not checked, of which there may be many: past a number they are only counted. */
  skip(reason: string): void {
    if (!this.#notChecked.has(reason) && this.#flood.takes('such things')) this.#notChecked.add(reason)
  }

  /** Notes a limit of the whole verification. Nothing that lies in what is verified can push it out. */
  notice(reason: string): void {
    this.#notChecked.add(reason)
  }

  /** Notes a file that nothing names; those of a kind are told in one line, which begins with their number. */
  stranger(kind: string, path: string): void {
    const known = this.#strangers.get(kind)
    this.#strangers.set(kind, { first: known?.first ?? path, count: (known?.count ?? 0) + 1 })
  }

  /** Notes what the log says was done on purpose; `kind` where there may be many of it that push nothing else out. */
  state(what: string, kind?: string): void {
    if (kind === undefined || (!this.#statements.has(what) && this.#statedFlood.takes(kind))) this.#statements.add(what)
  }

  /** True if anything of these kinds was found. */
  has(...kinds: readonly FindingKind[]): boolean {
    return kinds.some((kind) => this.#kinds.has(kind))
  }

  /** The report as it stands: findings about no leaf first, then in the order of leaves. */
  report(): Report {
    return {
      ok: this.#count === 0,
      findings: this.#first(),
      findingCount: this.#count,
      checked: { ...this.checked },
      notChecked: [...this.#notChecked, ...this.#strangerLines(), ...moreLines(this.#flood)],
      statements: [...this.#statements, ...moreLines(this.#statedFlood)],
      ...(this.log === undefined ? {} : { log: this.log }),
    }
  }

  #first(): Finding[] {
    return this.#found.toSorted((a, b) => (a.leaf ?? -1) - (b.leaf ?? -1)).slice(0, MAX_FINDINGS)
  }

  #strangerLines(): string[] {
    return [...this.#strangers].map(([kind, { first, count }]) => `${count} ${kind}, such as ${first}.`)
  }
}

const moreLines = (flood: Flood): string[] => flood.left.map(([kind, count]) => `And ${count} more ${kind}.`)
