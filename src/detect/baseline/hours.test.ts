import { expect, it } from 'vitest'
import { isHoursFault, isTimeZone, readHours } from './hours.ts'

it('hours are read as minutes of the day, Monday to Friday where no days are named', () => {
  expect(readHours({ from: '07:30', to: '24:00' })).toEqual({ fromMinute: 450, toMinute: 1440, days: [1, 2, 3, 4, 5] })
  expect(readHours({ from: '22:00', to: '6:00', days: ['Saturday', 'sun'] })).toEqual({
    fromMinute: 1320,
    toMinute: 360,
    days: [6, 7],
  })
})

it.each([
  ['a text', '07:00-19:00'],
  ['no end', { from: '07:00' }],
  ['no time of day', { from: '7', to: '19:00' }],
  ['a minute too many', { from: '07:60', to: '19:00' }],
  ['an hour too many', { from: '07:00', to: '25:00' }],
  ['no time between', { from: '07:00', to: '07:00' }],
  ['no day', { from: '07:00', to: '19:00', days: [] }],
  ['an unknown day', { from: '07:00', to: '19:00', days: ['mon', 'holiday'] }],
  ['an unknown key', { from: '07:00', to: '19:00', until: '20:00' }],
])('hours with %s are refused, with what to write', (_, hours) => {
  const read = readHours(hours)
  expect(isHoursFault(read) && read.hint).toMatch(/^Write hours: /)
})

it('time zones have names of the time zone database', () => {
  expect(['UTC', 'Europe/Berlin', 'America/New_York'].map(isTimeZone)).toEqual([true, true, true])
  expect(['', 'Berlin', 'Europe/Nowhere'].map(isTimeZone)).toEqual([false, false, false])
})
