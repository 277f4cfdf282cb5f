/** Answers kept by their question, bounded in bytes; and one run for all who ask the same at once. */
import { createHash } from 'node:crypto'
import { BoundedCache } from './bounded-cache.ts'
import { nobodyWaits } from './connections.ts'

/** About the memory that a text of JSON takes once it is objects. */
const OBJECT_FACTOR = 3

interface Kept {
  readonly answer: unknown
  readonly bytes: number
}

interface Flight {
  readonly answer: Promise<unknown>
  readonly leave: AbortController
  askers: number
  landed: boolean
}

/** See above. */
export class Answers {
  readonly #kept: BoundedCache<Kept>
  readonly #flights = new Map<string, Flight>()
  readonly #mostBytes: number

  /** @param mostBytes what all kept answers may take, about */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
    this.#kept = new BoundedCache(mostBytes, ({ bytes }) => bytes)
  }

  /** Bytes of what is kept. */
  get bytes(): number {
    return this.#kept.bytes
  }

  /**
   * The answer to a question: kept, on its way, or made now. `make` is stopped when all who asked have left.
   *
   * @param question everything the answer depends on
   */
  async answer<T>(question: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const key = createHash('sha256').update(question).digest('base64')
    const kept = this.#kept.of(key)
    if (kept !== undefined) return kept.answer as T
    if (signal.aborted) throw nobodyWaits(signal)
    const flight = this.#flights.get(key) ?? this.#start(key, make)
    return this.#join(flight, signal) as Promise<T>
  }

  #start(key: string, make: (signal: AbortSignal) => Promise<unknown>): Flight {
    const leave = new AbortController()
    const answer = make(leave.signal).then((made) => {
      this.#keep(key, made)
      return made
    })
    const flight: Flight = { answer, leave, askers: 0, landed: false }
    this.#flights.set(key, flight)
    const land = () => {
      flight.landed = true
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    answer.then(land, land)
    leave.signal.addEventListener('abort', land)
    return flight
  }

  async #join(flight: Flight, signal: AbortSignal): Promise<unknown> {
    flight.askers += 1
    let left: (() => void) | undefined
    const leaving = new Promise<never>((_, reject) => {
      left = () => reject(nobodyWaits(signal))
      signal.addEventListener('abort', left, { once: true })
    })
    try {
      return await Promise.race([flight.answer, leaving])
    } finally {
      if (left !== undefined) signal.removeEventListener('abort', left)
      flight.askers -= 1
      if (flight.askers === 0 && !flight.landed) flight.leave.abort(signal.reason)
    }
  }

  #keep(key: string, answer: unknown): void {
    const bytes = JSON.stringify(answer).length * OBJECT_FACTOR + 200
    // One answer may not push out all others.
    if (bytes <= this.#mostBytes / 8) this.#kept.keep(key, { answer, bytes })
  }
}
