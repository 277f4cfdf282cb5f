import { expect, it } from 'vitest'
import { RateLimit } from './limits.ts'

it('lets a burst through, then as many a minute as it says, for each on their own', () => {
  let nowMs = 0
  const limit = new RateLimit(60, () => nowMs)
  const taken = (key: string, times: number) =>
    Array.from({ length: times }, () => limit.take(key)).filter(({ allowed }) => allowed).length
  expect(taken('ana', 100)).toBe(60)
  expect(taken('bob', 10)).toBe(10)
  nowMs += 5000
  expect(taken('ana', 100)).toBe(5)
  nowMs += 3_600_000
  expect(taken('ana', 100)).toBe(60)
})

it('says how long to wait', () => {
  let nowMs = 0
  const limit = new RateLimit(6, () => nowMs)
  for (let n = 0; n < 6; n++) limit.take('ana')
  expect(limit.take('ana')).toEqual({ allowed: false, retrySeconds: 10 })
  nowMs += 4000
  expect(limit.take('ana')).toEqual({ allowed: false, retrySeconds: 6 })
  nowMs += 6000
  expect(limit.take('ana').allowed).toBe(true)
})

it('forgets the oldest of very many who asked', () => {
  const limit = new RateLimit(1, () => 0)
  for (let n = 0; n < 25_000; n++) limit.take(`address ${n}`)
  expect(limit.take('address 24999').allowed).toBe(false)
  expect(limit.take('address 0').allowed).toBe(true)
})
