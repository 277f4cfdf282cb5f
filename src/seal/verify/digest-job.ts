/** What a digest is asked for, and what comes of it. */
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
      /** That it is encrypted with another key than the one given. */
      readonly otherKey?: string
      /** Why the content has no digest. */
      readonly unpackFault?: string
    }
