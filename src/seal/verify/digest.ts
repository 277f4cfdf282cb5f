/** Digests of files: as they are, and of what is in them when they are packed. Runs in workers and, for little work, beside the caller. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { messageOf } from '../../core/errors.ts'
import { CIPHER } from '../raw/cipher.ts'
import { RawKey } from '../raw/key.ts'
import { type KnownMember, PackFile } from '../raw/pack-file.ts'
import { parsePackPath, parseStoredPath, receivedBytes } from '../raw/stored.ts'

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
    if (job.raw !== undefined) return await digestRaw(job, job.raw)
    return { kind: 'digest', file: digestPlain(job.path) }
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

type Raw = NonNullable<DigestJob['raw']>

/** Up to this size a file is unpacked in one go: streams cost more than the work. */
const AT_ONCE_BYTES = 1 << 20

async function digestRaw({ path, bytes }: DigestJob, raw: Raw): Promise<DigestResult> {
  const file = digestPlain(path)
  const { bytes: expected } = raw
  if (typeof expected !== 'number') return { kind: 'digest', file, ...lookedInto(raw, expected) }
  return digestSingle({ path, bytes }, file, { ...raw, bytes: expected })
}

function lookedInto(
  { home, key, masterKey }: Raw,
  members: readonly KnownMember[],
): Pick<Extract<DigestResult, { kind: 'digest' }>, 'lacking' | 'unpackFault'> {
  if (parsePackPath(key)?.encoding.includes(CIPHER) && masterKey === undefined) return {}
  try {
    const pack = PackFile.open(home, key, masterKey === undefined ? undefined : RawKey.of(masterKey))
    try {
      return { lacking: pack.lacking(members) }
    } finally {
      pack.close()
    }
  } catch (cause) {
    return { unpackFault: messageOf(cause) }
  }
}

type Single = Raw & { readonly bytes: number }

async function digestSingle({ path, bytes }: DigestJob, file: Digest, raw: Single): Promise<DigestResult> {
  const encoding = parseStoredPath(raw.key)?.encoding ?? []
  if (encoding.length === 0) return { kind: 'digest', file, content: file }
  if (encoding.includes(CIPHER) && raw.masterKey === undefined) return { kind: 'digest', file }
  try {
    const small = bytes <= AT_ONCE_BYTES && raw.bytes <= 16 * AT_ONCE_BYTES && !encoding.includes(CIPHER)
    return { kind: 'digest', file, content: small ? unpackedAtOnce(path, raw) : await unpackedInStream(raw) }
  } catch (cause) {
    return { kind: 'digest', file, unpackFault: messageOf(cause) }
  }
}

function unpackedAtOnce(path: string, { bytes }: Single): Digest {
  // One byte more than there should be is enough to see that it is too long.
  const content = zstdDecompressSync(readFileSync(path), { maxOutputLength: bytes + 1 })
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
}

async function unpackedInStream({ home, key, bytes: expected, masterKey }: Single): Promise<Digest> {
  const digest = createHash('sha256')
  let bytes = 0
  const options = { bytes: expected, ...(masterKey === undefined ? {} : { key: RawKey.of(masterKey) }) }
  for await (const piece of receivedBytes(home, key, options)) {
    digest.update(piece)
    bytes += piece.length
  }
  return { bytes, sha256: digest.digest('hex') }
}
