import { describe, expect, it } from 'vitest'
import { isSame, readValue, textOf } from './parameter-values.ts'

describe('values of parameters in a form', () => {
  it.each([
    [30, '30'],
    ['14d', '14d'],
    [['a', 'b'], 'a\nb'],
    [[], ''],
    [[1, 2], '1\n2'],
    [true, 'true'],
  ])('%j is shown as text and read back the same', (value, text) => {
    expect(textOf(value)).toBe(text)
    expect(readValue(text, value)).toEqual({ value })
  })

  it('refuses what is of another kind', () => {
    expect(readValue('many', 30)).toBeNull()
    expect(readValue('', 30)).toBeNull()
    expect(readValue('1\nx', [1, 2])).toBeNull()
    expect(readValue('perhaps', true)).toBeNull()
  })

  it('leaves out blank lines of a list', () => {
    expect(readValue(' a \n\n b', ['x'])).toEqual({ value: ['a', 'b'] })
    expect(readValue('', ['x'])).toEqual({ value: [] })
  })

  it('knows what is the same', () => {
    expect(isSame(['a'], ['a'])).toBe(true)
    expect(isSame(1, '1')).toBe(false)
  })
})
