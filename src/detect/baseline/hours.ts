/** Working hours, as `hours` of an `off_hours` baseline gives them. */
import { isYamlList, isYamlMap, type YamlValue } from '../../core/yaml/documents.ts'

/** Hours of a day and days of a week; `fromMinute` may lie behind `toMinute`: then they go over midnight. */
export interface WorkingHours {
  readonly fromMinute: number
  readonly toMinute: number
  /** 1 for Monday to 7 for Sunday. */
  readonly days: readonly number[]
}

/** What is wrong with a baseline, and what to do. */
export interface HoursFault {
  readonly message: string
  readonly hint: string
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const KEYS = ['from', 'to', 'days']
const HINT = "Write hours: { from: '07:00', to: '19:00', days: [mon, tue, wed, thu, fri] }."
const MINUTES_A_DAY = 1440

/** Reads `{ from, to, days }`; without days it is Monday to Friday. */
export function readHours(value: YamlValue): WorkingHours | HoursFault {
  if (!isYamlMap(value)) return { message: 'hours is no map.', hint: HINT }
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) return { message: `hours has no key ${unknown}.`, hint: HINT }
  const [fromMinute, toMinute] = [minuteOf(value.from), minuteOf(value.to)]
  if (fromMinute === undefined || toMinute === undefined || fromMinute === toMinute) {
    return { message: 'from and to of hours are two different times of day.', hint: HINT }
  }
  const days = value.days === undefined ? [1, 2, 3, 4, 5] : daysOf(value.days)
  return days === undefined
    ? { message: 'days of hours is no list of days.', hint: HINT }
    : { fromMinute, toMinute, days }
}

/** True for what {@link readHours} gives of hours that cannot be used. */
export const isHoursFault = (read: WorkingHours | HoursFault): read is HoursFault => 'message' in read

function minuteOf(value: YamlValue | undefined): number | undefined {
  const match = /^(\d{1,2}):(\d{2})$/.exec(String(value ?? ''))
  const minute = Number(match?.[1]) * 60 + Number(match?.[2])
  return Number(match?.[2]) < 60 && minute <= MINUTES_A_DAY ? minute : undefined
}

function daysOf(value: YamlValue): number[] | undefined {
  if (!isYamlList(value) || value.length === 0) return undefined
  const days = value.map((day) => DAYS.indexOf(String(day).toLowerCase().slice(0, 3)) + 1)
  return days.includes(0) ? undefined : days
}

/** True for names of the time zone database that this program knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
