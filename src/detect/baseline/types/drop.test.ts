import { afterEach, expect, it } from 'vitest'
import { baselineOf, burst, dayAfter, days, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

const DROP = baselineOf('drop', { windowSecs: days(1), threshold: { share: 0.15, floor: 20 } })

/** So many events on each of the days from the second of November on, a Monday. */
const counts = (list: readonly number[], from = '2026-11-02', who = 'bucket') =>
  list.flatMap((count, at) => burst(`${dayAfter(from, at)}T09:00`, count, { who }))

const FORTNIGHT = Array<number>(15).fill(40)

it('a day with far less than usual is told once it is over, by its first event', async () => {
  bench = await HabitBench.open(DROP)
  await bench.batch(counts(FORTNIGHT))
  expect(await bench.matched(counts([5], '2026-11-17'), '2026-11-17T23:59:59')).toEqual([])
  expect(await bench.batch([], '2026-11-18')).toEqual([
    {
      rule: 'the-baseline',
      event: '2026-11-17T09:00#0',
      field: 'events in 1 d by bucket',
      why: '5; usual 40 (median of 15 windows)',
    },
  ])
})

it('a day with a little less is not, nor one below the floor of what is usual, nor with too little history', async () => {
  bench = await HabitBench.open(DROP)
  await bench.batch([
    ...counts(FORTNIGHT),
    ...counts(
      FORTNIGHT.map(() => 19),
      '2026-11-02',
      'small',
    ),
    ...counts([40, 40, 40], '2026-11-14', 'young'),
  ])
  expect(
    await bench.matched(
      [...counts([6], '2026-11-17'), ...counts([1], '2026-11-17', 'small'), ...counts([1], '2026-11-17', 'young')],
      '2026-11-18',
    ),
  ).toEqual([])
})

it('a day without events is told by the last event before it, once for all days that follow', async () => {
  bench = await HabitBench.open(DROP)
  await bench.batch(counts(FORTNIGHT))
  const last = '2026-11-16T09:00#39'
  expect(await bench.batch([], '2026-11-18')).toMatchObject([
    { event: last, why: '0; usual 40 (median of 15 windows)' },
  ])
  expect(await bench.matched([], '2026-11-20')).toEqual([last])
  expect(await bench.matched(counts([40], '2026-11-20'), '2026-11-21')).toEqual([last])
  expect(await bench.matched(counts([40], '2026-11-21'), '2026-11-22')).toEqual([])
})

it('a Saturday is compared with Saturdays', async () => {
  bench = await HabitBench.open(DROP)
  const week = [40, 40, 40, 40, 40, 2, 0]
  await bench.batch(counts([...week, ...week]), '2026-11-16')
  expect(await bench.matched(counts(week, '2026-11-16'), '2026-11-23')).toEqual([])
  expect(await bench.matched(counts([3], '2026-11-23'), '2026-11-24')).toEqual(['2026-11-23T09:00#0'])
})
