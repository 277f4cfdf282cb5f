/**
 * Packs: many small received objects in one file, so that they are made durable together and compress against each other. The
 * format is in `docs/design/005-seal.md`, "Raw archive". Members stand in frames of some hundred kilobytes: what reading one of
 * them unpacks.
 */
import { hash } from 'node:crypto'
import { isCompressed, zstdWhole } from './stored.ts'

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

/** Received objects on their way to packs: gathered into frames, each packed as soon as it is full. */
export class Frames {
  readonly #frames = new Set<Frame>()
  readonly #frameOf = new Map<string, Frame | Gathering>()
  readonly #gathering = { text: new Gathering(), compressed: new Gathering() }
  #storedBytes = 0

  /** Bytes of the frames that are full. */
  get storedBytes(): number {
    return this.#storedBytes
  }

  has(sha256: string): boolean {
    return this.#frameOf.has(sha256)
  }

  /** Takes a copy of an object of at most {@link MEMBER_BYTES}. */
  add(sha256: string, bytes: Buffer): void {
    if (this.has(sha256)) return
    const kind = isCompressed(bytes) ? 'compressed' : 'text'
    this.#gathering[kind].add(sha256, bytes)
    this.#frameOf.set(sha256, this.#gathering[kind])
    if (this.#gathering[kind].bytes >= FRAME_BYTES) this.#close(kind)
  }

  /** Gives the frames that hold any of these objects, and forgets them. */
  take(wanted: Iterable<string>): Frame[] {
    for (const kind of ['text', 'compressed'] as const) if (this.#gathering[kind].bytes > 0) this.#close(kind)
    const taken = new Set<Frame>()
    for (const sha256 of wanted) {
      const frame = this.#frameOf.get(sha256)
      if (frame !== undefined && !(frame instanceof Gathering)) taken.add(frame)
    }
    this.#forget(taken)
    return [...taken]
  }

  /** Gives the frames that are full, and forgets them. */
  takeFull(): Frame[] {
    const taken = [...this.#frames]
    this.#forget(taken)
    return taken
  }

  #forget(frames: Iterable<Frame>): void {
    for (const frame of frames) {
      this.#frames.delete(frame)
      this.#storedBytes -= frame.stored.length
      for (const { sha256 } of frame.members) this.#frameOf.delete(sha256)
    }
  }

  #close(kind: 'text' | 'compressed'): void {
    const frame = this.#gathering[kind].frame(kind === 'text')
    this.#frames.add(frame)
    this.#storedBytes += frame.stored.length
    for (const { sha256 } of frame.members) this.#frameOf.set(sha256, frame)
  }
}

/** A frame that is not full, in memory that is used again for the next. */
class Gathering {
  #room: Buffer | undefined
  #members: Member[] = []
  bytes = 0

  add(sha256: string, bytes: Buffer): void {
    this.#room ??= Buffer.allocUnsafeSlow(MAX_FRAME_BYTES)
    bytes.copy(this.#room, this.bytes)
    this.#members.push({ sha256, offset: this.bytes, bytes: bytes.length })
    this.bytes += bytes.length
  }

  /** Makes a frame of what was gathered, and begins another. */
  frame(isZstd: boolean): Frame {
    const whole = this.#room?.subarray(0, this.bytes) ?? Buffer.alloc(0)
    const stored = isZstd ? zstdWhole(whole) : Buffer.from(whole)
    const frame = { isZstd, stored, bytes: whole.length, members: this.#members }
    this.#members = []
    this.bytes = 0
    return frame
  }
}

/** The bytes of a pack of these frames, and their digest. */
export function packOf(frames: readonly Frame[]): { readonly bytes: Buffer; readonly sha256: string } {
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
  const bytes = Buffer.concat([index, ...frames.map(({ stored }) => stored)])
  return { bytes, sha256: hash('sha256', bytes, 'hex') }
}
