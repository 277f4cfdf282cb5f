import { expect, it } from 'vitest'
import { changeOf, foreignEvents } from './live-change.ts'

it('tells the record of use from events of the account', () => {
  expect(foreignEvents({ added: 5, own: 3 })).toBe(2)
  expect(foreignEvents({ added: 5 })).toBe(5)
  expect(foreignEvents({})).toBe(0)
  expect(foreignEvents({ added: 3, own: 3, rejects: 0 })).toBe(0)
})

it('takes a change without numbers for any number', () => {
  expect(foreignEvents({ added: 0, own: 0, rejects: 0 })).toBe(Number.POSITIVE_INFINITY)
  expect(foreignEvents({ added: 0, own: 0, rejects: 2 })).toBe(0)
})

it('reads what is no change as an empty one', () => {
  expect(changeOf('{"added":1}')).toEqual({ added: 1 })
  for (const text of ['', '{', 'null', '7']) expect(changeOf(text)).toEqual({})
})
