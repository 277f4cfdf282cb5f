/**
 * Digests of files: as they are, and of what is in them when they are packed. Runs in threads and beside the caller. Threads begin
 * with this module, so that what only packed files need is loaded when the first comes.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { messageOf } from '../../core/errors.ts'
import type { Digest, DigestJob, DigestResult } from './digest-job.ts'

/** Read at once: large enough for the disk, small enough for a hundred workers. */
const CHUNK_BYTES = 1 << 20

/** Does a job. Never throws for what is wrong with the file. */
export async function digestFile(job: DigestJob): Promise<DigestResult> {
  try {
    const info = statSync(job.path, { throwIfNoEntry: false })
    if (info === undefined) return { kind: 'absent' }
    // A pipe or a device in the place of a file would never end.
    if (!info.isFile()) return { kind: 'unreadable', why: 'it is no file' }
    // Whatever it holds, it is not what was sealed, and may be endless.
    if (info.size !== job.bytes) return { kind: 'resized', bytes: info.size }
    if (job.raw === undefined) return { kind: 'digest', file: digestPlain(job.path) }
    const { digestRaw } = await import('./digest-raw.ts')
    return await digestRaw(job, job.raw, () => digestPlain(job.path))
  } catch (cause) {
    return { kind: 'unreadable', why: messageOf(cause) }
  }
}

let buffer: Buffer | undefined

function digestPlain(path: string): Digest {
  buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES)
  const digest = createHash('sha256')
  const file = openSync(path, 'r')
  try {
    let bytes = 0
    for (;;) {
      const read = readSync(file, buffer, 0, CHUNK_BYTES, null)
      if (read === 0) return { bytes, sha256: digest.digest('hex') }
      digest.update(buffer.subarray(0, read))
      bytes += read
    }
  } finally {
    closeSync(file)
  }
}
