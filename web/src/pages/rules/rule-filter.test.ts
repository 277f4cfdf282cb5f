import { describe, expect, it } from 'vitest'
import type { RuleRow } from '../../../../src/serve/shapes/rules.ts'
import { chosenRules, ruleFilterOf } from './rule-filter.ts'

const rule = (title: string, more: Partial<RuleRow> = {}): RuleRow => ({
  id: title,
  name: title.toLowerCase(),
  names: [title.toLowerCase()],
  title,
  kind: 'detection',
  threat: null,
  level: 'medium',
  status: null,
  enabled: true,
  overridden: false,
  techniques: [],
  tactics: [],
  findings: 0,
  lastFired: null,
  noise: null,
  problems: 0,
  file: `${title}.yml`,
  ...more,
})

const RULES = [
  rule('Beta', { findings: 3, level: 'high', noise: 0.9, techniques: ['T1078.004'] }),
  rule('Alpha', { enabled: false, techniques: ['T1485'] }),
  rule('Gamma', { findings: 3, level: 'critical', lastFired: '2026-11-20T00:00:00Z', overridden: true }),
]

const titles = (query: string): string[] =>
  chosenRules(RULES, ruleFilterOf(new URLSearchParams(query))).map(({ title }) => title)

describe('the list of rules', () => {
  it('begins with what fired most, alike ones by title', () => expect(titles('')).toEqual(['Beta', 'Gamma', 'Alpha']))

  it('is sorted by what is asked for, and as usual by what is not known', () => {
    expect(titles('sort=level')).toEqual(['Gamma', 'Beta', 'Alpha'])
    expect(titles('sort=lastFired')).toEqual(['Gamma', 'Alpha', 'Beta'])
    expect(titles('sort=nonsense')).toEqual(titles(''))
  })

  it('finds words anywhere, all of them', () => {
    expect(titles('text=alp%20T1485')).toEqual(['Alpha'])
    expect(titles('text=alp%20T1078')).toEqual([])
  })

  it('finds a technique with its parts', () => {
    expect(titles('technique=T1078')).toEqual(['Beta'])
    expect(titles('technique=T107')).toEqual([])
  })

  it('shows groups', () => {
    expect(titles('show=off')).toEqual(['Alpha'])
    expect(titles('show=fired')).toEqual(['Beta', 'Gamma'])
    expect(titles('show=noisy')).toEqual(['Beta'])
    expect(titles('show=changed')).toEqual(['Gamma'])
    expect(titles('show=problems')).toEqual([])
  })
})
