/** The received bytes, as they are read from where they were received. */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { AppError, messageOf } from '../../core/errors.ts'

/** A range of a file that was received. */
export interface RawSource {
  readonly path: string
  readonly firstByte: number
  /** The byte after the last. */
  readonly lastByte: number
  /** Digest of the range, where it is known: what stands in the archive already is not read again, and a change is noticed. */
  readonly sha256?: string | undefined
}

/** The range's length. */
export const lengthOf = ({ firstByte, lastByte }: RawSource): number => lastByte - firstByte

const READ_BYTES = 1024 * 1024

/**
 * The first bytes of the range, at once, in the first of the room's.
 * @throws AppError UNREADABLE if there are fewer
 */
export function readNow(source: RawSource, length: number, room: Buffer): Buffer {
  const bytes = room.subarray(0, length)
  let read = 0
  try {
    const file = openSync(source.path, 'r')
    try {
      while (read < length) {
        const more = readSync(file, bytes, read, length - read, source.firstByte + read)
        if (more === 0) break
        read += more
      }
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    throw unreadable(source, cause)
  }
  if (read < length) throw shorter(source)
  return bytes
}

/**
 * The range, piece by piece, each given to `onPiece` first.
 * @throws AppError UNREADABLE if it cannot be read or is not all there
 */
export async function* readRange(source: RawSource, onPiece: (piece: Buffer) => void): AsyncGenerator<Buffer> {
  let left = lengthOf(source)
  if (left === 0) return
  const pieces = createReadStream(source.path, {
    start: source.firstByte,
    end: source.lastByte - 1,
    highWaterMark: READ_BYTES,
  })
  try {
    for await (const piece of pieces) {
      left -= (piece as Buffer).length
      onPiece(piece as Buffer)
      yield piece as Buffer
    }
  } catch (cause) {
    throw unreadable(source, cause)
  }
  if (left > 0) throw shorter(source)
}

/** Digest of the range. */
export async function digestOf(source: RawSource): Promise<string> {
  const digest = createHash('sha256')
  for await (const _ of readRange(source, (piece) => digest.update(piece)));
  return digest.digest('hex')
}

/** Throws unless the digest is the one that is known of the range. */
export function expectDigest(source: RawSource, sha256: string): void {
  if (source.sha256 !== undefined && source.sha256 !== sha256) throw changed(source, 'changed while it was read')
}

/** The failure of a source that has fewer bytes than it had. */
export const shorter = (source: RawSource): AppError => changed(source, 'became shorter while it was read')

const changed = ({ path }: RawSource, what: string): AppError =>
  new AppError('UNREADABLE', `${path} ${what}.`, {
    where: path,
    hint: 'Run the command again once nothing writes to it.',
  })

const unreadable = ({ path }: RawSource, cause: unknown): AppError =>
  new AppError('UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { where: path, cause })
