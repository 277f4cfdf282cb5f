/** The digest of a whole file. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { AppError } from '../core/errors.ts'

/** Length and SHA-256, hex. */
export interface FileDigest {
  readonly bytes: number
  readonly sha256: string
}

const ROOM_BYTES = 1024 * 1024
const newRoom = (): Buffer => Buffer.allocUnsafeSlow(ROOM_BYTES)

/**
 * Digests files, one after the other, read into the same memory: what streams would take for their pieces sets the collector of
 * garbage to work at every eighth megabyte.
 *
 * @returns one for each path, in their order
 * @throws AppError as {@link fileDigest}
 */
export async function fileDigests(paths: readonly string[], signal?: AbortSignal): Promise<FileDigest[]> {
  const room = newRoom()
  const digests: FileDigest[] = []
  for (const path of paths) digests.push(await fileDigest(path, signal, room))
  return digests
}

/**
 * Digests a file; `signal` ends it before its time.
 *
 * @param room memory to read it into
 * @throws AppError BAD_LAKE if it cannot be read
 */
export async function fileDigest(path: string, signal?: AbortSignal, room: Buffer = newRoom()): Promise<FileDigest> {
  const digest = createHash('sha256')
  let bytes = 0
  try {
    const file = await open(path, 'r')
    try {
      for (;;) {
        signal?.throwIfAborted()
        const { bytesRead } = await file.read(room, 0, room.length, bytes)
        if (bytesRead === 0) break
        digest.update(room.subarray(0, bytesRead))
        bytes += bytesRead
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new AppError('BAD_LAKE', `${path} cannot be read.`, { where: path, cause })
  }
  return { bytes, sha256: digest.digest('hex') }
}
