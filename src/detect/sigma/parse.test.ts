import { describe, expect, it } from 'vitest'
import { problemText } from '../../core/yaml/place.ts'
import { parseRules } from './parse.ts'
import type { DetectionRule } from './rule.ts'

const HEAD = 'title: T\nlogsource:\n  product: databricks\n'

const rule = (detection: string): string =>
  `${HEAD}detection:\n${detection
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')}\n`

const problemsOf = (text: string): string[] => parseRules(text, 'r.yml').problems.map(problemText)

describe('a rule file', () => {
  it('gives detections, correlations and filters from several documents', () => {
    const text = [
      rule('selection:\n  a: 1\ncondition: selection').replace('title: T', 'title: T\nname: first\nrunbook: look'),
      'title: C\ncorrelation:\n  type: event_count\n  rules: [first]\n  group-by: [actor.email]\n  timespan: 90m\n  condition:\n    gte: 5\n    lt: 100',
      `title: F\nlogsource:\n  product: databricks\nfilter:\n  rules: [first]\n  selection:\n    a: 2\n  condition: not selection`,
    ].join('\n---\n')
    const { rules, problems } = parseRules(text, 'r.yml')
    expect(problems).toEqual([])
    expect(rules.map(({ kind }) => kind)).toEqual(['detection', 'correlation', 'filter'])
    expect(rules[0]?.meta).toMatchObject({ title: 'T', name: 'first', custom: { runbook: 'look' }, place: { line: 1 } })
    expect(rules[1]).toMatchObject({
      timespanSecs: 5400,
      groupBy: ['actor.email'],
      bounds: [
        { op: 'gte', value: 5 },
        { op: 'lt', value: 100 },
      ],
    })
    expect(rules[2]).toMatchObject({ rules: ['first'] })
  })

  it('takes digits that begin with a nought as they are written', () => {
    const { rules } = parseRules(
      'title: a\nlogsource: {}\ndetection:\n  sel: { code: [00000429, 429, 0, -7] }\n  condition: sel\n',
      'a.yml',
    )
    expect(JSON.stringify(rules[0]?.kind === 'detection' ? rules[0].tree : '')).toContain('00000429')
  })

  it('keeps its good documents where others are broken', () => {
    const good = rule('selection:\n  a: 1\ncondition: selection')
    const { rules, problems } = parseRules(`title: "open\n---\n${good}---\n- a list\n---\n${good}`, 'r.yml')
    expect(rules).toHaveLength(2)
    expect(problems.map(({ place }) => place.line)).toEqual([1, 11])
    expect(rules.map(({ meta }) => meta.place.line)).toEqual([3, 13])
  })

  it('that is empty gives nothing, with no complaint', () => {
    expect(parseRules('# nothing\n---\n---\n', 'r.yml')).toEqual({ rules: [], problems: [] })
  })

  it('may hold numbers of any size and digits', () => {
    const [found] = parseRules(rule('selection:\n  id: 12345678901234567890\ncondition: selection'), 'r.yml').rules
    expect((found as DetectionRule).tree).toMatchObject({
      node: { values: [[{ kind: 'number', value: 12345678901234567890n }]] },
    })
  })

  it('says which key stands twice', () => {
    expect(problemsOf(rule('selection:\n  a: 1\n  a: 2\ncondition: selection'))[0]).toContain('r.yml:7:5: error:')
  })

  it('is refused where it repeats itself by aliases without end', () => {
    const bomb = Array.from(
      { length: 9 },
      (_, at) => `k${at}: &k${at} [${at === 0 ? 'x' : `*k${at - 1}, *k${at - 1}, *k${at - 1}`}]`,
    )
    expect(problemsOf(`${bomb.join('\n')}\ntitle: T`)[0]).toContain('cannot be read')
  })
})

