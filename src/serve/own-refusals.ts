/**
 * Refusals of those whom nobody knows, and of those who ask too often: the first of a minute are recorded one by one, the others in one
 * record with their number, once the minute is over. So nobody fills the record of use, and nothing is left out unsaid.
 */
import { randomUUID } from 'node:crypto'
import { neighbourhood } from './auth/client.ts'
import type { OwnAction } from './own-actions.ts'
import type { OwnRecord } from './own-record.ts'

const MINUTE_MS = 60_000
/** One by one, of a neighbourhood and minute: more than the sign-ins that lock one out. */
const FEW = 10
/** One by one in a minute, of all strangers: there are many neighbourhoods. */
const MOST_OF_STRANGERS = 300
/** Neighbourhoods that are counted on their own; those after them are counted together. */
const MOST_PLACES = 200
const MOST_ADDRESSES = 10
const OTHERS = 'others'

/** What was counted of one neighbourhood, or of one token. */
interface Counted {
  readonly place: string
  readonly who: OwnRecord['who']
  endsMs: number
  told: number
  refusals: number
  fromMs: number
  toMs: number
  userAgent: string
  readonly actions: Map<OwnAction, number>
  readonly statuses: Map<number, number>
  readonly addresses: Set<string>
}

/** Counts refusals, and records what it counted. */
export class RefusalCounts {
  readonly #now: () => Date
  readonly #write: (record: OwnRecord) => Promise<void>
  readonly #counted = new Map<string, Counted>()
  /** What could not be written yet. */
  readonly #owed: Counted[] = []
  #minute = { endsMs: 0, told: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(now: () => Date, write: (record: OwnRecord) => Promise<void>) {
    this.#now = now
    this.#write = write
  }

  /**
   * The record to write for a refusal; undefined where it is counted instead. The last that is written says that what follows is
   * counted, so that not even the end of the process hides that there may have been more.
   */
  toTell(record: OwnRecord): OwnRecord | undefined {
    this.#settle(this.#now().getTime())
    const counted = this.#of(record)
    const isStranger = record.who === undefined
    const most = isStranger ? FEW : 1
    if (counted.told < most && !(isStranger && this.#minute.told >= MOST_OF_STRANGERS) && counted.place !== OTHERS) {
      counted.told += 1
      if (isStranger) this.#minute.told += 1
      if (counted.told < most) return record
      return { ...record, params: { ...record.params, more_counted_until: new Date(counted.endsMs).toISOString() } }
    }
    this.#count(counted, record)
    return undefined
  }

  /** Counts one that could not be written alone. */
  missed(record: OwnRecord): void {
    this.#count(this.#of(record), record)
  }

  #count(into: Counted, record: OwnRecord): void {
    count(into, record)
    this.#arm()
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => this.#later(), MINUTE_MS).unref()
  }

  /** Records everything that was counted, whether its minute is over or not. Each is handed over before this returns. */
  close(): Promise<unknown> {
    clearTimeout(this.#timer)
    return this.#settle(Number.POSITIVE_INFINITY)
  }

  #later(): void {
    this.#timer = undefined
    // What fails is owed only then.
    void this.#settle(this.#now().getTime()).then(() => {
      if (this.#owed.length > 0 || [...this.#counted.values()].some(({ refusals }) => refusals > 0)) this.#arm()
    })
  }

  #settle(nowMs: number): Promise<unknown> {
    const isNewMinute = this.#minute.endsMs <= nowMs
    if (isNewMinute) this.#minute = { endsMs: nowMs + MINUTE_MS, told: 0 }
    const ended = [...this.#counted].filter(([, { endsMs }]) => endsMs <= nowMs)
    for (const [key] of ended) this.#counted.delete(key)
    // What could not be written is not tried again with every refusal.
    const owed = isNewMinute ? this.#owed.splice(0) : []
    const due = [...owed, ...ended.map(([, counted]) => counted).filter(({ refusals }) => refusals > 0)]
    return Promise.all(due.map((each) => this.#write(recordOf(each, this.#now())).catch(() => this.#owe(each))))
  }

  /** Where the disk is full for long, what is owed stays as small as it was; what one did is never told of another. */
  #owe(counted: Counted): void {
    const others = { ...counted, place: OTHERS, who: undefined }
    const isFull = this.#owed.length >= MOST_PLACES
    const same = this.#owedLike(counted) ?? (isFull ? this.#owedLike(others) : undefined)
    if (same === undefined) this.#owed.push(isFull ? others : counted)
    else add(same, counted)
  }

  #owedLike({ place, who }: Counted): Counted | undefined {
    return this.#owed.find((each) => each.place === place && each.who?.id === who?.id)
  }

  #of(record: OwnRecord): Counted {
    const key = record.who === undefined ? networkOf(record.address) : `who ${record.who.id}`
    const known = this.#counted.get(key)
    if (known !== undefined) return known
    if (record.who === undefined && this.#counted.size >= MOST_PLACES && key !== OTHERS)
      return this.#counted.get(OTHERS) ?? this.#begin(OTHERS, record)
    return this.#begin(key, record)
  }

  #begin(key: string, { who, time, userAgent, address }: OwnRecord): Counted {
    const fromMs = time.getTime()
    const counted: Counted = {
      place: who === undefined ? key : networkOf(address),
      who,
      endsMs: this.#now().getTime() + MINUTE_MS,
      told: 0,
      refusals: 0,
      fromMs,
      toMs: fromMs,
      userAgent,
      actions: new Map(),
      statuses: new Map(),
      addresses: new Set(),
    }
    this.#counted.set(key, counted)
    return counted
  }
}

