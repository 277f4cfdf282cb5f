/** How objects are kept one by one: looked for, read, compressed, encrypted, and placed under their digest. */
import { createHash, hash } from 'node:crypto'
import { constants, existsSync, readdirSync } from 'node:fs'
import { chmod, copyFile, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Rooms } from '../../core/rooms.ts'
import type { RawRecord } from '../entry.ts'
import { encrypted, encryptedPieces } from './cipher.ts'
import { RawDamage } from './damage.ts'
import type { RawKey } from './key.ts'
import { MEMBER_BYTES } from './pack.ts'
import type { Packing } from './packing.ts'
import { FILE_MODE, Placing } from './placing.ts'
import { digestOf, expectDigest, lengthOf, type RawSource, readNow, readRange, shorter } from './source.ts'
import {
  encodingOf,
  isCompressed,
  RAW_FOLDER,
  receivedBytes,
  type StoredRaw,
  storedPath,
  zstdOf,
  zstdWhole,
} from './stored.ts'

/** Up to this size an object is worked on in memory, at once: a stream costs more than the work. */
const AT_ONCE_BYTES = MEMBER_BYTES

/** Up to this size an object that is compressed already is copied at once, unless it can be cloned. */
const COPIED_BYTES = 4 * 1024 * 1024

/** First bytes that tell whether an object is compressed. */
const MARK_BYTES = 4

/** True for what may go into a pack. */
export const isSmall = (source: RawSource): boolean => lengthOf(source) > 0 && lengthOf(source) <= MEMBER_BYTES

/** One call's work on objects that are to be kept. */
export class Keeping {
  readonly #root: string
  readonly #key: RawKey | undefined
  /** What this call has kept or found, by path. */
  readonly #kept = new Map<string, RawRecord>()
  /** Folders there are: where there is none for an object, no file need be looked for. */
  readonly #folders: ReadonlySet<string>
  readonly placing: Placing
  /** Memory for what is worked on at once. */
  readonly #rooms: Rooms
  /** False once a clone could not be made: others would only cost time. */
  #hasClones = true

  constructor(root: string, key: RawKey | undefined, sources: readonly RawSource[]) {
    const lengths = sources.map(lengthOf).filter((bytes) => bytes <= COPIED_BYTES)
    this.#rooms = new Rooms(lengths.reduce((a, b) => Math.max(a, b), 0))
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
    return lengthOf(source) <= AT_ONCE_BYTES ? this.#keepAtOnce(source) : this.#keepLarge(source)
  }

  async #pack(source: RawSource, packing: Packing): Promise<RawRecord> {
    if (source.sha256 !== undefined && packing.want(source.sha256))
      return { sha256: source.sha256, bytes: lengthOf(source) }
    await setImmediate()
    return this.#rooms.lend(async (room) => {
      const { received, sha256, standing } = await this.#read(source, room)
      if (standing !== undefined) return standing
      await packing.add(sha256, received)
      return { sha256, bytes: received.length }
    })
  }

  /** Reads an object into the room, and looks for it where that could not be done before. */
  async #read(source: RawSource, room: Buffer) {
    const received = readNow(source, lengthOf(source), room)
    const sha256 = hexDigest(received)
    expectDigest(source, sha256)
    const standing = source.sha256 === undefined ? await this.#standing(sha256, received.length) : undefined
    return { received, sha256, standing }
  }

  #keepAtOnce(source: RawSource): Promise<RawRecord> {
    return this.#rooms.lend(async (room) => {
      const { received, sha256, standing } = await this.#read(source, room)
      if (standing !== undefined) return standing
      const isPacked = isCompressed(received)
      const packed = isPacked ? received : zstdWhole(received)
      const stored = this.#key === undefined ? packed : Buffer.concat(encryptedPieces([packed], this.#key))
      const digest = stored === received ? sha256 : hexDigest(stored)
      return this.#place(
        this.#recordOf(sha256, received.length, isPacked, { bytes: stored.length, sha256: digest }),
        (path) => this.placing.write([stored], path),
      )
    })
  }

  async #keepLarge(source: RawSource): Promise<RawRecord> {
    const isPacked = isCompressed(readNow(source, MARK_BYTES, Buffer.alloc(MARK_BYTES)))
    const isCopied = isPacked && lengthOf(source) <= COPIED_BYTES
    if (isCopied && !this.#mayClone(source)) return this.#keepAtOnce(source)
    const temp = this.placing.newName()
    try {
      const isCloned = isPacked && (await this.#cloned(source, temp))
      if (isCopied && !isCloned) return await this.#keepAtOnce(source)
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

  /** Unless one could not be made before; what is to be encrypted is written anew. */
  #mayClone({ firstByte }: RawSource): boolean {
    return this.#hasClones && this.#key === undefined && firstByte === 0
  }

  async #cloned(source: RawSource, temp: string): Promise<boolean> {
    if (!this.#mayClone(source)) return false
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
