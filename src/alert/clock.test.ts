import { describe, expect, it } from 'vitest'
import { isWithin, minuteOf, nextAt, readDays, readHours, zonedMs } from './clock.ts'

const ms = (text: string) => Date.parse(text)
const hours = (text: string, days: readonly string[], timeZone: string) => ({
  ...(readHours(text) ?? { fromMinute: -1, toMinute: -1 }),
  days: days.flatMap((day) => readDays(day) ?? []),
  timeZone,
})

describe('hours', () => {
  it('are those of the clocks in their zone, before and after these change', () => {
    const office = hours('08:00-18:00', ['mon-fri'], 'Europe/Berlin')
    expect(isWithin(ms('2026-07-01T06:00:00Z'), office)).toBe(true)
    expect(isWithin(ms('2026-12-01T06:59:00Z'), office)).toBe(false)
    expect(isWithin(ms('2026-12-01T07:00:00Z'), office)).toBe(true)
    expect(isWithin(ms('2026-12-01T17:00:00Z'), office)).toBe(false)
    expect(isWithin(ms('2026-12-05T12:00:00Z'), office)).toBe(false)
  })

  it('that end before they begin go over midnight and belong to the day they begin on', () => {
    const night = hours('22:00-06:00', ['fri'], 'UTC')
    expect(isWithin(ms('2026-12-04T22:00:00Z'), night)).toBe(true)
    expect(isWithin(ms('2026-12-05T05:59:00Z'), night)).toBe(true)
    expect(isWithin(ms('2026-12-04T05:59:00Z'), night)).toBe(false)
    expect(isWithin(ms('2026-12-05T22:00:00Z'), night)).toBe(false)
  })

  it('are read as people write them, and not where they make no sense', () => {
    expect(readDays('fri-mon')).toEqual([5, 6, 0, 1])
    expect(readDays('Saturday')).toEqual([6])
    expect(['someday', 'mon-tue-wed', ''].map(readDays)).toEqual([undefined, undefined, undefined])
    expect(['8-18', '08:00', '08:00-25:00', '08:60-09:00', '24:00-06:00'].map(readHours)).toEqual(
      Array.from({ length: 5 }, () => undefined),
    )
    expect([minuteOf('8:05'), minuteOf('24:00'), minuteOf('24:01')]).toEqual([485, 1440, undefined])
  })
})

describe('the next time of day', () => {
  it('is later today or tomorrow', () => {
    expect(nextAt(ms('2026-12-01T06:30:10Z'), 480, 'UTC')).toBe(ms('2026-12-01T08:00:00Z'))
    expect(nextAt(ms('2026-12-01T08:00:00Z'), 480, 'UTC')).toBe(ms('2026-12-02T08:00:00Z'))
  })

  it('is right over a change of clocks', () => {
    expect(nextAt(ms('2026-03-28T12:00:00Z'), 480, 'Europe/Berlin')).toBe(ms('2026-03-29T06:00:00Z'))
    expect(nextAt(ms('2026-10-24T12:00:00Z'), 480, 'Europe/Berlin')).toBe(ms('2026-10-25T07:00:00Z'))
    for (let hour = 0; hour < 24 * 400; hour += 7) {
      const from = ms('2026-01-01T00:00:00Z') + hour * 3_600_000
      const next = nextAt(from, 480, 'America/New_York')
      expect(next).toBeGreaterThan(from)
      expect(next - from).toBeLessThanOrEqual(25 * 3_600_000)
      expect(isWithin(next, hours('08:00-08:01', [], 'America/New_York'))).toBe(true)
    }
  })
})

describe('a date with a time', () => {
  it('is that of the clocks in the zone', () => {
    expect(zonedMs('2026-12-01 22:00', 'Europe/Berlin')).toBe(ms('2026-12-01T21:00:00Z'))
    expect(zonedMs('2026-07-01T22:00', 'Europe/Berlin')).toBe(ms('2026-07-01T20:00:00Z'))
    expect(zonedMs('2026-07-01', 'Asia/Kolkata')).toBe(ms('2026-06-30T18:30:00Z'))
    expect(zonedMs('2026-07-01T22:00Z', 'Europe/Berlin')).toBe(ms('2026-07-01T22:00:00Z'))
    expect(['yesterday', '2026-13-01', '2026-01-01 25:00'].map((text) => zonedMs(text, 'UTC'))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})
