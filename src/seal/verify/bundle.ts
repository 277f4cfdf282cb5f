/** Verification of an exported folder: all leaves between two checkpoints with what they name, or proofs of single events. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppError, isAppError } from '../../core/errors.ts'
import type { Entry } from '../entry.ts'
import { Frontier, leafHash, sameHash, verifyConsistency } from '../merkle.ts'
import { parseVkey, type Verifier } from '../note.ts'
import { ENTRIES_FILE, frontierReader, PERIOD_FILE, type Period, parsePeriod } from '../period.ts'
import { RAW_FOLDER } from '../raw/stored.ts'
import { checkAnchors } from './anchors-check.ts'
import { ContentCheck, listTables } from './content.ts'
import { PROOF_ENDING, proofsIn } from './folder-kind.ts'
import { Hasher } from './hasher.ts'
import { keysOfHome } from './head-check.ts'
import type { VerifyHomeOptions } from './home.ts'
import { KeyChain } from './key-chain.ts'
import { bytesOf, faultAt } from './log-files.ts'
import { checkManifest } from './manifest-check.ts'
import { NOTE_LIMIT_BYTES, NoteBook, noteKey } from './note-book.ts'
import { type CheckedNote, checkNote, keyName } from './note-check.ts'
import { checkProofFiles } from './proof-files.ts'
import { RawCheck } from './raw-check.ts'
import { Findings, type Report } from './report.ts'
import { Story } from './story.ts'

/** What a verification of an exported folder may be told. */
export type VerifyBundleOptions = Omit<VerifyHomeOptions, 'period'>

const PERIOD_LIMIT_BYTES = 64 << 20

/**
 * Verifies an exported folder.
 *
 * @throws AppError BAD_ARGUMENT if it is none, BAD_KEY for a key that is none
 */
export async function verifyBundle(folder: string, options: VerifyBundleOptions = {}): Promise<Report> {
  if (!existsSync(join(folder, PERIOD_FILE)) && proofsIn(folder).length === 0) {
    throw new AppError('BAD_ARGUMENT', `${folder} holds neither ${PERIOD_FILE} nor *${PROOF_ENDING}.`)
  }
  const verification = new BundleVerification(folder, options)
  return verification.run()
}

class BundleVerification {
  readonly #folder: string
  readonly #options: VerifyBundleOptions
  readonly #findings = new Findings()
  readonly #trusted: readonly Verifier[]
  readonly #known: readonly Verifier[]
  readonly #witnesses: readonly Verifier[]

  constructor(folder: string, options: VerifyBundleOptions) {
    const { key = [], witnesses = [] } = options
    this.#folder = folder
    this.#options = options
    this.#witnesses = witnesses.map(parseVkey)
    const given = (typeof key === 'string' ? [key] : key).map(parseVkey)
    const files = keysOfHome(folder)
    this.#known = [...given, ...files.flatMap((file) => file.key ?? [])]
    this.#trusted = given.length > 0 ? given : this.#known
    if (given.length === 0)
      this.#findings.notice('The key was taken from the folder itself: who made it chose it. Give --key.')
  }

