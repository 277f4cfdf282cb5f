/**
 * Digests of files: as they are, and of what is in them when they are packed. Runs in threads and beside the caller. Threads begin
 * with this module, so that what only packed files need is loaded when the first comes.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { messageOf } from '../../core/errors.ts'
import type { KnownMember } from '../raw/pack-file.ts'

/** A file to digest. */
export interface DigestJob {
  readonly path: string
  /** What it should measure; work is shared out by it. */
  readonly bytes: number
  /** For a stored object of the raw archive: also digest the bytes as they were received. */
  readonly raw?: {
    readonly home: string
    /** Path in the home; it tells the encoding. */
    readonly key: string
    /** Length of what was received; of a pack, what of it is to be looked for in it. */
    readonly bytes: number | readonly KnownMember[]
    /** Where the object is encrypted; without it only what is stored is digested. */
    readonly masterKey?: Uint8Array
  }
}

/** What was digested. */
export interface Digest {
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** The outcome of a job: a digest, or why there is none. */
export type DigestResult =
  | { readonly kind: 'absent' }
  | { readonly kind: 'resized'; readonly bytes: number }
  | { readonly kind: 'unreadable'; readonly why: string }
  | {
      readonly kind: 'digest'
      readonly file: Digest
      /** As received; absent where it is encrypted and no key was given. */
      readonly content?: Digest
      /** Of a pack: the digests of what was looked for and is not there. */
      readonly lacking?: readonly string[]
      /** Why the content has no digest. */
      readonly unpackFault?: string
    }

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