describe('what is wrong is said with its place', () => {
  it.each([
    ['title: T\ndetection:\n  a:\n    b: 1\n  condition: a', '1:1', 'no `logsource`'],
    [
      `${HEAD}level: severe\ndetection:\n  a:\n    b: 1\n  condition: a`,
      '4:1',
      'informational, low, medium, high, critical',
    ],
    [`${HEAD}id: 12\ndetection:\n  a:\n    b: 1\n  condition: a`, '4:1', 'not a text'],
    ['title: T', '1:1', 'This is no rule'],
    ['title: T\naction: global\ndetection: {}', '2:1', 'Sigma 1'],
    [rule('a:\n  b: 1\ncondition: a and nope'), '7:20', 'There is no selection nope'],
    [rule('a:\n  b: 1\ncondition: "a and (a"'), '7:21', 'not closed'],
    [rule('a:\n  b: 1\ncondition: 1 of x*'), '7:19', 'No selection is called x*'],
    [rule('a:\n  b: 1\ncondition: a | count() > 5'), '7:16', 'correlation'],
    [rule('a:\n  b: 1\ncondition: 2 of them'), '7:14', '1 of or all of'],
    [rule('a:\n  b|nope: 1\ncondition: a'), '6:5', 'no modifier nope'],
    [rule('a:\n  b|Contains: x\ncondition: a'), '6:5', 'Write contains.'],
    [rule('a:\n  b|contains|contains: x\ncondition: a'), '6:5', 'twice'],
    [rule('a:\n  b|re: a(?=b)\ncondition: a'), '6:12', 'look-ahead'],
    [rule("a:\n  b|re: '(a)\\1'\ncondition: a"), '6:15', 'references back'],
    [rule('a:\n  b|re|contains: a\ncondition: a'), '6:5', 'contains cannot stand beside re'],
    [rule('a:\n  b|contains|base64: a\ncondition: a'), '6:5', 'Put contains behind base64'],
    [rule('a:\n  b|base64: "a*"\ncondition: a'), '6:5', 'cannot encode a wildcard'],
    [rule('a:\n  b|lt: "5"\ncondition: a'), '6:5', 'takes a number'],
    [rule('a:\n  b|cidr: 10.0.0.0/33\ncondition: a'), '6:5', 'is no network'],
    [rule('a:\n  b|exists: yes\ncondition: a'), '6:5', 'true or false'],
    [rule('a:\n  b|contains|all: x\ncondition: a'), '6:5', 'there is one'],
    [rule('a:\n  b:\n    - x\n    - null\ncondition: a'), '6:5', 'null cannot stand in a list'],
    [rule('a:\n  b|expand: "x%users%"\ncondition: a'), '6:17', '%users%'],
    [rule('a:\n  b:\n    c: 1\ncondition: a'), '6:5', 'with dots'],
    [rule('a:\n  b|hour: 24\ncondition: a'), '6:5', 'No hour is 24'],
    [rule('a:\n  b|utf16: é\ncondition: a'), '6:5', 'base64'],
    [rule('a: []\ncondition: a'), '5:3', 'empty'],
    [rule('a:\n  - "*"\ncondition: a'), '6:7', 'in every record'],
    [rule('a:\n  - "|startswith": x\ncondition: a'), '6:7', 'needs a field'],
  ])('%#', (text, place, words) => {
    const [first = ''] = problemsOf(text)
    expect(first).toContain(`r.yml:${place}: error:`)
    expect(first).toContain(words)
    expect(parseRules(text, 'r.yml').rules).toEqual([])
  })

  it('as a warning only, where the rule can be used all the same', () => {
    const { rules, problems } = parseRules(
      `${rule('a:\n  b: 1\ntimeframe: 5m\ncondition: a')}date: 2020/01/01\ntags: [T1078]\nstatus: old\n`,
      'r.yml',
    )
    expect(rules).toHaveLength(1)
    expect(rules[0]).toMatchObject({ timeframeSecs: 300 })
    expect(problems.map(({ severity }) => severity)).toEqual(['warning', 'warning', 'warning', 'warning'])
    expect(problems.map(({ hint }) => hint)).toContain('Write a date as YYYY-MM-DD.')
  })
})

