import { describe, expect, it } from 'vitest'
import { MARK } from './fit.ts'
import { anAlert } from './message.fixture.ts'
import { clipped, firstOf, wordsmith } from './wording.ts'

const item = (message: object) => ({ id: 'm-1', key: 'k', timeMs: 0, text: JSON.stringify(message) })

describe('a message in words', () => {
  it('says first what is new about it', () => {
    const titles = (['opened', 'resolved', 'escalated', 'test'] as const).map(
      (action) => wordsmith({})(item(anAlert({ action }))).words.title,
    )
    expect(titles).toEqual([
      '[high] Account admin granted',
      'Resolved: [high] Account admin granted',
      'Nobody has acknowledged: [high] Account admin granted',
      'Test: [high] Account admin granted',
    ])
  })

  it('leaves out what there is not', () => {
    const { entity: _, threat: __, ...rest } = anAlert({ tags: [], events: 0 })
    const names = wordsmith({})(item(rest)).words.facts.map(([name]) => name)
    expect(names).toEqual(['Severity', 'Status', 'Rule', 'First', 'Last', 'Alert'])
  })

  it('says that it was shortened, and bears what was left out then', () => {
    const { tags: _, because: __, runbook: ___, findings: ____, ...rest } = anAlert()
    const { words } = wordsmith({})(item({ ...rest, [MARK]: 1_234_567 }))
    expect(words.footer).toBe('Bricktrail, message m-1, shortened from 1,234,567 bytes')
    expect([words.because, words.runbook]).toEqual([[], []])
  })

  it('is not told by its own words that it was shortened', () => {
    const { words } = wordsmith({})(item(anAlert({ note: `"${MARK}":5` })))
    expect(words.footer).toBe('Bricktrail, message m-1')
  })

  it.each([
    ['https://trail.example.com/a', 'https://trail.example.com/a'],
    ['javascript:alert(1)', undefined],
    ['not an address', undefined],
  ])('links to %s as %s', (url, expected) => {
    expect(wordsmith({})(item(anAlert({ url }))).words.url).toBe(expected)
  })
})

describe('a text that is too long', () => {
  it('is cut between letters, with a sign', () => {
    expect([clipped('abc', 3), clipped('abcd', 3), clipped('🙂🙂', 3), clipped('🙂🙂🙂', 4)]).toEqual([
      'abc',
      'ab…',
      '🙂…',
      '🙂…',
    ])
  })

  it('of many lines ends with how many more there are', () => {
    expect(firstOf(['a', 'b', 'c', 'd'], 3, (more) => `and ${more} more`)).toEqual(['a', 'b', 'and 2 more'])
    expect(firstOf(['a', 'b'], 2, () => 'more')).toEqual(['a', 'b'])
  })
})
