/**
 * Memory for work on one of many small things at a time. Taken anew for each, thousands a second would keep the collector of garbage
 * busier than anything that is done with them.
 */
export class Rooms {
  readonly #bytes: number
  readonly #free: Buffer[] = []

  /** @param bytes of each room */
  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** Lends a room until the work has ended. */
  async lend<T>(work: (room: Buffer) => Promise<T>): Promise<T> {
    const room = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes)
    try {
      return await work(room)
    } finally {
      this.#free.push(room)
    }
  }
}