describe('a correlation', () => {
  const correlation = (lines: string): string => `title: C\ncorrelation:\n${lines.replaceAll(/^/gm, '  ')}\n`
  const rest = 'rules: [a, b]\ngroup-by: [x]\ntimespan: 1h'

  it.each([
    [`type: event_count\n${rest}`, 'has no condition'],
    [`type: value_count\n${rest}\ncondition:\n  gte: 2`, 'Add `field:`'],
    [`type: event_count\nrules: [a]\ntimespan: 1x\ncondition:\n  gte: 2`, 'no span of time'],
    [`type: event_count\n${rest}\ncondition:\n  min: 2`, 'no comparison'],
    [`type: event_count\n${rest}\ncondition: a and b`, 'Only temporal types'],
    [`type: temporal\n${rest}\ncondition: a and c`, 'c is not among the rules'],
    [`type: temporal\n${rest}\naliases:\n  u:\n    c: field`, 'c is not among the rules'],
    [`type: counting\n${rest}`, 'event_count, temporal'],
    [`type: temporal_ordered\n${rest}\ncondition: a and b`, 'no order of rules'],
    [`type: temporal_ordered\n${rest}\ncondition:\n  gte: 1`, 'use temporal, which has no order'],
    ['type: event_count\nrules: [a]\ntimespan: 999999999d\ncondition:\n  gte: 2', 'Write 3660d at most'],
  ])('is refused: %s', (lines, words) => {
    const { rules, problems } = parseRules(correlation(lines), 'c.yml')
    expect(rules).toEqual([])
    expect(problems.map(problemText).join('\n')).toContain(words)
  })

  it('of rules in their order takes a bound that says no more than all of them', () => {
    const { rules, problems } = parseRules(
      correlation(`type: temporal_ordered\n${rest}\ncondition:\n  gte: 2`),
      'c.yml',
    )
    expect(problems).toEqual([])
    expect(rules).toHaveLength(1)
  })

  it('of a temporal type takes an expression, or wants every rule', () => {
    const [plain] = parseRules(correlation(`type: temporal\n${rest}`), 'c.yml').rules
    expect(plain).toMatchObject({ bounds: [{ op: 'gte', value: 2 }] })
    const [boolean] = parseRules(correlation(`type: temporal\n${rest}\ncondition: a and not b`), 'c.yml').rules
    expect(boolean).toMatchObject({
      expression: {
        kind: 'and',
        nodes: [
          { kind: 'rule', rule: 'a' },
          { kind: 'not', node: { kind: 'rule', rule: 'b' } },
        ],
      },
    })
  })
})

describe('a placeholder of an empty list', () => {
  const treeOf = (line: string) => {
    const { rules, problems } = parseRules(rule(`a:\n  ${line}\ncondition: a`), 'r.yml', {
      placeholders: { none: [], some: ['x'] },
    })
    expect(problems).toEqual([])
    const { tree } = rules[0] as DetectionRule
    return tree.kind === 'selection' ? tree.node : tree
  }

  it.each([
    "b|expand: '%none%'",
    "b|contains|expand: '%none%'",
    "b|contains|all|expand: ['%none%', x]",
    "b|cidr|expand: '%none%'",
  ])('matches nothing: %s', (line) => expect(treeOf(line)).toEqual({ kind: 'or', nodes: [] }))

  it('is matched by everything where the line says neq', () => {
    expect(treeOf("b|neq|expand: '%none%'")).toEqual({ kind: 'and', nodes: [] })
  })

  it('leaves the other values of a line as they are', () => {
    expect(treeOf("b|expand: ['%none%', '%some%']")).toMatchObject({ kind: 'item', values: [[{ kind: 'text' }]] })
  })
})
