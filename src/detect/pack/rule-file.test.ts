import { describe, expect, it } from 'vitest'
import { problemText } from '../../core/yaml/place.ts'
import type { BaselineRule } from './pack.ts'
import { readRuleFile } from './rule-file.ts'
import { simpleRule } from './site.fixture.ts'

const CONTEXT = { isShipped: false, overrides: [], watchlists: {}, pipelines: [], examples: true }

const read = (text: string, examples = true) => {
  const file = readRuleFile(text, 'r.yml', { ...CONTEXT, examples })
  return { ...file, told: file.problems.map(problemText) }
}

const baseline = (lines: string): string =>
  `title: B\nlogsource:\n  product: databricks\nbaseline:\n${lines.replaceAll(/^/gm, '  ')}\n`

const SPIKE = `type: spike
select:
  selection:
    actionName: login
  condition: selection
by: [actor.email]
learn: 14d
window: 1h
threshold: { z: 6, floor: 100 }`

describe('a baseline', () => {
  it('is read with its selection, spans in seconds', () => {
    const { rules, told } = read(baseline(`${SPIKE}\nmeasure: distinct\nvalue: [targets.name, action]`))
    expect(told).toEqual([])
    expect(rules[0]).toMatchObject({ key: 'B', level: 'medium' })
    expect(rules[0]?.rule).toMatchObject({
      kind: 'baseline',
      type: 'spike',
      select: { kind: 'detection', meta: { title: 'B' }, logsource: { product: 'databricks' } },
      by: ['actor.email'],
      value: ['targets.name', 'action'],
      learnSecs: 1_209_600,
      windowSecs: 3600,
      measure: 'distinct',
      threshold: { z: 6, floor: 100 },
    } satisfies Partial<Record<keyof BaselineRule, unknown>>)
  })

  it.each([
    ['type: spike', 'type: spyke', 'r.yml:5:3: error: type is spyke. Use one of first_seen,'],
    ['window: 1h', 'windw: 1h', 'r.yml:12:3: error: windw is no key of baseline. Did you mean window?'],
    ['window: 1h\n', '', 'r.yml:4:1: error: A baseline has no window. Add `window:`.'],
    ['learn: 14d', 'learn: a while', 'r.yml:11:3: error: a while is no span of time.'],
    ['z: 6', 'zz: 6', 'error: zz is no key of baseline.threshold.'],
    ['z: 6', 'z: high', 'error: z takes a number, not below zero.'],
    ['by: [actor.email]\n', '', 'error: A baseline has no by.'],
    ['window: 1h', 'window: 1h\nmeasure: sum', 'error: sum is about values of a field, and none is named.'],
    [
      'window: 1h',
      'window: 1h\nhours: { from: "7" }',
      'r.yml:13:3: error: from and to of hours are two different times',
    ],
    ['window: 1h', 'window: 1h\ntime_zone: Mars', 'r.yml:13:3: error: Mars is no time zone.'],
    ['actionName: login', 'actionName|kontains: login', 'r.yml:8:7: error: '],
    ['condition: selection', 'condition: selektion', 'r.yml:9:16: error: There is no selection selektion.'],
  ])('is refused with its place where %s is %s', (from, to, told) => {
    const file = read(baseline(SPIKE.replace(from, to)))
    expect(file.rules).toEqual([])
    expect(file.told.join('\n')).toContain(told)
  })
})

describe('the bricktrail block', () => {
  const block = (lines: string): string => simpleRule('a', undefined, `bricktrail:\n${lines.replaceAll(/^/gm, '  ')}\n`)

  it('is read whole', () => {
    const { rules, told } = read(
      block(`threat: persistence
covers: ['1.2 One']
controls: { soc2: [CC6.1], pci: ['7.2', 8] }
entity: actor.email
unlisted: [{ name: a.b, reason: why }]
runbook:
  - title: What
    sql: SELECT 1
examples:
  fires:
    - name: one
      as_of: 2026-11-02T09:00:00Z
      records: [{ a: 1 }]
  silent:
    - { name: two, records: [{ a: 2 }] }`),
    )
    expect(told).toEqual([])
    expect(rules[0]?.content).toEqual({
      threat: 'persistence',
      covers: ['1.2 One'],
      controls: { soc2: ['CC6.1'], pci: ['7.2', '8'] },
      entity: 'actor.email',
      unlisted: [{ name: 'a.b', reason: 'why' }],
      runbook: [{ title: 'What', sql: 'SELECT 1' }],
      fires: [{ name: 'one', asOf: '2026-11-02T09:00:00Z', records: [{ a: 1 }] }],
      silent: [{ name: 'two', records: [{ a: 2 }] }],
      parameters: [],
    })
  })

  it.each([
    ['threat: persistance', 'r.yml:10:3: warning: threat is persistance. Use one of '],
    ['entiti: a', 'r.yml:10:3: warning: entiti is no key of bricktrail. Did you mean entity?'],
    ['feeds: "yes"', 'r.yml:10:3: warning: feeds is a text. Write true or false, without quotes.'],
    ['runbook: [{ title: a }]', 'warning: bricktrail.runbook.0 has no sql. Add `sql:`.'],
    ['parameters: [{ name: a, value: {} }]', 'warning: A parameter has no value.'],
    ['parameters: [{ name: a b, value: 1 }]', 'warning: a b is no name of a parameter.'],
    ['examples: { fires: [{ name: a }] }', 'warning: An example has no list of records.'],
  ])('with a fault is warned of at its place, and the rule stays: %s', (line, told) => {
    const file = read(block(line))
    expect(file.rules).toHaveLength(1)
    expect(file.told.join('\n')).toContain(told)
  })

  it('is read without its examples where they are not asked for, lines and places as they were', () => {
    const examples = 'examples:\n  fires:\n    - name: one\n\n      records: [{ a: 1 }]\n  silent: []\nentiti: x'
    const { rules, told } = read(block(examples), false)
    expect(rules[0]?.content).toMatchObject({ fires: [], silent: [] })
    expect(told).toEqual([expect.stringContaining('r.yml:16:3: warning: entiti')])
  })

  it('is where examples are looked for, not in what else has lines that look like them', () => {
    const text = simpleRule('a', undefined, 'description: |\n  examples:\n   of words\nbricktrail:\n  entity: a\n')
    expect(read(text, false).rules[0]?.rule.meta.description).toBe('examples:\n of words\n')
  })

  it('is read whole after all where the rest leans on its examples', () => {
    const shared = 'examples:\n  fires:\n    - name: &n one\n      records: [{ a: 1 }]\nentity: *n'
    expect(read(block(shared), false).rules[0]?.content).toMatchObject({ entity: 'one' })
  })
})

describe('a version', () => {
  const bearing = (text: string): string => read(text).bearing
  const rule = simpleRule('a', undefined, 'level: low\n')

  it.each([
    ['title: Rule a', 'title: Rule b'],
    ['actionName: login', 'actionName: logout'],
    ['level: low', 'level: high'],
    ['level: low', 'tags: [attack.t1078]\nlevel: low'],
    ['level: low', 'level: low\nbricktrail: { entity: actor.email }'],
  ])('is another where %s is %s', (from, to) => {
    expect(bearing(rule.replace(from, to))).not.toBe(bearing(rule))
  })

  it('is the same where only words for people and examples differ', () => {
    const block = 'bricktrail:\n  examples: { fires: [{ name: a, records: [{ a: 1 }] }] }\n'
    const described = rule.replace('level:', 'description: What it means.\nlevel:')
    expect(bearing(described + block)).toBe(bearing(rule))
  })
})
