/** How the log of a home grew by day. Leaves are read once; then only those that came since. */
import type { Home } from '../core/home.ts'
import { localStore } from '../lake/stores/local.ts'
import { LOG_FOLDER } from '../seal/log.ts'
import { TreeReader } from '../seal/tree.ts'

/** Leaves and sealed events of one UTC day. */
export interface DayGrowth {
  readonly day: string
  readonly leaves: number
  readonly events: number
}

/** Days that are shown. */
const MOST_DAYS = 366

interface Leaf {
  readonly kind?: unknown
  readonly table?: unknown
  readonly time?: unknown
  readonly counts?: { readonly events?: unknown }
}

/** Counts by day, kept between questions. */
export class SealGrowth {
  readonly #home: Home
  #origin = ''
  #size = 0n
  #days = new Map<string, { leaves: number; events: number }>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(home: Home) {
    this.#home = home
  }

  /** The days up to a size of the log, oldest first. @throws AppError BAD_SEAL */
  days(origin: string, size: bigint): Promise<DayGrowth[]> {
    const read = this.#turn.then(() => this.#upTo(origin, size))
    this.#turn = read.catch(() => undefined)
    return read
  }

  async #upTo(origin: string, size: bigint): Promise<DayGrowth[]> {
    if (origin !== this.#origin || size < this.#size) {
      this.#origin = origin
      this.#size = 0n
      this.#days = new Map()
    }
    const store = localStore(this.#home.seal)
    const tree = new TreeReader((path) => store.read(`${LOG_FOLDER}/${path}`), size)
    for await (const bytes of tree.entries(this.#size)) {
      this.#add(JSON.parse(Buffer.from(bytes).toString('utf8')) as Leaf)
      this.#size += 1n
    }
    return [...this.#days]
      .map(([day, counts]) => ({ day, ...counts }))
      .sort((a, b) => (a.day < b.day ? -1 : 1))
      .slice(-MOST_DAYS)
  }

  #add({ time, counts, table }: Leaf): void {
    const day = String(time).slice(0, 10)
    const known = this.#days.get(day) ?? { leaves: 0, events: 0 }
    known.leaves += 1
    if (table === 'events' && typeof counts?.events === 'number') known.events += counts.events
    this.#days.set(day, known)
  }
}
