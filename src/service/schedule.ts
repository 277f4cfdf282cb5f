/** When a stage runs: every so often, or at the times of a cron pattern. */
import { Cron } from 'croner'

/** A schedule. Cron patterns have five or six fields and mean UTC. */
export type Schedule = { readonly everyMs: number } | { readonly cron: string }

/** Far enough to mean never: what timers of the platform can count. */
const NEVER_MS = 2_147_483_647

/** The first time after `afterMs`, Unix ms. */
export function nextRunMs(schedule: Schedule, afterMs: number): number {
  if ('everyMs' in schedule) return afterMs + schedule.everyMs
  const next = new Cron(schedule.cron, { paused: true, timezone: 'UTC' }).nextRun(new Date(afterMs))
  return next?.getTime() ?? afterMs + NEVER_MS
}

/** What is wrong with a cron pattern, in words; undefined for nothing. */
export function cronFault(pattern: string): string | undefined {
  try {
    const next = new Cron(pattern, { paused: true, timezone: 'UTC' }).nextRun()
    return next === null ? 'it never comes true' : undefined
  } catch (cause) {
    return (cause instanceof Error ? cause.message : String(cause)).replace(/^CronPattern: /, '')
  }
}
