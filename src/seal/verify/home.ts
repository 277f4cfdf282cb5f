/** Verification of a whole home, from its newest checkpoint down to every byte that the log names. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { Entry } from '../entry.ts'
import { Frontier, leafHash } from '../merkle.ts'
import { parseVkey, type Verifier } from '../note.ts'
import { entriesPath, TILE_WIDTH } from '../tiles.ts'
import { checkAnchors } from './anchors-check.ts'
import { type Content, ContentCheck, type ContentOptions, isMuch, listTables, type TableFiles } from './content.ts'
import { Hasher } from './hasher.ts'
import {
  checkKeyFiles,
  checkPending,
  findHead,
  isSameHead,
  keysOfHome,
  newestKeyOf,
  type SignedHead,
} from './head-check.ts'
import { KeyChain } from './key-chain.ts'
import { inLog } from './log-files.ts'
import { type LogTree, measureLog } from './log-tree.ts'
import { checkManifest, manifestKey } from './manifest-check.ts'
import { type GivenNote, NoteBook, signatureFault } from './note-book.ts'
import { keyName } from './note-check.ts'
import { checkProofFiles } from './proof-files.ts'
import { RawCheck } from './raw-check.ts'
import { type Finding, Findings, type Report } from './report.ts'
import { Story } from './story.ts'
import { tellStrays } from './strays.ts'
import type { LeafRange } from './table-check.ts'

/** What a verification may be told. */
export interface VerifyHomeOptions extends ContentOptions {
  /** Public keys of the log, each a line `NAME+ID+BASE64`; the home's own where absent, which proves less. */
  readonly key?: string | readonly string[]
  /** Notes of this log that were kept elsewhere. */
  readonly checkpoints?: readonly GivenNote[]
  /** Look at the content of these leaves only: sizes of the log, or times. The log itself is always checked whole. */
  readonly period?: { readonly from?: number | Date; readonly to?: number | Date }
  /** Public keys of witnesses. */
  readonly witnesses?: readonly string[]
  /** How many of them must have signed a head; all where absent. */
  readonly quorum?: number
  /** Certificates of timestamp authorities that are trusted, PEM. */
  readonly tsaCa?: string
  /** How much older than the newest leaf one may be that none of them has seen, milliseconds; a day where absent. */
  readonly maxUnseenMs?: number
  /** How long to wait for the leaf of what was just committed, milliseconds; three seconds where absent. */
  readonly patienceMs?: number
  /** Key of the raw archive, 32 bytes. */
  readonly rawKey?: Uint8Array
}

/** A home that is being written to is read again at most so often. */
const MAX_TRIES = 3

/** Between a commit and its leaf rows are digested: so long a leaf is waited for, unless the caller says otherwise. */
const PATIENCE_MS = 3000
const POLL_MS = 100

/**
 * Verifies a home with nothing but its files and, at best, a key and notes from elsewhere. Imports no database, opens no
 * network.
 *
 * @throws AppError NO_LAKE if there is no home, BAD_KEY for a key that is none
 */
export async function verifyHome(home: string, options: VerifyHomeOptions = {}): Promise<Report> {
  if (!existsSync(join(home, 'lake')) && !existsSync(join(home, 'seal'))) {
    throw new AppError('NO_LAKE', `${home} is not the home of a lake: it has neither lake/ nor seal/.`)
  }
  let before: Report | undefined
  for (let tries = 1; ; tries++) {
    const verification = new HomeVerification(home, options)
    const report = await verification.run()
    if (report.ok) return report
    const size = report.log?.size ?? 0
    const mayPass = report.findings.some((finding) => isInFlight(finding, size))
    const patienceMs = mayPass && tries < MAX_TRIES ? (options.patienceMs ?? PATIENCE_MS) : 0
    if (!(await verification.headMoves(patienceMs))) return report
    if (tries === MAX_TRIES) return before === undefined ? report : withoutNew(report, before, size)
    before = report
  }
}

