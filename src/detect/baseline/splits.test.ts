/** The same events in one go and in many batches, in the order of their times, give the same matches. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { BaselineRule } from '../pack/pack.ts'
import type { KeyedBaseline } from './contract.ts'
import { baselineOf, days, HabitBench, type HabitEvent } from './habits.fixture.ts'

const keyed = (rules: readonly BaselineRule[]): KeyedBaseline[] =>
  rules.map((rule, at) => ({ key: `${rule.type}-${at}`, rule }))

const HOUR = 3600
const MINUTE = 60

/** Weeks of events, with few batches. */
const WEEKS = keyed([
  baselineOf('first_seen', { value: ['country'], learnSecs: days(2) }),
  baselineOf('rare', { value: ['country'], learnSecs: days(2), threshold: { peers: 1 } }),
  baselineOf('rare', { value: ['country'], learnSecs: days(2), threshold: { share: 0.3, floor: 5 } }),
  baselineOf('spike', { windowSecs: HOUR, learnSecs: days(2), threshold: { z: 3, floor: 3 } }),
  baselineOf('spike', {
    windowSecs: days(1),
    measure: 'distinct',
    value: ['country'],
    learnSecs: days(2),
    threshold: { floor: 3 },
  }),
  baselineOf('spike', {
    windowSecs: days(1),
    measure: 'sum',
    value: ['rows'],
    learnSecs: days(2),
    threshold: { z: 2 },
  }),
  baselineOf('off_hours', { learnSecs: days(3), threshold: { share: 0.3 } }),
  baselineOf('off_hours', { hours: { from: '07:00', to: '19:00' } }),
  baselineOf('dormant', { learnSecs: days(2) }),
  baselineOf('silent_source', { windowSecs: 6 * HOUR, learnSecs: days(1), threshold: { times: 1.1 } }),
  baselineOf('drop', { windowSecs: days(1), learnSecs: days(2), threshold: { share: 0.5, floor: 2, windows: 2 } }),
])

/** Hours of events, with batches that cut hours and windows apart. */
const HOURS = keyed([
  baselineOf('first_seen', { value: ['country'], learnSecs: HOUR }),
  baselineOf('rare', { value: ['country'], learnSecs: HOUR, threshold: { peers: 1 } }),
  baselineOf('spike', { windowSecs: 10 * MINUTE, learnSecs: HOUR, threshold: { z: 2, floor: 3, times: 1 } }),
  baselineOf('impossible_travel', { value: ['country'], learnSecs: 0, threshold: { kmh: 5000 } }),
  baselineOf('dormant', { learnSecs: 2 * HOUR }),
  baselineOf('silent_source', { windowSecs: 20 * MINUTE, learnSecs: HOUR, threshold: { times: 1.1 } }),
  baselineOf('drop', { windowSecs: 20 * MINUTE, learnSecs: HOUR, threshold: { share: 0.6, floor: 2, windows: 2 } }),
])

const START_MS = Date.parse('2026-11-02T00:00:00Z')

/** Bursts of events of few keys: a place in the span, how many, how far apart. No two events share a time. */
const arbitraryEvents = (spanMinutes: number, bursts: number) =>
  fc
    .array(
      fc.record({
        minute: fc.nat(spanMinutes - 1),
        count: fc.constantFrom(1, 1, 1, 2, 5, 9),
        everyMinutes: fc.constantFrom(1, 1, 7, 61),
        who: fc.constantFrom('ada', 'ben', 'eve'),
        countries: fc.constantFrom(['de'], ['de'], ['de'], ['de', 'cn'], ['us', 'jp'], ['br'], ['ke'], ['au']),
        rows: fc.constantFrom('1', '5', '400'),
      }),
      { minLength: bursts, maxLength: 2 * bursts },
    )
    .map((list) => {
      const byMinute = new Map<number, HabitEvent['fields']>()
      for (const { minute, count, everyMinutes, who, countries, rows } of list) {
        for (let at = 0; at < count; at++) {
          byMinute.set(minute + at * everyMinutes, { who, country: countries[at % countries.length] ?? null, rows })
        }
      }
      return [...byMinute]
        .sort(([a], [b]) => a - b)
        .map(([minute, fields]) => ({ time: new Date(START_MS + minute * 60_000).toISOString(), fields }))
    })

/** Every match of the batches, as one text each; the last is compared at the end. */
async function told(
  baselines: readonly KeyedBaseline[],
  batches: readonly (readonly HabitEvent[])[],
  end: string,
): Promise<string[]> {
  const bench = await HabitBench.open(baselines)
  try {
    const found = new Set<string>()
    for (const [at, batch] of batches.entries()) {
      const events = batch.flatMap((event) => baselines.map(({ key }) => ({ ...event, baseline: key })))
      const matches = await bench.batch(events, at === batches.length - 1 ? end : undefined)
      for (const { rule, event } of matches) found.add(`${rule} ${event}`)
    }
    return [...found].sort()
  } finally {
    bench.close()
  }
}

it.each([
  { span: 'weeks', baselines: WEEKS, spanMinutes: 24 * 1440, bursts: 60, cuts: 6, numRuns: 3 },
  { span: 'hours', baselines: HOURS, spanMinutes: 12 * 60, bursts: 40, cuts: 24, numRuns: 4 },
])('a replay of $span in one go says what many batches said', { timeout: 300_000 }, async (given) => {
  const { baselines, spanMinutes, bursts, numRuns } = given
  const end = new Date(START_MS + 1.2 * spanMinutes * 60_000).toISOString()
  const seen = new Set<string>()
  const arbitraryCuts = fc.array(fc.nat(1000), { minLength: given.cuts / 2, maxLength: given.cuts })
  await fc.assert(
    fc.asyncProperty(arbitraryEvents(spanMinutes, bursts), arbitraryCuts, async (events, cuts) => {
      const bounds = [0, ...cuts.map((cut) => Math.round((cut / 1000) * events.length)).sort((a, b) => a - b)]
      const batches = bounds.map((from, at) => events.slice(from, bounds[at + 1])).filter((batch) => batch.length > 0)
      const whole = await told(baselines, [events], end)
      for (const match of whole) seen.add(match.split(' ')[0] ?? '')
      expect(await told(baselines, batches, end)).toEqual(whole)
    }),
    { numRuns, seed: 20261101, endOnFailure: true },
  )
  // Otherwise the runs above would say nothing of a type.
  expect([...seen].sort()).toEqual(baselines.map(({ key }) => key).sort())
})
