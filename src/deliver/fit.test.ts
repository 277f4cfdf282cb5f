import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, fitted, grouped, MARK } from './fit.ts'

const item = (text: string) => ({ id: 'i', key: 'k', timeMs: 0, text })

describe('an item that is too long', () => {
  it('stays JSON, keeps its short members, and says how long it was', () => {
    const text = JSON.stringify({ id: 'e-1', who: 'ana', text: 'x'.repeat(5000), list: ['y'.repeat(5000)] })
    const value = JSON.parse(fitted(item(text), { itemBytes: 1500 }).text) as Record<string, unknown>
    expect(value).toMatchObject({ id: 'e-1', who: 'ana', [MARK]: text.length })
    expect(String(value.text).endsWith('…')).toBe(true)
  })

  it('keeps what stands first of many short members', () => {
    const text = JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`key${n}`, `value ${n}`])))
    const value = JSON.parse(fitted(item(text), { itemBytes: 1000 }).text) as Record<string, unknown>
    expect(value).toMatchObject({ key0: 'value 0', [MARK]: text.length })
  })

  it('of another kind is cut at its end, with a mark, and in no escape', () => {
    const line = `CEF:0|a|b|1|c|d|5|msg=${'\\='.repeat(500)}`
    const { text } = fitted(item(line), { itemBytes: 200 })
    expect(text.endsWith(` ${MARK}=${line.length}`)).toBe(true)
    expect(text.slice(0, text.lastIndexOf(' '))).toMatch(/msg=(\\=)+$/)
  })

  it('fits afterwards, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 200, maxLength: 2000 }), fc.boolean(), (words, isJson) => {
        const text = isJson ? JSON.stringify({ words, id: 'x' }) : words
        const made = fitted(item(text), { itemBytes: 400 }).text
        expect(Buffer.byteLength(made)).toBeLessThanOrEqual(Math.max(400, Buffer.byteLength(text) <= 400 ? 400 : 0))
        expect(made.isWellFormed()).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a cut', () => {
  it('leaves no half of a letter', () => {
    expect([cut('aé', 2), cut('aé', 3), cut('🙂', 3), cut('abc', 0)]).toEqual(['a', 'aé', '', ''])
  })
})

describe('groups for a request', () => {
  it('hold no more than they may, and what is too big goes alone', () => {
    const entries = ['aa', 'bb', 'c'.repeat(50), 'd', 'e', 'f'].map((text) => ({ item: item(text) }))
    const limits = { items: 2, bytes: 10, itemBytes: 100, itemOverhead: 1 }
    const groups = grouped(entries, limits).map((group) => group.map((entry) => entry.item.text[0]).join(''))
    expect(groups).toEqual(['ab', 'c', 'de', 'f'])
  })

  it('are of one UTC day where that is asked for', () => {
    const times = ['12T22:00', '12T23:59:59.999', '13T00:00', '13T00:01', '12T23:00']
    const entries = times.map((time) => ({
      item: { ...item('a'), timeMs: Date.parse(`2026-11-${time}Z`.replace(/(T\d\d:\d\d)Z/, '$1:00Z')) },
    }))
    const limits = { items: 10, bytes: 100, itemBytes: 100, itemOverhead: 1 }
    expect(grouped(entries, limits).map((group) => group.length)).toEqual([5])
    expect(grouped(entries, { ...limits, sameDay: true }).map((group) => group.length)).toEqual([2, 2, 1])
  })
})
