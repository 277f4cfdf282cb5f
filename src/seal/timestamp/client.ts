/** Asks a timestamp authority (RFC 3161 §3.4, HTTP) and believes nothing it says that does not verify. */
import { post } from '../anchors/exchange.ts'
import { imprintOf } from './imprint.ts'
import { freshNonce, timestampRequest } from './request.ts'
import { type BadTimestamp, type Timestamp, verifyTimestamp } from './verify.ts'

/** Clocks of servers differ by seconds; an authority this far from ours, or we from it, has a wrong one. */
export const MAX_CLOCK_DIFFERENCE_MS = 10 * 60_000
/** An answer with a chain of certificates has 5 to 10 KB. */
const MAX_ANSWER_BYTES = 256 * 1024

/** What is asked for. */
export interface StampOptions {
  readonly url: string
  readonly caPem: string
  readonly note: Uint8Array
  readonly now: () => Date
  readonly signal: AbortSignal
  /** The newest stamp of a smaller checkpoint, if there is one: an authority's own time never goes back. */
  readonly previous: Pick<Timestamp, 'time' | 'tsa'> | undefined
  /** A fresh one where absent. */
  readonly nonce?: Uint8Array
}

/** A stamp that verified, with the raw answer, which `openssl ts -verify` reads too. */
export interface Stamped extends Timestamp {
  readonly tsr: Uint8Array
}

/** Gets a timestamp for a checkpoint. */
export async function requestTimestamp(options: StampOptions): Promise<Stamped | BadTimestamp> {
  const { url, caPem, note, now, signal, previous } = options
  const nonce = Buffer.from(options.nonce ?? freshNonce())
  const answer = await post({
    url,
    type: 'application/timestamp-query',
    body: timestampRequest(imprintOf(note), nonce),
    maxBytes: MAX_ANSWER_BYTES,
    signal,
  })
  if (!answer.ok) return answer
  if (answer.status !== 200) return { ok: false, reason: `it answered ${answer.status}` }
  const stamp = await verifyTimestamp(answer.bytes, note, caPem)
  if (!stamp.ok) return stamp
  if (stamp.nonce !== nonce.toString('hex')) return { ok: false, reason: 'the answer is to another request' }
  const clockFault = faultOfTime(stamp, now(), previous)
  return clockFault === undefined ? { ...stamp, tsr: answer.bytes } : { ok: false, reason: clockFault }
}

function faultOfTime({ time, tsa }: Timestamp, now: Date, previous: StampOptions['previous']): string | undefined {
  if (previous?.tsa === tsa && time.getTime() < previous.time.getTime()) {
    const before = previous.time.toISOString()
    return `a clock was set back: it says ${time.toISOString()}, and said ${before} for an earlier checkpoint`
  }
  const awayMs = Math.abs(time.getTime() - now.getTime())
  if (awayMs <= MAX_CLOCK_DIFFERENCE_MS) return undefined
  return `its clock and ours differ: it says ${time.toISOString()}, we ${now.toISOString()}`
}