/** Who has one address mostly has those beside it: a /24, or a /64 of IPv6. */
function networkOf(address: string): string {
  const four = /^(\d+\.\d+\.\d+)\.\d+$/.exec(address)?.[1]
  return four === undefined ? neighbourhood(address) : `${four}.0/24`
}

function count(into: Counted, { time, action, status, address, userAgent }: OwnRecord): void {
  if (into.refusals === 0) into.fromMs = time.getTime()
  into.refusals += 1
  into.toMs = time.getTime()
  into.userAgent = userAgent
  more(into.actions, action, 1)
  more(into.statuses, status, 1)
  if (into.addresses.size < MOST_ADDRESSES) into.addresses.add(address)
}

function add(into: Counted, other: Counted): void {
  into.refusals += other.refusals
  into.fromMs = Math.min(into.fromMs, other.fromMs)
  into.toMs = Math.max(into.toMs, other.toMs)
  for (const [action, n] of other.actions) more(into.actions, action, n)
  for (const [status, n] of other.statuses) more(into.statuses, status, n)
  for (const address of other.addresses) if (into.addresses.size < MOST_ADDRESSES) into.addresses.add(address)
}

const more = <K>(counts: Map<K, number>, key: K, n: number): unknown => counts.set(key, (counts.get(key) ?? 0) + n)

const mostOf = <K>(counts: ReadonlyMap<K, number>): K | undefined =>
  [...counts].reduce<[K | undefined, number]>((most, each) => (each[1] > most[1] ? each : most), [undefined, 0])[0]

/** The one record of what was counted. */
function recordOf(counted: Counted, now: Date): OwnRecord {
  const { place, who, refusals, fromMs, toMs, userAgent, actions, statuses, addresses } = counted
  const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()]
  return {
    time: now,
    action: mostOf(actions) ?? 'unknownRoute',
    requestId: randomUUID(),
    who,
    address: [...addresses][0] ?? '127.0.0.1',
    userAgent,
    params: {
      refusals,
      neighbourhood: place,
      from,
      to,
      actions: Object.fromEntries(actions),
      statuses: Object.fromEntries(statuses),
      addresses: [...addresses],
    },
    status: mostOf(statuses) ?? 429,
    error: `TOO_MANY: ${refusals} more refusals, of which none has a record of its own`,
  }
}
