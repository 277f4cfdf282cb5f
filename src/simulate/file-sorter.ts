/** Gathers rendered events by time slot and file, and hands each slot's files on once nothing more can fall into it. */
import type { SimEvent } from './event.ts'
import type { Form } from './forms/contract.ts'
import type { Random } from './random.ts'
import type { Slot } from './timeline.ts'

/** Most lines are in order; some are delivered up to this much late within their file. */
const LATE_MS = 90_000

/** What a file starts with; doubled when full. */
const FIRST_BYTES = 8192

/** Lines of one file. They are encoded as they come: as strings they would outlive the young generation of the heap. */
class Pile {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #used = 0
  /** Where each line begins. */
  readonly #starts: number[] = []
  /** When each line arrives, milliseconds into its slot. */
  readonly #arrivals: number[] = []

  add(line: string, arrivalMs: number): void {
    const most = this.#used + line.length * 3 + 1
    if (most > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(most, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#used)
      this.#bytes = larger
    }
    this.#starts.push(this.#used)
    this.#arrivals.push(arrivalMs)
    this.#used += this.#bytes.write(line, this.#used)
    this.#bytes[this.#used++] = 10
  }

  /** The lines by arrival. */
  arranged(): Buffer {
    // Arrival and place in one number: sorting numbers is several times quicker than sorting with a comparison.
    const keys = Float64Array.from(this.#arrivals, (arrival, i) => arrival * 2 ** 22 + i).sort()
    const sorted = Buffer.allocUnsafe(this.#used)
    let at = 0
    for (const key of keys) {
      const line = key % 2 ** 22
      at += this.#bytes.copy(sorted, at, this.#starts[line] as number, this.#starts[line + 1] ?? this.#used)
    }
    return sorted
  }
}

/** Sorts events into the files of their slots. */
export class FileSorter {
  readonly #form: Form
  readonly #startMs: number
  readonly #slotMs: number
  readonly #random: Random
  readonly #write: (path: string, content: Buffer) => void
  readonly #slots = new Map<number, Map<string, Pile>>()

  constructor(form: Form, slots: readonly Slot[], random: Random, write: (path: string, content: Buffer) => void) {
    this.#form = form
    const first = slots[0] as Slot
    this.#startMs = first.startMs
    this.#slotMs = first.endMs - first.startMs
    this.#random = random
    this.#write = write
  }

  /** Takes one event, of any slot not flushed yet. */
  take(event: SimEvent): void {
    const intoMs = event.timeMs - this.#startMs
    const index = Math.floor(intoMs / this.#slotMs)
    let piles = this.#slots.get(index)
    if (piles === undefined) {
      piles = new Map()
      this.#slots.set(index, piles)
    }
    const bucket = this.#form.bucket(event)
    let pile = piles.get(bucket)
    if (pile === undefined) {
      pile = new Pile()
      piles.set(bucket, pile)
    }
    const late = this.#random.next() % 16 === 0 ? this.#random.next() % LATE_MS : 0
    pile.add(this.#form.line(event), intoMs - index * this.#slotMs + late)
  }

  /** Writes the files of a slot, buckets in the order of their names. */
  flush(slot: Slot): void {
    const piles = this.#slots.get(slot.index) ?? new Map<string, Pile>()
    this.#slots.delete(slot.index)
    for (const bucket of [...piles.keys()].sort()) {
      this.#write(this.#form.path(bucket, slot), (piles.get(bucket) as Pile).arranged())
    }
  }
}
