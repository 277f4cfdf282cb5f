import { expect, it } from 'vitest'
import { visibleText } from './plain.tsx'

it('text of events shows what would hide, move or recolour it', () => {
  expect(visibleText('a\u202eb\u0007\u001b[31mc\u200bd\u2066')).toBe('a\\u202eb\\x07\\x1b[31mc\\u200bd\\u2066')
  expect(visibleText('one\ntwo')).toBe('one\\ntwo')
  expect(visibleText('one\ntwo\r', true)).toBe('one\ntwo\\r')
  expect(visibleText('\ud800x\u{e0041}')).toBe('\\ud800x\\u{e0041}')
})

it('text of people stays as it is, in every script', () => {
  for (const text of ['Müller', '山田太郎', 'محمد', 'Ελένη', '<b>&amp;</b>', 'e\u0301'])
    expect(visibleText(text)).toBe(text)
})
