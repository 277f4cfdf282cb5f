/** What is kept in memory because it may be asked for again: bounded in bytes; what was used longest ago goes first. */
export class BoundedCache<T> {
  readonly #kept = new Map<string, T>()
  readonly #mostBytes: number
  readonly #bytesOf: (value: T, key: string) => number
  #bytes = 0

  /** @param bytesOf about what a value takes, with its key; always the same for the same value */
  constructor(mostBytes: number, bytesOf: (value: T, key: string) => number) {
    this.#mostBytes = mostBytes
    this.#bytesOf = bytesOf
  }

  /** Bytes of what is kept, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** A value; undefined where it is not kept. */
  of(key: string): T | undefined {
    const value = this.#kept.get(key)
    if (value === undefined) return undefined
    // The last used stands last.
    this.#kept.delete(key)
    this.#kept.set(key, value)
    return value
  }

  /** Keeps a value. */
  keep(key: string, value: T): void {
    this.#forget(key)
    this.#kept.set(key, value)
    this.#bytes += this.#bytesOf(value, key)
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#mostBytes) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    const value = this.#kept.get(key)
    if (value === undefined) return
    this.#kept.delete(key)
    this.#bytes -= this.#bytesOf(value, key)
  }
}