/** True for what a write that is going on makes: a commit before its leaf, and the pointer that it writes over. */
const isInFlight = ({ leaf, where }: Finding, size: number): boolean =>
  (leaf !== undefined && leaf >= size) || where.endsWith('/_last_checkpoint')

/**
 * A report on a log that goes on while it is read. What is beyond its end, and was not there when it was read before, is of writes
 * that go on; what stays is told like any other.
 */
function withoutNew(report: Report, before: Report, size: number): Report {
  const known = new Set(before.findings.map(whatIsSaid))
  const isNew = (finding: Finding): boolean => isInFlight(finding, size) && !known.has(whatIsSaid(finding))
  const findings = report.findings.filter((finding) => !isNew(finding))
  const count = report.findings.length - findings.length
  if (count === 0) return report
  const first = report.findings.find(isNew)?.where
  const notice = `${count} things written while the home was read, such as ${first}: it is in use. Verify again, or verify a copy.`
  const findingCount = report.findingCount - count
  return { ...report, ok: findingCount === 0, findings, findingCount, notChecked: [...report.notChecked, notice] }
}

/** The same for the same thing, wherever the log ended when it was found. */
const whatIsSaid = ({ kind, where, what }: Finding): string =>
  `${kind} ${where} ${what.replace(/ and the log ends at \d+/, '')}`

class HomeVerification {
  readonly #home: string
  readonly #options: VerifyHomeOptions
  readonly #findings = new Findings()
  readonly #given: readonly Verifier[]
  readonly #witnesses: readonly Verifier[]
  readonly #chain: KeyChain
  readonly #raw: RawCheck
  #isAllRead = true
  /** Paths of the manifests that leaves name. */
  readonly #manifests = new Set<string>()
  #head: SignedHead | undefined
  #range: LeafRange | undefined

  constructor(home: string, options: VerifyHomeOptions) {
    this.#home = home
    this.#options = options
    const { key = [], witnesses = [] } = options
    this.#given = (typeof key === 'string' ? [key] : key).map(parseVkey)
    this.#witnesses = witnesses.map(parseVkey)
    this.#chain = new KeyChain(this.#findings)
    this.#raw = new RawCheck(home, this.#findings, options.rawKey)
  }

