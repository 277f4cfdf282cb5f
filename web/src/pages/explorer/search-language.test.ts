import { describe, expect, it } from 'vitest'
import { term } from '../../url-state.ts'
import { hasPart, partAt, partsOf, withoutPart, withPart } from './search-language.ts'

describe('the search box', () => {
  it('tells fields, values and words apart, with their places', () => {
    const text = 'actor:ana@x.com -status:unauthorized "two words" word'
    const parts = partsOf(text).map(({ start, end, negated, field, value }) => [
      text.slice(start, end),
      negated,
      field,
      value,
    ])
    expect(parts).toEqual([
      ['actor:ana@x.com', false, 'actor', 'ana@x.com'],
      ['-status:unauthorized', true, 'status', 'unauthorized'],
      ['"two words"', false, null, 'two words'],
      ['word', false, null, 'word'],
    ])
  })

  it('knows single parameters by name', () => {
    expect(partsOf('params.run-id_2:7 x').map(({ field, value }) => [field, value])).toEqual([
      ['params.run-id_2', '7'],
      [null, 'x'],
    ])
  })

  it('keeps blanks and colons within quotes together', () => {
    expect(partsOf('target:"a b:c" x').map(({ value }) => value)).toEqual(['a b:c', 'x'])
  })

  it('says which quote is not closed', () => {
    expect(partsOf('a "open').map(({ wrong }) => wrong !== null)).toEqual([false, true])
    expect(partsOf('actor:a,"b \\" c",d').map(({ wrong }) => wrong)).toEqual([null])
  })

  it('comes to an end with any text', () => {
    for (const text of ['\\', '"', '-', ':', '--a::b', '"\\', 'a"b', '\u202e:', '"a"b"c']) {
      const parts = partsOf(text)
      expect(parts.every(({ start, end }) => end > start)).toBe(true)
    }
  })

  it('finds the part that is being written', () => {
    expect(partAt('actor:a status:', 15)?.field).toBe('status')
    expect(partAt('actor:a ', 8)).toBeUndefined()
  })
})

describe('a part', () => {
  it('is added once, and takes the place of its opposite', () => {
    const part = term('status', 'SUCCESS')
    expect(withPart('a', part)).toBe('a status:SUCCESS')
    expect(withPart(withPart('a', part), part)).toBe('a status:SUCCESS')
    expect(withPart('a status:SUCCESS', `-${part}`)).toBe('a -status:SUCCESS')
  })

  it('is taken out again, whatever is in it', () => {
    for (const value of ['main.hr.salaries', 'a b', 'say "hi"', 'a,b', 'x*', 'a\\b', '(x)', '-x', 'é\u202e']) {
      const part = term('target', value)
      const q = withPart('word', part)
      expect(partsOf(q)).toHaveLength(2)
      expect(hasPart(q, part)).toBe(true)
      expect(withoutPart(q, part)).toBe('word')
    }
  })
})
