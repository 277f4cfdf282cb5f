import { afterEach, expect, it } from 'vitest'
import { baselineOf, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

const TRAVEL = baselineOf('impossible_travel', { value: ['country'], learnSecs: 0, threshold: { kmh: 900 } })
const ada = (time: string, country: string | null) => ({ time, fields: { who: 'ada', country } })

it('Germany, then China within the hour is impossible, and says how fast', async () => {
  bench = await HabitBench.open(TRAVEL)
  expect(await bench.batch([ada('2026-11-02T09:12', 'DE'), ada('2026-11-02T09:48', 'CN')])).toEqual([
    {
      rule: 'the-baseline',
      event: '2026-11-02T09:48',
      field: 'country',
      why: expect.stringMatching(/^CN after DE: \d{4}(\.\d)? km in 36 min, \d{4}(\.\d)? km\/h$/),
    },
  ])
})

it('the next day it is a journey, and the same country is none', async () => {
  bench = await HabitBench.open(TRAVEL)
  expect(
    await bench.matched([
      ada('2026-11-02T09:12', 'DE'),
      ada('2026-11-02T09:30', 'DE'),
      ada('2026-11-03T09:48', 'US'),
      ada('2026-11-03T09:50', null),
      ada('2026-11-03T09:55', 'XX'),
    ]),
  ).toEqual([])
})

it('two people in two countries are no traveller', async () => {
  bench = await HabitBench.open(TRAVEL)
  expect(
    await bench.matched([
      ada('2026-11-02T09:12', 'DE'),
      { time: '2026-11-02T09:20', fields: { who: 'ben', country: 'CN' } },
    ]),
  ).toEqual([])
})

it('neighbours are never far, however large', async () => {
  bench = await HabitBench.open(TRAVEL)
  const pairs = [
    ['DE', 'FR'],
    ['US', 'CA'],
    ['US', 'MX'],
    ['GB', 'IE'],
    ['RU', 'FI'],
    ['CN', 'IN'],
    ['BE', 'NL'],
    ['BR', 'AR'],
    ['CH', 'IT'],
    ['ID', 'SG'],
    ['CL', 'BO'],
    ['CN', 'HK'],
    ['RU', 'UA'],
    ['NO', 'DK'],
  ]
  const events = pairs.flatMap(([a, b], at) => [
    { time: `2026-11-02T09:${10 + at}:00`, fields: { who: `p${at}`, country: a ?? null } },
    { time: `2026-11-02T09:${10 + at}:30`, fields: { who: `p${at}`, country: b ?? null } },
  ])
  expect(await bench.matched(events)).toEqual([])
})

it('after a jump what follows in the new place is none, and the way back is one', async () => {
  bench = await HabitBench.open(TRAVEL)
  expect(
    await bench.matched([
      ada('2026-11-02T09:12', 'DE'),
      ada('2026-11-02T09:48', 'CN'),
      ada('2026-11-02T09:55', 'CN'),
      ada('2026-11-02T10:20', 'CN'),
      ada('2026-11-02T11:00', 'DE'),
    ]),
  ).toEqual(['2026-11-02T09:48', '2026-11-02T11:00'])
})

it('the way there may lie in an earlier batch', async () => {
  bench = await HabitBench.open(TRAVEL)
  await bench.batch([ada('2026-11-02T08:59', 'DE')])
  expect(await bench.matched([ada('2026-11-02T09:48', 'CN')])).toEqual(['2026-11-02T09:48'])
})

it('the same network in two countries is no travel, where the network is given', async () => {
  bench = await HabitBench.open({ ...TRAVEL, value: ['country', 'net'] })
  const seen = (time: string, country: string, net: string | null) => ({ time, fields: { who: 'ada', country, net } })
  expect(
    await bench.matched([
      seen('2026-11-02T09:00', 'DE', 'Corporate VPN'),
      seen('2026-11-02T09:10', 'JP', 'Corporate VPN'),
    ]),
  ).toEqual([])
  expect(await bench.matched([seen('2026-11-02T09:20', 'BR', 'Another')])).toEqual(['2026-11-02T09:20'])
})
