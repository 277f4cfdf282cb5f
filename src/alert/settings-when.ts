/** What parts of `alerts.yaml` have in common: which alerts, when, and for how long. */
import { nearest } from '../core/nearest.ts'
import type { Shape } from '../core/yaml/shape.ts'
import { LEVELS } from '../detect/sigma/rule.ts'
import { timespanSecs } from '../detect/sigma/timespan.ts'
import { type Hours, isTimeZone, readDays, readHours, WHOLE_DAY, zonedMs } from './clock.ts'
import { type Label, MATCHED, type Matcher } from './match.ts'

/** What there is to send to, from `deliver.yaml`. */
export interface KnownDestinations {
  /** Those that take messages. */
  readonly messages: readonly string[]
  /** Those that take events, which no alert goes to. */
  readonly events: readonly string[]
  /** Those in which something stays open until they are told that it is over. */
  readonly keepOpen?: readonly string[]
}

/** Reads values that the settings have many of. */
export class Reading {
  /** Name of the time zone where none is given. */
  readonly timeZone: string

  constructor(timeZone: string) {
    this.timeZone = timeZone
  }

  /** A span of time, such as `30m`, as milliseconds. `0s` is none. */
  span(shape: Shape, key: string): number | undefined {
    const text = shape.text(key)
    if (text === undefined) return undefined
    if (/^0[smhdw]?$/.test(text)) return 0
    const secs = timespanSecs(text)
    if (secs === undefined) return shape.error(key, `${key} is no span of time.`, 'Write 90s, 15m, 24h or 7d.')
    return secs * 1000
  }

  /** A number of at least 0. */
  number(shape: Shape, key: string): number | undefined {
    const value = shape.raw(key)
    if (value === undefined || (typeof value === 'number' && value >= 0)) return value
    return shape.error(key, `${key} is no number of 0 or more.`, 'Write a number, without quotes.')
  }

  /** A time zone. */
  zone(shape: Shape, key: string): string | undefined {
    const name = shape.text(key)
    if (name === undefined || isTimeZone(name)) return name
    return shape.error(key, `${name} is no time zone.`, 'Write a name such as Europe/Berlin or UTC.')
  }

  /** `hours`, `days` and `time_zone` of a map; undefined where there is neither. */
  hours(shape: Shape): Hours | undefined {
    const hours = shape.text('hours')
    const texts = shape.texts('days').flatMap((text) => text.split(','))
    const timeZone = this.zone(shape, 'time_zone') ?? this.timeZone
    const read = hours === undefined ? WHOLE_DAY : readHours(hours)
    if (read === undefined)
      shape.error('hours', `${hours} are no hours.`, 'Write 08:00-18:00; 22:00-06:00 goes over midnight.')
    const days = texts.flatMap((text) => {
      const found = readDays(text)
      if (found === undefined) shape.error('days', `${text} is no day.`, 'Write mon-fri, or sat, sun.')
      return found ?? []
    })
    if (hours === undefined && texts.length === 0) return undefined
    return { days, timeZone, ...(read ?? WHOLE_DAY) }
  }
}

/** Keys that say when; they stand beside those that say which alerts. */
export const HOURS_KEYS = ['hours', 'days', 'time_zone']

/** Values of these labels are from short lists. */
const WORDS: Partial<Record<Label, readonly string[]>> = { kind: ['alert', 'incident'], level: LEVELS }

/** Which alerts; undefined where the map is missing. */
export function matcherOf(
  shape: Shape | undefined,
  without: readonly Label[] = [],
  also: readonly string[] = [],
): Matcher | undefined {
  if (shape === undefined) return undefined
  const labels = MATCHED.filter((label) => !without.includes(label))
  shape.only([...labels, 'at_least', ...also])
  const matcher: Partial<Record<Label, readonly string[]>> = {}
  for (const label of labels) {
    const values = shape.texts(label)
    const words = WORDS[label]
    for (const value of values) {
      if (words === undefined || words.includes(value)) continue
      const [near] = nearest(value, words)
      shape.error(
        label,
        `${value} is no ${label}.`,
        near === undefined ? `Use one of ${words.join(', ')}.` : `Did you mean ${near}?`,
      )
    }
    if (values.length > 0) matcher[label] = values
  }
  const least = shape.choice('at_least', LEVELS)
  if (least !== undefined) {
    if (matcher.level !== undefined) shape.error('at_least', 'at_least stands beside level.', 'Keep one of them.')
    matcher.level = LEVELS.slice(LEVELS.indexOf(least))
  }
  return matcher
}

/** While a source is open, targets with the same values of `equal` are quiet. */
export interface Inhibition {
  readonly name: string
  readonly source: Matcher
  readonly target: Matcher
  readonly equal: readonly Label[]
}

/** The list `inhibit`. */
export function inhibitionsOf(shape: Shape): Inhibition[] {
  return shape.maps('inhibit').flatMap((each, at) => {
    each.only(['name', 'source', 'target', 'equal'])
    if (each.raw('source') === undefined)
      each.error('source', 'An inhibition has no source.', 'Write below `source:` which alerts quiet others.')
    const [source, target] = [matcherOf(each.map('source')), matcherOf(each.map('target'))]
    if (target === undefined && each.raw('target') === undefined)
      each.error('target', 'An inhibition has no target.', 'Write below `target:` which alerts stay quiet.')
    const equal = each.texts('equal').filter((label): label is Label => isLabel(each, label))
    const name = each.text('name') ?? `inhibition ${at + 1}`
    return source === undefined || target === undefined ? [] : [{ name, source, target, equal }]
  })
}

/** True for a label; anything else is reported. */
export function isLabel(shape: Shape, text: string, key = 'equal'): text is Label {
  if ((MATCHED as readonly string[]).includes(text)) return true
  const [near] = nearest(text, MATCHED)
  shape.error(
    key,
    `${text} is nothing that alerts are told apart by.`,
    near === undefined ? `Use some of ${MATCHED.join(', ')}.` : `Did you mean ${near}?`,
  )
  return false
}

/** A time in which what is expected to happen is quiet: alerts whose newest evidence is of that time. */
export interface Maintenance {
  readonly name: string
  readonly when: Matcher
  /** Again and again. */
  readonly hours?: Hours
  /** Once, Unix ms. */
  readonly fromMs?: number
  readonly toMs?: number
}

/** The list `maintenance`. */
export function maintenanceOf(shape: Shape, reading: Reading): Maintenance[] {
  return shape.maps('maintenance').map((each, at) => {
    each.only(['name', 'when', 'from', 'to', ...HOURS_KEYS])
    const name = each.text('name') ?? `maintenance ${at + 1}`
    const hours = reading.hours(each)
    const zone = hours?.timeZone ?? reading.zone(each, 'time_zone') ?? reading.timeZone
    const time = (key: string): number | undefined => {
      const text = each.text(key)
      if (text === undefined) return undefined
      return zonedMs(text, zone) ?? each.error(key, `${text} is no time.`, 'Write 2026-12-01 22:00.')
    }
    const [fromMs, toMs] = [time('from'), time('to')]
    if (hours === undefined && (each.raw('from') === undefined || each.raw('to') === undefined))
      each.error('name', `${name} has no time.`, 'Write `hours:` and `days:`, or `from:` and `to:`.')
    if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs)
      each.error('to', `${name} ends before it begins.`, 'Write a later time.')
    return {
      name,
      when: matcherOf(each.map('when')) ?? {},
      ...(hours === undefined ? {} : { hours }),
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
    }
  })
}
