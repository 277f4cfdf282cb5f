import { describe, expect, it } from 'vitest'
import { notesIn } from './rule-notes.ts'

const RULE = { names: ['5b1f', 'failed_login_spike'] }

describe('the notes about a rule', () => {
  it('are those that changes left at its overrides and where it is off, and no other comments', () => {
    const text = `# 2026-11-01 eve: of the file
overrides:
  # Too loud in summer.
  failed_login_spike:
    # 2026-11-12 ana: less: loud
    # 2026-11-14 bob: again
    level: low
    parameters:
      # 2026-11-13 not a change
      floor: 20
  other:
    # 2026-11-12 eve: of another
    level: high
disabled:
  - 5b1f # 2026-11-10 ana: a move
  - other # 2026-11-10 eve: of another
`
    expect(notesIn(text, RULE)).toEqual([
      { day: '2026-11-10', who: 'ana', why: 'a move' },
      { day: '2026-11-12', who: 'ana', why: 'less: loud' },
      { day: '2026-11-14', who: 'bob', why: 'again' },
    ])
  })

  it.each(['', '- a list', 'overrides: [', 'overrides: 1\ndisabled: x'])('are none in %j', (text) => {
    expect(notesIn(text, RULE)).toEqual([])
  })
})
