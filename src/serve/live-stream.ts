/** What happens, told to those who listen: Server-Sent Events out of a short memory, so that who was away a moment misses nothing. */
import { AppError } from '../core/errors.ts'
import type { Principal, ServiceChange, ServiceView } from './contract.ts'
import { stageOverHttp } from './hints.ts'
import { isLimited, isLimitedByLists } from './read/visible.ts'

/** Changes that are remembered: an hour of a busy loop. */
const REMEMBERED = 1000
/** Streams at once: each is an open connection. Nobody has more than a few, or one reader could take all. */
const MOST_STREAMS = 200
const MOST_OF_ONE = 10
/** Proxies close what is silent for half a minute. */
const PING_MS = 15_000
/** What a reader that does not read may leave lying before it is let go. */
const MOST_WAITING = 500

/** Who reads, as it stands now; undefined once they may no longer. */
export type StillReads = () => Principal | undefined

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
  /** How each stream that is open is ended, and whose it is. */
  readonly #open = new Map<() => void, string>()
  readonly #pingMs: number
  readonly #unlisten: (() => void) | undefined
  #next = 1
  #closed = false

  constructor(service: ServiceView | undefined, startedMs: number, pingMs = PING_MS) {
    this.#run = startedMs.toString(36)
    this.#pingMs = pingMs
    this.#unlisten = service?.listen((change) => this.tell(change))
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#open.size
  }

  /** Ends all streams, and opens no more. */
  close(): void {
    this.#closed = true
    this.#unlisten?.()
    for (const end of [...this.#open.keys()]) end()
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
   * A stream for somebody, from after an id on. It ends with `signal`, and with the next ping once `again` tells of nobody. Where it
   * cannot be known what came after that id, a `reset` says so.
   *
   * @throws AppError BUSY where too many are open
   */
  open(
    principal: Principal,
    lastId: string | undefined,
    signal: AbortSignal,
    again: StillReads = () => principal,
  ): ReadableStream<Uint8Array> {
    this.#checkRoom(principal)
    const encoder = new TextEncoder()
    let who = principal
    let end = () => {}
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const send = (text: string) => {
            if (text === '' || !this.#open.has(ended)) return
            if ((controller.desiredSize ?? 0) < -MOST_WAITING) end()
            else controller.enqueue(encoder.encode(text))
          }
          const textFor = ({ id, change }: Told): string => {
            const seen = seenBy(who, change)
            return seen === undefined ? '' : this.#text(id, seen)
          }
          const reader = (told: Told) => send(textFor(told))
          const pings = setInterval(() => {
            const now = asked(again)
            if (now === undefined) return end()
            who = now
            // With the id, since much may have been told meanwhile that is not for them.
            send(`${this.#here()}event: ping\ndata: {}\n\n`)
          }, this.#pingMs)
          const ended = () => {
            if (!this.#open.delete(ended)) return
            clearInterval(pings)
            this.#readers.delete(reader)
            signal.removeEventListener('abort', ended)
            try {
              controller.close()
            } catch {
              // Its reader has let go of it first.
            }
          }
          end = ended
          this.#open.set(ended, principal.id)
          signal.addEventListener('abort', ended, { once: true })
          const missed = this.#after(lastId)
          // Who is cut off before anything happens can come back, too.
          send(`retry: 3000\n${lastId === undefined ? this.#here() : ''}\n`)
          // All at once: a reader is not slow for what it could not read yet.
          send(missed?.map(textFor).join('') ?? `${this.#here()}event: reset\ndata: {"kind":"reset"}\n\n`)
          if (this.#open.has(ended)) this.#readers.add(reader)
          if (signal.aborted) end()
        },
        cancel: () => end(),
      },
      { highWaterMark: 1 },
    )
  }

  #checkRoom({ id, name }: Principal): void {
    if (this.#closed) throw new AppError('BUSY', 'The service is stopping.')
    if (this.#open.size >= MOST_STREAMS) throw new AppError('BUSY', `${MOST_STREAMS} streams are open already.`)
    const theirs = [...this.#open.values()].filter((each) => each === id).length
    if (theirs >= MOST_OF_ONE) throw new AppError('BUSY', `${name} has ${MOST_OF_ONE} streams open already.`)
  }

  #text(id: number, change: ServiceChange): string {
    return `${this.#idLine(id)}event: ${change.kind}\ndata: ${JSON.stringify(change)}\n\n`
  }

  #idLine(id: number): string {
    return `id: ${this.#run}-${id}\n`
  }

  /** After all that was told until now. */
  #here(): string {
    return this.#idLine(this.#next - 1)
  }

  /** What was told since; undefined where the id is of another run, of none, or older than what is remembered. */
  #after(lastId: string | undefined): readonly Told[] | undefined {
    if (lastId === undefined) return []
    const [, run, digits] = /^([0-9a-z]{1,12})-(\d{1,12})$/.exec(lastId) ?? []
    const last = Number(digits)
    const oldest = this.#remembered[0]?.id ?? this.#next
    if (run !== this.#run || last < oldest - 1 || last >= this.#next) return undefined
    return this.#remembered.filter(({ id }) => id > last)
  }
}

/** Who cannot be looked up is not told anything more. */
function asked(again: StillReads): Principal | undefined {
  try {
    const who = again()
    return who?.permissions.has('events:read') === true ? who : undefined
  } catch {
    return undefined
  }
}

/**
 * A change as somebody may know of it; undefined where it is not for them. How many rows came tells of rows they do not see, and
 * findings and alerts may be about the record of use.
 */
function seenBy({ permissions, rows }: Principal, change: ServiceChange): ServiceChange | undefined {
  const hidden = isLimited({ rows })
  switch (change.kind) {
    case 'stage':
      return permissions.has('health:read') ? { ...change, stage: stageOverHttp(change.stage) } : undefined
    case 'events':
      return !hidden ? change : isUseAlone(change) ? undefined : seenEvents(change, isLimitedByLists(rows))
    case 'findings':
      return permissions.has('findings:read') ? (hidden ? { ...change, added: 0 } : change) : undefined
    case 'alerts':
      return permissions.has('findings:read') ? (hidden ? { ...change, opened: 0, updated: 0 } : change) : undefined
  }
}

type EventsChange = ServiceChange & { readonly kind: 'events' }

/** Without the record of use, or without any number where only rows of some workspaces or categories are seen. */
const seenEvents = (change: EventsChange, isPart: boolean): EventsChange => ({
  ...change,
  added: isPart ? 0 : Math.max(0, change.added - (change.own ?? 0)),
  rejects: isPart ? 0 : change.rejects,
  own: 0,
})

/** True where nothing came but the record of use, which those whose rows are limited do not see. */
const isUseAlone = ({ added, rejects, own = 0 }: EventsChange): boolean => own > 0 && own >= added && rejects === 0
