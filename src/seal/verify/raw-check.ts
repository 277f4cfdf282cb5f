/** The raw archive and the files of batches against what the leaves say of them. */
import { join } from 'node:path'
import type { LogRecord, ObjectRecord } from '../entry.ts'
import type { KnownMember } from '../raw/pack-file.ts'
import { mayHold, parsePackPath, parseStoredPath, RAW_FOLDER } from '../raw/stored.ts'
import type { DigestResult } from './digest-job.ts'
import { noteDigest } from './file-verdict.ts'
import type { Hasher } from './hasher.ts'
import { keysUnder } from './log-files.ts'
import type { Findings } from './report.ts'
import { likeliest, standing, type ToldFile, tell } from './undone.ts'

/** A stored object, as a leaf tells of it. */
interface Stored extends ToldFile {
  readonly received: { readonly sha256: string; readonly bytes: number }
}

/** What leaves say of the objects in a pack, by their digests. */
type Members = Map<string, KnownMember>

/** A file that is held against the record that stands, or one of those that were undone since. */
interface Expected<T extends ToldFile> {
  readonly path: string
  readonly file: T
  readonly candidates: readonly T[]
  readonly isNeeded: boolean
}

/** Called as files are done. */
export type OnBytes = (bytes: number) => void

/** Collects what the leaves say, then looks at the files. */
export class RawCheck {
  readonly #home: string
  readonly #findings: Findings
  readonly #masterKey: Uint8Array | undefined
  readonly #stored = new Map<string, Stored[]>()
  readonly #members = new Map<string, Members>()
  readonly #cleaned = new Map<string, number>()
  readonly #batchFiles = new Map<string, (LogRecord & ToldFile)[]>()
  readonly #undone = new Set<number>()
  #isExcused: (path: string) => boolean = () => false
  #digestOnly = 0
  #notDecrypted = 0
  #otherKeys = 0
  #otherKey: { readonly where: string; readonly what: string; readonly leaf: number } | undefined

  constructor(home: string, findings: Findings, masterKey?: Uint8Array) {
    this.#home = home
    this.#findings = findings
    this.#masterKey = masterKey
  }

  /** Bytes to be read. */
  get bytes(): number {
    const files: ToldFile[][] = [...this.#stored.values(), ...this.#batchFiles.values()]
    return files.reduce((sum, told) => sum + (told.at(-1)?.bytes ?? 0), 0)
  }

  take(objects: readonly ObjectRecord[], leaf: number): void {
    for (const { raw } of objects) {
      const { stored, sha256, bytes } = raw
      if (stored === undefined) {
        this.#digestOnly += 1
        continue
      }
      const isPack = parsePackPath(stored.path) !== undefined
      if (!isPack && !mayHold(stored.path, sha256)) {
        this.#findings.add(
          'unverifiable',
          stored.path,
          `Leaf ${leaf} gives another digest than the name of the file.`,
          leaf,
        )
      } else {
        tell(this.#stored, stored.path, { ...stored, received: { sha256, bytes }, leaf })
        if (isPack) this.#takeMember(stored.path, { sha256, bytes }, leaf)
      }
    }
  }

  #takeMember(path: string, member: KnownMember, leaf: number): void {
    const members: Members = this.#members.get(path) ?? new Map()
    this.#members.set(path, members)
    const known = members.get(member.sha256)
    if (known === undefined) members.set(member.sha256, member)
    else if (known.bytes !== member.bytes) {
      const what = `Leaf ${leaf} gives ${member.bytes} bytes to what another gives ${known.bytes}.`
      this.#findings.add('unverifiable', path, what, leaf)
    }
  }

  deleted(paths: readonly string[], leaf: number): void {
    for (const path of paths) this.#cleaned.set(path, leaf)
  }

  /** Takes note of leaves that a restore has undone: what they brought may be there or not. */
  undone(leaves: readonly number[]): void {
    for (const leaf of leaves) this.#undone.add(leaf)
  }

  /** Takes note of files that need not be there; those that are, are looked at like any other. */
  excuse(isExcused: (path: string) => boolean): void {
    this.#isExcused = isExcused
  }

