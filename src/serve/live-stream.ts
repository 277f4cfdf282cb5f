/** What happens, told to those who listen: Server-Sent Events out of a short memory, so that who was away a moment misses nothing. */
import { AppError } from '../core/errors.ts'
import type { Principal, ServiceChange, ServiceView } from './contract.ts'
import { isLimitedByLists } from './read/visible.ts'

/** Changes that are remembered: an hour of a busy loop. */
const REMEMBERED = 1000
/** Streams at once: each is an open connection. */
const MOST_STREAMS = 200
/** Proxies close what is silent for half a minute. */
const PING_MS = 15_000
/** What a reader that does not read may leave lying before it is let go. */
const MOST_WAITING = 500

interface Told {
  readonly id: number
  readonly change: ServiceChange
}

/** See above; one for a server. */
export class LiveStream {
  readonly #remembered: Told[] = []
  readonly #readers = new Set<(told: Told) => void>()
  /** Ids of another run of the server are not those of this one. */
  readonly #run: string
  #next = 1
  #streams = 0

  constructor(service: ServiceView | undefined, startedMs: number) {
    this.#run = startedMs.toString(36)
    service?.listen((change) => this.tell(change))
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#streams
  }

  /** Tells everybody. */
  tell(change: ServiceChange): void {
    const told = { id: this.#next, change }
    this.#next += 1
    this.#remembered.push(told)
    if (this.#remembered.length > REMEMBERED) this.#remembered.shift()
    for (const reader of this.#readers) reader(told)
  }

  /**
   * A stream for somebody, from after an id on. It ends with `signal`.
   *
   * @throws AppError BUSY where too many are open
   */
  open(principal: Principal, lastId: string | undefined, signal: AbortSignal): ReadableStream<Uint8Array> {
    if (this.#streams >= MOST_STREAMS) throw new AppError('BUSY', `${MOST_STREAMS} streams are open already.`)
    this.#streams += 1
    const encoder = new TextEncoder()
    let end = () => {}
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const send = (text: string) => {
            if ((controller.desiredSize ?? 0) < -MOST_WAITING) end()
            else controller.enqueue(encoder.encode(text))
          }
          const reader = (told: Told) => {
            const seen = seenBy(principal, told.change)
            if (seen !== undefined) send(this.#text(told.id, seen))
          }
          const pings = setInterval(() => send('event: ping\ndata: {}\n\n'), PING_MS)
          end = () => {
            end = () => {}
            clearInterval(pings)
            this.#readers.delete(reader)
            this.#streams -= 1
            signal.removeEventListener('abort', ended)
            try {
              controller.close()
            } catch {
              // Its reader has let go of it first.
            }
          }
          const ended = () => end()
          signal.addEventListener('abort', ended, { once: true })
          send('retry: 3000\n\n')
          for (const told of this.#after(lastId)) reader(told)
          this.#readers.add(reader)
          if (signal.aborted) end()
        },
        cancel: () => end(),
      },
      { highWaterMark: 1 },
    )
  }

  #text(id: number, change: ServiceChange): string {
    return `id: ${this.#run}-${id}\nevent: ${change.kind}\ndata: ${JSON.stringify(change)}\n\n`
  }

  /** What was told since; all that is remembered where the id is older than that, nothing where it is of another run. */
  #after(lastId: string | undefined): readonly Told[] {
    const [, run, digits] = /^([0-9a-z]{1,12})-(\d{1,12})$/.exec(lastId ?? '') ?? []
    if (run !== this.#run) return []
    return this.#remembered.filter(({ id }) => id > Number(digits))
  }
}

/** A change as somebody may know of it; undefined where it is not for them. How many rows came tells of rows they do not see. */
function seenBy({ permissions, rows }: Principal, change: ServiceChange): ServiceChange | undefined {
  const hidden = isLimitedByLists(rows)
  switch (change.kind) {
    case 'stage':
      return permissions.has('health:read') ? change : undefined
    case 'events':
      return hidden ? { ...change, added: 0, rejects: 0 } : change
    case 'findings':
      return permissions.has('findings:read') ? (hidden ? { ...change, added: 0 } : change) : undefined
    case 'alerts':
      return permissions.has('findings:read') ? (hidden ? { ...change, opened: 0, updated: 0 } : change) : undefined
  }
}
