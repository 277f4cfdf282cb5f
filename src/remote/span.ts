/** Spans of time as the API takes them. */
import type { TimeRange } from '../ask/times.ts'

const isoOf = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString()

/** `from` and `to` of a question; undefined ones are not sent. */
export const spanOf = ({ fromMs, toMs }: TimeRange) => ({ from: isoOf(fromMs), to: isoOf(toMs) })
