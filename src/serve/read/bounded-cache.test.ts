import { expect, it } from 'vitest'
import { BoundedCache } from './bounded-cache.ts'

it('stays within its bytes, and forgets what was used longest ago', () => {
  const cache = new BoundedCache<string>(5000, (row, key) => row.length + key.length + 150)
  for (let nth = 0; nth < 10; nth++) cache.keep(`file:${nth}`, 'x'.repeat(250))
  expect(cache.of('file:0')).toBe('x'.repeat(250))
  for (let nth = 10; nth < 20; nth++) cache.keep(`file:${nth}`, 'x'.repeat(250))
  expect([cache.of('file:0'), cache.of('file:1'), cache.of('file:19')]).toEqual([
    'x'.repeat(250),
    undefined,
    'x'.repeat(250),
  ])
  expect(cache.bytes).toBeLessThanOrEqual(5000)
  cache.keep('file:19', 'short')
  cache.keep('huge', 'x'.repeat(6000))
  expect([cache.bytes, cache.of('huge')]).toEqual([0, undefined])
})
