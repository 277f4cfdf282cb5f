/** The raw archive of a home: received bytes, kept under their digest, compressed and, if a key is set, encrypted. */
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError, isAppError, systemError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { err, ok, type Result, unwrap } from '../../core/result.ts'
import { Turns } from '../../core/turns.ts'
import { syncFolder } from '../../lake/stores/local.ts'
import type { RawRecord } from '../entry.ts'
import { wrongKey } from './cipher.ts'
import { RawDamage } from './damage.ts'
import { isSmall, Keeping } from './keeping.ts'
import { type RawKey, readRawKey } from './key.ts'
import { Frames, MEMBER_BYTES } from './pack.ts'
import { PackFile } from './pack-file.ts'
import { Packing } from './packing.ts'
import { eachOf, removeUnfinished } from './placing.ts'
import { digestOf, lengthOf, type RawSource } from './source.ts'
import {
  mayHold,
  PACKS_FOLDER,
  parsePackPath,
  parseStoredPath,
  RAW_FOLDER,
  type ReadOptions,
  receivedBytes,
  type StoredRaw,
} from './stored.ts'

/** What an archive is opened with. */
export interface RawOptions {
  readonly raw: 'keep' | 'digest-only'
  /** Reference to the key, or null for no encryption. */
  readonly rawKey: string | null
}

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
      const keeping = new Keeping(this.#root, this.#key, sources)
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
