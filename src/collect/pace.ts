/**
 * The pace of a file system. A call that waits in a thread of its own costs several times what a small file that is in memory
 * does, and a call that blocks costs everybody the wait of a disk or a network; so it is tried, and told from how long it took.
 */
import { Turns } from '../core/turns.ts'

/** A blocking call that took longer has waited for something. */
const QUICK_MS = 4
/** After one that did, so many calls wait beside each other. */
const SLOW_CALLS = 200

/** The pace of the files that are looked at in one go. */
export class Pace {
  #slowLeft = 0
  readonly #turns = new Turns()

  /** Does the work the quick way while files answer at once, and the patient way otherwise. */
  async call<T>(quick: () => T, patient: () => Promise<T>): Promise<T> {
    if (this.#slowLeft > 0) {
      this.#slowLeft--
      return patient()
    }
    if (this.#turns.isOver) await this.#turns.giveWay()
    const from = performance.now()
    try {
      return quick()
    } finally {
      if (performance.now() - from > QUICK_MS) this.#slowLeft = SLOW_CALLS
    }
  }
}
