/** Times of day and days of the week, in a time zone: when a route applies, when a digest goes, when maintenance is. */

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440

/** Days as they are written, Sunday first, as the calendar counts them. */
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** A part of the week. Where it ends before it begins, it goes over midnight and belongs to the day it begins on. */
export interface Hours {
  /** Places in {@link DAYS}; all where empty. */
  readonly days: readonly number[]
  /** Minutes after midnight. */
  readonly fromMinute: number
  readonly toMinute: number
  readonly timeZone: string
}

/** The whole day. */
export const WHOLE_DAY = { fromMinute: 0, toMinute: DAY_MINUTES } as const

interface Local {
  readonly day: number
  readonly minute: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  formats.set(timeZone, made)
  return made
}

function partsOf(ms: number, timeZone: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  )
}

function localOf(ms: number, timeZone: string): Local {
  const { weekday = '', hour = '0', minute = '0' } = partsOf(ms, timeZone)
  return {
    day: (DAYS as readonly string[]).indexOf(weekday.toLowerCase()),
    minute: Number(hour) * 60 + Number(minute),
  }
}

/** True if a time is within the hours. */
export function isWithin(ms: number, { days, fromMinute, toMinute, timeZone }: Hours): boolean {
  const { day, minute } = localOf(ms, timeZone)
  const isOn = (which: number) => days.length === 0 || days.includes(which)
  if (fromMinute < toMinute) return isOn(day) && minute >= fromMinute && minute < toMinute
  return (isOn(day) && minute >= fromMinute) || (isOn((day + 6) % 7) && minute < toMinute)
}

/** The next time, after `ms`, that clocks in the zone show this minute of the day. */
export function nextAt(ms: number, minuteOfDay: number, timeZone: string): number {
  const start = Math.floor(ms / MINUTE_MS) * MINUTE_MS
  const { minute } = localOf(start, timeZone)
  const guess = start + ((minuteOfDay - minute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES) * MINUTE_MS
  // Where clocks change in between, the guess is off by what they change.
  const off = minuteOfDay - localOf(guess, timeZone).minute
  const nearest = ((off + DAY_MINUTES * 1.5) % DAY_MINUTES) - DAY_MINUTES / 2
  const mended = guess + nearest * MINUTE_MS
  return mended > ms ? mended : mended + DAY_MINUTES * MINUTE_MS
}

/** Unix ms of a date and time that clocks in the zone show; of two such times the first. */
export function zonedMs(text: string, timeZone: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?(Z|[+-]\d\d:\d\d)?$/.exec(text.trim())
  if (match === null) return undefined
  const [, year, month, day, hour = '00', minute = '00', zone] = match
  const plain = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00${zone ?? 'Z'}`)
  if (Number.isNaN(plain) || zone !== undefined) return Number.isNaN(plain) ? undefined : plain
  // Twice, as the offset of the guess may be that of the other side of a change of clocks.
  let guess = plain
  for (let turn = 0; turn < 2; turn++) guess = plain - offsetMs(guess, timeZone)
  return guess
}

function offsetMs(ms: number, timeZone: string): number {
  const { year, month, day, hour, minute, second } = partsOf(ms, timeZone)
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - Math.floor(ms / 1000) * 1000
}

/** `08:00-18:00` as minutes. */
export function readHours(text: string): Pick<Hours, 'fromMinute' | 'toMinute'> | undefined {
  const [from, to, more] = text.split('-').map((part) => minuteOf(part))
  if (from === undefined || to === undefined || more !== undefined || from === DAY_MINUTES) return undefined
  return { fromMinute: from, toMinute: to }
}

/** `08:30` as minutes after midnight; `24:00` is the end of the day. */
export function minuteOf(text: string): number | undefined {
  const match = /^(\d{1,2}):(\d\d)$/.exec(text.trim())
  const minutes = Number(match?.[1]) * 60 + Number(match?.[2])
  return minutes <= DAY_MINUTES && Number(match?.[2]) < 60 ? minutes : undefined
}

/** `mon-fri` or `sat` as places in {@link DAYS}. */
export function readDays(text: string): readonly number[] | undefined {
  const parts = text.trim().toLowerCase().split('-')
  const [from, to = from, more] = parts.map((part) => DAYS.findIndex((day) => part.trim().startsWith(day)))
  if (from === undefined || to === undefined || from < 0 || to < 0 || more !== undefined) return undefined
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, at) => (from + at) % 7)
}

/** True for a name of the IANA database. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}
