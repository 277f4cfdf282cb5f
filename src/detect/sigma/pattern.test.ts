import { describe, expect, it } from 'vitest'
import { expansions, patternText, readPattern, withAnyDash } from './pattern.ts'

const shown = (value: string): string =>
  readPattern(value)
    .map((piece) => (piece.kind === 'text' ? `<${piece.text}>` : piece.kind))
    .join(' ')

describe('wildcards and backslashes', () => {
  // The cases of the specification's section on escaping, and their neighbours.
  it.each([
    ['a*b?c', '<a> any <b> one <c>'],
    ['C:\\x', '<C:\\x>'],
    ['C:\\\\x', '<C:\\x>'],
    ['a\\*', '<a*>'],
    ['a\\?', '<a?>'],
    ['a\\\\*', '<a\\> any'],
    ['a\\\\\\*', '<a\\*>'],
    ['\\\\\\x', '<\\\\x>'],
    ['\\\\\\\\x', '<\\\\x>'],
    ['end\\', '<end\\>'],
    ['**', 'any'],
    ['', ''],
  ])('%s', (value, pieces) => {
    expect(shown(value)).toBe(pieces)
  })

  it('read back as the same from their text', () => {
    for (const value of ['a*b?c', 'C:\\x', 'a\\*', 'a\\\\*', 'a\\\\\\*']) {
      expect(readPattern(patternText(readPattern(value)))).toEqual(readPattern(value))
    }
  })
})

describe('windash', () => {
  it('changes dashes that start a word, not those within', () => {
    expect(withAnyDash(readPattern('-param-name /x - y'))).toEqual([
      { kind: 'dash' },
      { kind: 'text', text: 'param-name ' },
      { kind: 'dash' },
      { kind: 'text', text: 'x - y' },
    ])
  })

  it('stands for every dash at every place', () => {
    const texts = expansions(withAnyDash(readPattern('-a /b')), 100)
    expect(texts).toHaveLength(25)
    expect(texts).toContain('/a \u2015b')
    expect(expansions(withAnyDash(readPattern('-a -b')), 24)).toBeUndefined()
  })
})
