/** Turns of long work in this process, between which whatever else goes on gets its own. */
import { setImmediate } from 'node:timers/promises'

/** Long enough to make light of giving way; a batch begins with dozens of short statements, each of which waits for it. */
const TURN_MS = 2

/** The turns of one piece of work. */
export class Turns {
  #began = performance.now()

  /** Whether it is time to give way. */
  get isOver(): boolean {
    return performance.now() - this.#began > TURN_MS
  }

  /** Lets others have their turn. */
  async giveWay(): Promise<void> {
    await setImmediate()
    this.#began = performance.now()
  }
}
