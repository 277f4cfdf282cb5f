import fc from 'fast-check'
import { expect, it } from 'vitest'
import { editDistance, nearest } from './nearest.ts'

const KNOWN = ['authentication', 'identity', 'permission', 'token', 'job', 'query', 'unityCatalog', 'workspace']

it('finds words that differ by a slip, whatever the case', () => {
  expect(nearest('permissions', KNOWN)).toEqual(['permission'])
  expect(nearest('unitycatlog', KNOWN)).toEqual(['unityCatalog'])
  expect(nearest('JBO', KNOWN)).toEqual(['job'])
  expect(nearest('jobs', KNOWN)).toEqual(['job'])
})

it('finds words that hold the typed one, or are held by it, after those that differ less', () => {
  expect(nearest('auth', KNOWN)).toEqual(['authentication'])
  expect(nearest('querydash', KNOWN)).toEqual(['query'])
  expect(nearest('gettabel', ['get', 'getTable'])).toEqual(['getTable'])
  expect(nearest('clustr', ['job_execution', 'cluster_configuration'])).toEqual(['cluster_configuration'])
  expect(nearest('token', ['tokens', 'tokenLogin', 'aadTokenLogin'])).toEqual(['tokens', 'tokenLogin', 'aadTokenLogin'])
})

it('names a word once, however many ways of writing it are known', () => {
  expect(nearest('unitycatlog', ['unityCatalog', 'unitycatalog', 'UNITYCATALOG'])).toEqual(['unityCatalog'])
})

it('finds none where none is near, and three at most', () => {
  expect(nearest('zzz', KNOWN)).toEqual([])
  expect(nearest('x', KNOWN)).toEqual([])
  expect(nearest('', KNOWN)).toEqual([])
  expect(nearest('list', ['list1', 'list2', 'list3', 'list4'])).toHaveLength(3)
})

it('counts insertions, deletions, replacements and swaps', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3)
  expect(editDistance('job', 'jbo')).toBe(1)
  expect(editDistance('', 'abc')).toBe(3)
  const words = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(words, words, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a))
      expect(editDistance(a, a)).toBe(0)
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      expect(editDistance(a, b) === 0).toBe(a === b)
    }),
  )
})
