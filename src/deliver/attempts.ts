/** When a destination is tried again: waits that double, with jitter, and a circuit that opens after failures in a row. */

/** How waits grow. */
export interface Waits {
  readonly firstMs: number
  readonly mostMs: number
  /** Failures in a row after which only one attempt at a time is made. */
  readonly openAfter: number
}

/** From a second to five minutes, which is what vendors advise. */
export const WAITS: Waits = { firstMs: 1000, mostMs: 300_000, openAfter: 5 }

/** The wait after so many failures in a row, at random between half of it and all: never at once, never in step with others. */
export function waitMs(failures: number, waits: Waits = WAITS, random: () => number = Math.random): number {
  const full = Math.min(waits.mostMs, waits.firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(full * (0.5 + random() / 2))
}

/** How a destination is doing. */
export class Circuit {
  readonly #waits: Waits
  readonly #random: () => number
  #failures = 0
  #readyMs = 0
  #isProbing = false
  #reason: string | undefined

  constructor(waits: Waits = WAITS, random: () => number = Math.random) {
    this.#waits = waits
    this.#random = random
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures
  }

  /** Why the last attempt failed; undefined after one that did not. */
  get reason(): string | undefined {
    return this.#reason
  }

  get isOpen(): boolean {
    return this.#failures >= this.#waits.openAfter
  }

  /** Unix ms before which nothing is to be sent. */
  get readyMs(): number {
    return this.#readyMs
  }

  /** Whether an attempt may begin; an open circuit lets one through at a time. */
  mayBegin(nowMs: number): boolean {
    if (nowMs < this.#readyMs || (this.isOpen && this.#isProbing)) return false
    this.#isProbing = true
    return true
  }

  /** Something was accepted. */
  succeeded(): void {
    this.#failures = 0
    this.#readyMs = 0
    this.#isProbing = false
    this.#reason = undefined
  }

  /** An attempt failed for a reason that concerns the destination as a whole. */
  failed(reason: string, nowMs: number, retryAfterMs?: number): void {
    this.#failures += 1
    this.#isProbing = false
    this.#reason = reason
    this.#readyMs = nowMs + Math.max(retryAfterMs ?? 0, waitMs(this.#failures, this.#waits, this.#random))
  }

  /** An attempt ended that says nothing of the destination as a whole. */
  ended(): void {
    this.#isProbing = false
  }
}
