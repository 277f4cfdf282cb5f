/** Writes the audit logs of a small Databricks account, with labelled attacks, the same for the same options. */
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { makeAccount } from './account/account.ts'
import { type Played, playScenarios } from './cast.ts'
import type { SimEvent } from './event.ts'
import { FileSorter } from './file-sorter.ts'
import type { FormName } from './forms/contract.ts'
import { FORMS } from './forms/registry.ts'
import { LABELS, labelsOf } from './labels.ts'
import { makeLife } from './life.ts'
import { prepareFolder, writeLabels } from './output.ts'
import { Random } from './random.ts'
import type { Scenario, ScenarioInfo } from './scenarios/contract.ts'
import { ALL_SCENARIOS } from './scenarios/registry.ts'
import { makeSlots } from './timeline.ts'
import { LogWriter } from './writer.ts'

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

/** What was written. */
export interface SimulateReport {
  readonly events: number
  readonly files: number
  /** On disk, without the labels. */
  readonly bytes: number
  /** Path of `labels.json`. */
  readonly labels: string
  readonly seconds: number
}

/** What stands in when an option is not given; the date is fixed so that output can be repeated. */
export const SIMULATE_DEFAULTS = { events: 200_000, days: 7, seed: 1, startDate: '2026-11-09' } as const

/** Every scenario that can be asked for. */
export const SCENARIOS: readonly ScenarioInfo[] = ALL_SCENARIOS.map(({ id, title, expect, techniques }) => ({
  id,
  title,
  expect,
  techniques,
}))

/** The largest number of days: a year and a day. */
const MAX_DAYS = 366

/**
 * Simulates. Fails with BAD_ARGUMENT on options that make no sense, a folder that holds something else, or more
 * scenario events than `events`.
 */
export async function simulate(options: SimulateOptions): Promise<SimulateReport> {
  const startedAt = performance.now()
  const startMs = checkOptions(options)
  const { events, days, form: formName } = options
  const period = { startMs, endMs: startMs + days * 86_400_000 }
  const root = new Random(`bricktrail-${options.seed}`)
  const account = makeAccount(root.fork('account'), formName === 'azure' ? 'azure' : 'aws')
  const form = FORMS[formName](account, root.fork(`native-${formName}`))
  const played = playScenarios(chosen(options.scenarios), account, period, root.fork('scenarios'), form.carries)
  const scenarioEvents = played.reduce((sum, { events: own }) => sum + own.length, 0)
  checkRoom(events, scenarioEvents)

  await prepareFolder(options.out)
  const writer = new LogWriter(options.out, options.gzip)
  const slots = makeSlots(startMs, days, events, account.people.length)
  const sorter = new FileSorter(form, slots, root.fork('file-order'), (path, content) => writer.add(path, content))
  for (const { events: own } of played) for (const event of own) sorter.take(event)

  const total = events - scenarioEvents
  const byService = new Map<string, number>()
  let made = 0
  const emit = (event: SimEvent) => {
    if (made >= total || event.timeMs >= period.endMs || !form.carries(event)) return
    made++
    byService.set(event.service, (byService.get(event.service) ?? 0) + 1)
    sorter.take(event)
  }
  const life = makeLife(account, root.fork('life'), events, days)
  for (const slot of slots) {
    life.play(slot, emit, () => made, Math.round(total * slot.until))
    sorter.flush(slot)
    await writer.breathe()
    options.onProgress?.(made + scenarioEvents, events)
  }
  await writer.finish()
  await writeLabels(options.out, labelsOf(options, played, byService))
  return {
    events: made + scenarioEvents,
    files: writer.files,
    bytes: writer.bytes,
    labels: join(options.out, LABELS),
    seconds: (performance.now() - startedAt) / 1000,
  }
}

/** Returns the first instant of the period. */
function checkOptions({ events, days, seed, startDate }: SimulateOptions): number {
  if (!Number.isSafeInteger(events) || events < 1) throw bad(`--events must be a whole number above 0, not ${events}.`)
  if (!Number.isSafeInteger(days) || days < 1 || days > MAX_DAYS) {
    throw bad(`--days must be a whole number from 1 to ${MAX_DAYS}, not ${days}.`)
  }
  if (!Number.isSafeInteger(seed)) throw bad(`--seed must be a whole number, not ${seed}.`)
  const startMs = Date.parse(`${startDate}T00:00:00Z`)
  if (!/^\d{4}-\d\d-\d\d$/.test(startDate) || Number.isNaN(startMs)) {
    throw bad(`--start must be a day as yyyy-mm-dd, not ${startDate}.`)
  }
  return startMs
}

function chosen(wanted: SimulateOptions['scenarios']): readonly Scenario[] {
  if (wanted === 'all') return ALL_SCENARIOS
  if (wanted === 'none') return []
  const unknown = wanted.find((id) => !ALL_SCENARIOS.some((scenario) => scenario.id === id))
  if (unknown !== undefined) {
    throw bad(`There is no scenario "${unknown}".`, `Scenarios: ${SCENARIOS.map(({ id }) => id).join(', ')}.`)
  }
  return ALL_SCENARIOS.filter((scenario) => wanted.includes(scenario.id))
}

function checkRoom(events: number, scenarioEvents: number): void {
  if (scenarioEvents <= events) return
  throw bad(
    `The chosen scenarios alone make ${scenarioEvents} events, more than the ${events} asked for.`,
    `Pass --events ${scenarioEvents} or more, or fewer --scenarios.`,
  )
}

const bad = (message: string, hint?: string): AppError =>
  new AppError('BAD_ARGUMENT', message, hint === undefined ? {} : { hint })

export type { Played }
