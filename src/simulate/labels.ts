/** `labels.json`: which events are attacks, and what should be detected. */
import type { Played } from './cast.ts'
import type { SimulateOptions } from './options.ts'

/** The file's name; it also marks a folder as one of ours. */
export const LABELS = 'labels.json'

/** Who wrote the file; other JSON of that name is left alone. */
export const GENERATOR = 'bricktrail simulate'

/** One scenario as played. */
export interface ScenarioLabel {
  readonly id: string
  readonly title: string
  /** What should be detected. */
  readonly expect: string
  readonly techniques: readonly string[]
  /** Shipped rules that should tell of it, by the names of their files. */
  readonly rules: readonly string[]
  /** Who acted, as `userIdentity.email` says; null where nobody is named. */
  readonly actor: string | null
  /** ISO times of its first and last event. */
  readonly start: string
  readonly end: string
  /** `requestId` of its events; a request and its answer share one. */
  readonly requestIds: readonly string[]
  readonly events: number
}

/** The content of `labels.json`. */
export interface Labels {
  readonly version: 1
  readonly generator: typeof GENERATOR
  readonly seed: number
  readonly form: string
  readonly events: number
  readonly scenarios: readonly ScenarioLabel[]
  /** Events of ordinary life, by service as logged. */
  readonly benign: { readonly events: number; readonly services: Readonly<Record<string, number>> }
}

/** Makes the labels. */
export function labelsOf(
  { seed, form, events }: SimulateOptions,
  played: readonly Played[],
  byService: ReadonlyMap<string, number>,
): Labels {
  const services = Object.fromEntries([...byService].sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    version: 1,
    generator: GENERATOR,
    seed,
    form,
    events,
    scenarios: played.map(labelOf),
    benign: { events: [...byService.values()].reduce((sum, n) => sum + n, 0), services },
  }
}

function labelOf({ scenario, events }: Played): ScenarioLabel {
  const iso = (timeMs: number | undefined) => new Date(timeMs as number).toISOString()
  return {
    id: scenario.id,
    title: scenario.title,
    expect: scenario.expect,
    techniques: scenario.techniques,
    rules: scenario.rules,
    actor: mainActor(events.map((event) => event.who.email)),
    start: iso(events[0]?.timeMs),
    end: iso(events.at(-1)?.timeMs),
    requestIds: [...new Set(events.map((event) => event.requestId))],
    events: events.length,
  }
}

/** Whoever stands in most of the events. */
function mainActor(emails: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>()
  for (const email of emails) if (email !== null) counts.set(email, (counts.get(email) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
}
