import { afterEach, expect, it } from 'vitest'
import { baselineOf, dayAfter, days, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

const SILENT = baselineOf('silent_source', { learnSecs: days(3), windowSecs: 4 * 3600 })
const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

/** An event at each of these hours of so many days. */
const hourly = (from: string, count: number, hours = HOURS, who = 'bucket') =>
  Array.from({ length: count }, (_, day) =>
    hours.map((hour) => ({ time: `${dayAfter(from, day)}T${String(hour).padStart(2, '0')}:00`, fields: { who } })),
  ).flat()

it('a key of which nothing came for the window is told; the match is its last event', async () => {
  bench = await HabitBench.open(SILENT)
  expect(await bench.matched(hourly('2026-11-02', 4), '2026-11-06T02:59')).toEqual([])
  expect(await bench.batch([], '2026-11-06T03:00')).toEqual([
    {
      rule: 'the-baseline',
      event: '2026-11-05T23:00',
      field: 'silence of bucket',
      why: '4 h so far, since 2026-11-05 23:00:00+00; usual at most 1 h',
    },
  ])
  expect(await bench.matched([], '2026-11-07T03:00')).toEqual(['2026-11-05T23:00'])
})

it('a silence that is over is told too, of the same event', async () => {
  bench = await HabitBench.open(SILENT)
  await bench.batch(hourly('2026-11-02', 4))
  expect(await bench.batch([{ time: '2026-11-06T05:00', fields: { who: 'bucket' } }])).toMatchObject([
    { event: '2026-11-05T23:00', why: '6 h, since 2026-11-05 23:00:00+00; usual at most 1 h' },
  ])
  expect(await bench.matched([{ time: '2026-11-06T06:00', fields: { who: 'bucket' } }])).toEqual([])
})

it('a key that is hardly known is not told', async () => {
  bench = await HabitBench.open(SILENT)
  expect(await bench.matched(hourly('2026-11-04', 2), '2026-11-07T00:00')).toEqual([])
})

it('what is quiet every night is no news, until it stays quiet', async () => {
  bench = await HabitBench.open(SILENT)
  const office = hourly('2026-11-02', 12, [8, 9, 10, 11, 12, 13, 14, 15, 16, 17])
  // The first nights are learnt: nothing like them is known.
  expect(await bench.matched(office, '2026-11-14T08:00')).toEqual([])
  expect(await bench.matched([], '2026-11-14T14:00')).toEqual([])
  expect(await bench.matched([], '2026-11-14T16:00')).toEqual(['2026-11-13T17:00'])
})

it('each key is by itself, and one outage does not hide the next', async () => {
  bench = await HabitBench.open(SILENT)
  await bench.batch([...hourly('2026-11-02', 4), ...hourly('2026-11-02', 8, HOURS, 'other')], '2026-11-10T00:00')
  expect(await bench.matched(hourly('2026-11-07', 3), '2026-11-10T00:00')).toEqual(['2026-11-05T23:00'])
  expect(await bench.matched(hourly('2026-11-10', 1, HOURS, 'other'), '2026-11-10T23:30')).toEqual(['2026-11-09T23:00'])
})
