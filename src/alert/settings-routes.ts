/** Routes of `alerts.yaml`: which alerts go where, how many at once, and who is told if nobody acts. */
import { nearest } from '../core/nearest.ts'
import type { Shape } from '../core/yaml/shape.ts'
import { type Hours, minuteOf } from './clock.ts'
import type { Label, Matcher } from './match.ts'
import { HOURS_KEYS, isLabel, type KnownDestinations, matcherOf, type Reading } from './settings-when.ts'

/** One route. */
export interface Route {
  readonly name: string
  readonly when: Matcher
  /** Only then; always where absent. */
  readonly hours?: Hours
  /** Names of destinations. */
  readonly to: readonly string[]
  /** Those of them in which something stays open until it is told to be over. */
  readonly keepOpen: readonly string[]
  /** True if an alert that takes this route takes none below it. */
  readonly isLast: boolean
  /** Alerts that are alike in these go out as one message; each by itself where empty. */
  readonly by: readonly Label[]
  /** How long the first of a group waits for others. */
  readonly waitMs: number
  /** How long after a message of a group, or of an alert, the next one may go. */
  readonly intervalMs: number
  /** All that waits goes at this time of day instead. */
  readonly digest?: { readonly minute: number; readonly timeZone: string }
  /** So many messages within this time; what is beyond goes as one message when there is room. */
  readonly limit?: { readonly messages: number; readonly perMs: number }
  readonly escalations: readonly Escalation[]
}

/** Who is told if nobody took on an alert. */
export interface Escalation {
  readonly afterMs: number
  readonly to: readonly string[]
  /** Told again after this long, so many times in all. */
  readonly repeatMs?: number
  readonly times: number
}

const KEYS = ['name', 'when', 'to', 'continue', 'group', 'update_every', 'digest', 'limit', 'escalate']

const MINUTE_MS = 60_000

/** Alertmanager's own times for groups, and an hour between updates of one alert, as most tools tell repeats by. */
const USUAL_WAIT_MS = MINUTE_MS / 2
const USUAL_INTERVAL_MS = 5 * MINUTE_MS
const USUAL_UPDATES_MS = 60 * MINUTE_MS

/** Repeats of an escalation beyond which nobody listens. */
const USUAL_TIMES = 3

/** The list `routes`. */
export function routesOf(
  shape: Shape,
  reading: Reading,
  destinations: KnownDestinations,
  teams: readonly string[],
): Route[] {
  const names = new Set<string>()
  return shape.maps('routes').map((each, at) => {
    each.only(KEYS)
    const name = each.text('name') ?? `route ${at + 1}`
    if (names.has(name)) each.error('name', `Two routes are called ${name}.`, 'Give each a name of its own.')
    names.add(name)
    const when = each.map('when')
    const hours = when === undefined ? undefined : reading.hours(when)
    for (const team of when?.texts('team') ?? []) checkTeam(when, team, teams)
    const digest = digestOf(each, reading)
    const limit = limitOf(each.map('limit'), reading)
    const to = destinationsOf(each, destinations)
    return {
      name,
      when: matcherOf(when, [], HOURS_KEYS) ?? {},
      ...(hours === undefined ? {} : { hours }),
      to,
      keepOpen: to.filter((one) => destinations.keepOpen?.includes(one)),
      isLast: !(each.truth('continue') ?? false),
      ...groupOf(each, reading),
      ...(digest === undefined ? {} : { digest }),
      ...(limit === undefined ? {} : { limit }),
      escalations: escalationsOf(each, reading, destinations),
    }
  })
}

function checkTeam(when: Shape | undefined, name: string, teams: readonly string[]): void {
  if (teams.includes(name) || /[*?]/.test(name)) return
  const [near] = nearest(name, teams)
  when?.error(
    'team',
    `No team is called ${name}.`,
    near === undefined ? 'Add it to `teams:`.' : `Did you mean ${near}?`,
  )
}

/** The names at `to`, each checked. An empty list is a route to nowhere: such alerts are only listed. */
function destinationsOf(shape: Shape, { messages, events }: KnownDestinations): readonly string[] {
  if (shape.raw('to') === undefined) {
    shape.needed('to')
    return []
  }
  return shape.texts('to').filter((name) => {
    if (messages.includes(name)) return true
    if (events.includes(name)) {
      shape.error('to', `${name} takes events and no alerts.`, `Destinations for alerts: ${messages.join(', ')}.`)
      return false
    }
    const [near] = nearest(name, messages)
    const known =
      messages.length === 0 ? 'Add it to deliver.yaml of the home.' : `Destinations for alerts: ${messages.join(', ')}.`
    shape.error('to', `There is no destination ${name}.`, near === undefined ? known : `Did you mean ${near}?`)
    return false
  })
}

function groupOf(shape: Shape, reading: Reading): Pick<Route, 'by' | 'waitMs' | 'intervalMs'> {
  const group = shape.map('group')?.only(['by', 'wait', 'interval'])
  const updates = reading.span(shape, 'update_every')
  if (group === undefined) return { by: [], waitMs: 0, intervalMs: updates ?? USUAL_UPDATES_MS }
  if (updates !== undefined)
    shape.error('update_every', 'update_every stands beside group.', 'Write `interval:` below group instead.')
  const by = group.texts('by').filter((label): label is Label => isLabel(group, label, 'by'))
  if (group.texts('by').length === 0) group.error('by', 'The group is by nothing.', 'Write `by: [rule]`.')
  return {
    by,
    waitMs: reading.span(group, 'wait') ?? USUAL_WAIT_MS,
    intervalMs: reading.span(group, 'interval') ?? USUAL_INTERVAL_MS,
  }
}

function digestOf(shape: Shape, reading: Reading): Route['digest'] {
  const digest = shape.map('digest')?.only(['at', 'time_zone'])
  if (digest === undefined) return undefined
  const at = digest.needed('at')
  const minute = at === undefined ? undefined : minuteOf(at)
  if (minute === undefined || minute >= 1440) {
    if (at !== undefined) digest.error('at', `${at} is no time of day.`, "Write '08:00', in quotes.")
    return undefined
  }
  return { minute, timeZone: reading.zone(digest, 'time_zone') ?? reading.timeZone }
}

function limitOf(shape: Shape | undefined, reading: Reading): Route['limit'] {
  if (shape === undefined) return undefined
  shape.only(['messages', 'per'])
  const messages = reading.number(shape, 'messages')
  if (messages === undefined || messages < 1 || !Number.isInteger(messages)) {
    shape.error('messages', 'messages is no number of messages.', 'Write a whole number of at least 1.')
    return undefined
  }
  return { messages, perMs: reading.span(shape, 'per') || 60 * MINUTE_MS }
}

function escalationsOf(shape: Shape, reading: Reading, destinations: KnownDestinations): Escalation[] {
  const raw = shape.raw('escalate')
  const steps = Array.isArray(raw) ? shape.maps('escalate') : [shape.map('escalate')].flatMap((one) => one ?? [])
  return steps.flatMap((step) => {
    step.only(['after', 'to', 'repeat', 'times'])
    if (step.raw('after') === undefined) step.needed('after')
    const afterMs = reading.span(step, 'after')
    const to = destinationsOf(step, destinations)
    const repeatMs = reading.span(step, 'repeat')
    const times = reading.number(step, 'times') ?? USUAL_TIMES
    if (afterMs === undefined || to.length === 0) return []
    return [{ afterMs, to, times: repeatMs ? times : 1, ...(repeatMs ? { repeatMs } : {}) }]
  })
}
