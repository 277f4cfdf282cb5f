/** Proofs of events, made by the server: the same as `bricktrail prove` makes. */

import { sealState } from '../../ask/seal-state.ts'
import { AppError } from '../../core/errors.ts'
import { SealKeys } from '../../seal/keys.ts'
import { SealLog } from '../../seal/log.ts'
import { type EventProof, proveEvent } from '../../seal/prove.ts'
import { sealSettings } from '../../seal/settings.ts'
import type { LakeReader } from './lake-reader.ts'

/** A proof reads all ids of the lake and the rows of one file. */
const PROOF_MS = 120_000

/**
 * Proves that an event stands in the lake.
 *
 * @throws AppError NOT_FOUND where nothing is sealed; as `proveEvent`
 */
export async function proofOf(reader: LakeReader, id: string, signal: AbortSignal): Promise<EventProof> {
  const { home, connections, snapshots } = reader
  // A server that only looks begins no log.
  await sealState(home).catch((cause: unknown) => {
    if (cause instanceof AppError && cause.code === 'NO_LAKE')
      throw new AppError('NOT_FOUND', 'Nothing is sealed here yet.', { cause })
    throw cause
  })
  const { signingKey } = await sealSettings(home)
  const keys = await SealKeys.load(home.seal, signingKey === null ? {} : { reference: signingKey })
  const log = await SealLog.open(home.seal, keys, { now: () => new Date() })
  return connections.with({ lane: 'long', timeoutMs: PROOF_MS, signal }, (engine) =>
    proveEvent(id, { engine, events: snapshots.events, log, folder: home.seal }),
  )
}
