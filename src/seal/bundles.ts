/** Entry bundles of C2SP tlog-tiles: entries one after the other, each with its length before it in two bytes. */
import { AppError } from '../core/errors.ts'
import { TILE_WIDTH } from './tiles.ts'

/** The longest entry, for its length must fit two bytes. */
export const ENTRY_LIMIT_BYTES = 65_535

const LENGTH_BYTES = 2

/**
 * Up to 256 entries as one bundle.
 *
 * @throws AppError BAD_SEAL for an entry of more than 65,535 bytes
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > TILE_WIDTH) throw new RangeError(`A bundle holds ${TILE_WIDTH} entries, not ${entries.length}.`)
  const parts = entries.flatMap((entry) => {
    if (entry.length > ENTRY_LIMIT_BYTES) {
      throw new AppError('BAD_SEAL', `An entry of ${entry.length} bytes is too long: ${ENTRY_LIMIT_BYTES} at most.`)
    }
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt16BE(entry.length)
    return [length, entry]
  })
  return Buffer.concat(parts)
}

/**
 * The entries of a bundle.
 *
 * @throws AppError BAD_SEAL where it ends within an entry or holds more than 256
 */
export function decodeBundle(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at + LENGTH_BYTES
    const end = start > bytes.length ? Number.POSITIVE_INFINITY : start + view.getUint16(at)
    if (end > bytes.length) throw new AppError('BAD_SEAL', 'An entry bundle ends in the middle of an entry.')
    entries.push(bytes.subarray(start, end))
    at = end
  }
  if (entries.length > TILE_WIDTH) {
    throw new AppError('BAD_SEAL', `An entry bundle holds ${entries.length} entries; ${TILE_WIDTH} is the most.`)
  }
  return entries
}
