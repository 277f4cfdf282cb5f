import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { parseDuration, parseRange, parseTime } from './times.ts'

/** A Thursday. */
const NOW = new Date('2026-11-12T08:15:30.123Z')
const at = (text: string): string => parseTime(text, NOW).toISOString()
const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString())
const range = (from?: string, to?: string): (string | undefined)[] => {
  const { fromMs, toMs } = parseRange(from, to, NOW)
  return [iso(fromMs), iso(toMs)]
}

describe('a time', () => {
  it('may be a date or date-time, in UTC where it names no zone', () => {
    expect(at('2026-11-12')).toBe('2026-11-12T00:00:00.000Z')
    expect(at('2026-11')).toBe('2026-11-01T00:00:00.000Z')
    expect(at('2026-11-12T08:15')).toBe('2026-11-12T08:15:00.000Z')
    expect(at('2026-11-12 08:15:30')).toBe('2026-11-12T08:15:30.000Z')
    expect(at('2026-11-12T08:15:30.5Z')).toBe('2026-11-12T08:15:30.500Z')
    expect(at('2026-11-12T08:15:30.123456789Z')).toBe('2026-11-12T08:15:30.123Z')
    expect(at('2026-11-12T08:15:30+02:00')).toBe('2026-11-12T06:15:30.000Z')
    expect(at('2026-11-12T08:15:30-0530')).toBe('2026-11-12T13:45:30.000Z')
    expect(at('2026-11-12T08:15:30+02')).toBe('2026-11-12T06:15:30.000Z')
    expect(at('2024-02-29')).toBe('2024-02-29T00:00:00.000Z')
  })

  it('may be so long ago', () => {
    expect(at('2h ago')).toBe('2026-11-12T06:15:30.123Z')
    expect(at('90m ago')).toBe('2026-11-12T06:45:30.123Z')
    expect(at('3 days ago')).toBe('2026-11-09T08:15:30.123Z')
    expect(at('1h 30m ago')).toBe('2026-11-12T06:45:30.123Z')
    expect(at('1h30m ago')).toBe('2026-11-12T06:45:30.123Z')
    expect(at('  2  Weeks   AGO ')).toBe('2026-10-29T08:15:30.123Z')
    expect(at('1.5 hours ago')).toBe('2026-11-12T06:45:30.123Z')
  })

  it('may be a word', () => {
    expect(at('now')).toBe('2026-11-12T08:15:30.123Z')
    expect(at('Today')).toBe('2026-11-12T00:00:00.000Z')
    expect(at('yesterday')).toBe('2026-11-11T00:00:00.000Z')
    expect(at('last monday')).toBe('2026-11-09T00:00:00.000Z')
    expect(at('last thursday')).toBe('2026-11-05T00:00:00.000Z')
    expect(at('last fri')).toBe('2026-11-06T00:00:00.000Z')
    expect(at('this week')).toBe('2026-11-09T00:00:00.000Z')
    expect(at('last week')).toBe('2026-11-02T00:00:00.000Z')
    expect(at('last month')).toBe('2026-10-01T00:00:00.000Z')
  })

  it('may be a Unix time', () => {
    expect(at('1794471330')).toBe('2026-11-12T08:15:30.000Z')
    expect(at('1794471330123')).toBe('2026-11-12T08:15:30.123Z')
    expect(at('1794471330.5')).toBe('2026-11-12T08:15:30.500Z')
  })

  it('is refused, with what is accepted, when it is none of these', () => {
    const refused = [
      '',
      'soon',
      '2026-13-01',
      '2026-02-30',
      '2026-11-12T24:00',
      '2026-11-12T08:60',
      '2026-11-12T08:15:30+25:00',
      '12/11/2026',
      '2 fortnights ago',
      'ago',
      '2h',
      'last nonday',
      '12345',
      '-1',
      '99999999 weeks ago',
      '0000-01-01',
    ]
    for (const text of refused) {
      expect(() => parseTime(text, NOW), text).toThrowError(
        expect.objectContaining({ code: 'BAD_TIME', hint: expect.stringContaining('2h ago') }),
      )
    }
  })

  it('reads back every instant that JavaScript writes', () => {
    const instants = fc.date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(instants, fc.integer({ min: -12 * 60, max: 14 * 60 }), (date, offset) => {
        expect(parseTime(date.toISOString(), NOW)).toEqual(date)
        const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1)
        const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60]
        const zone = `${offset < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`
        expect(parseTime(local + zone, NOW)).toEqual(date)
      }),
    )
  })

  it('reads back any count of units, and any text gives a time or a BAD_TIME', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.constantFrom('s', 'm', 'h', 'd', 'w'), (count, unit) => {
        const ms = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }[unit] ?? 0
        expect(parseTime(`${count}${unit} ago`, NOW).getTime()).toBe(NOW.getTime() - count * ms)
      }),
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          return !Number.isNaN(parseTime(text, NOW).getTime())
        } catch (cause) {
          return isAppError(cause) && cause.code === 'BAD_TIME'
        }
      }),
    )
  })
})

describe('a range', () => {
  it('starts with the first instant of its start and ends after the last of its end', () => {
    expect(range('yesterday', 'yesterday')).toEqual(['2026-11-11T00:00:00.000Z', '2026-11-12T00:00:00.000Z'])
    expect(range('2026-11-01', '2026-11-03')).toEqual(['2026-11-01T00:00:00.000Z', '2026-11-04T00:00:00.000Z'])
    expect(range('2026-10', '2026-10')).toEqual(['2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'])
    expect(range('2h ago', 'now')).toEqual(['2026-11-12T06:15:30.123Z', '2026-11-12T08:15:30.123Z'])
    expect(range('last week', 'last week')).toEqual(['2026-11-02T00:00:00.000Z', '2026-11-09T00:00:00.000Z'])
    expect(range('last month', 'last month')).toEqual(['2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'])
    expect(range('today', 'today')).toEqual(['2026-11-12T00:00:00.000Z', '2026-11-13T00:00:00.000Z'])
  })

  it('may be open at either end', () => {
    expect(range()).toEqual([undefined, undefined])
    expect(range('today')).toEqual(['2026-11-12T00:00:00.000Z', undefined])
    expect(range(undefined, '2026-11-12T08:00')).toEqual([undefined, '2026-11-12T08:00:00.000Z'])
  })

  it('is refused when it ends before it starts', () => {
    expect(() => range('today', '2h ago')).not.toThrow()
    expect(() => range('now', 'yesterday')).toThrowError(expect.objectContaining({ code: 'BAD_TIME' }))
  })
})

describe('a length of time', () => {
  it('may be in any unit, seconds where it names none', () => {
    expect(parseDuration('30s')).toBe(30_000)
    expect(parseDuration('500ms')).toBe(500)
    expect(parseDuration('1h30m')).toBe(5_400_000)
    expect(parseDuration('2 min')).toBe(120_000)
    expect(parseDuration('0.5')).toBe(500)
  })

  it('is refused when it is none or nothing', () => {
    for (const text of ['', 'x', '0', '-5s', '5 parsecs', '0ms']) {
      expect(() => parseDuration(text), text).toThrowError(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    }
  })
})
