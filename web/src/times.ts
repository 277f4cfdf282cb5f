/** Times and numbers as people read them. */
import type { Zone } from './settings.tsx'

const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0')

interface Parts {
  readonly day: string
  readonly clock: string
  readonly zone: string
}

/** Day, clock and zone of an instant. */
export function partsOf(iso: string, zone: Zone): Parts | null {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return null
  if (zone === 'utc') {
    const text = date.toISOString()
    return { day: text.slice(0, 10), clock: text.slice(11, 23), zone: 'UTC' }
  }
  const minutes = -date.getTimezoneOffset()
  const offset = `${minutes < 0 ? '−' : '+'}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`
  return {
    day: `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
    clock: `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`,
    zone: offset,
  }
}

/** `2026-11-12 08:15:30`, with milliseconds where asked for. */
export function timeOf(iso: string, zone: Zone, precise = false): string {
  const parts = partsOf(iso, zone)
  return parts === null ? iso : `${parts.day} ${precise ? parts.clock : parts.clock.slice(0, 8)}`
}

/** Events are kept to the microsecond and times here to the millisecond: the last one is in the one after. */
export function justAfter(iso: string): string {
  const ms = Date.parse(iso)
  return Number.isNaN(ms) ? iso : new Date(ms + 1).toISOString()
}

const SPANS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** `3 h`, `12 min`, as coarse as is useful. */
export function spanOf(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [size, name] = SPANS.find(([size]) => whole >= size * (size === 1 ? 0 : 1.5)) ?? [1, 's']
  return `${Math.round(whole / size)} ${name}`
}

/** `3 h ago`. */
export const agoOf = (iso: string, nowMs = Date.now()): string => {
  const seconds = (nowMs - new Date(iso).getTime()) / 1000
  return seconds < -1 ? `in ${spanOf(-seconds)}` : `${spanOf(seconds)} ago`
}

/** A whole number with thin spaces between thousands. */
export const numberOf = (value: number): string => Math.round(value).toLocaleString('en-US')

/** A number as short as an axis needs it: `12k`, `3.4M`. */
export const shortNumberOf = (value: number): string =>
  Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 }).format(value)
