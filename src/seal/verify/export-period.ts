/** Writes a period as a folder that can be verified without the home: what `bricktrail prove --period` does. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { parseEntry } from '../entry.ts'
import { consistencyProofFrom, EMPTY_ROOT } from '../merkle.ts'
import { parseNote } from '../note.ts'
import { ENTRIES_FILE, PERIOD_FILE, type Period, type PeriodEnd, peaksOf, periodText } from '../period.ts'
import { TreeReader } from '../tree.ts'
import { digestFile } from './digest.ts'
import { KeyChain } from './key-chain.ts'
import { bytesOf, keysUnder, LogFiles } from './log-files.ts'
import { checkManifest, manifestKey } from './manifest-check.ts'
import { NOTE_LIMIT_BYTES, NOTES_FOLDER, noteKey } from './note-book.ts'
import type { SealedFile } from './replay.ts'
import { Findings } from './report.ts'
import { Story } from './story.ts'
import { tableFolder } from './table-check.ts'
import { likeliest, standing, type ToldFile, tell } from './undone.ts'

/** What to export. */
export interface ExportPeriodOptions {
  /** Sizes at which checkpoints were signed; `from` may be 0. */
  readonly from: number
  readonly to: number
  /** Copy the files that the leaves name. */
  readonly files: boolean
  /** Copy what was received. */
  readonly raw: boolean
}

/** What was exported. */
export interface ExportedPeriod {
  readonly leaves: number
  readonly files: number
  readonly bytes: number
  /** Files that the leaves name and that are not there any more. */
  readonly gone: number
}

/**
 * Exports the leaves between two checkpoints into a folder that does not exist yet or is empty.
 *
 * @throws AppError BAD_ARGUMENT for sizes without a checkpoint or a folder in use, BAD_SEAL for a home that does not verify
 */
export async function exportPeriod(home: string, out: string, options: ExportPeriodOptions): Promise<ExportedPeriod> {
  if (existsSync(out) && readdirSync(out).length > 0) throw new AppError('BAD_ARGUMENT', `${out} is not empty.`)
  const { from, to } = options
  if (from >= to) throw new AppError('BAD_ARGUMENT', 'The period ends before it begins.')
  const ends = { from: from === 0 ? { size: 0, root: EMPTY_ROOT } : endOf(home, from), to: endOf(home, to) }
  return new PeriodExport(home, out, options, ends.from, ends.to).run()
}

type SignedEnd = PeriodEnd & { readonly origin: string }

function endOf(home: string, size: number): SignedEnd {
  const bytes = bytesOf(join(home, noteKey(size)), NOTE_LIMIT_BYTES)
  if (bytes === undefined) {
    throw new AppError('BAD_ARGUMENT', `No checkpoint of ${size} leaves is kept.`, {
      hint: `The sizes there are: the names of the files in ${NOTES_FOLDER}.`,
    })
  }
  const { origin, root } = parseCheckpoint(parseNote(bytes).text)
  return { size, root, origin }
}

class PeriodExport {
  readonly #home: string
  readonly #out: string
  readonly #options: ExportPeriodOptions
  readonly #from: PeriodEnd
  readonly #to: SignedEnd
  readonly #gone: string[] = []
  readonly #manifests = new Set<string>()
  readonly #wanted = new Map<string, ToldFile[]>()
  readonly #undone = new Set<number>()
  #files = 0
  #bytes = 0

  constructor(home: string, out: string, options: ExportPeriodOptions, from: PeriodEnd, to: SignedEnd) {
    this.#home = home
    this.#out = out
    this.#options = options
    this.#from = from
    this.#to = to
  }

