/**
 * Which data files can hold twins of a batch's events, known from the ids of files that were looked through before. A data file
 * never changes under its name, so what was read of it stays true whoever commits meanwhile; files not seen before are looked
 * through as ever.
 */
import type { Engine } from '../engine/duckdb.ts'
import { scanSql } from '../lake/read.ts'
import type { DataFile, DeltaTable } from '../lake/table.ts'
import { sharedPartSql } from '../normalise/fingerprint.ts'

/** Ids remembered at once, at 4 bytes each. Where a batch is near more than these, files are looked through every time. */
export const MAX_REMEMBERED = 64_000_000

/** Files asked for that are noted at once. */
const MAX_SEEN = 100_000

const SECOND_MS = 1000
const LATEST_SECOND = 2 ** 32 - 1

/** 32 bits: an event hits a file of 200,000 by chance once in 20,000 times, and a hit only costs time. */
const markSql = (id: string): string => `(hash(${sharedPartSql(id)}) >> 32)::UINTEGER`

/** The ids of files that were asked for more than once. */
export class RememberedIds {
  readonly #engine: Engine
  readonly #limit: number
  /** Marks of each remembered file, in order. */
  readonly #marks = new Map<string, Uint32Array>()
  /** Files asked for once: an ingestion that stands alone remembers nothing. */
  readonly #seen = new Set<string>()
  #rows = 0

  /** Remembers nothing yet. */
  constructor(engine: Engine, limit: number = MAX_REMEMBERED) {
    this.#engine = engine
    this.#limit = limit
  }

  /**
   * Of `files`, those that may hold a row that is one event with a row of `fresh`, a relation with the columns `event_id` and
   * `event_time`.
   */
  async withTwins(table: DeltaTable, files: readonly DataFile[], fresh: string): Promise<DataFile[]> {
    await this.#remember(table, files)
    if (!files.some((file) => this.#marks.has(nameOf(file)))) return [...files]
    const [seconds, marks] = await this.#engine.numbers(
      `SELECT least(greatest(floor(epoch(event_time)), 0), ${LATEST_SECOND})::UINTEGER, ${markSql('event_id')} FROM ${fresh} ORDER BY 1`,
    )
    if (seconds === undefined || marks === undefined) return [...files]
    return files.filter((file) => {
      const known = this.#marks.get(nameOf(file))
      if (known === undefined) return true
      const [first, last] = secondsOf(file)
      for (let at = placeOf(seconds, first); at < seconds.length && Number(seconds[at]) <= last; at++)
        if (known[placeOf(known, Number(marks[at]))] === marks[at]) return true
      return false
    })
  }

  async #remember(table: DeltaTable, files: readonly DataFile[]): Promise<void> {
    const rows = files.reduce((sum, file) => sum + file.rows, 0)
    if (rows > this.#limit) return
    // Other writers may leave out how many rows a file has; what cannot be counted is not remembered.
    const again = files.filter(
      (file) => this.#seen.has(nameOf(file)) && !this.#marks.has(nameOf(file)) && file.rows > 0,
    )
    const more = again.reduce((sum, file) => sum + file.rows, 0)
    if (this.#rows + more > this.#limit || this.#seen.size > MAX_SEEN) this.#forget()
    for (const file of again) {
      const scan = scanSql(table, [file])
      const [marks] = await this.#engine.numbers(`SELECT ${markSql('event_id')} FROM ${scan} ORDER BY 1`)
      if (marks === undefined) continue
      this.#marks.set(nameOf(file), marks)
      this.#rows += marks.length
    }
    for (const file of files) this.#seen.add(nameOf(file))
  }

  /** Makes room: what is asked for from now on is what is worth remembering. */
  #forget(): void {
    this.#marks.clear()
    this.#seen.clear()
    this.#rows = 0
  }
}

/** A name that no other bytes can have, should a lake be put back and go on from there. */
const nameOf = ({ path, sizeBytes, modificationTime }: DataFile): string => `${path} ${sizeBytes} ${modificationTime}`

/** Seconds between which a file's events lie, and one on either side. */
function secondsOf({
  minTimeMs = Number.NEGATIVE_INFINITY,
  maxTimeMs = Number.POSITIVE_INFINITY,
}: DataFile): [number, number] {
  return [Math.min(minTimeMs / SECOND_MS - 1, LATEST_SECOND), Math.max(maxTimeMs / SECOND_MS + 1, 0)]
}

/** Where the first number that is not below a value stands in numbers that are in order. */
function placeOf(ordered: Uint32Array, value: number): number {
  let [from, to] = [0, ordered.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (Number(ordered[middle]) < value) from = middle + 1
    else to = middle
  }
  return from
}
