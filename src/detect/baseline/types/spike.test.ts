import { afterEach, expect, it } from 'vitest'
import { baselineOf, burst, daily, days, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

const ada = { who: 'ada' }
const HOURLY = baselineOf('spike', { windowSecs: 3600, threshold: { z: 6, floor: 30 } })
const DAILY = baselineOf('spike', { windowSecs: days(1), threshold: { z: 6, floor: 30 } })

it('forty in an hour after one a day are a spike; the match is the first event, and numbers say why', async () => {
  bench = await HabitBench.open(HOURLY)
  await bench.batch(daily('2026-11-01', 15, ada))
  expect(await bench.batch(burst('2026-11-16T10:00', 40, ada))).toEqual([
    {
      rule: 'the-baseline',
      event: '2026-11-16T10:00#0',
      field: 'events in 1 h by ada',
      why: '40; usual 0 (median of 361 windows), z 768.1',
    },
  ])
})

it('a window is the same match however often it is compared, and nothing before it is over the floor', async () => {
  bench = await HabitBench.open(HOURLY)
  await bench.batch(daily('2026-11-01', 15, ada))
  const all = burst('2026-11-16T10:00', 40, ada)
  expect(await bench.matched(all.slice(0, 29))).toEqual([])
  expect(await bench.matched(all.slice(29, 31))).toEqual(['2026-11-16T10:00#0'])
  expect(await bench.matched(all.slice(31))).toEqual(['2026-11-16T10:00#0'])
})

it('without enough history nothing is a spike', async () => {
  bench = await HabitBench.open(DAILY)
  expect(await bench.matched([...daily('2026-11-03', 13, ada), ...burst('2026-11-16T10:00', 40, ada)])).toEqual([])
})

it('the window does not feed its own baseline, nor does what comes after it', async () => {
  bench = await HabitBench.open(DAILY)
  const quiet = daily('2026-11-01', 16, ada)
  const busy = [20, 21, 22].flatMap((day) => burst(`2026-11-${day}T10:00`, 40, ada))
  expect(await bench.matched([...quiet, ...busy])).toEqual(['2026-11-20T10:00#0', '2026-11-21T10:00#0'])
})

it('where the windows differ, the median absolute deviation says how much is much', async () => {
  bench = await HabitBench.open(baselineOf('spike', { windowSecs: days(1), threshold: { z: 6, floor: 10, times: 1 } }))
  const counts = [20, 24, 28, 20, 24, 28, 20, 24, 28, 20, 24, 28, 20, 24, 28]
  await bench.batch(
    counts.flatMap((count, at) => burst(`2026-11-${String(at + 1).padStart(2, '0')}T08:00`, count, ada)),
  )
  // Median 24, deviation 4: a z of 6 lies at 59.6.
  expect(await bench.matched(burst('2026-11-16T08:00', 59, ada))).toEqual([])
  expect(await bench.batch(burst('2026-11-17T08:00', 60, ada))).toMatchObject([
    { why: '60; usual 24 (median of 16 windows), z 6.1' },
  ])
})

it('what is busy every day at its hour is no news', async () => {
  bench = await HabitBench.open(HOURLY)
  const nights = Array.from({ length: 20 }, (_, at) =>
    burst(`2026-11-${String(at + 1).padStart(2, '0')}T02:00`, 35 + (at % 3), ada),
  )
  expect(await bench.matched(nights.flat())).toEqual([])
  expect(await bench.matched(burst('2026-11-21T02:00', 57, ada))).toEqual(['2026-11-21T02:00#0'])
})

it('different values are counted once each', async () => {
  const rule = baselineOf('spike', {
    windowSecs: days(1),
    value: ['table'],
    measure: 'distinct',
    threshold: { z: 6, floor: 30 },
  })
  const tables = (day: string, count: number, different: number) =>
    burst(day, count, ada).map((event, at) => ({ ...event, fields: { ...ada, table: `t${at % different}` } }))
  bench = await HabitBench.open(rule)
  await bench.batch(
    Array.from({ length: 16 }, (_, at) => tables(`2026-11-${String(at + 1).padStart(2, '0')}T08:00`, 5, 5)).flat(),
  )
  expect(await bench.matched(tables('2026-11-20T08:00', 90, 29))).toEqual([])
  expect(await bench.batch(tables('2026-11-21T08:00', 60, 30))).toMatchObject([
    { field: 'different table in 1 d by ada' },
  ])
})

it('sums are of numbers; events without one are passed over', async () => {
  const rule = baselineOf('spike', {
    windowSecs: days(1),
    value: ['rows'],
    measure: 'sum',
    threshold: { z: 6, floor: 1000 },
  })
  const rows = (time: string, count: string | null) => ({ time, fields: { ...ada, rows: count } })
  bench = await HabitBench.open(rule)
  await bench.batch(daily('2026-11-01', 16, { ...ada, rows: '10' }))
  expect(
    await bench.matched([
      rows('2026-11-20T01:00', '600'),
      rows('2026-11-20T02:00', 'many'),
      rows('2026-11-20T03:00', null),
    ]),
  ).toEqual([])
  expect(await bench.batch([rows('2026-11-20T04:00', '400')])).toMatchObject([
    {
      event: '2026-11-20T01:00',
      field: 'sum of rows in 1 d by ada',
      why: '1000; usual 10 (median of 19 windows), z 500.3',
    },
  ])
})
