/** The options of a simulation, and what they must satisfy. */
import { AppError } from '../core/errors.ts'
import type { FormName } from './forms/contract.ts'

/** What to simulate. Equal options give equal bytes. */
export interface SimulateOptions {
  /** Folder to write; made if missing, refilled if it holds an earlier simulation. */
  readonly out: string
  /** Exact number of events, scenarios included. */
  readonly events: number
  readonly days: number
  readonly seed: number
  readonly form: FormName
  readonly gzip: boolean
  readonly scenarios: 'all' | 'none' | readonly string[]
  /** First day, yyyy-mm-dd, UTC. */
  readonly startDate: string
  readonly onProgress?: (done: number, total: number) => void
}

/** What stands in when an option is not given; the date is fixed so that output can be repeated. */
export const SIMULATE_DEFAULTS = { events: 200_000, days: 7, seed: 1, startDate: '2026-11-09' } as const

/** A hundred million events are 80 GB of logs; what plans them is held in memory. */
const MOST_EVENTS = 100_000_000

/** The largest number of days: a year and a day. */
const MAX_DAYS = 366

/** Returns the first instant of the period; fails with BAD_ARGUMENT on options that make no sense. */
export function checkOptions({ events, days, seed, startDate }: SimulateOptions): number {
  if (!Number.isSafeInteger(events) || events < 1) throw bad(`--events must be a whole number above 0, not ${events}.`)
  if (events > MOST_EVENTS)
    throw bad(`--events is ${MOST_EVENTS} at most; several accounts are several runs, with other seeds.`)
  if (!Number.isSafeInteger(days) || days < 1 || days > MAX_DAYS) {
    throw bad(`--days must be a whole number from 1 to ${MAX_DAYS}, not ${days}.`)
  }
  if (!Number.isSafeInteger(seed)) throw bad(`--seed must be a whole number, not ${seed}.`)
  const startMs = Date.parse(`${startDate}T00:00:00Z`)
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(startMs) || new Date(startMs).toISOString().slice(0, 10) !== startDate) {
    throw bad(`--start must be a day as yyyy-mm-dd, not ${startDate}.`)
  }
  return startMs
}

/** A BAD_ARGUMENT error. */
export const bad = (message: string, hint?: string): AppError =>
  new AppError('BAD_ARGUMENT', message, hint === undefined ? {} : { hint })
