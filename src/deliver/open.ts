/** Everything that is needed to deliver, opened from the settings of a home. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { eventFilterSql } from '../ask/filter.ts'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { placeText } from '../core/yaml/place.ts'
import { formatNamed } from '../export/registry.ts'
import { spillingEngine } from '../ingest/scratch.ts'
import type { Sink } from './contract.ts'
import { Dispatcher, type OnTrouble } from './dispatcher.ts'
import { EventFeed } from './event-feed.ts'
import { EventLane } from './event-lane.ts'
import { MessageLane } from './message-lane.ts'
import { Outbox } from './outbox.ts'
import { secretAt } from './secrets.ts'
import type { DeliverSettings, DestinationSettings } from './settings.ts'

/** Where a home's settings of delivery are. */
export const DELIVER_FILE = 'deliver.yaml'

/** A home that is ready to deliver. */
export interface Delivery {
  readonly outbox: Outbox
  readonly dispatcher: Dispatcher
  readonly messages: readonly MessageLane[]
  readonly events: readonly EventLane[]
  close(): Promise<void>
}

/** What {@link openDelivery} may be told. */
export interface DeliveryOptions {
  /** Only these destinations; all where absent. */
  readonly only?: readonly string[]
  readonly onTrouble?: OnTrouble
  /** What references are looked up in. */
  readonly environment?: NodeJS.ProcessEnv
}

/** Memory of the engine that reads events; windows are small. */
const FEED_MEMORY_MB = 400
/** Reading is faster than sending as it is; a second thread costs a third more in all. */
const FEED_THREADS = 1

/**
 * Opens outbox and destinations. Only one process delivers from a home; others may put messages.
 * @throws AppError LOCKED, BAD_HOME naming the destination and where it stands
 */
export async function openDelivery(
  home: Home,
  settings: DeliverSettings,
  options: DeliveryOptions = {},
): Promise<Delivery> {
  const chosen = settings.destinations.filter(({ name }) => options.only?.includes(name) ?? true)
  const release = lockDelivery(home)
  const closing: (() => unknown)[] = [release]
  const close = async () => {
    for (const each of closing.splice(0).reverse()) await each()
  }
  try {
    const outbox = Outbox.open(home.outbox)
    closing.push(() => outbox.close())
    outbox.prune(Date.now())
    const sinks = new Map<string, Sink>()
    for (const destination of chosen) {
      const sink = await openSink(destination, home, options.environment)
      sinks.set(destination.name, sink)
      closing.push(() => sink.close?.())
    }
    const ofKind = (takes: 'messages' | 'events') => chosen.filter(({ kind }) => kind.takes === takes)
    const messages = ofKind('messages').map(
      (destination) => new MessageLane(outbox, { ...destination, sink: sinks.get(destination.name) as Sink }),
    )
    const feed = ofKind('events').length === 0 ? undefined : await openFeed(home, closing)
    const events = ofKind('events').map((destination) =>
      eventLane(outbox, feed as EventFeed, destination, sinks.get(destination.name) as Sink),
    )
    if (feed !== undefined) await beginStreams(outbox, feed, ofKind('events'))
    return {
      outbox,
      dispatcher: new Dispatcher({ messages, events }, feed, options.onTrouble),
      messages,
      events,
      close,
    }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** Opens one destination; what is wrong with it is told with its name and place. */
export async function openSink(
  { name, kind, section, timeoutMs, batch, place }: DestinationSettings,
  home: Pick<Home, 'root'>,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Sink> {
  try {
    const sink = await kind.open(section, {
      name,
      timeoutMs,
      folder: home.root,
      secret: (reference) => secretAt(reference, environment),
    })
    return batch === undefined ? sink : withFewer(sink, batch)
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    throw new AppError('BAD_HOME', `${placeText(place)}: destination ${name}: ${cause.message}`, {
      where: placeText(place),
      hint: cause.hint,
      cause,
    })
  }
}

/** The same, with fewer items in a request. */
const withFewer = (sink: Sink, items: number): Sink => ({
  limits: { ...sink.limits, items: Math.min(items, sink.limits.items) },
  send: (batch, signal) => sink.send(batch, signal),
  close: async () => sink.close?.(),
})

async function openFeed(home: Home, closing: (() => unknown)[]): Promise<EventFeed> {
  const { engine, close } = await spillingEngine(home, { memoryLimitMb: FEED_MEMORY_MB, threads: FEED_THREADS })
  const feed = new EventFeed(home, engine)
  closing.push(async () => {
    // What is read ahead may be under way, and an engine that is closed below it ends the process.
    await feed.idle()
    await close()
  })
  return feed
}

function eventLane(
  outbox: Outbox,
  feed: EventFeed,
  { name, connections, format, only }: DestinationSettings,
  sink: Sink,
): EventLane {
  const wanted = { format: formatNamed(format ?? 'uam'), filter: eventFilterSql(only) }
  return new EventLane(outbox, feed, { name, sink, wanted, connections })
}

/** A destination that is new begins with what comes from now on, unless it wants everything. */
async function beginStreams(
  outbox: Outbox,
  feed: EventFeed,
  destinations: readonly DestinationSettings[],
): Promise<void> {
  const last = await feed.refresh()
  for (const { name, from } of destinations)
    if (outbox.streams.place(name) === undefined) outbox.streams.begin(name, { batch: from === 'beginning' ? 0 : last })
}

/** Takes the place of the one that delivers; the lock is the operating system's, by way of SQLite. */
function lockDelivery({ root, outbox }: Home): () => void {
  const path = `${outbox}.lock`
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dirname(path), { recursive: true })
    db = new DatabaseSync(path)
    db.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (cause) {
    db?.close()
    if (/locked|busy/i.test(messageOf(cause)))
      throw new AppError('LOCKED', `Another bricktrail process delivers from ${root}.`, { cause })
    throw new AppError('BAD_HOME', `The home ${root} cannot be written: ${messageOf(cause)}`, { cause })
  }
  const held = db
  return () => held.close()
}
