/** The same events in one go and in many batches, in the order of their times, give the same matches. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { baselineOf, days, HabitBench, type HabitEvent } from './habits.fixture.ts'

const BASELINES = [
  baselineOf('first_seen', { value: ['country'], learnSecs: days(2) }),
  baselineOf('rare', { value: ['country'], learnSecs: days(2), threshold: { peers: 1 } }),
  baselineOf('rare', { value: ['country'], learnSecs: days(2), threshold: { share: 0.3, floor: 5 } }),
  baselineOf('spike', { windowSecs: 3600, learnSecs: days(2), threshold: { z: 3, floor: 3 } }),
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
  baselineOf('impossible_travel', { value: ['country'], learnSecs: 0 }),
  baselineOf('dormant', { learnSecs: days(2) }),
  baselineOf('silent_source', { windowSecs: 6 * 3600, learnSecs: days(1), threshold: { times: 1.1 } }),
  baselineOf('drop', { windowSecs: days(1), learnSecs: days(2), threshold: { share: 0.5, floor: 2, windows: 2 } }),
].map((rule, at) => ({ key: `${rule.type}-${at}`, rule }))

const SPAN_DAYS = 24
const START_MS = Date.parse('2026-11-01T00:00:00Z')

/** Bursts of events of few keys: a place in the span, how many, how far apart. No two events share a time. */
const arbitraryEvents = fc
  .array(
    fc.record({
      minute: fc.nat(SPAN_DAYS * 1440 - 1),
      count: fc.constantFrom(1, 1, 1, 2, 5, 9),
      everyMinutes: fc.constantFrom(1, 7, 61),
      who: fc.constantFrom('ada', 'ben', 'eve'),
      countries: fc.constantFrom(['de'], ['de'], ['de', 'cn'], ['us', 'jp', 'br']),
      rows: fc.constantFrom('1', '5', '400'),
    }),
    { minLength: 60, maxLength: 120 },
  )
  .map((bursts) => {
    const byTime = new Map<number, HabitEvent['fields']>()
    for (const { minute, count, everyMinutes, who, countries, rows } of bursts) {
      for (let at = 0; at < count; at++) {
        byTime.set(minute + at * everyMinutes, { who, country: countries[at % countries.length] ?? null, rows })
      }
    }
    return [...byTime]
      .sort(([a], [b]) => a - b)
      .map(([minute, fields]) => ({ time: new Date(START_MS + minute * 60_000).toISOString(), fields }))
  })

const END = new Date(START_MS + (SPAN_DAYS + 3) * 86_400_000).toISOString()

/** Every match of the batches, as one text each. */
async function told(batches: readonly (readonly HabitEvent[])[]): Promise<string[]> {
  const bench = await HabitBench.open(BASELINES)
  try {
    const found = new Set<string>()
    for (const [at, batch] of batches.entries()) {
      const events = batch.flatMap((event) => BASELINES.map(({ key }) => ({ ...event, baseline: key })))
      for (const { rule, event } of await bench.batch(events, at === batches.length - 1 ? END : undefined))
        found.add(`${rule} ${event}`)
    }
    return [...found].sort()
  } finally {
    bench.close()
  }
}

it('a replay in one go says what many batches said', { timeout: 180_000 }, async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      arbitraryEvents,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 7 }),
      async (events, cuts) => {
        const bounds = [0, ...cuts.map((cut) => Math.round(cut * events.length)).sort((a, b) => a - b), events.length]
        const batches = bounds
          .slice(1)
          .map((to, at) => events.slice(bounds[at], to))
          .filter((batch) => batch.length > 0)
        const whole = await told([events])
        for (const match of whole) seen.add(match.split(' ')[0] ?? '')
        expect(await told(batches)).toEqual(whole)
      },
    ),
    { numRuns: 3, seed: 20261101, endOnFailure: true },
  )
  // Otherwise the runs above would say nothing of a type.
  expect([...seen].sort()).toEqual(BASELINES.map(({ key }) => key).sort())
})
