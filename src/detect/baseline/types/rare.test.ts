import { afterEach, describe, expect, it } from 'vitest'
import { baselineOf, daily, days, HabitBench } from '../habits.fixture.ts'

let bench: HabitBench
afterEach(() => bench.close())

describe('rare among peers', () => {
  const SCOPE = baselineOf('rare', { value: ['scope'], threshold: { peers: 1 } })
  const reads = (who: string, scope: string, time = '09:00') => daily('2026-11-01', 16, { who, scope }, time)

  it('is what one other knows at most, and its key did not know', async () => {
    bench = await HabitBench.open(SCOPE)
    await bench.batch([...reads('ada', 'etl'), ...reads('ci', 'platform', '10:00')])
    expect(await bench.batch([{ time: '2026-11-20', fields: { who: 'ada', scope: 'platform' } }])).toEqual([
      {
        rule: 'the-baseline',
        event: '2026-11-20',
        field: 'scope',
        why: 'platform; new here, and known of 1 others since 2026-11-01',
      },
    ])
    expect(await bench.matched([{ time: '2026-11-21', fields: { who: 'ada', scope: 'platform' } }])).toEqual([])
  })

  it('is not what two others know, nor what a key does every day by itself', async () => {
    bench = await HabitBench.open(SCOPE)
    await bench.batch([...reads('ada', 'etl'), ...reads('ci', 'ml', '10:00'), ...reads('ben', 'ml', '11:00')])
    expect(
      await bench.matched([
        { time: '2026-11-20', fields: { who: 'ada', scope: 'ml' } },
        { time: '2026-11-21', fields: { who: 'ada', scope: 'etl' } },
      ]),
    ).toEqual([])
  })

  it('is told of newcomers too, once the peers are known', async () => {
    bench = await HabitBench.open(SCOPE)
    const newcomer = (time: string) => ({ time, fields: { who: 'eve', scope: 'platform' } })
    await bench.batch(reads('ci', 'platform'))
    expect(await bench.matched([newcomer('2026-11-20')])).toEqual(['2026-11-20'])
  })
})

describe('a rare share', () => {
  const ACTION = baselineOf('rare', { value: ['action'], threshold: { share: 0.05, floor: 30 }, learnSecs: days(10) })
  const usual = (count: number, time = '09:00') => daily('2026-11-01', count, { who: 'a-1', action: 'login' }, time)
  const rare = (time: string) => ({ time, fields: { who: 'a-1', action: 'drop' } })

  it('is told where enough is known', async () => {
    bench = await HabitBench.open(ACTION)
    await bench.batch([...usual(20), ...usual(20, '10:00')])
    expect(await bench.batch([rare('2026-11-21T10:00')])).toMatchObject([
      { why: 'drop; 0 of 40 events since 2026-11-01' },
    ])
    expect(await bench.batch([rare('2026-11-22T10:00')])).toMatchObject([
      { why: 'drop; 1 of 41 events since 2026-11-01' },
    ])
  })

  it('is not told below the floor of events, nor of what is no longer rare', async () => {
    bench = await HabitBench.open(ACTION)
    await bench.batch(usual(20))
    expect(await bench.matched([rare('2026-11-21')])).toEqual([])
    await bench.batch([...usual(20, '11:00'), rare('2026-11-22'), rare('2026-11-23')])
    expect(await bench.matched([rare('2026-11-25')])).toEqual([])
  })
})
