/** The digest of a whole file. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { AppError } from '../core/errors.ts'

/** Length and SHA-256, hex. */
export interface FileDigest {
  readonly bytes: number
  readonly sha256: string
}

/**
 * Digests a file, read as a stream; `signal` ends it before its time.
 * @throws AppError BAD_LAKE if it cannot be read
 */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<FileDigest> {
  const digest = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
      digest.update(chunk)
      bytes += chunk.length
    }
  } catch (cause) {
    throw new AppError('BAD_LAKE', `${path} cannot be read.`, { where: path, cause })
  }
  return { bytes, sha256: digest.digest('hex') }
}
