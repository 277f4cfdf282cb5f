import fc from 'fast-check'
import { expect, it } from 'vitest'
import { displayWidth, fitted, jsonText, printable, printableLines } from './printable.ts'

/** What a terminal, a pager or a bidirectional renderer would act on. */
const ACTS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/

it('writes what a terminal would act on as escapes', () => {
  expect(printable('a\x1b[31mred\x1b[0m')).toBe('a\\x1b[31mred\\x1b[0m')
  expect(printable('\x1b]0;title\x07')).toBe('\\x1b]0;title\\x07')
  expect(printable('\x9b2J')).toBe('\\x9b2J')
  expect(printable('line\nnext\r\tend\0')).toBe('line\\nnext\\r\\tend\\x00')
  expect(printable('user\u202etxt.exe')).toBe('user\\u202etxt.exe')
  expect(printable('a\u200bb\ufeff')).toBe('a\\u200bb\\ufeff')
  expect(printable('\ud800')).toBe('\\ud800')
})

it('leaves ordinary text of any language as it is', () => {
  for (const text of ['plain', 'naïve', 'Zoë Müller', '日本語', 'Привет', '🎉', 'C:\\temp\\new']) {
    expect(printable(text)).toBe(text)
  }
})

it('keeps line breaks and nothing else where text is shown whole', () => {
  expect(printableLines('one\r\ntwo\n\x1b[2J')).toBe('one\ntwo\n\\x1b[2J')
})

it('never lets anything through that acts on a terminal, for any text', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 60 })
  fc.assert(
    fc.property(texts, (text) => {
      expect(printable(text)).not.toMatch(ACTS)
      expect(jsonText({ [text]: [text] })).not.toMatch(ACTS)
      expect(JSON.parse(jsonText({ key: text }))).toEqual({ key: text })
    }),
  )
})

it('knows how wide text is', () => {
  expect(displayWidth('abc')).toBe(3)
  expect(displayWidth('日本')).toBe(4)
  expect(displayWidth('e\u0301')).toBe(1)
  expect(displayWidth('é🎉')).toBe(3)
})

it('fits any text into exactly the width asked for', () => {
  expect(fitted('abc', 5)).toBe('abc  ')
  expect(fitted('abc', 5, 'right')).toBe('  abc')
  expect(fitted('abcdef', 5)).toBe('abcd…')
  expect(fitted('日本語', 5)).toBe('日本…')
  expect(fitted('日本語', 4)).toBe('日… ')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
      expect(displayWidth(fitted(printable(text), width))).toBe(width)
    }),
  )
})
