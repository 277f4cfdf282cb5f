import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lastPart } from './path-part.ts'

describe('the last part of a path', () => {
  it('is whatever text was encoded into it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(lastPart(`/entities/actor/${encodeURIComponent(name)}`)).toBe(name)
      }),
    )
  })

  it('is left as it is where it is no encoding', () => {
    expect(lastPart('/entities/actor/100%')).toBe('100%')
    expect(lastPart('/entities/actor/a%2Fb%40c%2541')).toBe('a/b@c%41')
  })
})
