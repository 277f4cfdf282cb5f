/** Times as people write them. Everything is UTC unless the text names another zone. */
import { AppError } from '../core/errors.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Years 1 to 9999: what SQL and ISO text both write plainly. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z')
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** `fromMs` ≤ time < `toMs`; an absent end is open. */
export interface TimeRange {
  readonly fromMs?: number
  readonly toMs?: number
}

/** What a text names: an instant has equal ends, a day or month has its first instant and the one after its last. */
interface Span {
  readonly startMs: number
  readonly endMs: number
}

const ACCEPTED =
  'Accepted: 2026-11-12, 2026-11-12T08:15[:30.123][Z or +02:00], 2026-11, "2h ago", "90m ago", "3 days ago", ' +
  '"yesterday", "today", "now", "last monday", "last week", "this month", or a Unix time in seconds or milliseconds.'

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

const UNIT_MS: Readonly<Record<string, number>> = {
  ...named(SECOND_MS, 's', 'sec', 'secs', 'second', 'seconds'),
  ...named(MINUTE_MS, 'm', 'min', 'mins', 'minute', 'minutes'),
  ...named(HOUR_MS, 'h', 'hr', 'hrs', 'hour', 'hours'),
  ...named(DAY_MS, 'd', 'day', 'days'),
  ...named(7 * DAY_MS, 'w', 'week', 'weeks'),
}

function named(ms: number, ...names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, ms]))
}

/** The instant a text names; the first one where it names a day or a longer span. Throws BAD_TIME. */
export function parseTime(text: string, now: Date): Date {
  return new Date(parseSpan(text, now).startMs)
}

/** From the first instant of `from` to the last of `to`: a day given as `to` is included. Throws BAD_TIME. */
export function parseRange(from: string | undefined, to: string | undefined, now: Date): TimeRange {
  const fromMs = from === undefined ? undefined : parseSpan(from, now).startMs
  const toMs = to === undefined ? undefined : parseSpan(to, now).endMs
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new AppError('BAD_TIME', `The range is empty: "${from}" is after "${to}".`, {
      hint: 'Give --from the earlier of the two.',
    })
  }
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) }
}

/** `30s`, `5m`, `1h30m`, `500ms`, or a number of seconds; in milliseconds. Throws BAD_ARGUMENT. */
export function parseDuration(text: string): number {
  const trimmed = text.trim().toLowerCase()
  const ms = /^(\d+(?:\.\d+)?)\s*ms$/.exec(trimmed)?.[1]
  const seconds = /^\d+(?:\.\d+)?$/.exec(trimmed)?.[0]
  const total = ms !== undefined ? Number(ms) : seconds !== undefined ? Number(seconds) * SECOND_MS : unitsMs(trimmed)
  if (total === undefined || total <= 0 || !Number.isFinite(total)) {
    throw new AppError('BAD_ARGUMENT', `"${text}" is no length of time.`, {
      hint: 'Use for example 500ms, 30s, 5m, 12h or 90d; there are no months and no years.',
    })
  }
  return Math.round(total)
}

function parseSpan(text: string, now: Date): Span {
  const words = text.trim().toLowerCase().replace(/\s+/g, ' ')
  const span = wordSpan(words, now) ?? agoSpan(words, now) ?? isoSpan(words) ?? epochSpan(words)
  if (span === undefined || !(span.startMs >= FIRST_MS && span.endMs <= LAST_MS)) {
    throw new AppError('BAD_TIME', `"${text}" is no time.`, { hint: ACCEPTED })
  }
  return span
}

const instant = (ms: number): Span => ({ startMs: ms, endMs: ms })
const day = (startMs: number, days = 1): Span => ({ startMs, endMs: startMs + days * DAY_MS })

function wordSpan(words: string, now: Date): Span | undefined {
  const todayMs = Math.floor(now.getTime() / DAY_MS) * DAY_MS
  const sinceMonday = (now.getUTCDay() + 6) % 7
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  switch (words) {
    case 'now':
      return instant(now.getTime())
    case 'today':
      return day(todayMs)
    case 'yesterday':
      return day(todayMs - DAY_MS)
    case 'this week':
      return day(todayMs - sinceMonday * DAY_MS, 7)
    case 'last week':
      return day(todayMs - (sinceMonday + 7) * DAY_MS, 7)
    case 'this month':
      return { startMs: Date.UTC(year, month), endMs: Date.UTC(year, month + 1) }
    case 'last month':
      return { startMs: Date.UTC(year, month - 1), endMs: Date.UTC(year, month) }
    default:
      return lastWeekday(words, now.getUTCDay(), todayMs)
  }
}

/** `last monday` is the newest Monday before today. */
function lastWeekday(words: string, todayIs: number, todayMs: number): Span | undefined {
  const name = /^last ([a-z]{3,})$/.exec(words)?.[1]
  const wanted =
    name === undefined ? -1 : WEEKDAYS.findIndex((weekday) => weekday === name || weekday.slice(0, 3) === name)
  if (wanted < 0) return undefined
  const daysBack = (todayIs - wanted + 7) % 7 || 7
  return day(todayMs - daysBack * DAY_MS)
}

function agoSpan(words: string, now: Date): Span | undefined {
  const amount = /^(.+) ago$/.exec(words)?.[1]
  const ms = amount === undefined ? undefined : unitsMs(amount)
  return ms === undefined ? undefined : instant(now.getTime() - ms)
}

/** `1h 30m`, `3 days`; undefined for anything else. */
function unitsMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)? ?[a-z]+ ?)+$/.test(text)) return undefined
  let total = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?) ?([a-z]+)/g)) {
    const each = UNIT_MS[unit ?? '']
    if (each === undefined) return undefined
    total += Number(count) * each
  }
  return total
}

const ISO =
  /^(\d{4})-(\d\d)(?:-(\d\d)(?:[t ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(z|utc|[+-]\d\d(?::?\d\d)?)?)?)?$/

function isoSpan(words: string): Span | undefined {
  const [whole, year = '', month = '', date, hour, minute = '0', second = '0', fraction = '', zone] =
    ISO.exec(words) ?? []
  if (whole === undefined) return undefined
  const [y, m, d] = [Number(year), Number(month) - 1, Number(date ?? 1)]
  const startMs = Date.UTC(y, m, d)
  const start = new Date(startMs)
  if (start.getUTCFullYear() !== y || start.getUTCMonth() !== m || start.getUTCDate() !== d) return undefined
  if (date === undefined) return { startMs, endMs: Date.UTC(y, m + 1) }
  if (hour === undefined) return day(startMs)
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const offsetMs = zoneMs(zone)
  if (offsetMs === undefined) return undefined
  const timeMs = Number(hour) * HOUR_MS + Number(minute) * MINUTE_MS + Number(second) * SECOND_MS
  return instant(startMs + timeMs + Number(fraction.padEnd(3, '0').slice(0, 3)) - offsetMs)
}

function zoneMs(zone: string | undefined): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '') ?? []
  if (sign === undefined) return 0
  if (Number(hours) > 14 || Number(minutes ?? 0) > 59) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS)
}

/** Ten digits are seconds until the year 2286, thirteen are milliseconds. */
function epochSpan(words: string): Span | undefined {
  if (/^\d{9,10}(\.\d+)?$/.test(words)) return instant(Math.round(Number(words) * SECOND_MS))
  if (/^\d{12,13}$/.test(words)) return instant(Number(words))
  return undefined
}
