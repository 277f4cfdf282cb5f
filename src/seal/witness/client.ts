/** Asks a witness (C2SP tlog-witness) to sign the newest checkpoint, and tells a slow witness from a forked log. */
import { AppError, isAppError } from '../../core/errors.ts'
import { printable } from '../../core/printable.ts'
import { type AnchorOutcome, failed } from '../anchors/contract.ts'
import { post, shownUrl } from '../anchors/exchange.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { consistencyProofFrom, type Hash, type ReadHash, rootFrom, verifyConsistency } from '../merkle.ts'
import { openNote, parseNote, type Verifier } from '../note.ts'
import { formatAddCheckpoint, parseHeldSize, SIZE_TYPE } from './request.ts'

/** Clocks of servers differ by seconds; a signature dated further away is of a wrong clock, or an old one. */
const MAX_CLOCK_DIFFERENCE_MS = 10 * 60_000
/** A signature line has about 200 bytes; a witness may send several. */
const MAX_ANSWER_BYTES = 64 * 1024
/** The size a witness names is right unless somebody else asked meanwhile. */
const MAX_TRIES = 4

/** What is asked of which witness. */
export interface CosignOptions {
  /** Submission prefix of the witness. */
  readonly url: string
  readonly witness: Verifier
  /** The signed checkpoint. */
  readonly note: Uint8Array
  readonly readHash: ReadHash
  /** Size that the witness signed last, as far as we know; 0 for a new one. */
  readonly knownSize: bigint
  readonly now: () => Date
  readonly signal: AbortSignal
}

/** The signature that a witness gave, as a line of a note. */
export interface Cosigned {
  readonly kind: 'cosigned'
  readonly line: string
  readonly time: Date
}

interface Head {
  readonly origin: string
  readonly size: bigint
  readonly root: Hash
  readonly text: string
}

/** One answer: final, or another size to begin from. */
type Step = Cosigned | Exclude<AnchorOutcome, { kind: 'anchored' }> | { readonly kind: 'again'; readonly from: bigint }

/**
 * Gets a cosignature. A witness that has seen what this log cannot have grown from is an alarm: somebody put the log back
 * or made two of it.
 */
export async function requestCosignature(options: CosignOptions): Promise<Exclude<Step, { kind: 'again' }>> {
  const { text } = parseNote(options.note)
  const head = { ...parseCheckpoint(text), text }
  if (options.witness.name === head.origin) return failed('the key of the witness has the name of the log')
  let from = options.knownSize <= head.size ? options.knownSize : 0n
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const step = await ask(options, head, from).catch((cause: unknown) => alarmOf(cause))
    if (step.kind !== 'again') return step
    from = step.from
  }
  return failed(`it named another size ${MAX_TRIES} times`)
}

/** A damaged log cannot be proved; that is for somebody to look at, like a fork. */
function alarmOf(cause: unknown): Step {
  if (isAppError(cause)) return { kind: 'alarm', error: cause }
  throw cause
}

async function ask(options: CosignOptions, head: Head, from: bigint): Promise<Step> {
  const proof = await provenFrom(options.readHash, head, from)
  const answer = await post({
    url: `${options.url.replace(/\/+$/, '')}/add-checkpoint`,
    type: 'application/octet-stream',
    body: formatAddCheckpoint({ oldSize: from, proof, note: options.note }),
    maxBytes: MAX_ANSWER_BYTES,
    signal: options.signal,
  })
  if (!answer.ok) return failed(answer.reason)
  const { status, type, bytes } = answer
  if (status === 200) return cosignatureIn(bytes, head, options)
  if (status === 409) {
    const held = type === SIZE_TYPE ? parseHeldSize(bytes) : undefined
    return held === undefined ? failed('it answered 409 without a size') : conflict(head, from, held, options)
  }
  if (status === 422 && proof.length > 0) {
    return { kind: 'alarm', error: forked(options, `holds another history at size ${from}`) }
  }
  const said = printable(Buffer.from(bytes.subarray(0, 200)).toString().trim())
  const why = { 403: 'it does not take our key', 404: 'it does not know this log' }[status]
  return failed(`${why ?? 'it refused'}: ${status} ${said}`)
}

/** The witness was elsewhere than we thought. */
function conflict(head: Head, from: bigint, held: bigint, options: CosignOptions): Step {
  if (held > head.size) {
    return {
      kind: 'alarm',
      error: forked(
        options,
        `signed a checkpoint of size ${held}, and this log ends at ${head.size}: it was rolled back`,
      ),
    }
  }
  if (held !== from) return { kind: 'again', from: held }
  if (held === head.size) return { kind: 'alarm', error: forked(options, `holds another root at size ${held}`) }
  return failed(`it answered 409 with the size that was sent, ${held}`)
}

/** The proof to send, checked: a log whose own files do not prove its checkpoint must not blame the witness. */
async function provenFrom(readHash: ReadHash, { size, root }: Head, from: bigint): Promise<Hash[]> {
  if (from === 0n || from === size) return []
  const proof = await consistencyProofFrom(readHash, from, size)
  const fault = verifyConsistency({
    size1: from,
    size2: size,
    root1: await rootFrom(readHash, from),
    root2: root,
    proof,
  })
  if (fault === undefined) return proof
  throw new AppError('BAD_SEAL', `The log cannot prove that size ${size} grew from size ${from}: ${fault}.`)
}

const forked = ({ url, witness }: CosignOptions, what: string): AppError =>
  new AppError('SEAL_FORKED', `The log is forked or rolled back: the witness ${witness.name} ${what}.`, {
    where: shownUrl(url),
  })

function cosignatureIn(bytes: Uint8Array, head: Head, { witness, now }: CosignOptions): Cosigned | Step {
  const lines = Buffer.from(bytes)
    .toString()
    .split('\n')
    .filter((line) => line.startsWith(`— ${witness.name} `))
  for (const line of lines) {
    const found = verified(`${head.text}\n${line}\n`, witness)
    if (found === undefined) continue
    const time = new Date(Number(found) * 1000)
    // A time beyond all dates is no number, which no comparison holds for.
    if (!(Math.abs(time.getTime() - now().getTime()) <= MAX_CLOCK_DIFFERENCE_MS)) {
      return failed(`its clock and ours differ: it signed at ${found} s since 1970`)
    }
    return { kind: 'cosigned', line: `${line}\n`, time }
  }
  return failed('it sent no signature of its key that holds')
}

/** Time of a signature that holds, in seconds since 1970. */
function verified(note: string, witness: Verifier): bigint | undefined {
  try {
    return openNote(note, [witness]).verified[0]?.timeSecs
  } catch (cause) {
    if (isAppError(cause)) return undefined
    throw cause
  }
}
