/** The packs of one call: small objects are gathered, and written when all are there. */
import { join } from 'node:path'
import { encryptedPieces } from './cipher.ts'
import type { RawKey } from './key.ts'
import { digestOf, type Frame, Frames, packOf } from './pack.ts'
import type { Placing } from './placing.ts'
import { packEncoding, packPath, type StoredRaw } from './stored.ts'

/** A pack is closed once its frames have so many bytes: it is written from memory, and an encrypted one stands there twice. */
const PACK_BYTES = 32 * 1024 * 1024

/** Gathers the small objects of one call. */
export class Packing {
  readonly #root: string
  readonly #placing: Placing
  readonly #held: Frames
  readonly #ahead: Map<string, StoredRaw>
  readonly #key: RawKey | undefined
  /** Objects of this call, and those of them that were not held before. */
  readonly #wanted = new Set<string>()
  /** Packed here: which of two objects is read first must not depend on how long a frame takes. */
  readonly #read = new Frames(0)
  readonly #places = new Map<string, StoredRaw>()

  /**
   * @param root folder of the home
   * @param held objects that were noted before; frames of them that go into a pack are forgotten there
   * @param ahead objects that are in packs already, and whose call was yet to come
   */
  constructor(root: string, placing: Placing, held: Frames, ahead: Map<string, StoredRaw>, key: RawKey | undefined) {
    this.#root = root
    this.#placing = placing
    this.#held = held
    this.#ahead = ahead
    this.#key = key
  }

  /** Has an object packed whose bytes are at hand; false where they must be read. */
  want(sha256: string): boolean {
    if (!this.#wanted.has(sha256) && !this.#held.has(sha256) && !this.#ahead.has(sha256)) return false
    this.#wanted.add(sha256)
    return true
  }

  /** Takes an object that was read. */
  async add(sha256: string, bytes: Buffer): Promise<void> {
    if (this.want(sha256)) return
    this.#wanted.add(sha256)
    await this.#read.add(sha256, bytes)
    const frames = this.#read.takeFirst(PACK_BYTES)
    if (frames.length > 0) this.#write(frames)
  }

  /** Writes the packs, to be made durable with what else is placed. Gives the place of each object. */
  async place(): Promise<ReadonlyMap<string, StoredRaw>> {
    const wanted = [...this.#wanted].filter((sha256) => {
      const place = this.#ahead.get(sha256)
      if (place !== undefined) this.#places.set(sha256, place)
      return place === undefined
    })
    let [pack, bytes]: [Frame[], number] = [[], 0]
    for (const frame of [...(await this.#held.take(wanted)), ...(await this.#read.take(wanted))]) {
      if (pack.length > 0 && bytes + frame.stored.length > PACK_BYTES) {
        this.#write(pack)
        ;[pack, bytes] = [[], 0]
      }
      pack.push(frame)
      bytes += frame.stored.length
    }
    if (pack.length > 0) this.#write(pack)
    return this.#places
  }

  /** To be called once all is durable: what else got into the packs waits for its own call. */
  end(): void {
    for (const [sha256, stored] of this.#places)
      if (this.#wanted.has(sha256)) this.#ahead.delete(sha256)
      else this.#ahead.set(sha256, stored)
  }

  #write(frames: readonly Frame[]): void {
    const pack = packOf(frames)
    const path = packPath(pack.sha256, this.#key?.id)
    const pieces = this.#key === undefined ? pack.pieces : encryptedPieces(pack.pieces, this.#key)
    // One that stands under this name is the same, or damaged.
    this.#placing.write(pieces, join(this.#root, path))
    const stored = {
      path,
      bytes: pieces.reduce((sum, { length }) => sum + length, 0),
      sha256: this.#key === undefined ? pack.sha256 : digestOf(pieces),
      encoding: packEncoding(this.#key !== undefined),
    }
    for (const { members } of frames) for (const member of members) this.#places.set(member.sha256, stored)
  }
}