  async run(): Promise<Report> {
    // Listed first: a commit comes before its leaf, so that what is listed now is in the log when that is read.
    const listed = listTables(this.#home)
    const hasher = new Hasher()
    if (isMuch(this.#home, listed)) hasher.startAhead()
    try {
      return await this.#check(listed, hasher)
    } finally {
      await hasher.close()
    }
  }

  async #check(listed: TableFiles, hasher: Hasher): Promise<Report> {
    const keyFiles = keysOfHome(this.#home)
    const homeKeys = keyFiles.flatMap(({ key }) => key ?? [])
    this.#head = findHead(this.#home, [...this.#given, ...homeKeys], this.#findings)
    const head = this.#head
    if (head === undefined) {
      this.#findings.notice('Everything else: without a signed checkpoint nothing says what should be there.')
      return this.#findings.report()
    }
    const trusted = this.#given.length > 0 ? this.#given : [newestKeyOf(keyFiles) ?? []].flat()
    const tree = measureLog(this.#home, head, this.#findings)
    const story = this.#newStory()
    const frontier = new Frontier()
    // Where an append was cut short is known only at the end; its note, if there is one, is judged there.
    const book = this.#newBook(head, trusted)
    await this.#walk(tree, story, book, frontier)
    story.end()
    const pending = checkPending(this.#home, frontier, head, this.#findings)
    book.end(pending?.size)
    this.#checkRoot(tree, book, head)
    this.#checkTrust(head, story, trusted)
    checkKeyFiles(this.#home, keyFiles, this.#chain, head, pending, this.#findings)
    await this.#checkAnchors(book, story, head)
    const range = this.#range ?? { from: head.size, to: head.size }
    const scope = this.#options.period === undefined ? 'home' : 'part'
    const newestMs = story.times.at(-1) ?? 0
    const content: Content = { tables: story.tables, listed, range, size: head.size, newestMs, scope }
    await new ContentCheck(this.#home, this.#findings, this.#raw, hasher, this.#options).check(content)
    // Where not all leaves were read, what is named is not known.
    if (scope === 'home' && this.#isAllRead && story.tables.every(({ isKnown }) => isKnown))
      tellStrays(this.#home, (path) => this.#manifests.has(path) || this.#raw.names(path), this.#findings)
    this.#checkProofs(trusted)
    this.#sumUp(head, story)
    return this.#findings.report()
  }

  /** True once another checkpoint stands there than was verified; waits so long for it. */
  async headMoves(patienceMs: number): Promise<boolean> {
    for (const start = performance.now(); ; ) {
      if (!isSameHead(findHead(this.#home, [], new Findings()), this.#head)) return true
      if (performance.now() - start >= patienceMs) return false
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  #newStory(): Story {
    return new Story(this.#findings, this.#chain, {
      listsOf: (entry, leaf) => {
        if (entry.manifest !== undefined) this.#manifests.add(manifestKey(entry.manifest.sha256))
        return this.#isPastStart(entry, leaf) ? checkManifest(this.#home, entry, leaf, this.#findings) : undefined
      },
      onObjects: (objects, leaf) => {
        if (this.#isInRange(leaf)) this.#raw.take(objects, leaf)
      },
      onRawDeleted: (paths, leaf) => this.#raw.deleted(paths, leaf),
      onBatchFile: (file, leaf) => {
        if (this.#isInRange(leaf)) this.#raw.batchFile(file, leaf)
      },
      onUndone: (leaves) => this.#raw.undone(leaves),
    })
  }

  #newBook(head: SignedHead, trusted: readonly Verifier[]): NoteBook {
    return new NoteBook({
      home: this.#home,
      origin: head.origin,
      headSize: head.size,
      keys: this.#chain,
      given: trusted,
      witnesses: this.#witnesses,
      notes: this.#options.checkpoints ?? [],
      findings: this.#findings,
    })
  }

  /** Takes every leaf in its order, and holds the tree against the notes on the way. */
  async #walk(tree: LogTree, story: Story, book: NoteBook, frontier: Frontier): Promise<void> {
    let known = true
    for (let n = 0; n * TILE_WIDTH < tree.size; n++) {
      const { entries, hashes } = tree.chunk(n)
      const width = Math.min(TILE_WIDTH, tree.size - n * TILE_WIDTH)
      const where = inLog(entriesPath(BigInt(n), width))
      for (let at = 0; at < width; at++) {
        const leaf = n * TILE_WIDTH + at
        const entry = entries?.[at]
        if (entry === undefined) this.#isAllRead = false
        story.take(entry ?? new Uint8Array(), leaf, where)
        const hash = hashes?.[at] ?? (entry && leafHash(entry))
        known &&= hash !== undefined && (hashes !== undefined || !tree.proven)
        if (hash !== undefined) frontier.append(hash)
        if (book.has(leaf + 1) && known) book.check(leaf + 1, frontier.root(), tree.proven)
      }
      this.#options.onProgress?.(n * TILE_WIDTH + width, tree.size, 'leaves')
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#findings.checked.leaves = tree.size
  }

  #checkRoot(tree: LogTree, book: NoteBook, head: SignedHead): void {
    if (tree.proven) return
    const from = book.lastAgreed
    const to = book.firstDisagreed ?? head.size
    const what = `The ${head.size} leaves do not give the root that was signed; what differs is between leaf ${from} and leaf ${to - 1}.`
    this.#findings.add('changed', head.where, what, from)
  }

  #checkTrust(head: SignedHead, story: Story, trusted: readonly Verifier[]): void {
    const { newest } = this.#chain
    if (story.origin !== undefined && story.origin !== head.origin) {
      this.#findings.add(
        'unverifiable',
        head.where,
        `The first leaf opens the log ${story.origin}, and this is a checkpoint of ${head.origin}.`,
      )
    }
    const { signedBy } = head.note
    const isSigned = signedBy.some(({ vkey }) => vkey === newest?.vkey)
    const distrust = this.#chain.distrust(trusted, signedBy)
    if (distrust !== undefined) this.#findings.add('unverifiable', head.where, distrust)
    else if (!isSigned && newest !== undefined) {
      this.#findings.add('unverifiable', head.where, `The newest checkpoint has no signature of ${keyName(newest)}.`)
    } else {
      const fault = signatureFault(head.note, head.size, this.#chain)
      if (fault !== undefined) this.#findings.add('changed', head.where, fault)
    }
  }

  async #checkAnchors(book: NoteBook, story: Story, { size }: SignedHead): Promise<void> {
    const facts = { home: this.#home, headSize: size, times: story.times, witnesses: this.#witnesses }
    await checkAnchors(book, { ...facts, findings: this.#findings }, this.#options)
  }

  /** Who asked for a proof may have left it here. It is looked at besides the home, and by any key the log has had. */
  #checkProofs(trusted: readonly Verifier[]): void {
    const { witnesses = [], quorum } = this.#options
    const keys = [...trusted, ...this.#chain.keys].map(({ vkey }) => vkey)
    const more = quorum === undefined ? { witnesses } : { witnesses, quorum }
    checkProofFiles(this.#home, { keys, ...more }, this.#findings, (kind) => kind === 'unverifiable')
  }

  /** From its first leaf on, manifests are needed, since later ones say what became of the period's files. */
  #isPastStart({ time }: Entry, leaf: number): boolean {
    const { from = 0, to = Number.POSITIVE_INFINITY } = this.#options.period ?? {}
    const ms = Date.parse(time)
    const reached = (limit: number | Date): boolean =>
      typeof limit === 'number' ? leaf >= limit : ms >= limit.getTime()
    if (this.#range === undefined) {
      if (!reached(from)) return false
      this.#range = { from: leaf, to: Number.POSITIVE_INFINITY }
    }
    if (this.#range.to === Number.POSITIVE_INFINITY && reached(to)) this.#range = { ...this.#range, to: leaf }
    return true
  }

  #isInRange(leaf: number): boolean {
    return this.#range !== undefined && leaf >= this.#range.from && leaf < this.#range.to
  }

  #sumUp(head: SignedHead, story: Story): void {
    const { period, checkpoints = [] } = this.#options
    const newest = story.times.at(-1)
    this.#findings.log = {
      origin: head.origin,
      size: head.size,
      root: Buffer.from(head.root).toString('base64'),
      signedBy: head.note.signedBy.map(keyName),
      ...(newest === undefined ? {} : { newest: new Date(newest).toISOString() }),
    }
    if (period !== undefined) {
      const ends = Object.entries(period).map(([end, at]) => `${end} ${typeof at === 'number' ? at : at.toISOString()}`)
      const isEmpty = this.#range === undefined || this.#range.from === this.#range.to
      const what = isEmpty ? 'Any file of any leaf, since no leaf is in' : 'Files of leaves outside'
      this.#findings.notice(`${what} the period asked for: ${ends.join(' ')}.`)
    }
    if (this.#given.length === 0) {
      this.#findings.notice(
        'The key was taken from the home itself: who can write the home can sign with another key. Give --key.',
      )
    }
    const { cosignatures, timestamps } = this.#findings.checked
    if (checkpoints.length === 0 && cosignatures === 0 && timestamps === 0) {
      this.#findings.notice(
        'Whether the home was rolled back to an earlier state: that shows only against a checkpoint, cosignature or timestamp kept elsewhere. Give --checkpoint.',
      )
    }
    this.#findings.notice(
      'No evidence, so not looked at: ledger.db, writer.lock, cache/, tmp/, private keys, settings and state of the seal.',
    )
    if (head.where !== inLog('checkpoint')) {
      this.#findings.notice(`What came after ${head.where}: it stands in for the newest checkpoint.`)
    }
  }
}
