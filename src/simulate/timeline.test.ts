import { describe, expect, it } from 'vitest'
import { makeSlots, officeLoad } from './timeline.ts'

const MONDAY = Date.UTC(2026, 10, 9)
const HOUR = 3_600_000

describe('office hours', () => {
  it('follow the clock of the site', () => {
    expect(officeLoad(MONDAY + 10 * HOUR, 1)).toBe(1)
    expect(officeLoad(MONDAY + 10 * HOUR, -5)).toBe(0)
    expect(officeLoad(MONDAY + 4 * HOUR, 5.5)).toBe(1)
  })

  it('have no weekend', () => {
    expect(officeLoad(MONDAY + (5 * 24 + 10) * HOUR, 1)).toBe(0)
    expect(officeLoad(MONDAY + (6 * 24 + 10) * HOUR, 1)).toBe(0)
  })
})

describe('slots', () => {
  it.each([
    [500, 1],
    [200_000, 7],
    [1_000_000, 7],
    [10_000_000, 1],
  ])('divide the days of %i events over %i days without gap', (events, days) => {
    const slots = makeSlots(MONDAY, days, events, 120)
    expect(slots[0]?.startMs).toBe(MONDAY)
    expect(slots.at(-1)?.endMs).toBe(MONDAY + days * 24 * HOUR)
    for (const [i, slot] of slots.entries()) {
      expect(slot.startMs).toBe(slots[i - 1]?.endMs ?? MONDAY)
      expect(slot.until).toBeGreaterThan(slots[i - 1]?.until ?? 0)
    }
    expect(slots.at(-1)?.until).toBe(1)
  })

  it('leave people out of the weekend and bound what they do on a large log', () => {
    const slots = makeSlots(MONDAY, 7, 10_000_000, 120)
    const human = (from: number, until: number) =>
      slots.slice((slots.length * from) / 7, (slots.length * until) / 7).reduce((sum, slot) => sum + slot.human, 0)
    expect(human(5, 6)).toBeLessThan(0.02 * human(0, 1))
    expect(human(0, 7)).toBeLessThan(300_000)
  })
})