  async run(): Promise<ExportedPeriod> {
    const entries = this.#entries()
    this.#follow(entries)
    this.#write(ENTRIES_FILE, entries.map((entry) => `${Buffer.from(entry).toString('utf8')}\n`).join(''))
    for (const digest of this.#manifests) this.#copy(manifestKey(digest))
    this.#copyAround()
    for (const [path, files] of this.#wanted) await this.#copyWanted(path, files)
    this.#write(PERIOD_FILE, periodText(await this.#period()))
    return { leaves: entries.length, files: this.#files, bytes: this.#bytes, gone: this.#gone.length }
  }

  #entries(): Uint8Array[] {
    const log = new LogFiles(this.#home)
    const entries: Uint8Array[] = []
    const { from, to } = this.#options
    for (let n = Math.floor(from / 256); n * 256 < to; n++) {
      const width = log.widest(n)
      const bundle = log.entries(n, width)
      if (bundle === undefined || n * 256 + width < Math.min(to, (n + 1) * 256))
        throw damaged(`entries from ${n * 256} on`)
      for (const [at, entry] of bundle.entries()) {
        const leaf = n * 256 + at
        if (leaf >= from && leaf < to) entries.push(entry)
      }
    }
    return entries
  }

  /** Follows the leaves to the files they name. */
  #follow(entries: readonly Uint8Array[]): void {
    const { from, files, raw } = this.#options
    const findings = new Findings()
    const chain = new KeyChain(findings)
    const story = new Story(
      findings,
      chain,
      {
        listsOf: (entry, leaf) => checkManifest(this.#home, entry, leaf, findings),
        onObjects: (objects, leaf) => {
          for (const { raw: record } of objects)
            if (raw && record.stored) tell(this.#wanted, record.stored.path, { ...record.stored, leaf })
        },
        onRawDeleted: () => {},
        onBatchFile: (file, leaf) => {
          if (files) tell(this.#wanted, file.path, { ...file, leaf })
        },
        onUndone: (leaves) => {
          for (const leaf of leaves) this.#undone.add(leaf)
        },
      },
      from,
    )
    for (const [at, bytes] of entries.entries()) {
      const entry = parseEntry(bytes)
      if (entry.manifest) this.#manifests.add(entry.manifest.sha256)
      story.take(bytes, from + at, ENTRIES_FILE)
    }
    const lost = findings.report().findings.find(({ where }) => where.startsWith('seal/manifests/'))
    if (lost !== undefined) throw damaged(lost.where)
    if (!files) return
    for (const table of story.tables) {
      const present: Iterable<SealedFile> = table.expected().present.values()
      for (const file of present) tell(this.#wanted, `${tableFolder(table.name)}/${file.path}`, file)
    }
  }

  /** Keys, and the checkpoints and timestamps from the first size to the last. */
  #copyAround(): void {
    const { from, to } = this.#options
    for (const name of keysUnder(join(this.#home, 'seal/keys')))
      if (name.endsWith('.vkey')) this.#copy(`seal/keys/${name}`)
    for (const folder of [NOTES_FOLDER, 'seal/timestamps']) {
      for (const name of keysUnder(join(this.#home, folder))) {
        const size = /^\d{20}/.exec(name)?.[0]
        if (size !== undefined && Number(size) >= from && Number(size) <= to) this.#copy(`${folder}/${name}`)
      }
    }
  }

  /** Names are given anew after a restore, and pointers are written over, at times in the same length: so every file is digested. */
  async #copyWanted(path: string, files: readonly ToldFile[]): Promise<void> {
    const { isNeeded, candidates } = standing(files, this.#undone)
    const file = likeliest(join(this.#home, path), candidates)
    const found = await digestFile({ path: join(this.#home, path), bytes: file?.bytes ?? 0 })
    if (found.kind === 'digest' && candidates.some(({ sha256 }) => sha256 === found.file.sha256)) this.#copy(path)
    else if (isNeeded) this.#gone.push(path)
  }

  async #period(): Promise<Period> {
    const log = new LogFiles(this.#home)
    const reader = new TreeReader(async (path) => log.read(path), BigInt(this.#headSize()))
    const frontier = await Promise.all(
      peaksOf(this.#from.size).map(({ level, index }) => reader.readHash(level, index)),
    )
    const sizes = [BigInt(this.#from.size), BigInt(this.#to.size)] as const
    const consistency = this.#from.size === 0 ? [] : await consistencyProofFrom(reader.readHash, ...sizes)
    const { files, raw } = this.#options
    return {
      origin: this.#to.origin,
      from: this.#from,
      to: this.#to,
      frontier,
      consistency,
      files,
      raw,
      gone: this.#gone,
    }
  }

  #headSize(): number {
    const bytes = bytesOf(join(this.#home, 'seal/log/checkpoint'), NOTE_LIMIT_BYTES)
    if (bytes === undefined) throw damaged('the newest checkpoint')
    return Number(parseCheckpoint(parseNote(bytes).text).size)
  }

  #write(path: string, text: string): void {
    mkdirSync(dirname(join(this.#out, path)), { recursive: true })
    writeFileSync(join(this.#out, path), text)
  }

  #copy(path: string): void {
    mkdirSync(dirname(join(this.#out, path)), { recursive: true })
    copyFileSync(join(this.#home, path), join(this.#out, path))
    this.#files += 1
    this.#bytes += statSync(join(this.#out, path)).size
  }
}

const damaged = (what: string): AppError =>
  new AppError('BAD_SEAL', `The seal is damaged: ${what} cannot be read.`, {
    hint: 'Run `bricktrail verify` to see what is wrong.',
  })
