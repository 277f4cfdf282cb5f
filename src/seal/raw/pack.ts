/**
 * Packs: many small received objects in one file, so that they are made durable together and compress against each other. The
 * format is in `docs/design/005-seal.md`, "Raw archive". Members stand in frames of some hundred kilobytes: what reading one of
 * them unpacks.
 */
import { createHash } from 'node:crypto'
import { isCompressed, zstdAside, zstdWhole } from './stored.ts'

/** First bytes of a pack, before it is encrypted: name and version. */
export const PACK_MAGIC: Buffer = Buffer.from('BRICKPAK\x01\0\0\0', 'latin1')
/** Length of what stands before the frames' entries: the magic, how many members, how many frames. */
export const PACK_HEADER_BYTES: number = PACK_MAGIC.length + 8
/** Length of a frame's entry: its bytes as they stand, its bytes unpacked, how it is packed. */
export const FRAME_ENTRY_BYTES = 12
/** Length of a member's entry: its digest, its frame, its place there, its length. */
export const MEMBER_ENTRY_BYTES = 44
/** How a frame is packed. */
export const FRAME_KIND = { asItIs: 0, zstd: 1 } as const

/** An object up to this size may be a member. */
export const MEMBER_BYTES: number = 256 * 1024
/** A frame is closed once it holds so much: four times as much would save a tenth, and cost each reading as many times more. */
const FRAME_BYTES = 256 * 1024
/** No frame unpacks to more. */
export const MAX_FRAME_BYTES: number = FRAME_BYTES + MEMBER_BYTES

/** A member's place in its frame. */
export interface Member {
  readonly sha256: string
  readonly offset: number
  readonly bytes: number
}

/** Members that are packed together. */
export interface Frame {
  readonly isZstd: boolean
  /** As they stand in the pack. */
  readonly stored: Buffer
  /** Length, unpacked. */
  readonly bytes: number
  readonly members: readonly Member[]
}

/** Members of a frame that is full. */
interface Full {
  readonly members: readonly Member[]
  readonly packing: Promise<Frame>
  /** Once it is packed. */
  packed?: Frame
}

/**
 * Received objects on their way to packs: gathered into frames, each packed as soon as it is full. What is in a frame, and
 * their order, follows from the order of what was added alone.
 */
export class Frames {
  readonly #atOnce: number
  readonly #frames = new Set<Full>()
  readonly #frameOf = new Map<string, Full | Gathering>()
  readonly #gathering: Readonly<Record<'text' | 'compressed', Gathering>>
  /** The latest frames, for which nobody has waited. */
  readonly #latest: Promise<Frame>[] = []
  #storedBytes = 0

  /** @param atOnce frames that are packed aside while more is added, where the next waits; none: each is packed here and now */
  constructor(atOnce: number) {
    this.#atOnce = atOnce
    const compress = atOnce === 0 ? zstdWhole : zstdAside
    this.#gathering = { text: new Gathering(compress), compressed: new Gathering() }
  }

  /** Bytes of the frames that are packed. */
  get storedBytes(): number {
    return this.#storedBytes
  }

  has(sha256: string): boolean {
    return this.#frameOf.has(sha256)
  }

