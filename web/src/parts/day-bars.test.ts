import { describe, expect, it } from 'vitest'
import { everyDay } from './day-bars.tsx'

describe('bars by day', () => {
  it('have a place for days with nothing', () => {
    expect(
      everyDay([
        { day: '2026-11-30', value: 2 },
        { day: '2026-12-02', value: 1 },
      ]),
    ).toEqual([
      { day: '2026-11-30', value: 2 },
      { day: '2026-12-01', value: 0 },
      { day: '2026-12-02', value: 1 },
    ])
  })

  it('are the last of a time that is too long to draw', () => {
    const days = everyDay([
      { day: '1970-01-01', value: 1 },
      { day: '2026-12-02', value: 1 },
    ])
    expect(days).toHaveLength(400)
    expect(days.at(-1)).toEqual({ day: '2026-12-02', value: 1 })
  })

  it('are none of nothing, and of what is no day', () => {
    expect(everyDay([])).toEqual([])
    expect(everyDay([{ day: 'yesterday', value: 1 }])).toEqual([])
  })
})
