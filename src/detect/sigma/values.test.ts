import { describe, expect, it } from 'vitest'
import { patternText } from './pattern.ts'
import { withPlaceholders } from './placeholders.ts'
import { testsOf } from './values.ts'

const texts = (value: string, ...modifiers: string[]): string[] =>
  testsOf(value, modifiers, false, {}).map((test) => (test.kind === 'text' ? patternText(test.pattern) : test.kind))

describe('encodings', () => {
  it('follow one another in the order written', () => {
    expect(texts('cmd', 'wide', 'base64')).toEqual([Buffer.from('c\0m\0d\0').toString('base64')])
    expect(texts('cmd', 'utf16be', 'base64')).toEqual([Buffer.from('\0c\0m\0d').toString('base64')])
    expect(texts('cmd', 'utf16', 'base64')).toEqual([
      Buffer.from([0xff, 0xfe, 99, 0, 109, 0, 100, 0]).toString('base64'),
    ])
    expect(texts('cmd', 'utf16le')).toEqual(['c\0m\0d\0'])
  })

  it('give the part of Base64 that stays, for each way the value can fall', () => {
    const value = 'http://example'
    const found = texts(value, 'base64offset', 'contains').map((text) => text.replaceAll('*', ''))
    expect(found).toHaveLength(3)
    for (const [at, before] of ['', 'x', 'xy'].entries()) {
      expect(Buffer.from(`${before}${value}zz`).toString('base64')).toContain(found[at])
    }
  })

  it('take every dash of windash', () => {
    expect(texts('-a', 'windash', 'base64')).toContain(Buffer.from('/a').toString('base64'))
  })
})

describe('placeholders', () => {
  it('become every entry of their list, in every combination', () => {
    expect(withPlaceholders('%a%-%b%', { a: ['1', '2'], b: ['x', 'y'] })).toEqual(['1-x', '1-y', '2-x', '2-y'])
  })

  it('are plain behind a backslash', () => {
    expect(withPlaceholders('\\%plain%name%', { name: ['n'] })).toEqual(['%plainn'])
  })
})
