/** Writes the audit logs of a small Databricks account, with labelled attacks, the same for the same options. */
import { join } from 'node:path'
import { type Account, makeAccount } from './account/account.ts'
import { type Period, type Played, playScenarios } from './cast.ts'
import type { SimEvent } from './event.ts'
import { FileSorter } from './file-sorter.ts'
import type { Form } from './forms/contract.ts'
import { FORMS } from './forms/registry.ts'
import { LABELS, labelsOf } from './labels.ts'
import { makeLife } from './life.ts'
import { bad, checkOptions, type SimulateOptions } from './options.ts'
import { prepareFolder, writeLabels } from './output.ts'
import { Random } from './random.ts'
import type { Scenario, ScenarioInfo } from './scenarios/contract.ts'
import { ALL_SCENARIOS } from './scenarios/registry.ts'
import { makeSlots } from './timeline.ts'
import { LogWriter } from './writer.ts'

export { SIMULATE_DEFAULTS, type SimulateOptions } from './options.ts'

/** What was written. */
export interface SimulateReport {
  readonly events: number
  readonly files: number
  /** On disk, without the labels. */
  readonly bytes: number
  /** Path of `labels.json`. */
  readonly labels: string
  /** Labelled scenarios. */
  readonly scenarios: number
  readonly seconds: number
}

/** Every scenario that can be asked for. */
export const SCENARIOS: readonly ScenarioInfo[] = ALL_SCENARIOS.map(({ id, title, expect, techniques, rules }) => ({
  id,
  title,
  expect,
  techniques,
  rules,
}))

/**
 * Simulates. Fails with BAD_ARGUMENT on options that make no sense, a folder that holds something else, or more
 * scenario events than `events`; with DISK_FULL when the disk is.
 */
export async function simulate(options: SimulateOptions): Promise<SimulateReport> {
  const startedAt = performance.now()
  const startMs = checkOptions(options)
  const period = { startMs, endMs: startMs + options.days * 86_400_000 }
  const root = new Random(`bricktrail-${options.seed}`)
  const account = makeAccount(root.fork('account'), options.form === 'azure' ? 'azure' : 'aws')
  const form = FORMS[options.form](account, root.fork(`native-${options.form}`))
  const played = playScenarios(chosen(options.scenarios), account, period, root.fork('scenarios'), form.carries)
  checkRoom(options.events, eventsOf(played))
  await prepareFolder(options.out)
  const writer = new LogWriter(options.out, options.gzip)
  const byService = await writeEvents(options, period, { root, account, form, played, writer }).catch(
    async (cause: unknown) => {
      // Once it has failed nothing is written any more, so that the folder can be removed.
      await writer.finish().catch(() => undefined)
      throw cause
    },
  )
  const labels = labelsOf(options, played, byService)
  await writeLabels(options.out, labels)
  return {
    events: labels.benign.events + eventsOf(played),
    files: writer.files,
    bytes: writer.bytes,
    labels: join(options.out, LABELS),
    scenarios: played.length,
    seconds: (performance.now() - startedAt) / 1000,
  }
}

interface Stuff {
  readonly root: Random
  readonly account: Account
  readonly form: Form
  readonly played: readonly Played[]
  readonly writer: LogWriter
}

/** Plays ordinary life around the scenarios, slot by slot; returns its events counted by service. */
async function writeEvents(
  { events, days, onProgress }: SimulateOptions,
  period: Period,
  { root, account, form, played, writer }: Stuff,
): Promise<ReadonlyMap<string, number>> {
  const slots = makeSlots(period.startMs, days, events, account.people.length)
  const sorter = new FileSorter(form, slots, root.fork('file-order'), (path, content) => writer.add(path, content))
  for (const { events: own } of played) for (const event of own) sorter.take(event)
  const total = events - eventsOf(played)
  const byService = new Map<string, number>()
  let made = 0
  const emit = (event: SimEvent) => {
    if (made >= total || event.timeMs >= period.endMs || !form.carries(event)) return
    made++
    byService.set(event.service, (byService.get(event.service) ?? 0) + 1)
    sorter.take(event)
  }
  const life = makeLife(account, root.fork('life'), events, days, period.startMs)
  for (const slot of slots) {
    life.play(slot, emit, () => made, Math.round(total * slot.until))
    sorter.flush(slot)
    await writer.breathe()
    onProgress?.(made + events - total, events)
  }
  await writer.finish()
  return byService
}

const eventsOf = (played: readonly Played[]): number => played.reduce((sum, { events }) => sum + events.length, 0)

function chosen(wanted: SimulateOptions['scenarios']): (scenario: Scenario) => boolean {
  if (wanted === 'all') return () => true
  if (wanted === 'none') return () => false
  const unknown = wanted.find((id) => !ALL_SCENARIOS.some((scenario) => scenario.id === id))
  if (unknown !== undefined) {
    throw bad(`There is no scenario "${unknown}".`, `Scenarios: ${SCENARIOS.map(({ id }) => id).join(', ')}.`)
  }
  return ({ id }) => wanted.includes(id)
}

function checkRoom(events: number, scenarioEvents: number): void {
  if (scenarioEvents <= events) return
  throw bad(
    `The chosen scenarios alone make ${scenarioEvents} events, more than the ${events} asked for.`,
    `Pass --events ${scenarioEvents} or more, or fewer --scenarios.`,
  )
}