  /**
   * Takes a copy of an object of at most {@link MEMBER_BYTES}, at once. To be waited for before more is added, so that memory stays
   * small.
   */
  async add(sha256: string, bytes: Buffer): Promise<void> {
    if (this.has(sha256)) return
    const kind = isCompressed(bytes) ? 'compressed' : 'text'
    this.#gathering[kind].add(sha256, bytes)
    this.#frameOf.set(sha256, this.#gathering[kind])
    if (this.#gathering[kind].bytes < FRAME_BYTES) return
    this.#latest.push(this.#close(kind).packing)
    if (this.#latest.length > this.#atOnce) await this.#latest.shift()
  }

  /** Gives the frames that hold any of these objects, and forgets them. */
  async take(wanted: Iterable<string>): Promise<Frame[]> {
    for (const kind of ['text', 'compressed'] as const) if (this.#gathering[kind].bytes > 0) this.#close(kind)
    const taken = new Set<Full>()
    for (const sha256 of wanted) {
      const frame = this.#frameOf.get(sha256)
      if (frame !== undefined && !(frame instanceof Gathering)) taken.add(frame)
    }
    this.#forget(taken)
    return Promise.all([...taken].map(({ packing }) => packing))
  }

  /** Gives the first frames, and forgets them, if they are packed and have so many bytes; otherwise none. */
  takeFirst(leastBytes: number): Frame[] {
    if (this.#storedBytes < leastBytes) return []
    const [taken, frames]: [Full[], Frame[]] = [[], []]
    let bytes = 0
    for (const full of this.#frames) {
      if (full.packed === undefined) return []
      taken.push(full)
      frames.push(full.packed)
      bytes += full.packed.stored.length
      if (bytes < leastBytes) continue
      this.#forget(taken)
      return frames
    }
    return []
  }

  #forget(frames: Iterable<Full>): void {
    for (const frame of frames) {
      this.#frames.delete(frame)
      this.#storedBytes -= frame.packed?.stored.length ?? 0
      for (const { sha256 } of frame.members) this.#frameOf.delete(sha256)
    }
  }

  #close(kind: 'text' | 'compressed'): Full {
    const full: Full = this.#gathering[kind].close()
    this.#frames.add(full)
    for (const { sha256 } of full.members) this.#frameOf.set(sha256, full)
    full.packing.then(
      (frame) => {
        full.packed = frame
        if (this.#frames.has(full)) this.#storedBytes += frame.stored.length
      },
      // Who takes the frame gets the failure; until then it is nobody's.
      () => {},
    )
    return full
  }
}

/** A frame that is not full. */
class Gathering {
  readonly #compress: ((bytes: Buffer) => Buffer | Promise<Buffer>) | undefined
  /** Memory to be used again, once what was in it is compressed. */
  readonly #free: Buffer[] = []
  #room: Buffer | undefined
  #members: Member[] = []
  bytes = 0

  /** @param compress absent for what is compressed already, which stays where it was gathered */
  constructor(compress?: (bytes: Buffer) => Buffer | Promise<Buffer>) {
    this.#compress = compress
  }

  add(sha256: string, bytes: Buffer): void {
    this.#room ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(MAX_FRAME_BYTES)
    bytes.copy(this.#room, this.bytes)
    this.#members.push({ sha256, offset: this.bytes, bytes: bytes.length })
    this.bytes += bytes.length
  }

  /** Makes a frame of what was gathered, and begins another. */
  close(): { readonly members: readonly Member[]; readonly packing: Promise<Frame> } {
    const [members, room] = [this.#members, this.#room ?? Buffer.alloc(0)]
    const packing = this.#frame(room, this.bytes, members)
    this.#room = undefined
    this.#members = []
    this.bytes = 0
    return { members, packing }
  }

  async #frame(room: Buffer, bytes: number, members: readonly Member[]): Promise<Frame> {
    const gathered = room.subarray(0, bytes)
    if (this.#compress === undefined) return { isZstd: false, stored: gathered, bytes, members }
    const stored = await this.#compress(gathered)
    this.#free.push(room)
    return { isZstd: true, stored, bytes, members }
  }
}

/** A pack, in the pieces it is written of, and the digest of them all. */
export interface Pack {
  readonly pieces: readonly Buffer[]
  readonly sha256: string
}

/** A pack of these frames. */
export function packOf(frames: readonly Frame[]): Pack {
  const members = frames.flatMap((frame, at) => frame.members.map((member) => ({ ...member, frame: at })))
  members.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
  const framesAt = PACK_HEADER_BYTES
  const membersAt = framesAt + frames.length * FRAME_ENTRY_BYTES
  const index = Buffer.alloc(membersAt + members.length * MEMBER_ENTRY_BYTES)
  PACK_MAGIC.copy(index)
  index.writeUInt32LE(members.length, PACK_MAGIC.length)
  index.writeUInt32LE(frames.length, PACK_MAGIC.length + 4)
  for (const [n, { stored, bytes, isZstd }] of frames.entries()) {
    const at = framesAt + n * FRAME_ENTRY_BYTES
    index.writeUInt32LE(stored.length, at)
    index.writeUInt32LE(bytes, at + 4)
    index.writeUInt32LE(isZstd ? FRAME_KIND.zstd : FRAME_KIND.asItIs, at + 8)
  }
  for (const [n, { sha256, frame, offset, bytes }] of members.entries()) {
    const at = membersAt + n * MEMBER_ENTRY_BYTES
    index.write(sha256, at, 'hex')
    index.writeUInt32LE(frame, at + 32)
    index.writeUInt32LE(offset, at + 36)
    index.writeUInt32LE(bytes, at + 40)
  }
  const pieces = [index, ...frames.map(({ stored }) => stored)]
  return { pieces, sha256: digestOf(pieces) }
}

/** SHA-256 of bytes in pieces, hex. */
export function digestOf(pieces: readonly Uint8Array[]): string {
  const digest = createHash('sha256')
  for (const piece of pieces) digest.update(piece)
  return digest.digest('hex')
}