  batchFile(file: LogRecord, leaf: number): void {
    tell(this.#batchFiles, file.path, { ...file, leaf })
  }

  /** True if a leaf names the file. */
  names(path: string): boolean {
    return this.#stored.has(path) || this.#batchFiles.has(path)
  }

  /** Reads the packs: the largest files there are, so that none is begun when all else is done. */
  async checkPacks(hasher: Hasher, onBytes: OnBytes): Promise<void> {
    for (const [path, members] of this.#members) {
      const told = this.#expected(path, this.#stored.get(path) ?? [])
      if (told !== undefined) await this.#read(hasher, told, [...members.values()], onBytes)
    }
  }

  /** Reads every other file. */
  async check(hasher: Hasher, onBytes: OnBytes): Promise<void> {
    for (const [path, records] of this.#batchFiles) {
      const expected = this.#expected(path, records)
      if (expected === undefined) continue
      const { bytes } = expected.file
      await hasher.add({ path: join(this.#home, path), bytes }, (result) => {
        onBytes(bytes)
        this.#judgeBatchFile(expected, result)
      })
    }
    for (const [path, records] of this.#stored) {
      const told = this.#members.has(path) ? undefined : this.#expected(path, records)
      if (told !== undefined) await this.#read(hasher, told, told.file.received.bytes, onBytes)
    }
  }

  /** @param received length of what was received; of a pack, what is known of each */
  async #read(
    hasher: Hasher,
    expected: Expected<Stored>,
    received: number | readonly KnownMember[],
    onBytes: OnBytes,
  ): Promise<void> {
    const { path, file } = expected
    const job = { path: join(this.#home, path), bytes: file.bytes }
    const isAsReceived = parseStoredPath(path)?.encoding.length === 0
    const raw = isAsReceived ? {} : { raw: { home: this.#home, key: path, bytes: received, ...this.#key() } }
    await hasher.add({ ...job, ...raw }, (result) => {
      onBytes(file.bytes)
      this.#judge(expected, isAsReceived && result.kind === 'digest' ? { ...result, content: result.file } : result)
    })
  }

  /**
   * Says what there is to say once all is read.
   *
   * @param isWhole true if the leaves of the whole log were looked at
   */
  end(isWhole: boolean): void {
    if (this.#digestOnly > 0) {
      this.#findings.notice(`The received bytes of ${this.#digestOnly} objects were not kept (raw: digest-only).`)
    }
    if (this.#notDecrypted > 0) {
      this.#findings.notice(
        `${this.#notDecrypted} raw objects are encrypted: what is stored was checked, what was received was not (no --raw-key given).`,
      )
    }
    if (this.#otherKey !== undefined) {
      const { where, what, leaf } = this.#otherKey
      const count = `${this.#otherKeys} raw objects are encrypted with another key than the one given`
      this.#findings.add('unverifiable', where, `${count}; of each what is stored was checked. ${what}`, leaf)
    }
    if (!isWhole) return
    const leftovers = keysUnder(join(this.#home, RAW_FOLDER)).filter(
      (key) => !key.startsWith('.') && !this.#stored.has(`${RAW_FOLDER}/${key}`),
    )
    if (leftovers.length > 0) {
      this.#findings.notice(
        `${leftovers.length} files in ${RAW_FOLDER}/ are named by no leaf, such as ${leftovers[0]}.`,
      )
    }
  }

  #key(): { masterKey?: Uint8Array } {
    return this.#masterKey === undefined ? {} : { masterKey: this.#masterKey }
  }

  #expected<T extends ToldFile>(path: string, records: readonly T[]): Expected<T> | undefined {
    const { isNeeded, candidates } = standing(records, this.#undone)
    const file = likeliest(join(this.#home, path), candidates)
    return file && { path, file, candidates, isNeeded: isNeeded && !this.#isExcused(path) }
  }

  #judgeBatchFile({ path, file, candidates, isNeeded }: Expected<LogRecord & ToldFile>, result: DigestResult): void {
    if (result.kind === 'absent' && !isNeeded) return
    const told = foundAmong(candidates, file, result)
    // Numbers of batches that were undone are given again, so that another batch's record may lie there, not sealed yet.
    const isUndone = candidates.every(({ leaf }) => this.#undone.has(leaf))
    if (isUndone && (result.kind !== 'digest' || result.file.sha256 !== told.sha256)) {
      this.#findings.skip(`${path} is not the record of the batch that leaf ${told.leaf} sealed, and a restore undid.`)
    } else if (noteDigest(this.#findings, result, { where: path, what: 'The record of a batch', ...told })) {
      this.#count(told)
    }
  }

  #count({ bytes }: { readonly bytes: number }): void {
    this.#findings.checked.files += 1
    this.#findings.checked.bytes += bytes
  }

  #judge({ path: where, file, candidates, isNeeded }: Expected<Stored>, result: DigestResult): void {
    const { received } = file
    const told = foundAmong(candidates, file, result)
    const { leaf } = told
    if (result.kind === 'absent' && (!isNeeded || (this.#cleaned.get(where) ?? -1) > leaf)) return
    if (!noteDigest(this.#findings, result, { where, what: 'The received bytes', ...told })) return
    const members = this.#members.get(where)
    const objects = members?.size ?? 1
    this.#findings.checked.rawObjects += objects
    this.#findings.checked.rawBytes += file.bytes
    if (result.kind !== 'digest') return
    if (result.otherKey !== undefined) {
      this.#otherKey ??= { where, what: result.otherKey, leaf }
      this.#otherKeys += objects
    } else if (result.unpackFault !== undefined) {
      const what = `It was sealed like this, but what was received cannot be got out of it: ${result.unpackFault}`
      this.#findings.add('unverifiable', where, what, leaf)
    } else if (result.content === undefined && result.lacking === undefined) this.#notDecrypted += objects
    else if (members !== undefined) this.#judgeMembers(where, result.lacking ?? [], leaf)
    else if (result.content?.sha256 !== received.sha256 || result.content.bytes !== received.bytes) {
      this.#findings.add('changed', where, 'It unpacks to other bytes than those received.', leaf)
    }
  }

  #judgeMembers(where: string, lacking: readonly string[], leaf: number): void {
    if (lacking.length === 0) return
    const what = `It does not hold ${lacking.length} of the objects it was sealed to hold as they were received, such as ${lacking[0]}.`
    this.#findings.add('changed', where, what, leaf)
  }
}

/** The record that fits what was read; `file` where none does. */
const foundAmong = <T extends ToldFile>(candidates: readonly T[], file: T, result: DigestResult): T =>
  candidates.find((one) => result.kind === 'digest' && result.file.sha256 === one.sha256) ?? file
