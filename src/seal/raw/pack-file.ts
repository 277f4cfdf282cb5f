/** Reading packs of the raw archive: one object of many, or all that are asked for. Needs files and, where encrypted, a key. */
import { hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { clearLength, clearRange, wrongKey } from './cipher.ts'
import { RawDamage } from './damage.ts'
import type { RawKey } from './key.ts'
import {
  FRAME_ENTRY_BYTES,
  FRAME_KIND,
  MAX_FRAME_BYTES,
  MEMBER_ENTRY_BYTES,
  PACK_HEADER_BYTES,
  PACK_MAGIC,
} from './pack.ts'
import { parsePackPath } from './stored.ts'

/** What is known of a member from elsewhere. */
export interface KnownMember {
  readonly sha256: string
  readonly bytes: number
}

interface FramePlace {
  readonly at: number
  readonly storedBytes: number
  readonly bytes: number
  readonly kind: number
}

interface MemberPlace {
  readonly frame: number
  readonly offset: number
  readonly bytes: number
}

const isTooLong = ({ bytes, storedBytes }: FramePlace): boolean =>
  bytes > MAX_FRAME_BYTES || storedBytes > 2 * MAX_FRAME_BYTES

const NO_ROOM: Buffer = Buffer.alloc(0)

/** An open pack. Close it. */
export class PackFile {
  readonly #path: string
  readonly #file: number
  readonly #fileBytes: number
  readonly #keyId: string | undefined
  readonly #key: RawKey | undefined
  #frames: readonly FramePlace[] = []
  #index: Buffer = Buffer.alloc(0)
  /** The frame that was unpacked last: members of one stand together. */
  #unpacked: { readonly frame: number; readonly bytes: Buffer } | undefined
  /** Where frames are read into while nobody keeps them. */
  #room: Buffer = NO_ROOM

  private constructor(path: string, file: number, keyId: string | undefined, key: RawKey | undefined) {
    this.#path = path
    this.#file = file
    this.#fileBytes = fstatSync(file).size
    this.#keyId = keyId
    this.#key = key
  }

  /**
   * Opens a pack and reads what it says of its members.
   *
   * @param root folder of the home
   * @param storedBytes length of the file, where it is known
   * @throws RawDamage, AppError BAD_KEY
   */
  static open(root: string, path: string, key?: RawKey, storedBytes?: number): PackFile {
    const name = parsePackPath(path)
    if (name === undefined) throw new RawDamage('changed', path, 'is no name of a pack')
    if (name.keyId !== undefined && name.keyId !== key?.id) throw wrongKey(path, name.keyId, key)
    const pack = new PackFile(path, opened(root, path), name.keyId, key)
    try {
      pack.#expectLength(storedBytes)
      pack.#readIndex()
      return pack
    } catch (cause) {
      pack.close()
      throw cause
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Digests of all members, sorted. */
  members(): string[] {
    return Array.from({ length: this.#index.length / MEMBER_ENTRY_BYTES }, (_, n) => this.#digestAt(n))
  }

  has(sha256: string): boolean {
    return this.#find(sha256) !== undefined
  }

  /**
   * The bytes with this digest; undefined if the pack says nothing of them.
   * @throws RawDamage if they are not there although it does
   */
  member(sha256: string): Buffer | undefined {
    const place = this.#find(sha256)
    if (place === undefined) return undefined
    const bytes = this.#unpack(place.frame).subarray(place.offset, place.offset + place.bytes)
    if (bytes.length !== place.bytes || hash('sha256', bytes, 'hex') !== sha256)
      throw new RawDamage('changed', this.#path, `holds other bytes than those with the digest ${sha256}`)
    return bytes
  }

  /**
   * Digests of those of these objects that it does not hold as they are known.
   *
   * @param onBytes is given all of the pack in its order, as it was before encryption: each byte is read once
   */
  lacking(known: readonly KnownMember[], onBytes: (bytes: Buffer) => void = () => {}): string[] {
    const byFrame = Map.groupBy(known, ({ sha256 }) => this.#find(sha256)?.frame)
    onBytes(this.#read(0, this.#frames[0]?.at ?? this.#length()))
    // Frames are read into the same memory: nothing of one is kept.
    this.#room = Buffer.allocUnsafeSlow(2 * MAX_FRAME_BYTES)
    try {
      const frames = this.#frames.map((place, frame) => {
        this.#pass(frame, place, onBytes)
        return byFrame.get(frame)?.filter((member) => !this.#holds(member)) ?? []
      })
      const nowhere = [...byFrame].flatMap(([frame, members]) =>
        this.#frames[frame ?? -1] === undefined ? members : [],
      )
      return [...nowhere, ...frames.flat()].map(({ sha256 }) => sha256)
    } finally {
      this.#room = NO_ROOM
      this.#unpacked = undefined
    }
  }

  /** Reads a frame, gives it on, and unpacks it for those who ask for its members next. */
  #pass(frame: number, place: FramePlace, onBytes: (bytes: Buffer) => void): void {
    if (isTooLong(place)) {
      const end = place.at + place.storedBytes
      for (let at = place.at; at < end; at += MAX_FRAME_BYTES)
        onBytes(this.#read(at, Math.min(at + MAX_FRAME_BYTES, end), this.#room))
      return
    }
    const stored = this.#read(place.at, place.at + place.storedBytes, this.#room)
    onBytes(stored)
    try {
      this.#unpacked = { frame, bytes: this.#opened(stored, place, frame) }
    } catch (cause) {
      // Whoever asks for a member is told.
      if (!(cause instanceof RawDamage)) throw cause
    }
  }

  #holds({ sha256, bytes }: KnownMember): boolean {
    try {
      return this.member(sha256)?.length === bytes
    } catch (cause) {
      if (cause instanceof RawDamage) return false
      throw cause
    }
  }

  #expectLength(storedBytes: number | undefined): void {
    if (this.#fileBytes === (storedBytes ?? this.#fileBytes)) return
    const fault = this.#fileBytes < (storedBytes ?? 0) ? 'cut' : 'changed'
    throw new RawDamage(fault, this.#path, `has ${this.#fileBytes} bytes where ${storedBytes} were stored`)
  }

  #readIndex(): void {
    const header = this.#read(0, PACK_HEADER_BYTES)
    if (!header.subarray(0, PACK_MAGIC.length).equals(PACK_MAGIC))
      throw new RawDamage('changed', this.#path, 'does not begin as a pack does')
    const [members, frames] = [header.readUInt32LE(PACK_MAGIC.length), header.readUInt32LE(PACK_MAGIC.length + 4)]
    const membersAt = PACK_HEADER_BYTES + frames * FRAME_ENTRY_BYTES
    const end = membersAt + members * MEMBER_ENTRY_BYTES
    const entries = this.#read(PACK_HEADER_BYTES, membersAt)
    let at = end
    this.#frames = Array.from({ length: frames }, (_, n) => {
      const from = n * FRAME_ENTRY_BYTES
      const storedBytes = entries.readUInt32LE(from)
      const place = {
        at,
        storedBytes,
        bytes: entries.readUInt32LE(from + 4),
        kind: entries.readUInt32LE(from + 8),
      }
      at += storedBytes
      return place
    })
    const length = this.#length()
    if (at !== length)
      throw new RawDamage(
        at > length ? 'cut' : 'changed',
        this.#path,
        `has ${length} bytes where its index tells of ${at}`,
      )
    this.#index = this.#read(membersAt, end)
  }

  #digestAt(n: number): string {
    const at = n * MEMBER_ENTRY_BYTES
    return this.#index.toString('hex', at, at + 32)
  }

  #find(sha256: string): MemberPlace | undefined {
    let [low, high] = [0, this.#index.length / MEMBER_ENTRY_BYTES - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = this.#digestAt(middle)
      if (found === sha256) {
        const at = middle * MEMBER_ENTRY_BYTES + 32
        const [frame, offset, bytes] = [0, 4, 8].map((n) => this.#index.readUInt32LE(at + n)) as [
          number,
          number,
          number,
        ]
        return { frame, offset, bytes }
      }
      if (found < sha256) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  #unpack(frame: number): Buffer {
    if (this.#unpacked?.frame === frame) return this.#unpacked.bytes
    const place = this.#frames[frame]
    if (place === undefined) throw new RawDamage('changed', this.#path, `has no frame ${frame}`)
    if (isTooLong(place)) throw new RawDamage('changed', this.#path, `says that frame ${frame} is longer than any`)
    const bytes = this.#opened(this.#read(place.at, place.at + place.storedBytes), place, frame)
    this.#unpacked = { frame, bytes }
    return bytes
  }

  #opened(stored: Buffer, place: FramePlace, frame: number): Buffer {
    const where = `frame ${frame}`
    const bytes = this.#decoded(stored, place, where)
    if (bytes.length !== place.bytes)
      throw new RawDamage('changed', this.#path, `has ${bytes.length} bytes in ${where}, not ${place.bytes}`)
    return bytes
  }

  #decoded(stored: Buffer, { kind, bytes }: FramePlace, where: string): Buffer {
    if (kind === FRAME_KIND.asItIs) return stored
    if (kind !== FRAME_KIND.zstd) throw new RawDamage('changed', this.#path, `does not say how ${where} is packed`)
    try {
      return zstdDecompressSync(stored, { maxOutputLength: Math.max(1, bytes) })
    } catch {
      throw new RawDamage('changed', this.#path, `does not decompress in ${where}`)
    }
  }

  #length(): number {
    return this.#keyId === undefined ? this.#fileBytes : clearLength(this.#fileBytes)
  }

  /** A range of the pack as it was before encryption; in `room`, if it has to be copied nowhere else and finds room there. */
  #read(from: number, to: number, room?: Buffer): Buffer {
    if (to > this.#length()) throw new RawDamage('cut', this.#path, 'ends within what its index tells of')
    if (this.#keyId === undefined || this.#key === undefined) return this.#readStored(from, to, room)
    const file = { where: this.#path, keyId: this.#keyId, bytes: this.#fileBytes }
    return clearRange((first, end) => this.#readStored(first, end), this.#key, file, { from, to })
  }

  #readStored(from: number, to: number, room: Buffer = NO_ROOM): Buffer {
    const length = to - from
    const bytes = room.length < length ? Buffer.allocUnsafe(length) : room.subarray(0, length)
    let read = 0
    while (read < bytes.length) {
      const more = readSync(this.#file, bytes, read, bytes.length - read, from + read)
      if (more === 0) throw new RawDamage('cut', this.#path, `ends at byte ${from + read}`)
      read += more
    }
    return bytes
  }
}

function opened(root: string, path: string): number {
  try {
    const file = openSync(join(root, path), 'r')
    if (fstatSync(file).isFile()) return file
    closeSync(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause
  }
  throw new RawDamage('missing', path, 'is missing')
}
