/** The raw archive of a home: received bytes, kept under their digest, compressed and, if a key is set, encrypted. */

import { createHash, hash } from 'node:crypto'
import { constants, existsSync, readdirSync } from 'node:fs'
import { chmod, copyFile, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { AppError, isAppError, systemError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { err, ok, type Result, unwrap } from '../../core/result.ts'
import { Turns } from '../../core/turns.ts'
import { syncFolder } from '../../lake/stores/local.ts'
import type { RawRecord } from '../entry.ts'
import { encrypted, encryptedPieces, wrongKey } from './cipher.ts'
import { RawDamage } from './damage.ts'
import { type RawKey, readRawKey } from './key.ts'
import { Frames, MEMBER_BYTES } from './pack.ts'
import { PackFile } from './pack-file.ts'
import { Packing } from './packing.ts'
import { eachOf, FILE_MODE, Placing, removeUnfinished } from './placing.ts'
import { digestOf, expectDigest, lengthOf, type RawSource, readNow, readRange, shorter } from './source.ts'
import {
  encodingOf,
  isCompressed,
  mayHold,
  PACKS_FOLDER,
  parsePackPath,
  parseStoredPath,
  RAW_FOLDER,
  type ReadOptions,
  receivedBytes,
  type StoredRaw,
  storedPath,
  zstdOf,
  zstdWhole,
} from './stored.ts'

/** What an archive is opened with. */
export interface RawOptions {
  readonly raw: 'keep' | 'digest-only'
  /** Reference to the key, or null for no encryption. */
  readonly rawKey: string | null
}

/** Up to this size an object is worked on in memory, at once: a stream costs more than the work. */
const AT_ONCE_BYTES = MEMBER_BYTES

/** Up to this size an object that is compressed already is copied at once, unless it can be cloned. */
const COPIED_BYTES = 4 * 1024 * 1024

/** So many small objects of one call, or more, go into packs: fewer are found faster, and deleted one by one, as files. */
const PACKED_OBJECTS = 32

/** What {@link RawArchive.hold} may take, compressed; the rest is read again when it is kept. */
const HELD_BYTES = 64 * 1024 * 1024

/** Frames of those that are compressed while more is taken. */
const FRAMES_AT_ONCE = 4

/** Objects worked on at once; the larger ones are streams, which wait for disks. */
const LANES = 2

/** The archive of a home, for the process that holds the writer's place. */
export class RawArchive {
  readonly #root: string
  readonly #mode: RawOptions['raw']
  readonly #key: RawKey | undefined
  /** Objects that are to be kept soon, and those a pack holds that nobody has asked for yet. */
  readonly #held = new Frames(FRAMES_AT_ONCE)
  readonly #ahead = new Map<string, StoredRaw>()
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(root: string, mode: RawOptions['raw'], key: RawKey | undefined) {
    this.#root = root
    this.#mode = mode
    this.#key = key
  }

  /**
   * Opens the archive and removes what a killed process left unfinished in it. Nothing else is written yet.
   *
   * @param setting what to call the key's setting in messages
   * @throws AppError BAD_KEY if the key cannot be had, BAD_HOME
   */
  static async open(home: Pick<Home, 'root'>, options: RawOptions, setting?: string): Promise<RawArchive> {
    const key =
      options.raw === 'keep' && options.rawKey !== null ? await readRawKey(options.rawKey, setting) : undefined
    await removeUnfinished(join(home.root, RAW_FOLDER)).catch((cause) => {
      throw systemError(cause) ?? cause
    })
    return new RawArchive(home.root, options.raw, key)
  }

  /**
   * Takes a copy of the bytes of a small object that is to be kept soon, so that they need not be read again. It is taken at once;
   * who has more waits. Durable they are once it is kept.
   */
  async hold(sha256: string, bytes: Buffer): Promise<void> {
    if (this.#mode === 'digest-only' || bytes.length === 0 || bytes.length > MEMBER_BYTES) return
    if (this.#held.storedBytes < HELD_BYTES) await this.#held.add(sha256, bytes)
  }

  /** Keeps one object; see {@link keepAll}. */
  async keep(source: RawSource): Promise<RawRecord> {
    const [result] = await this.keepAll([source])
    return unwrap(result as Result<RawRecord>)
  }

  /**
   * Keeps the bytes of all sources; when it returns they are durable. What stands already and is whole is not written again,
   * and is mended where it is not. A source that cannot be read, or is not what its digest says, is a failure of its own.
   *
   * @returns one result for each source, in their order
   * @throws AppError DISK_FULL, BAD_HOME; then no record of this call counts
   */
  keepAll(sources: readonly RawSource[]): Promise<Result<RawRecord>[]> {
    const done = this.#turn.then(() => this.#keepAll(sources))
    // One call at a time: two would encrypt the same content twice, and the later would change what the earlier has told.
    this.#turn = done.catch(() => {})
    return done
  }

  async #keepAll(sources: readonly RawSource[]): Promise<Result<RawRecord>[]> {
    if (sources.length === 0) return []
    if (this.#mode === 'digest-only') return eachResult(sources, digested)
    try {
      const keeping = new Keeping(this.#root, this.#key)
      const small = sources.filter((source) => isSmall(source))
      const packing =
        small.length < PACKED_OBJECTS
          ? undefined
          : new Packing(this.#root, keeping.placing, this.#held, this.#ahead, this.#key)
      try {
        const results = await eachResult(sources, (source) => keeping.keep(source, packing))
        const stored = await packing?.place()
        await keeping.placing.end()
        packing?.end()
        return stored === undefined ? results : results.map((result) => withPlace(result, stored))
      } catch (cause) {
        await keeping.placing.abandon()
        throw cause
      }
    } catch (cause) {
      throw systemError(cause) ?? cause
    }
  }

  /**
   * The received bytes of a record, with the key given or the archive's own. Their digest is checked at the end.
   * @throws RawDamage, AppError BAD_KEY, BAD_ARGUMENT if only the digest was kept
   */
  async *read(record: RawRecord, key?: RawKey): AsyncGenerator<Buffer, void, void> {
    const { sha256, bytes, stored } = record
    if (stored === undefined) throw notKept(sha256)
    const options = { key: key ?? this.#key, bytes, storedBytes: stored.bytes }
    if (!mayHold(stored.path, sha256))
      throw new RawDamage('changed', stored.path, 'is not where these bytes are stored')
    if (parsePackPath(stored.path) !== undefined) yield memberOf(this.#root, stored.path, record, options)
    else yield* receivedBytes(this.#root, stored.path, options)
  }

  /**
   * Deletes the file of a record, durably; nothing happens where there is none. Other records may have named it too: of a pack,
   * those of all its members.
   */
  async remove({ stored }: RawRecord): Promise<void> {
    if (stored === undefined) return
    if ((parseStoredPath(stored.path) ?? parsePackPath(stored.path)) === undefined)
      throw new RawDamage('changed', stored.path, 'is no name of a stored object')
    const path = join(this.#root, stored.path)
    if (!existsSync(path)) return
    await rm(path, { force: true })
    await syncFolder(dirname(path))
  }
}

/**
 * The received bytes with this digest, from whatever file of the home holds them. Their digest is checked at the end.
 *
 * @param place path of the file in the home, where a record tells it: else every pack is looked into
 * @throws RawDamage, AppError BAD_ARGUMENT if there are none, BAD_KEY if they are encrypted with another key than the one given
 */
export async function* rawOf(
  home: Pick<Home, 'root'>,
  sha256: string,
  key?: RawKey,
  place?: string,
): AsyncGenerator<Buffer, void, void> {
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw new AppError('BAD_ARGUMENT', 'A raw object is named by its SHA-256: 64 hex digits, in small letters.')
  const folder = `${RAW_FOLDER}/${sha256.slice(0, 2)}`
  const names = await readdir(join(home.root, folder)).catch(() => [])
  const files = names.flatMap((name) => {
    const path = `${folder}/${name}`
    const said = parseStoredPath(path)
    return said?.sha256 === sha256 ? [{ path, keyId: said.keyId }] : []
  })
  const best = files.find(({ keyId }) => keyId === undefined) ?? files.find(({ keyId }) => keyId === key?.id)
  const packed = best === undefined ? await packedIn(home.root, sha256, key, place) : undefined
  if (packed !== undefined) return yield packed
  const [first] = files
  if (first === undefined) throw notKept(sha256)
  if (best === undefined) throw wrongKey(first.path, files.map(({ keyId }) => keyId).join(' or '), key)
  yield* receivedBytes(home.root, best.path, { key })
}

/** The bytes with this digest out of whatever pack holds them. */
async function packedIn(
  root: string,
  sha256: string,
  key: RawKey | undefined,
  place = '',
): Promise<Buffer | undefined> {
  const names = await readdir(join(root, RAW_FOLDER, PACKS_FOLDER)).catch(() => [])
  let failure: AppError | undefined
  for (const path of new Set([place, ...names.map((name) => `${RAW_FOLDER}/${PACKS_FOLDER}/${name}`)])) {
    if (parsePackPath(path) === undefined) continue
    try {
      const bytes = inPack(root, path, (pack) => pack.member(sha256), key)
      if (bytes !== undefined) return bytes
    } catch (cause) {
      // Whether it is in one that cannot be read nobody can tell; another may have it.
      if (!isAppError(cause)) throw cause
      failure ??= cause
    }
  }
  if (failure !== undefined) throw failure
  return undefined
}

function memberOf(root: string, path: string, { sha256, bytes }: RawRecord, options: ReadOptions): Buffer {
  const found = inPack(root, path, (pack) => pack.member(sha256), options.key, options.storedBytes)
  if (found?.length !== bytes) throw new RawDamage('changed', path, `does not hold the ${bytes} bytes of ${sha256}`)
  return found
}

function inPack<T>(root: string, path: string, look: (pack: PackFile) => T, key?: RawKey, storedBytes?: number): T {
  const pack = PackFile.open(root, path, key, storedBytes)
  try {
    return look(pack)
  } finally {
    pack.close()
  }
}

const isSmall = (source: RawSource): boolean => lengthOf(source) > 0 && lengthOf(source) <= MEMBER_BYTES

/** Adds the pack to a record that waits for it. */
function withPlace(result: Result<RawRecord>, places: ReadonlyMap<string, StoredRaw>): Result<RawRecord> {
  if (!result.ok || result.value.stored !== undefined) return result
  const stored = places.get(result.value.sha256)
  if (stored === undefined) throw new Error('an object is in none of the packs of its call')
  return ok({ ...result.value, stored })
}

const notKept = (sha256: string): AppError =>
  new AppError('BAD_ARGUMENT', `The received bytes ${sha256} are not in the raw archive.`, {
    hint: 'With `raw: digest-only` only the digest of what was received is known.',
  })

async function digested(source: RawSource): Promise<RawRecord> {
  return { sha256: source.sha256 ?? (await digestOf(source)), bytes: lengthOf(source) }
}

/** Results of work on each source; what concerns one source is its result, what concerns all is thrown. */
async function eachResult(
  sources: readonly RawSource[],
  work: (source: RawSource) => Promise<RawRecord>,
): Promise<Result<RawRecord>[]> {
  const results: Result<RawRecord>[] = []
  // A batch begins to be read while it is kept.
  const turns = new Turns()
  await eachOf(
    sources,
    async (source, at) => {
      if (turns.isOver) await turns.giveWay()
      try {
        results[at] = ok(await work(source))
      } catch (cause) {
        if (!isAppError(cause) || cause.code !== 'UNREADABLE') throw cause
        results[at] = err(cause)
      }
    },
    LANES,
  )
  return results
}

/** One call's work. */
class Keeping {
  readonly #root: string
  readonly #key: RawKey | undefined
  /** What this call has kept or found, by path. */
  readonly #kept = new Map<string, RawRecord>()
  /** Folders there are: where there is none for an object, no file need be looked for. */
  readonly #folders: ReadonlySet<string>
  readonly placing: Placing
  /** False once a clone could not be made: others would only cost time. */
  #hasClones = true

  constructor(root: string, key: RawKey | undefined) {
    this.#root = root
    this.#key = key
    this.placing = new Placing(join(root, RAW_FOLDER))
    this.#folders = new Set(readdirSync(join(root, RAW_FOLDER)))
  }

  /** @param packing where small objects go; what goes there has its place once all is gathered */
  async keep(source: RawSource, packing?: Packing): Promise<RawRecord> {
    const standing = source.sha256 === undefined ? undefined : await this.#standing(source.sha256, lengthOf(source))
    if (standing !== undefined) return standing
    if (packing !== undefined && isSmall(source)) return this.#pack(source, packing)
    await this.placing.room()
    return lengthOf(source) <= AT_ONCE_BYTES ? this.#keepAtOnce(source) : this.#keepStream(source)
  }

  async #pack(source: RawSource, packing: Packing): Promise<RawRecord> {
    if (source.sha256 !== undefined && packing.want(source.sha256))
      return { sha256: source.sha256, bytes: lengthOf(source) }
    await setImmediate()
    const { received, sha256, standing } = await this.#read(source)
    if (standing !== undefined) return standing
    await packing.add(sha256, received)
    return { sha256, bytes: received.length }
  }

  /** Reads a small object, and looks for it where that could not be done before. */
  async #read(source: RawSource) {
    const received = readNow(source, lengthOf(source))
    const sha256 = hexDigest(received)
    expectDigest(source, sha256)
    const standing = source.sha256 === undefined ? await this.#standing(sha256, received.length) : undefined
    return { received, sha256, standing }
  }

  async #keepAtOnce(source: RawSource): Promise<RawRecord> {
    const { received, sha256, standing } = await this.#read(source)
    if (standing !== undefined) return standing
    const isPacked = isCompressed(received)
    const packed = isPacked ? received : zstdWhole(received)
    const stored = this.#key === undefined ? packed : Buffer.concat(encryptedPieces([packed], this.#key))
    const digest = stored === received ? sha256 : hexDigest(stored)
    return this.#place(
      this.#recordOf(sha256, received.length, isPacked, { bytes: stored.length, sha256: digest }),
      (path) => this.placing.write([stored], path),
    )
  }

  async #keepStream(source: RawSource): Promise<RawRecord> {
    const isPacked = isCompressed(readNow(source, 4))
    const temp = this.placing.newName()
    try {
      const isCloned = isPacked && this.#key === undefined && (await this.#cloned(source, temp))
      if (!isCloned && isPacked && lengthOf(source) <= COPIED_BYTES) return await this.#keepAtOnce(source)
      const { sha256, stored } = isCloned ? await clonedDigest(source, temp) : await this.#write(source, isPacked, temp)
      expectDigest(source, sha256)
      const standing = source.sha256 === undefined ? await this.#standing(sha256, lengthOf(source)) : undefined
      return (
        standing ??
        this.#place(this.#recordOf(sha256, lengthOf(source), isPacked, stored), (path) =>
          this.placing.rename(temp, path),
        )
      )
    } finally {
      await rm(temp, { force: true })
    }
  }

  /** Makes a clone, unless one could not be made before. */
  async #cloned(source: RawSource, temp: string): Promise<boolean> {
    if (!this.#hasClones || source.firstByte > 0) return false
    this.#hasClones = await cloned(source, temp)
    return this.#hasClones
  }

  /** Compresses, encrypts and digests while it copies. */
  async #write(source: RawSource, isPacked: boolean, temp: string): Promise<Written> {
    const [received, stored] = [createHash('sha256'), createHash('sha256')]
    let bytes = 0
    let pieces: AsyncIterable<Buffer> = readRange(source, (piece) => received.update(piece))
    if (!isPacked) pieces = zstdOf(pieces, lengthOf(source))
    if (this.#key !== undefined) pieces = encrypted(pieces, this.#key)
    const isSame = isPacked && this.#key === undefined
    async function* counted() {
      for await (const piece of pieces) {
        bytes += piece.length
        if (!isSame) stored.update(piece)
        yield piece
      }
    }
    const file = await open(temp, 'wx', FILE_MODE)
    try {
      await file.writeFile(counted())
      await file.sync()
    } finally {
      await file.close()
    }
    const sha256 = received.digest('hex')
    return { sha256, stored: { bytes, sha256: isSame ? sha256 : stored.digest('hex') } }
  }

  #recordOf(sha256: string, bytes: number, isPacked: boolean, stored: Written['stored']): KeptRecord {
    const encoding = encodingOf(!isPacked, this.#key !== undefined)
    const path = storedPath({ sha256, encoding, keyId: this.#key?.id })
    return { sha256, bytes, stored: { path, ...stored, encoding } }
  }

  /** Places a file, unless another of this call's did so meanwhile. */
  #place(record: KeptRecord, place: (path: string) => void): RawRecord {
    const { path } = record.stored
    const before = this.#kept.get(path)
    if (before !== undefined) return before
    place(join(this.#root, path))
    this.#kept.set(path, record)
    return record
  }

  /** The record of these bytes, if the archive holds them whole, as they would be stored now. */
  async #standing(sha256: string, bytes: number): Promise<RawRecord | undefined> {
    for (const isPacked of [false, true]) {
      const { stored } = this.#recordOf(sha256, bytes, isPacked, { bytes: 0, sha256 })
      const kept = this.#kept.get(stored.path)
      if (kept !== undefined) return kept
      if (!this.#folders.has(sha256.slice(0, 2)) || !existsSync(join(this.#root, stored.path))) continue
      const found = await this.#wholeOf(stored.path, bytes)
      if (found === undefined) continue
      this.placing.adopt(join(this.#root, stored.path))
      return this.#place(this.#recordOf(sha256, bytes, isPacked, found), () => {})
    }
    return undefined
  }

  /** Length and digest of a file, if reading it gives the received bytes. */
  async #wholeOf(path: string, bytes: number): Promise<Written['stored'] | undefined> {
    const digest = createHash('sha256')
    let length = 0
    const onStored = (piece: Buffer) => {
      digest.update(piece)
      length += piece.length
    }
    try {
      for await (const _ of receivedBytes(this.#root, path, { key: this.#key, bytes, onStored }));
      return { bytes: length, sha256: digest.digest('hex') }
    } catch (cause) {
      if (cause instanceof RawDamage) return undefined
      throw cause
    }
  }
}

type KeptRecord = RawRecord & { readonly stored: StoredRaw }

interface Written {
  readonly sha256: string
  readonly stored: { readonly bytes: number; readonly sha256: string }
}

const hexDigest = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')

/** Makes a copy that shares the blocks on disk, where the file system can; it is a snapshot, so nobody changes it any more. */
function cloned({ path }: RawSource, temp: string): Promise<boolean> {
  return copyFile(path, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE).then(
    () => true,
    () => false,
  )
}

/** The digest of a clone, cut to what was received. */
async function clonedDigest(source: RawSource, temp: string): Promise<Written> {
  await chmod(temp, FILE_MODE)
  const file = await open(temp, 'r+')
  try {
    const { size } = await file.stat()
    if (size < source.lastByte) throw shorter(source)
    if (size > source.lastByte) await file.truncate(source.lastByte)
    await file.sync()
  } finally {
    await file.close()
  }
  const sha256 = await digestOf({ ...source, path: temp })
  return { sha256, stored: { bytes: lengthOf(source), sha256 } }
}
