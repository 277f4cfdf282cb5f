import { afterEach, expect, it } from 'vitest'
import { baselineOf, daily, days, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

const COUNTRY = baselineOf('first_seen', { value: ['country'] })
const ada = (country: string | null) => ({ who: 'ada', country })

it('a value that is new to a key that is known for long enough is told, with what was known', async () => {
  bench = await HabitBench.open(COUNTRY)
  const events = [...daily('2026-11-01', 16, ada('DE')), ...daily('2026-11-05', 2, ada('US'), '10:00')]
  expect(await bench.batch([...events, { time: '2026-11-17T08:00', fields: ada('CN') }])).toEqual([
    {
      rule: 'the-baseline',
      event: '2026-11-17T08:00',
      field: 'country',
      why: 'cn; none of 2 known since 2026-11-01: de, us',
    },
  ])
})

it('a key that is known for less is still learnt', async () => {
  bench = await HabitBench.open(COUNTRY)
  const late = { time: '2026-11-15T08:59', fields: ada('CN') }
  expect(await bench.matched([...daily('2026-11-01', 14, ada('DE')), late])).toEqual([])
  expect(await bench.matched([{ time: '2026-11-15T09:00', fields: ada('US') }])).toEqual(['2026-11-15T09:00'])
})

it('the first event of a key is no news, even where nothing has to be learnt', async () => {
  bench = await HabitBench.open(baselineOf('first_seen', { value: ['country'], learnSecs: 0 }))
  expect(
    await bench.matched([
      { time: '2026-11-01', fields: ada('DE') },
      { time: '2026-11-02', fields: ada('US') },
    ]),
  ).toEqual(['2026-11-02'])
})

it('a value is new once, however the batches are cut, and case makes no other value', async () => {
  bench = await HabitBench.open(COUNTRY)
  await bench.batch(daily('2026-11-01', 16, ada('DE')))
  expect(
    await bench.matched([
      { time: '2026-11-17T08:00', fields: ada('CN') },
      { time: '2026-11-17T08:01', fields: ada('CN') },
    ]),
  ).toHaveLength(1)
  expect(await bench.matched([{ time: '2026-11-17T08:02', fields: ada('cn') }])).toEqual([])
})

it('what one knows another does not', async () => {
  bench = await HabitBench.open(COUNTRY)
  await bench.batch([
    ...daily('2026-11-01', 16, ada('DE')),
    ...daily('2026-11-01', 16, { who: 'ben', country: 'CN' }, '10:00'),
  ])
  expect(await bench.matched([{ time: '2026-11-17', fields: ada('CN') }])).toEqual(['2026-11-17'])
})

it('several fields are one value, of which parts may be missing but not all', async () => {
  bench = await HabitBench.open(baselineOf('first_seen', { value: ['country', 'net'], learnSecs: days(1) }))
  await bench.batch(daily('2026-11-01', 3, { who: 'ada', country: 'DE', net: null }))
  expect(
    await bench.matched([
      { time: '2026-11-05', fields: { who: 'ada', country: null, net: null } },
      { time: '2026-11-06', fields: { who: 'ada', country: 'DE', net: 'Telekom' } },
      { time: '2026-11-07', fields: { who: null, country: 'US', net: 'Telekom' } },
    ]),
  ).toEqual(['2026-11-06'])
})

it('an event that comes late is told where it comes before the first, and moves nothing that was told', async () => {
  bench = await HabitBench.open(COUNTRY)
  await bench.batch(daily('2026-11-01', 16, ada('DE')))
  expect(await bench.matched([{ time: '2026-11-20', fields: ada('CN') }])).toEqual(['2026-11-20'])
  expect(await bench.matched([{ time: '2026-11-18', fields: ada('CN') }])).toEqual(['2026-11-18'])
  expect(await bench.matched([{ time: '2026-11-19', fields: ada('CN') }])).toEqual([])
})
