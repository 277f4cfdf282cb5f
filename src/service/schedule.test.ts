import { expect, it } from 'vitest'
import { cronFault, nextRunMs } from './schedule.ts'

const at = (text: string) => Date.parse(text)

it('runs every so often', () => {
  expect(nextRunMs({ everyMs: 1500 }, 1000)).toBe(2500)
})

it('runs at the times of a pattern, in UTC', () => {
  const next = nextRunMs({ cron: '30 3 * * *' }, at('2026-11-12T03:30:00Z'))
  expect(new Date(next).toISOString()).toBe('2026-11-13T03:30:00.000Z')
  const sunday = nextRunMs({ cron: '0 0 * * SUN' }, at('2026-11-12T12:00:00Z'))
  expect(new Date(sunday).toISOString()).toBe('2026-11-15T00:00:00.000Z')
})

it('tells what is wrong with a pattern', () => {
  expect(cronFault('*/5 * * * *')).toBeUndefined()
  expect(cronFault('99 * * * *')).toMatch(/minute/)
  expect(cronFault('0 0 31 2 *')).toBe('it never comes true')
})
