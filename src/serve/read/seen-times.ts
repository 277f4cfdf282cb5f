/** When events happened that somebody has seen lately, so that one of them is found without reading a whole lake. */

/** Some hours of pages of a busy team; about 100 bytes each. */
const MOST = 100_000

/** A bounded memory of times by event id. It narrows where to look and says nothing of who may see. */
export class SeenTimes {
  readonly #times = new Map<string, number>()

  /** Remembers an event. */
  add(id: string, timeMs: number): void {
    this.#times.delete(id)
    this.#times.set(id, timeMs)
    if (this.#times.size > MOST) this.#times.delete(this.#times.keys().next().value ?? '')
  }

  /** Its time, in whole milliseconds; undefined where it is not remembered. */
  of(id: string): number | undefined {
    return this.#times.get(id)
  }
}
