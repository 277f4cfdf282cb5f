import { expect, it } from 'vitest'
import { evaluate } from './evaluate.ts'
import { isNoticed } from './verdict.ts'

/** The whole account on a small scale: seldom things are as seldom as in the month that docs/reference/evaluation.md is about. */
const SMALL_MONTH = { events: 60_000, days: 30, seed: 4, scenarios: 'all' } as const

it('the shipped rules tell of every simulated attack, and of little else that asks for attention', async () => {
  const { scenarios, levels, rules, leftOut, problems, events } = await evaluate({
    logs: SMALL_MONTH,
    pack: {},
    now: () => new Date(),
  })
  expect([events, leftOut, problems]).toEqual([SMALL_MONTH.events, [], []])
  expect(scenarios.length).toBeGreaterThanOrEqual(30)
  expect(scenarios.filter(({ isDetected }) => !isDetected)).toEqual([])
  const wrong = levels.filter(({ level }) => isNoticed(level)).reduce((sum, count) => sum + count.wrong, 0)
  expect(wrong).toBeLessThanOrEqual(5 * SMALL_MONTH.days)
  expect(wrong).toBeGreaterThan(0)
  const told = rules.filter(({ expected }) => expected > 0)
  expect(told.filter(({ recall }) => recall === 0).length).toBeLessThan(told.length / 4)
}, 300_000)
