/** All destinations of a home, each at its own pace: none waits for another. */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../core/errors.ts'
import type { EventFeed } from './event-feed.ts'
import type { EventLane } from './event-lane.ts'
import type { MessageLane } from './message-lane.ts'

/** How often a destination is looked at that has nothing to do. */
const IDLE_MS = 250
/** How often the lake is asked for new batches. */
const LAKE_MS = 1000

/** What the dispatcher says as it goes. */
export type OnTrouble = (destination: string, message: string) => void

/** Runs lanes. */
export class Dispatcher {
  readonly #feed: EventFeed | undefined
  readonly #messages: readonly MessageLane[]
  readonly #events: readonly EventLane[]
  readonly #onTrouble: OnTrouble

  constructor(
    lanes: { readonly messages: readonly MessageLane[]; readonly events: readonly EventLane[] },
    feed?: EventFeed,
    onTrouble: OnTrouble = () => {},
  ) {
    this.#messages = lanes.messages
    this.#events = lanes.events
    this.#feed = feed
    this.#onTrouble = onTrouble
  }

  /** Delivers until the signal is given. */
  async serve(signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...this.#messages.map((lane) => this.#keepOn(lane, signal, () => lane.run(signal))),
      ...this.#events.map((lane) => this.#keepOn(lane, signal, () => lane.run(signal))),
      ...(this.#feed === undefined ? [] : [this.#lookAtLake(this.#feed, signal)]),
    ])
  }

  /**
   * Delivers what there is now; ends when nothing is left, or the signal is given. Destinations that fail are tried again until then.
   * True if nothing is left.
   */
  async drain(signal: AbortSignal): Promise<boolean> {
    await this.#feed?.refresh()
    const messages = this.#messages.map(async (lane) => {
      for (;;) {
        await lane.run(signal)
        const nextMs = lane.nextMs()
        if (nextMs === undefined) return true
        if (!(await slept(nextMs - Date.now(), signal))) return false
      }
    })
    const events = this.#events.map(async (lane) => {
      while (await lane.run(signal)) if (!(await slept(lane.circuit.readyMs - Date.now(), signal))) return false
      return true
    })
    return (await Promise.all([...messages, ...events])).every(Boolean)
  }

  /** A lane that breaks is told of and begun again: a fault in one sink must not end the others. */
  async #keepOn(lane: { readonly name: string }, signal: AbortSignal, run: () => Promise<unknown>): Promise<void> {
    while (!signal.aborted) {
      const broke = await run().then(
        () => undefined,
        (cause) => messageOf(cause),
      )
      if (broke !== undefined && !signal.aborted) this.#onTrouble(lane.name, broke)
      await slept(broke === undefined ? IDLE_MS : 10 * IDLE_MS, signal)
    }
  }

  async #lookAtLake(feed: EventFeed, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await feed.refresh().catch((cause) => this.#onTrouble('lake', messageOf(cause)))
      await slept(LAKE_MS, signal)
    }
  }
}

/** Waits; false if the signal came first. */
async function slept(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(Math.max(5, Math.min(ms, 60_000)), undefined, { signal }).catch(() => {})
  return !signal.aborted
}