  async run(): Promise<Report> {
    if (existsSync(join(this.#folder, PERIOD_FILE))) await this.#verifyPeriod()
    this.#verifyProofs()
    return this.#findings.report()
  }

  #verifyProofs(): void {
    const { witnesses = [], quorum } = this.#options
    const keys = this.#trusted.map(({ vkey }) => vkey)
    const more = quorum === undefined ? { witnesses } : { witnesses, quorum }
    const cosignatures = checkProofFiles(this.#folder, { keys, ...more }, this.#findings, () => false)
    this.#findings.checked.cosignatures += cosignatures
  }

  async #verifyPeriod(): Promise<void> {
    const period = this.#readPeriod()
    if (period === undefined) return
    const { from, to } = period
    const first = from.size === 0 ? undefined : this.#noteOf(period, from)
    const last = this.#noteOf(period, to)
    if (last === undefined || (first === undefined && from.size > 0)) return
    const entries = this.#readEntries(to.size - from.size, from.size)
    const frontier = await this.#frontierOf(period)
    if (entries === undefined || frontier === undefined) return
    const chain = new KeyChain(this.#findings)
    if (first !== undefined) chain.seed(this.#signerOf(first, entries, last))
    const raw = new RawCheck(this.#folder, this.#findings, this.#options.rawKey)
    const story = new Story(this.#findings, chain, this.#readers(raw), from.size)
    const book = this.#newBook(period, chain)
    const proven = await this.#reaches(period, entries)
    if (book.has(from.size)) book.check(from.size, frontier.root(), true)
    for (const [at, entry] of entries.entries()) {
      story.take(entry, from.size + at, ENTRIES_FILE)
      frontier.append(leafHash(entry))
      if (book.has(from.size + at + 1)) book.check(from.size + at + 1, frontier.root(), proven)
    }
    story.end()
    book.skipOutside(from.size)
    this.#findings.checked.leaves = entries.length
    if (!proven) this.#noteWrongRoot(period, book)
    const distrust = chain.distrust(this.#trusted, last.signedBy)
    if (distrust !== undefined)
      this.#findings.add('unverifiable', noteKey(to.size), `${distrust} Give the key of that time.`)
    await this.#checkRest(period, story, book, raw, last)
  }

  #readPeriod(): Period | undefined {
    const bytes = bytesOf(join(this.#folder, PERIOD_FILE), PERIOD_LIMIT_BYTES)
    try {
      return parsePeriod(bytes ?? new Uint8Array())
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      this.#findings.add('unverifiable', PERIOD_FILE, cause.message)
      return undefined
    }
  }

  /** The signed note at one end; a finding if it is missing or says something else. */
  #noteOf({ origin }: Period, end: Period['to']): CheckedNote | undefined {
    const where = noteKey(end.size)
    const bytes = bytesOf(join(this.#folder, where), NOTE_LIMIT_BYTES)
    const leaf = Math.max(0, end.size - 1)
    if (bytes === undefined) {
      this.#findings.add('missing', where, `The checkpoint of ${end.size} leaves is missing.`, leaf)
      return undefined
    }
    const note = checkNote(bytes, this.#known)
    if (typeof note === 'string') this.#findings.add('changed', where, note, leaf)
    else if (note.forged.length > 0) {
      this.#findings.add(
        'changed',
        where,
        `The signature of ${note.forged.map(keyName).join(', ')} does not fit.`,
        leaf,
      )
    } else if (note.checkpoint.origin !== origin || !sameHash(note.checkpoint.root, end.root)) {
      this.#findings.add('changed', PERIOD_FILE, `It tells another log than the checkpoint ${where}.`, leaf)
    } else return note
    return undefined
  }

  #readEntries(count: number, first: number): Buffer[] | undefined {
    const path = join(this.#folder, ENTRIES_FILE)
    const bytes = bytesOf(path, Number.MAX_SAFE_INTEGER)
    const kind = faultAt(path)
    if (bytes === undefined && kind !== 'missing') {
      this.#findings.add(kind, ENTRIES_FILE, 'It is no file that can be read as the leaves of a period.', first)
      return undefined
    }
    return this.#entriesIn(bytes ?? Buffer.of(), count, first)
  }

  #entriesIn(bytes: Buffer, count: number, first: number): Buffer[] | undefined {
    const entries: Buffer[] = []
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(0x0a, from)
      entries.push(bytes.subarray(from, end < 0 ? bytes.length : end))
      from = end < 0 ? bytes.length : end + 1
    }
    if (entries.length >= count && bytes.at(-1) === 0x0a)
      return entries.length === count ? entries : this.#tooMany(count, first)
    const what = `It holds ${entries.length} of the ${count} leaves from ${first} on.`
    this.#findings.add('missing', ENTRIES_FILE, what, first + entries.length)
    return undefined
  }

  #tooMany(count: number, first: number): undefined {
    this.#findings.add('changed', ENTRIES_FILE, `It holds more than the ${count} leaves of the period.`, first + count)
  }

  /** What stands before the period, as the period file has it and as its first checkpoint signs it. */
  async #frontierOf({ from, to, frontier, consistency }: Period): Promise<Frontier | undefined> {
    const reader = frontierReader(from.size, frontier)
    const found = reader && (await Frontier.of(reader, BigInt(from.size)))
    if (found === undefined || !sameHash(found.root(), from.root)) {
      this.#findings.add(
        'changed',
        PERIOD_FILE,
        `Its frontier is not that of the ${from.size} leaves before the period.`,
      )
      return undefined
    }
    if (from.size === 0) return found
    const claim = {
      size1: BigInt(from.size),
      size2: BigInt(to.size),
      root1: from.root,
      root2: to.root,
      proof: consistency,
    }
    const fault = verifyConsistency(claim)
    if (fault !== undefined)
      this.#findings.add('changed', PERIOD_FILE, `Its consistency proof does not hold: ${fault}.`)
    return found
  }

  async #reaches({ from, to, frontier: peaks }: Period, entries: readonly Buffer[]): Promise<boolean> {
    const reader = frontierReader(from.size, peaks)
    if (reader === undefined) return false
    const frontier = await Frontier.of(reader, BigInt(from.size))
    for (const entry of entries) frontier.append(leafHash(entry))
    return sameHash(frontier.root(), to.root)
  }

  #noteWrongRoot({ from, to }: Period, book: NoteBook): void {
    const first = Math.max(from.size, book.lastAgreed)
    const last = (book.firstDisagreed ?? to.size) - 1
    const what = `The leaves do not give the root that was signed; what differs is between leaf ${first} and leaf ${last}.`
    this.#findings.add('changed', ENTRIES_FILE, what, first)
  }

  /** Which key was in force before the first leaf: a checkpoint in which a key hands over has two signatures. */
  #signerOf(first: CheckedNote, entries: readonly Buffer[], last: CheckedNote): Verifier {
    const handover = entries.find((entry) => entry.includes('"kind":"key"'))?.toString('utf8')
    const isNext = ({ vkey }: Verifier): boolean =>
      handover === undefined
        ? last.signedBy.some((key) => key.vkey === vkey)
        : handover.includes(`"previous":"${vkey}"`)
    return first.signedBy.find(isNext) ?? first.signedBy[0] ?? (this.#known[0] as Verifier)
  }

  #readers(raw: RawCheck) {
    return {
      listsOf: (entry: Entry, leaf: number) => checkManifest(this.#folder, entry, leaf, this.#findings),
      onObjects: (objects: Parameters<RawCheck['take']>[0], leaf: number) => raw.take(objects, leaf),
      onRawDeleted: (paths: readonly string[], leaf: number) => raw.deleted(paths, leaf),
      onBatchFile: (file: Parameters<RawCheck['batchFile']>[0], leaf: number) => raw.batchFile(file, leaf),
      onUndone: (leaves: readonly number[]) => raw.undone(leaves),
    }
  }

  #newBook({ origin, to }: Period, keys: KeyChain): NoteBook {
    return new NoteBook({
      home: this.#folder,
      origin,
      headSize: to.size,
      keys,
      given: this.#known,
      witnesses: this.#witnesses,
      notes: this.#options.checkpoints ?? [],
      findings: this.#findings,
    })
  }

  async #checkRest(period: Period, story: Story, book: NoteBook, raw: RawCheck, last: CheckedNote): Promise<void> {
    const { from, to, gone } = period
    const facts = { home: this.#folder, headSize: to.size, times: story.times, witnesses: this.#witnesses }
    await checkAnchors(book, { ...facts, findings: this.#findings }, this.#options)
    const mayLack = lacking(period)
    raw.excuse(mayLack)
    const hasher = new Hasher()
    try {
      await new ContentCheck(this.#folder, this.#findings, raw, hasher, this.#options).check({
        tables: story.tables,
        listed: listTables(this.#folder),
        range: { from: from.size, to: to.size },
        size: to.size,
        newestMs: story.times.at(-1) ?? 0,
        scope: 'export',
        mayLack,
      })
    } finally {
      await hasher.close()
    }
    if (!period.files) this.#findings.notice('The files that the leaves name: they were not exported.')
    if (!period.raw) this.#findings.notice('What was received: it was not exported.')
    if (gone.length > 0) {
      this.#findings.notice(
        `${gone.length} files that were gone or replaced when the period was exported, by the word of who exported it: a later leaf must tell why, and is in the home.`,
      )
      for (const path of gone) this.#findings.skip(`Said to be gone or replaced: ${path}.`)
    }
    this.#findings.notice(
      `Leaves from ${to.size} on${from.size > 0 ? `, and before ${from.size}` : ''}: not in the period.`,
    )
    this.#findings.log = {
      origin: period.origin,
      size: to.size,
      root: Buffer.from(to.root).toString('base64'),
      signedBy: last.signedBy.map(keyName),
    }
  }
}

/** What the folder need not hold: what was left out, and what was gone by then. */
function lacking({ files, raw, gone }: Period): (path: string) => boolean {
  const paths = new Set(gone)
  return (path) => paths.has(path) || !(path.startsWith(`${RAW_FOLDER}/`) ? raw : files)
}
