/**
 * The pace of a file system. A call that waits in a thread of its own costs several times what a small file that is in memory
 * does, and a call that blocks costs everybody the wait of a disk or a network; so it is tried, and told from how long it took.
 */
import { setImmediate } from 'node:timers/promises'

/** A blocking call that took longer has waited for something. */
const QUICK_MS = 4
/** After one that did, so many calls wait beside each other. */
const SLOW_CALLS = 200
/** After so long, whatever else the process does gets its turn: a batch begins with dozens of short statements, each of which waits for it. */
const TURN_MS = 2

/** The pace of the files that are looked at in one go. */
export class Pace {
  #slowLeft = 0
  #turnBegan = performance.now()

  /** Does the work the quick way while files answer at once, and the patient way otherwise. */
  async call<T>(quick: () => T, patient: () => Promise<T>): Promise<T> {
    if (this.#slowLeft > 0) {
      this.#slowLeft--
      return patient()
    }
    const began = performance.now()
    if (began - this.#turnBegan > TURN_MS) await this.#turn()
    const from = performance.now()
    try {
      return quick()
    } finally {
      if (performance.now() - from > QUICK_MS) this.#slowLeft = SLOW_CALLS
    }
  }

  async #turn(): Promise<void> {
    await setImmediate()
    this.#turnBegan = performance.now()
  }
}
