/** Random secrets, and how they are known again without being kept. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** What is kept of a secret. */
export interface KeptSecret {
  /** Few bytes of its digest, to find it by: what finding it takes tells nothing of the rest. */
  readonly lookup: string
  /** SHA-256. Secrets are 32 random bytes, so that no slower function is needed. */
  readonly hash: Uint8Array
}

const SECRET_BYTES = 32
const LOOKUP_BYTES = 6

/** The shape of a secret with this prefix. */
const shapeOf = (prefix: string): RegExp => new RegExp(`^${prefix}[A-Za-z0-9_-]{43}$`)

/** A new secret: prefix and 32 random bytes. */
export const newSecret = (prefix: string): string => `${prefix}${randomBytes(SECRET_BYTES).toString('base64url')}`

/** A new id that is no secret. It begins with no dash: on a command line that would be an option. */
export function newId(): string {
  for (;;) {
    const id = randomBytes(9).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

/** What is kept of a secret. */
export function kept(secret: string): KeptSecret {
  const hash = createHash('sha256').update(secret).digest()
  return { lookup: hash.subarray(0, LOOKUP_BYTES).toString('hex'), hash: new Uint8Array(hash) }
}

/** The row whose secret this is. Compared in the same time wherever they differ. */
export function rowOf<Row extends { readonly hash: Uint8Array }>(
  secret: string,
  prefix: string,
  rowsOf: (lookup: string) => readonly Row[],
): Row | undefined {
  if (!shapeOf(prefix).test(secret)) return undefined
  const { lookup, hash } = kept(secret)
  return rowsOf(lookup).find((row) => row.hash.length === hash.length && timingSafeEqual(row.hash, hash))
}

/** True for equal texts, in the same time wherever they differ. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/** What a page proves that it is the session's own by: made from the session's secret, so that it need not be kept. */
export const csrfOf = (sessionSecret: string): string =>
  createHash('sha256').update(`csrf:${sessionSecret}`).digest('base64url')
