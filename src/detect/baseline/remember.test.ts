import { afterEach, expect, it } from 'vitest'
import { STATE_HABITS } from '../state.ts'
import { baselineOf, burst, daily, days, HabitBench } from './habits.fixture.ts'
import { forgetHabits } from './remember.ts'

let bench: HabitBench
afterEach(() => bench.close())

const ada = { who: 'ada' }

it('what comes in the same hour, day or window is one row, whatever the batch', async () => {
  bench = await HabitBench.open(baselineOf('spike', { windowSecs: 3600 }))
  const all = burst('2026-11-16T10:00', 40, ada)
  await bench.batch(all.slice(20))
  await bench.batch(all.slice(0, 20))
  await bench.batch(burst('2026-11-16T11:00', 1, ada))
  expect(
    await bench.engine.rows(
      `SELECT hour, by_key, value_key, n, first_event, last_event FROM ${STATE_HABITS} ORDER BY hour`,
    ),
  ).toEqual([
    {
      hour: '2026-11-16 10:00:00+00',
      by_key: '["ada"]',
      value_key: '[]',
      n: '40',
      first_event: '2026-11-16T10:00#0',
      last_event: '2026-11-16T10:00#39',
    },
    {
      hour: '2026-11-16 11:00:00+00',
      by_key: '["ada"]',
      value_key: '[]',
      n: '1',
      first_event: '2026-11-16T11:00#0',
      last_event: '2026-11-16T11:00#0',
    },
  ])
})

it('of what counts once only the first sighting is kept', async () => {
  bench = await HabitBench.open(baselineOf('first_seen', { value: ['country'] }))
  for (const day of ['2026-11-03', '2026-11-01', '2026-11-02'])
    await bench.batch(daily(day, 1, { ...ada, country: 'DE' }))
  expect(await bench.engine.rows(`SELECT hour, first_time, n FROM ${STATE_HABITS}`)).toEqual([
    { hour: '2026-11-01 09:00:00+00', first_time: '2026-11-01 09:00:00+00', n: null },
  ])
})

it('what no comparison looks at is forgotten, and nothing else', async () => {
  bench = await HabitBench.open([
    { key: 'seen', rule: baselineOf('first_seen', { value: ['country'] }) },
    { key: 'spike', rule: baselineOf('spike', { windowSecs: days(1) }) },
    { key: 'dormant', rule: baselineOf('dormant', { learnSecs: days(90) }) },
  ])
  const events = (from: string, count: number, who: string) =>
    daily(from, count, { who, country: 'DE' }).flatMap((event) =>
      ['seen', 'spike', 'dormant'].map((baseline) => ({ ...event, baseline })),
    )
  await bench.batch([...events('2026-01-01', 3, 'ben'), ...events('2026-10-01', 40, 'ada')])
  await forgetHabits(bench.engine, bench.baselines, new Date('2026-11-10T00:00:00Z'))
  const rows = await bench.engine.rows(
    `SELECT baseline, by_key, count(*)::INTEGER AS n, min(hour)::DATE::VARCHAR AS first FROM ${STATE_HABITS} GROUP BY ALL ORDER BY ALL`,
  )
  expect(rows).toEqual([
    // The newest of the old, and the two days before the time given.
    { baseline: 'dormant', by_key: '["ada"]', n: 3, first: '2026-11-07' },
    { baseline: 'dormant', by_key: '["ben"]', n: 1, first: '2026-01-03' },
    { baseline: 'seen', by_key: '["ada"]', n: 1, first: '2026-10-01' },
    { baseline: 'seen', by_key: '["ben"]', n: 1, first: '2026-01-01' },
    { baseline: 'spike', by_key: '["ada"]', n: 40, first: '2026-10-01' },
  ])
  expect(
    await bench.matched([{ time: '2026-11-10', fields: { who: 'ben', country: 'DE' }, baseline: 'dormant' }]),
  ).toEqual(['2026-11-10'])
})

it('events of rules that are no baselines are passed over, and no batch is none too small', async () => {
  bench = await HabitBench.open(baselineOf('spike', { windowSecs: 3600 }))
  expect(await bench.batch([{ time: '2026-11-16', fields: ada, baseline: 'another' }])).toEqual([])
  expect(await bench.batch([])).toEqual([])
  expect(await bench.rowCount()).toBe(0)
})
