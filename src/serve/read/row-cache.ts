/** Rows of data files as they are, kept by file and number: files never change, and people look at the same few rare events again. */

/** What a text takes beside its characters, about. */
const OVERHEAD = 150

/** Bounded in bytes; what was used longest ago goes first. Whoever takes rows out sees to it who may see them. */
export class RowCache {
  readonly #rows = new Map<string, string>()
  readonly #mostBytes: number
  #bytes = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Bytes of what is kept, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** A row as JSON; undefined where it is not kept. */
  of(key: string): string | undefined {
    const row = this.#rows.get(key)
    if (row === undefined) return undefined
    this.#rows.delete(key)
    this.#rows.set(key, row)
    return row
  }

  /** Keeps a row. */
  keep(key: string, row: string): void {
    this.#forget(key)
    this.#rows.set(key, row)
    this.#bytes += key.length + row.length + OVERHEAD
    for (const oldest of this.#rows.keys()) {
      if (this.#bytes <= this.#mostBytes) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    const row = this.#rows.get(key)
    if (row === undefined) return
    this.#rows.delete(key)
    this.#bytes -= key.length + row.length + OVERHEAD
  }
}
