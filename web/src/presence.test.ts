import { expect, it } from 'vitest'
import { AWAY_MS, watchPresence } from './presence.ts'

it('counts on somebody for a minute after the page was opened, and after each sign of them', () => {
  const target = new EventTarget()
  let nowMs = 1000
  const isAway = watchPresence(target, () => nowMs)
  nowMs += AWAY_MS
  expect(isAway()).toBe(false)
  nowMs += 1
  expect(isAway()).toBe(true)
  for (const sign of ['keydown', 'pointermove', 'wheel']) {
    target.dispatchEvent(new Event(sign))
    expect(isAway()).toBe(false)
    nowMs += AWAY_MS + 1
    expect(isAway()).toBe(true)
  }
})
