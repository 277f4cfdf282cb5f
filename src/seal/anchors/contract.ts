/** What an anchor is: something outside the home that remembers a checkpoint. */
import type { AppError } from '../../core/errors.ts'
import type { Hash } from '../merkle.ts'

/** Witness to ask: where its submission prefix is, and the key its cosignatures must verify with (C2SP vkey, type 4). */
export interface WitnessConfig {
  readonly url: string
  readonly vkey: string
}

/** Timestamp authority (RFC 3161), and the PEM file of certificates to trust for it. */
export interface TimestampConfig {
  readonly url: string
  readonly ca: string
}

/** A mounted share on which files can be made and not changed. */
export interface FolderCopyConfig {
  readonly kind: 'folder'
  readonly path: string
}

/** A bucket with Object Lock. Credentials come from the SDK's own chain. */
export interface S3CopyConfig {
  readonly kind: 's3'
  readonly bucket: string
  readonly prefix: string
  readonly region: string
  /** Where it is not AWS. */
  readonly endpoint?: string
  /** How long nobody can delete a copy, counted from when it is made. */
  readonly retainDays: number
}

/** All anchors of a home. */
export interface AnchorsConfig {
  readonly witnesses: readonly WitnessConfig[]
  readonly timestamps: readonly TimestampConfig[]
  readonly copies: readonly (FolderCopyConfig | S3CopyConfig)[]
}

/** A checkpoint on its way to the anchors. */
export interface AnchoredCheckpoint {
  readonly origin: string
  readonly size: bigint
  readonly root: Hash
  /** The signed note as the log signed it. */
  readonly note: Uint8Array
}

/** What became of a checkpoint at one anchor. */
export type AnchorOutcome =
  | {
      readonly kind: 'anchored'
      /** Told in the state: the time of a stamp, say. */
      readonly detail?: string
    }
  | {
      /** Tried again later. */
      readonly kind: 'failed'
      readonly reason: string
    }
  | {
      /** What the anchor holds contradicts the home. Somebody must look, and trying again does not help. */
      readonly kind: 'alarm'
      readonly error: AppError
    }

/** An outcome that is tried again later. */
export const failed = (reason: string): AnchorOutcome & { readonly kind: 'failed' } => ({ kind: 'failed', reason })

/** One configured anchor. */
export interface Anchor {
  /** Stable name of it, for the state: kind and address. */
  readonly id: string
  anchor(checkpoint: AnchoredCheckpoint, signal: AbortSignal): Promise<AnchorOutcome>
}
