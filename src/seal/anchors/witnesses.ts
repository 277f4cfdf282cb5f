/** Witnesses as anchors: their signatures end up under the checkpoint they signed. */
import type { ObjectStore } from '../../lake/stores/contract.ts'
import { notePath } from '../log-head.ts'
import { withSealLock } from '../log-lock.ts'
import type { ReadHash } from '../merkle.ts'
import { KEY_TYPES, parseNote, parseVkey, type Verifier, withSignatures } from '../note.ts'
import { requestCosignature } from '../witness/client.ts'
import { type Anchor, type AnchoredCheckpoint, type AnchorOutcome, failed, type WitnessConfig } from './contract.ts'
import { shownUrl } from './exchange.ts'
import { readAnchorStates } from './state.ts'

/** What a witness anchor needs of the home. */
export interface WitnessContext {
  /** The seal's folder, and the store over it. */
  readonly folder: string
  readonly store: ObjectStore
  readonly readHash: ReadHash
  readonly now: () => Date
}

/** An anchor that asks a witness. */
export function witnessAnchor({ url, vkey }: WitnessConfig, context: WitnessContext): Anchor {
  const id = `witness ${shownUrl(url)}`
  const { folder, store, readHash, now } = context
  return {
    id,
    async anchor(checkpoint: AnchoredCheckpoint, signal: AbortSignal): Promise<AnchorOutcome> {
      const witness = parseVkey(vkey)
      if (witness.type !== KEY_TYPES.cosignature) return failed(`${witness.name}+${witness.id} is not a witness's key`)
      const { lastSize = '0' } = (await readAnchorStates(store))[id] ?? {}
      const { note } = checkpoint
      const answer = await requestCosignature({
        url,
        witness,
        note,
        readHash,
        knownSize: BigInt(lastSize),
        now,
        signal,
      })
      if (answer.kind !== 'cosigned') return answer
      const fault = await withSealLock(folder, () => addCosignature(store, checkpoint, witness, answer.line))
      return fault !== undefined ? failed(fault) : { kind: 'anchored', detail: `signed ${answer.time.toISOString()}` }
    },
  }
}

/**
 * Puts a signature under the kept checkpoint, unless the witness has signed it before: the earlier time says more.
 *
 * @returns why it cannot be done
 */
async function addCosignature(
  store: ObjectStore,
  { size, note }: AnchoredCheckpoint,
  { name, id }: Verifier,
  line: string,
): Promise<string | undefined> {
  const path = notePath(size)
  const kept = Buffer.from((await store.read(path)) ?? note).toString()
  const { text, signatures } = parseNote(kept)
  if (text !== parseNote(note).text) return `${path} holds another checkpoint than the one it signed`
  if (signatures.some((held) => held.name === name && held.id === id)) return undefined
  await store.put(path, Buffer.from(withSignatures(kept, [line])))
  return undefined
}
