/** The log of a home: entries are appended, hashed, signed; a crash at any instant leaves either the old head or the new. */
import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { type ObjectStore, TEMP_PREFIX } from '../lake/stores/contract.ts'
import { localStore } from '../lake/stores/local.ts'
import { formatCheckpoint, type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts'
import { KEYS_FOLDER, type SealKeys } from './keys.ts'
import { guardPath, readGuard, writeGuard } from './keys-guard.ts'
import { checkHead, EMPTY_HEAD, type Head, notePath, type SecondGuard, sameHead, writeHead } from './log-head.ts'
import { LOCK_WAIT_MS, withSealLock } from './log-lock.ts'
import {
  type FoundPending,
  foreignPending,
  handoverIn,
  isSignedBy,
  type Pending,
  readPending,
  removePending,
  writePending,
} from './log-pending.ts'
import { type ReadHash, rootFrom, sameHash } from './merkle.ts'
import { parseVkey, type Signer, signNote, type Verifier } from './note.ts'
import { CHECKPOINT_PATH, filledTiles, pathOf } from './tiles.ts'
import { type Growth, growTree, TreeReader } from './tree.ts'

/** Folder of the log itself inside the seal's folder. */
export const LOG_FOLDER = 'log'

/** Files of an append that are written at the same time. */
const WRITES_AT_ONCE = 8

/** Age at which nobody is writing a temporary file any more. */
const STALE_MS = 3_600_000

/** What a log needs besides its folder and keys. */
export interface LogOptions {
  readonly now: () => Date
  /** How long to wait for another process that appends; a minute where absent. */
  readonly lockWaitMs?: number
}

/** A change of keys that an append makes. */
interface KeyChange {
  readonly next: Signer
  readonly previous: Verifier
}

/** A head with the note that says it. */
export interface SignedHead extends Head {
  readonly note: string
}

/** The log in a seal's folder. Several processes may hold it; each append sees what the others have appended. */
export class SealLog {
  readonly #folder: string
  readonly #keys: SealKeys
  readonly #options: LogOptions
  readonly #store: ObjectStore
  #reader: TreeReader

  private constructor(folder: string, keys: SealKeys, options: LogOptions) {
    this.#folder = folder
    this.#keys = keys
    this.#options = options
    this.#store = localStore(folder)
    this.#reader = this.#readerOf(0n)
  }

  /**
   * Opens a log, or begins one, and finishes an append that was interrupted.
   *
   * @throws AppError BAD_SEAL if files of it are damaged, SEAL_FORKED if it is not the log its key has signed, BAD_KEY,
   *   LOCKED
   */
  static async open(folder: string, keys: SealKeys, options: LogOptions): Promise<SealLog> {
    const log = new SealLog(folder, keys, options)
    await log.#alone(async () => {
      await log.#settled()
      await removeTemporaries(folder, ['', LOG_FOLDER, KEYS_FOLDER], STALE_MS)
    })
    return log
  }

  /** Number of entries, as of the opening or the last append by this object. */
  get size(): bigint {
    return this.#reader.size
  }

  /**
   * Appends entries as leaves, in order and all at once; when it returns, they are on disk under a signed checkpoint.
   * Where the last one is the `key` entry of {@link SealKeys.prepareRotation}, the key changes with it.
   *
   * @throws AppError BAD_SEAL, SEAL_FORKED, BAD_KEY, LOCKED, DISK_FULL; then nothing is appended, or the next opening
   *   finishes it
   */
  append(entries: readonly Uint8Array[]): Promise<SignedHead> {
    return this.#alone(async () => {
      const from = await this.#settled()
      if (entries.length === 0) return { ...from, note: (await this.note()) ?? '' }
      const change = this.#changeBy(entries)
      const signers = this.#signersOf(change)
      const growth = await growTree(this.#reader, entries)
      const pending = {
        from,
        to: { size: growth.size, root: growth.root },
        time: this.#options.now().toISOString(),
        references: this.#keys.referencesOf(signers),
        entries,
      }
      await writePending(this.#store, pending, signers)
      const note = await this.#perform(pending, growth, signers)
      await this.#conclude(pending, change)
      return { ...pending.to, note }
    })
  }

  /** The newest checkpoint, verified; undefined for a log that has none yet. */
  async checkpoint(): Promise<OpenedCheckpoint | undefined> {
    const note = await this.note()
    return note === undefined ? undefined : openCheckpoint(note, this.#keys.verifiers)
  }

  /** The newest checkpoint as it was signed; undefined for a log that has none yet. */
  async note(): Promise<string | undefined> {
    const bytes = await this.#store.read(`${LOG_FOLDER}/${CHECKPOINT_PATH}`)
    return bytes && Buffer.from(bytes).toString()
  }

  /** The data of a leaf. */
  entry(index: bigint): Promise<Uint8Array> {
    return this.#reader.entry(index)
  }

  /** The data of the leaves from one on, in order. */
  entries(from = 0n): AsyncGenerator<Uint8Array> {
    return this.#reader.entries(from)
  }

  /** Stored hashes, for the proofs of `merkle.ts` at any size up to {@link size}. */
  hashReader(): ReadHash {
    return this.#reader.readHash
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return withSealLock(this.#folder, work, this.#options.lockWaitMs ?? LOCK_WAIT_MS)
  }

  #readerOf(size: bigint): TreeReader {
    return new TreeReader((path) => this.#store.read(`${LOG_FOLDER}/${path}`), size)
  }

  /** The head on disk, once it is certain that it is ours, whole, and nothing is left to finish. */
  async #settled(): Promise<Head> {
    const pending = await readPending(this.#store)
    if (pending === undefined || !isSignedBy(pending, this.#keys.active)) await this.#keys.refresh()
    if (pending !== undefined && !isSignedBy(pending, this.#keys.active)) throw foreignPending(this.#keys.active)
    const checkpoint = await this.checkpoint()
    if (checkpoint !== undefined) this.#refuseOthers(checkpoint)
    const stored = checkpoint === undefined ? EMPTY_HEAD : { size: checkpoint.size, root: checkpoint.root }
    const reader = this.#readerOf(stored.size)
    if (!sameHash(await rootFrom(reader.readHash, stored.size), stored.root)) {
      throw new AppError('BAD_SEAL', `The tiles of the log do not lead to the root of its ${stored.size} entries.`)
    }
    await checkHead(this.#store, stored, reader.readHash, this.#keys.verifiers, pending?.to, await this.#secondGuard())
    this.#reader = reader
    if (pending !== undefined) await this.#heal(pending, stored)
    return pending?.to ?? stored
  }

  /** What is kept beside the key that signs, where that is a file outside the home. */
  async #secondGuard(): Promise<SecondGuard | undefined> {
    const { active } = this.#keys
    const where = guardPath(this.#keys.referencesOf([active])[active.vkey], active)
    const head = where === undefined ? undefined : await readGuard(where)
    return where === undefined || head === undefined ? undefined : { where, head }
  }

  /** Puts on record what is going to be signed, wherever that is kept. */
  async #guard(head: Head, signers: readonly Signer[]): Promise<void> {
    await writeHead(this.#store, head)
    const references = this.#keys.referencesOf(signers)
    for (const signer of signers) {
      const path = guardPath(references[signer.vkey], signer)
      if (path !== undefined) await writeGuard(path, head)
    }
  }

  /** Finishes an append that was interrupted, from wherever it had come to. Its record is signed by the active key. */
  async #heal(pending: FoundPending, stored: Head): Promise<void> {
    const change = await this.#changeAgain(pending)
    if (!sameHead(stored, pending.to)) {
      const growth = sameHead(stored, pending.from) ? await growTree(this.#reader, pending.entries) : undefined
      if (growth === undefined || !sameHead(growth, pending.to)) {
        throw new AppError('SEAL_FORKED', 'An append was interrupted, and the log is not the one it had begun with.')
      }
      await removeTemporaries(
        this.#folder,
        [...growth.files.keys()].map((path) => dirname(join(LOG_FOLDER, path))),
      )
      await this.#perform(pending, growth, this.#signersOf(change))
    }
    await this.#conclude(pending, change)
  }

  /** The change of keys that was interrupted. The key that takes over must have signed the record as well. */
  async #changeAgain(pending: FoundPending): Promise<KeyChange | undefined> {
    const told = handoverIn(pending.entries)
    const { active } = this.#keys
    // The change has come as far as the keys; then the newest checkpoint is signed by the new one.
    if (told?.vkey === active.vkey) return { next: active, previous: parseVkey(told.previous) }
    if (told?.previous === active.vkey) {
      if (!isSignedBy(pending, parseVkey(told.vkey))) throw foreignPending(parseVkey(told.vkey))
      await this.#keys.resumeRotation(told.vkey, pending.references[told.vkey])
    }
    return this.#changeBy(pending.entries)
  }

  #refuseOthers({ origin, note }: OpenedCheckpoint): void {
    const { active } = this.#keys
    if (origin === active.name && note.verified.some(({ key }) => key.vkey === active.vkey)) return
    throw new AppError('BAD_KEY', `The newest checkpoint is not signed by ${active.name}+${active.id}.`)
  }

  /** The change of keys that entries end with; it must be the one that was prepared. */
  #changeBy(entries: readonly Uint8Array[]): KeyChange | undefined {
    const told = handoverIn(entries)
    if (told === undefined) return undefined
    const { active, next } = this.#keys
    if (next !== undefined && told.vkey === next.vkey && told.previous === active.vkey) {
      return { next, previous: active }
    }
    throw new AppError('BAD_KEY', `An entry hands over to a key that ${active.name}+${active.id} has not made ready.`)
  }

  /** Who signs: the active key; the one that takes over too. */
  #signersOf(change: KeyChange | undefined): Signer[] {
    const { active } = this.#keys
    return change === undefined ? [active] : [change.next, active]
  }

  /** Writes and signs what is pending. Done twice it comes to the same, for Ed25519 signs the same text the same way. */
  async #perform({ to }: Pending, { files }: Growth, signers: readonly Signer[]): Promise<string> {
    await this.#write(files)
    await this.#guard(to, signers)
    const note = signNote(formatCheckpoint({ origin: this.#keys.origin, ...to }), signers)
    await this.#publish(to, note)
    return note
  }

  /** What is left to do once the checkpoint is out. */
  async #conclude({ from, to }: Pending, change: KeyChange | undefined): Promise<void> {
    if (change !== undefined) await this.#keys.takeOver(change.next, change.previous)
    for (const tile of filledTiles(from.size, to.size)) {
      await rm(join(this.#folder, LOG_FOLDER, `${pathOf(tile)}.p`), { recursive: true, force: true })
    }
    await removePending(this.#store)
    this.#reader = this.#readerOf(to.size)
  }

  async #write(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const all = [...files]
    for (let at = 0; at < all.length; at += WRITES_AT_ONCE) {
      const some = all.slice(at, at + WRITES_AT_ONCE)
      await Promise.all(some.map(([path, bytes]) => this.#store.put(`${LOG_FOLDER}/${path}`, bytes)))
    }
  }

  /** Makes the note the newest. The copy that is kept may have cosignatures by now, so it stays if it is there. */
  async #publish(head: Head, note: string): Promise<void> {
    const bytes = Buffer.from(note)
    if (!(await this.#store.putIfAbsent(notePath(head.size), bytes))) {
      const kept = openCheckpoint((await this.#store.read(notePath(head.size))) ?? bytes, this.#keys.verifiers)
      if (!sameHead(kept, head)) {
        throw new AppError('SEAL_FORKED', `Another head of ${head.size} entries has been signed before.`, {
          where: notePath(head.size),
        })
      }
    }
    await this.#store.put(`${LOG_FOLDER}/${CHECKPOINT_PATH}`, bytes)
  }
}

/** Removes what a crash left of files that were being written, in folders below the seal's. */
async function removeTemporaries(folder: string, below: readonly string[], olderThanMs = 0): Promise<void> {
  for (const path of new Set(below.map((part) => join(folder, part)))) {
    const names = await readdir(path).catch(() => [])
    for (const name of names.filter((found) => found.startsWith(TEMP_PREFIX))) {
      const { mtimeMs } = await stat(join(path, name))
      if (Date.now() - mtimeMs >= olderThanMs) await rm(join(path, name), { force: true })
    }
  }
}
