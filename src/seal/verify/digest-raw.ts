/** Digests of received objects as they were received: unpacked, decrypted, or one by one out of a pack. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { isAppError, messageOf } from '../../core/errors.ts'
import { CIPHER } from '../raw/cipher.ts'
import { RawKey } from '../raw/key.ts'
import { type KnownMember, PackFile } from '../raw/pack-file.ts'
import { parsePackPath, parseStoredPath, receivedBytes } from '../raw/stored.ts'
import type { Digest, DigestJob, DigestResult } from './digest-job.ts'

type Raw = NonNullable<DigestJob['raw']>

/** Up to this size a file is unpacked in one go: streams cost more than the work. */
const AT_ONCE_BYTES = 1 << 20

/** Digests what was received; `asStored` gives the digest of the file as it is. */
export async function digestRaw(job: DigestJob, raw: Raw, asStored: () => Digest): Promise<DigestResult> {
  const { bytes: expected } = raw
  return typeof expected === 'number'
    ? digestSingle(job, asStored(), { ...raw, bytes: expected })
    : digestPack(raw, expected, asStored)
}

/** A pack and what is in it. In the clear each byte is read once. */
function digestPack(
  { home, key, masterKey }: Raw,
  members: readonly KnownMember[],
  asStored: () => Digest,
): DigestResult {
  const isEncrypted = parsePackPath(key)?.encoding.includes(CIPHER) === true
  if (isEncrypted && masterKey === undefined) return { kind: 'digest', file: asStored() }
  try {
    const pack = PackFile.open(home, key, masterKey === undefined ? undefined : RawKey.of(masterKey))
    try {
      if (isEncrypted) return { kind: 'digest', lacking: pack.lacking(members), file: asStored() }
      const digest = createHash('sha256')
      let bytes = 0
      const lacking = pack.lacking(members, (piece) => {
        digest.update(piece)
        bytes += piece.length
      })
      return { kind: 'digest', lacking, file: { bytes, sha256: digest.digest('hex') } }
    } finally {
      pack.close()
    }
  } catch (cause) {
    return { kind: 'digest', file: asStored(), ...whyNot(cause) }
  }
}

const whyNot = (cause: unknown): { readonly otherKey: string } | { readonly unpackFault: string } =>
  isAppError(cause) && cause.code === 'BAD_KEY' ? { otherKey: cause.message } : { unpackFault: messageOf(cause) }

type Single = Raw & { readonly bytes: number }

async function digestSingle({ path, bytes }: DigestJob, file: Digest, raw: Single): Promise<DigestResult> {
  const encoding = parseStoredPath(raw.key)?.encoding ?? []
  if (encoding.length === 0) return { kind: 'digest', file, content: file }
  if (encoding.includes(CIPHER) && raw.masterKey === undefined) return { kind: 'digest', file }
  try {
    const small = bytes <= AT_ONCE_BYTES && raw.bytes <= 16 * AT_ONCE_BYTES && !encoding.includes(CIPHER)
    return { kind: 'digest', file, content: small ? unpackedAtOnce(path, raw) : await unpackedInStream(raw) }
  } catch (cause) {
    return { kind: 'digest', file, ...whyNot(cause) }
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
