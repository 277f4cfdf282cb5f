import { expect, it } from 'vitest'
import { matcherText, matchesAny, patternFor } from './match.ts'

it('fits whole texts, without case, where * and ? stand for anything', () => {
  const fits = (pattern: string, text: string) => matchesAny([pattern], [text])
  expect(fits('ana*', 'Ana@example.com')).toBe(true)
  expect(fits('ana', 'ana@example.com')).toBe(false)
  expect(fits('a?a@*', 'ava@example.com')).toBe(true)
  expect(fits('a.c', 'abc')).toBe(false)
  expect(fits('table:main.*', 'table:main.hr\npay')).toBe(true)
  expect(fits('(x|y)[1]+$', '(x|y)[1]+$')).toBe(true)
})

it('takes a name from a log for what it is, whatever is in it', () => {
  for (const name of ['*', '?', 'a\\*b', '\\', 'ci-*', '\u{1f600}?', '[a]^'])
    for (const other of ['*', '?', 'a\\*b', '\\', 'ci-*', 'ci-7', 'x', '\u{1f600}?', '\u{1f600}x', '[a]^'])
      expect([name, other, matchesAny([patternFor(name)], [other])]).toEqual([name, other, name === other])
})

it('says in words what it fits', () => {
  expect(matcherText({ rule: ['x'], entity: ['y', 'z'], tag: [] })).toBe('rule=x, entity=y|z')
})
