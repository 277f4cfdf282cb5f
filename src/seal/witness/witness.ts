/**
 * A witness (C2SP tlog-witness v1.0.0): signs a checkpoint of a log it knows only if that extends the one it signed last,
 * and remembers it, durably, before anybody sees the signature.
 */
import { isAppError } from '../../core/errors.ts'
import { type Checkpoint, parseCheckpoint } from '../checkpoint.ts'
import { EMPTY_ROOT, sameHash, verifyConsistency } from '../merkle.ts'
import { openNote, parseNote, type Signer, signatureLine, type Verifier } from '../note.ts'
import type { Held, WitnessMemory } from './memory.ts'
import { type AddCheckpoint, parseAddCheckpoint, SIZE_TYPE } from './request.ts'

/** What goes back to the log. */
export interface Reply {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422
  readonly type: string
  readonly body: string
}

/** What happened, for whoever runs the witness. */
export type WitnessEvent = { readonly origin: string; readonly size: bigint } & (
  | {
      readonly kind: 'signed'
      /** The checkpoint with the signatures it came with and the witness's own. */
      readonly note: string
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      /** The log's key signed this, and another checkpoint of the same size before: proof against the log. */
      readonly kind: 'contradiction'
      readonly refused: string
      readonly accepted: string
    }
)

/** What a witness is made of. */
export interface WitnessOptions {
  readonly signer: Signer
  /** Keys of the logs it knows; the name of a key is the origin of its log. One log may have several. */
  readonly logs: readonly Verifier[]
  readonly memory: WitnessMemory
  readonly now: () => Date
  readonly onEvent?: (event: WitnessEvent) => void
}

const TEXT = 'text/plain; charset=utf-8'

const refusal = (status: Exclude<Reply['status'], 200>, reason: string): Reply => ({
  status,
  type: TEXT,
  body: `${reason}\n`,
})

const heldSize = (held: Held | undefined): Reply => ({ status: 409, type: SIZE_TYPE, body: `${held?.size ?? 0n}\n` })

/** One witness. Its work is synchronous, so two requests never see the same state. */
export class Witness {
  readonly #options: WitnessOptions

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  /** Its public key, which logs and verifiers need. */
  get vkey(): string {
    return this.#options.signer.vkey
  }

  /** The logs it knows, and how far it signed each. */
  heads(): { readonly origin: string; readonly size: bigint | undefined }[] {
    const origins = [...new Set(this.#options.logs.map(({ name }) => name))]
    return origins.map((origin) => ({ origin, size: this.#options.memory.newest(origin)?.size }))
  }

  /** Answers the body of one `add-checkpoint`. */
  addCheckpoint(body: Uint8Array): Reply {
    const request = parseAddCheckpoint(body)
    if (request === undefined) return refusal(400, 'The body is not old size, proof, blank line and checkpoint.')
    const checkpoint = expected(() => parseCheckpoint(parseNote(request.note).text))
    if (checkpoint === undefined) return refusal(400, 'There is no well-formed checkpoint after the blank line.')
    const keys = this.#options.logs.filter(({ name }) => name === checkpoint.origin)
    if (keys.length === 0) return refusal(404, 'This witness does not know the log.')
    const opened = expected(() => openNote(request.note, keys))
    if (opened === undefined) return refusal(403, 'No known key of the log has signed the checkpoint.')
    const reply = this.#decide(request, checkpoint, opened.text)
    const { origin, size } = checkpoint
    const note = Buffer.from(request.note).toString()
    if (reply.status === 200) this.#options.onEvent?.({ kind: 'signed', origin, size, note: `${note}${reply.body}` })
    else this.#options.onEvent?.({ kind: 'refused', origin, size, reason: `${reply.status} ${reply.body.trim()}` })
    return reply
  }

  #decide(request: AddCheckpoint, checkpoint: Checkpoint, text: string): Reply {
    const { memory, now, signer } = this.#options
    const { origin } = checkpoint
    const note = Buffer.from(request.note).toString()
    let accusation: string | undefined
    const refused = memory.alone(() => {
      const before = memory.signedAt(origin, checkpoint.size)
      if (before !== undefined && !sameHash(before.root, checkpoint.root)) {
        accusation = memory.accuse(origin, checkpoint, note, now()) ? before.note : undefined
      }
      const reply = faultOf(memory.newest(origin), request, checkpoint)
      if (reply === undefined) memory.remember(origin, checkpoint, note, now())
      return reply
    })
    if (accusation !== undefined) {
      const { size } = checkpoint
      this.#options.onEvent?.({ kind: 'contradiction', origin, size, refused: note, accepted: accusation })
    }
    if (refused !== undefined) return refused
    const timeSecs = BigInt(Math.floor(now().getTime() / 1000))
    return { status: 200, type: TEXT, body: signatureLine(text, signer, timeSecs) }
  }
}

/** Why a checkpoint with a good signature is not signed; undefined if it extends what was signed last. */
function faultOf(held: Held | undefined, { oldSize, proof }: AddCheckpoint, next: Checkpoint): Reply | undefined {
  if (oldSize > next.size) return refusal(400, 'The old size is greater than that of the checkpoint.')
  if (oldSize !== (held?.size ?? 0n)) return heldSize(held)
  if (held !== undefined && held.size === next.size && !sameHash(held.root, next.root)) return heldSize(held)
  if (next.size === 0n && !sameHash(next.root, EMPTY_ROOT)) return refusal(422, 'The root is not that of an empty log.')
  if (oldSize === 0n || oldSize === next.size) {
    return proof.length === 0 ? undefined : refusal(422, 'Nothing has to be proved here, yet there is a proof.')
  }
  const fault = verifyConsistency({
    size1: oldSize,
    size2: next.size,
    root1: held?.root ?? EMPTY_ROOT,
    root2: next.root,
    proof,
  })
  return fault === undefined ? undefined : refusal(422, `The checkpoint does not extend the one signed last: ${fault}.`)
}

/** What `work` returns; undefined for a failure that the caller of a witness can cause. */
function expected<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (cause) {
    if (isAppError(cause)) return undefined
    throw cause
  }
}
