/** The raw archive and the files of batches against what the leaves say of them. */
import { join } from 'node:path'
import type { LogRecord, ObjectRecord } from '../entry.ts'
import { parseStoredPath, RAW_FOLDER } from '../raw/stored.ts'
import type { DigestResult } from './digest.ts'
import { noteDigest } from './file-verdict.ts'
import type { Hasher } from './hasher.ts'
import { keysUnder } from './log-files.ts'
import type { Findings } from './report.ts'

/** A stored object, by the newest leaf that names it. */
interface Stored {
  readonly sha256: string
  readonly bytes: number
  readonly received: { readonly sha256: string; readonly bytes: number }
  readonly leaf: number
}

/** Called as files are done. */
export type OnBytes = (bytes: number) => void

/** Collects what the leaves say, then looks at the files. */
export class RawCheck {
  readonly #home: string
  readonly #findings: Findings
  readonly #masterKey: Uint8Array | undefined
  readonly #stored = new Map<string, Stored>()
  readonly #cleaned = new Map<string, number>()
  readonly #batchFiles = new Map<string, LogRecord & { readonly leaf: number }>()
  #digestOnly = 0
  #notDecrypted = 0

  constructor(home: string, findings: Findings, masterKey?: Uint8Array) {
    this.#home = home
    this.#findings = findings
    this.#masterKey = masterKey
  }

  /** Bytes to be read. */
  get bytes(): number {
    return [...this.#stored.values(), ...this.#batchFiles.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  take(objects: readonly ObjectRecord[], leaf: number): void {
    for (const { raw } of objects) {
      const { stored, sha256, bytes } = raw
      if (stored === undefined) this.#digestOnly += 1
      else if (parseStoredPath(stored.path)?.sha256 !== sha256) {
        this.#findings.add(
          'unverifiable',
          stored.path,
          `Leaf ${leaf} gives another digest than the name of the file.`,
          leaf,
        )
      } else this.#stored.set(stored.path, { ...stored, received: { sha256, bytes }, leaf })
    }
  }

  deleted(paths: readonly string[], leaf: number): void {
    for (const path of paths) this.#cleaned.set(path, leaf)
  }

  /** Takes note of files that need not be there. */
  excuse(paths: readonly string[]): void {
    for (const path of paths) {
      this.#stored.delete(path)
      this.#batchFiles.delete(path)
    }
  }

  batchFile(file: LogRecord, leaf: number): void {
    this.#batchFiles.set(file.path, { ...file, leaf })
  }

  /** Reads every file. */
  async check(hasher: Hasher, onBytes: OnBytes): Promise<void> {
    for (const [path, file] of this.#batchFiles) {
      await hasher.add({ path: join(this.#home, path), bytes: file.bytes }, (result) => {
        onBytes(file.bytes)
        if (noteDigest(this.#findings, result, { where: path, what: 'The record of a batch', ...file }))
          this.#count(file)
      })
    }
    for (const [path, file] of this.#stored) {
      const raw = { home: this.#home, key: path, bytes: file.received.bytes, ...this.#key() }
      await hasher.add({ path: join(this.#home, path), bytes: file.bytes, raw }, (result) => {
        onBytes(file.bytes)
        this.#judge(path, file, result)
      })
    }
  }

  /**
   * Says what there is to say once all is read.
   *
   * @param isWhole true if the leaves of the whole log were looked at
   */
  end(isWhole: boolean): void {
    if (this.#digestOnly > 0) {
      this.#findings.skip(`The received bytes of ${this.#digestOnly} objects were not kept (raw: digest-only).`)
    }
    if (this.#notDecrypted > 0) {
      this.#findings.skip(
        `${this.#notDecrypted} raw objects are encrypted: what is stored was checked, what was received was not (no raw key given).`,
      )
    }
    if (!isWhole) return
    const leftovers = keysUnder(join(this.#home, RAW_FOLDER)).filter(
      (key) => !key.startsWith('.') && !this.#stored.has(`${RAW_FOLDER}/${key}`),
    )
    if (leftovers.length > 0) {
      this.#findings.skip(`${leftovers.length} files in ${RAW_FOLDER}/ are named by no leaf, such as ${leftovers[0]}.`)
    }
  }

  #key(): { masterKey?: Uint8Array } {
    return this.#masterKey === undefined ? {} : { masterKey: this.#masterKey }
  }

  #count({ bytes }: { readonly bytes: number }): void {
    this.#findings.checked.files += 1
    this.#findings.checked.bytes += bytes
  }

  #judge(where: string, file: Stored, result: DigestResult): void {
    const { leaf, received } = file
    if (result.kind === 'absent' && (this.#cleaned.get(where) ?? -1) > leaf) return
    if (!noteDigest(this.#findings, result, { where, what: 'The received bytes', ...file })) return
    this.#findings.checked.rawObjects += 1
    this.#findings.checked.rawBytes += file.bytes
    if (result.kind !== 'digest') return
    if (result.unpackFault !== undefined) {
      const what = `It was sealed like this, but what was received cannot be got out of it: ${result.unpackFault}`
      this.#findings.add('unverifiable', where, what, leaf)
    } else if (result.content === undefined) this.#notDecrypted += 1
    else if (result.content.sha256 !== received.sha256 || result.content.bytes !== received.bytes) {
      this.#findings.add('changed', where, 'It unpacks to other bytes than those received.', leaf)
    }
  }
}
