/** Gathers rendered events by time slot and file, and hands each slot's files on once nothing more can fall into it. */
import type { SimEvent } from './event.ts'
import type { Form } from './forms/contract.ts'
import type { Random } from './random.ts'
import type { Slot } from './timeline.ts'

/** Most lines are in order; some are delivered up to this much late within their file. */
const LATE_MS = 90_000

interface Pile {
  readonly lines: string[]
  /** When each line arrives, milliseconds into its slot. */
  readonly arrivals: number[]
}

/** Sorts events into the files of their slots. */
export class FileSorter {
  readonly #form: Form
  readonly #startMs: number
  readonly #slotMs: number
  readonly #random: Random
  readonly #write: (path: string, text: string) => void
  readonly #slots = new Map<number, Map<string, Pile>>()

  constructor(form: Form, slots: readonly Slot[], random: Random, write: (path: string, text: string) => void) {
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
      pile = { lines: [], arrivals: [] }
      piles.set(bucket, pile)
    }
    pile.lines.push(this.#form.line(event))
    const late = this.#random.next() % 16 === 0 ? this.#random.next() % LATE_MS : 0
    pile.arrivals.push(intoMs - index * this.#slotMs + late)
  }

  /** Writes the files of a slot, buckets in the order of their names. */
  flush(slot: Slot): void {
    const piles = this.#slots.get(slot.index) ?? new Map<string, Pile>()
    this.#slots.delete(slot.index)
    for (const bucket of [...piles.keys()].sort())
      this.#write(this.#form.path(bucket, slot), arranged(piles.get(bucket) as Pile))
  }
}

/** The lines by arrival, one string. */
function arranged({ lines, arrivals }: Pile): string {
  const count = lines.length
  // Arrival and place in one number: sorting numbers is several times quicker than sorting with a comparison.
  const keys = Float64Array.from(arrivals, (arrival, i) => arrival * 2 ** 22 + i).sort()
  const sorted = new Array<string>(count)
  for (let i = 0; i < count; i++) sorted[i] = lines[(keys[i] as number) % 2 ** 22] as string
  sorted.push('')
  return sorted.join('\n')
}
