/** Spans of time as rules write them: a number and a letter. */

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Seconds of `90m`, `24h`, `7d`; undefined for anything else and for spans of nothing. Weeks are beyond the standard. */
export function timespanSecs(text: string): number | undefined {
  const match = /^(\d{1,9})([smhdw])$/.exec(text.trim())
  const seconds = Number(match?.[1]) * (SECONDS[match?.[2] ?? ''] ?? Number.NaN)
  return seconds > 0 ? seconds : undefined
}
