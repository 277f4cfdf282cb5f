import { afterEach, expect, it } from 'vitest'
import { baselineOf, days, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

const DORMANT = baselineOf('dormant', { learnSecs: days(90) })
const at = (time: string, who = 'ada') => ({ time, fields: { who } })

it('a key that comes back after the silence is told once', async () => {
  bench = await HabitBench.open(DORMANT)
  await bench.batch([at('2026-07-01T08:00'), at('2026-07-01T20:00')])
  expect(await bench.batch([at('2026-11-02T20:12'), at('2026-11-02T20:13'), at('2026-11-03T08:00')])).toEqual([
    { rule: 'the-baseline', event: '2026-11-02T20:12', field: 'who', why: 'ada; silent for 124 d, since 2026-07-01' },
  ])
})

it('a shorter silence is none, to the minute', async () => {
  bench = await HabitBench.open(DORMANT)
  await bench.batch([at('2026-07-01T08:00'), at('2026-07-01T08:00', 'ben')])
  expect(await bench.matched([at('2026-09-29T07:59'), at('2026-09-29T08:00', 'ben')])).toEqual(['2026-09-29T08:00'])
})

it('somebody never seen before is not dormant', async () => {
  bench = await HabitBench.open(DORMANT)
  await bench.batch([at('2026-07-01T08:00')])
  expect(await bench.matched([at('2026-11-02T20:12', 'eve')])).toEqual([])
})
