import { afterEach, describe, expect, it } from 'vitest'
import { baselineOf, daily, days, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

const ada = { who: 'ada' }
const at = (time: string) => ({ time, fields: ada })

describe('hours that a rule gives', () => {
  const OFFICE = { from: '07:00', to: '19:00', days: ['mon', 'tue', 'wed', 'thu', 'fri'] }

  it('are those of its time zone, and need no history', async () => {
    bench = await HabitBench.open(baselineOf('off_hours', { hours: OFFICE, timeZone: 'Europe/Berlin' }))
    // Summer time ends on 25 October: 07:00 in Berlin is 05:00 UTC before, 06:00 after.
    const times = [
      '2026-10-23T04:59',
      '2026-10-23T05:00',
      '2026-10-26T05:59',
      '2026-10-26T06:00',
      '2026-10-26T17:59',
      '2026-10-26T18:00',
    ]
    expect(await bench.batch(times.map(at))).toMatchObject([
      { event: '2026-10-23T04:59', why: 'Fri 06:59 Europe/Berlin, outside the hours of the rule' },
      { event: '2026-10-26T05:59' },
      { event: '2026-10-26T18:00' },
    ])
    expect(await bench.rowCount()).toBe(0)
  })

  it('are of the days named', async () => {
    bench = await HabitBench.open(baselineOf('off_hours', { hours: OFFICE }))
    expect(await bench.matched([at('2026-11-20T10:00'), at('2026-11-21T10:00')])).toEqual(['2026-11-21T10:00'])
  })

  it('may go over midnight, and belong to the day they begin on', async () => {
    bench = await HabitBench.open(baselineOf('off_hours', { hours: { from: '22:00', to: '06:00', days: ['fri'] } }))
    const times = ['2026-11-20T21:59', '2026-11-20T22:00', '2026-11-21T05:59', '2026-11-21T06:00', '2026-11-21T22:00']
    expect(await bench.matched(times.map(at))).toEqual(['2026-11-20T21:59', '2026-11-21T06:00', '2026-11-21T22:00'])
  })

  it('are refused where they cannot be read', async () => {
    bench = await HabitBench.open(baselineOf('off_hours', { hours: { from: 'seven', to: '19:00' } }))
    await expect(bench.batch([at('2026-11-20T10:00')])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    bench.close()
    bench = await HabitBench.open(baselineOf('off_hours', { timeZone: 'Europe/Nowhere' }))
    await expect(bench.batch([at('2026-11-20T10:00')])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})

describe('hours of an actor', () => {
  const OWN = baselineOf('off_hours', { learnSecs: days(21) })

  it('are learnt: three in the night after weeks of mornings is unusual, an hour later in the morning is not', async () => {
    bench = await HabitBench.open(OWN)
    await bench.batch(daily('2026-11-02', 26, ada))
    expect(await bench.batch([at('2026-11-30T03:10'), at('2026-11-30T10:40')])).toEqual([
      {
        rule: 'the-baseline',
        event: '2026-11-30T03:10',
        field: 'event_time',
        why: 'Mon 03:10 UTC; around this hour on 0 of 20 working days known since 2026-11-02',
      },
    ])
  })

  it('are unknown of somebody known for less, or seen on few days', async () => {
    bench = await HabitBench.open(OWN)
    await bench.batch(daily('2026-11-02', 20, ada))
    expect(await bench.matched([at('2026-11-22T03:10')])).toEqual([])
    bench.close()
    bench = await HabitBench.open(OWN)
    await bench.batch(daily('2026-11-02', 9, ada))
    expect(await bench.matched([at('2026-11-30T03:10')])).toEqual([])
  })

  it('of working days are not those of weekends', async () => {
    bench = await HabitBench.open(OWN)
    const working = daily('2026-11-02', 27, ada).filter(
      ({ time }) => ![0, 6].includes(new Date(`${time}Z`).getUTCDay()),
    )
    await bench.batch(working)
    expect(await bench.matched([at('2026-11-29T09:00'), at('2026-11-30T09:00')])).toEqual(['2026-11-29T09:00'])
  })

  it('are not learnt from the day that is tested, nor from one earlier night', async () => {
    bench = await HabitBench.open(OWN)
    await bench.batch([...daily('2026-11-02', 28, ada), at('2026-11-25T03:00')])
    expect(await bench.matched([at('2026-11-30T03:00'), at('2026-11-30T03:50'), at('2026-11-30T04:10')])).toHaveLength(
      3,
    )
  })

  it('around midnight reach over it, and follow the clock of the zone', async () => {
    bench = await HabitBench.open({ ...OWN, timeZone: 'America/New_York' })
    // 00:30 UTC is 19:30 there in winter.
    await bench.batch(daily('2026-11-10', 30, ada, '00:30'))
    expect(await bench.matched([at('2026-12-11T01:30'), at('2026-12-11T14:00')])).toEqual(['2026-12-11T14:00'])
  })
})
