import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemText } from '../../../core/yaml/place.ts'
import { Engine } from '../../../engine/duckdb.ts'
import { lit } from '../../../engine/sql.ts'
import { textOfPattern } from '../../sigma/pattern.ts'
import type { DetectionRule } from '../../sigma/rule.ts'
import { fieldsOf, itemsOf, type RuleNode, type Test } from '../../sigma/tree.ts'
import { duckdb } from '../../sql/duckdb.ts'
import { jsonShape } from '../../sql/json-fields.ts'
import { RuleRunner } from '../../sql/runner.ts'
import { loadPack } from '../load.ts'
import { readRuleFile } from '../rule-file.ts'
import { newSite } from '../site.fixture.ts'
import { pipelineOf } from './pipeline.ts'

const pipe = (transformations: string, more = ''): string =>
  `name: test\n${more}transformations:\n${transformations.replaceAll(/^/gm, '  ')}\n`

const rule = (lines: string, more = ''): string =>
  `title: T\nname: t\nlogsource:\n  product: azure\n  service: audit\ndetection:\n  selection:\n${lines.replaceAll(/^/gm, '    ')}\n  condition: selection\n${more}`

function read(text: string, ...pipelines: string[]) {
  const made = pipelines.map((each) => {
    const { pipeline, problems } = pipelineOf(each, 'p.yml')
    expect(problems.map(problemText)).toEqual([])
    return pipeline
  })
  const context = { isShipped: false, overrides: [], watchlists: {}, examples: true }
  const ordered = made.filter((pipeline) => pipeline !== undefined).sort((a, b) => a.priority - b.priority)
  const file = readRuleFile(text, 'r.yml', { ...context, pipelines: ordered })
  return { rules: file.rules.map((draft) => draft.rule), told: file.problems.map(problemText), bearing: file.bearing }
}

const shown = (test: Test): string => {
  if (test.kind === 'text') {
    return (
      textOfPattern(test.pattern) ??
      test.pattern.map((p) => (p.kind === 'text' ? p.text : p.kind === 'any' ? '*' : '?')).join('')
    )
  }
  if (test.kind === 'field') return `=${test.field}`
  if (test.kind === 'number') return `#${test.value}`
  return test.kind === 'regex' ? `/${test.pattern}/` : test.kind
}

/** A tree on one line: `a=1 & (b=2 | c=3)`. */
function told(node: RuleNode): string {
  if (node.kind === 'item') return `${node.field ?? ''}=${node.values.flat().map(shown).join(',')}`
  if (node.kind === 'selection') return told(node.node)
  if (node.kind === 'not') return `!(${told(node.node)})`
  return `(${node.nodes.map(told).join(node.kind === 'and' ? ' & ' : ' | ')})`
}

/** The tree of a rule after a pipeline. */
function treeAfter(lines: string, transformations: string, more = ''): string {
  const { rules, told: problems } = read(rule(lines), pipe(transformations, more))
  expect(problems).toEqual([])
  return told((rules[0] as DetectionRule).tree)
}

describe('a transformation', () => {
  it.each([
    ['field_name_mapping', 'type: field_name_mapping\n  mapping: { a: x }', 'a: 1\nb: 2', '(x=#1 & b=#2)'],
    [
      'field_name_mapping to several',
      'type: field_name_mapping\n  mapping: { a: [x, y] }',
      'a: 1\nb: 2',
      '((x=#1 | y=#1) & b=#2)',
    ],
    ['field_name_mapping of references', 'type: field_name_mapping\n  mapping: { b: y }', 'a|fieldref: b', 'a==y'],
    [
      'field_name_prefix_mapping',
      'type: field_name_prefix_mapping\n  mapping: { win.: my. }',
      'win.a: 1\nb: 2',
      '(my.a=#1 & b=#2)',
    ],
    ['field_name_prefix', 'type: field_name_prefix\n  prefix: "e."', 'a|contains: x\nb: 2', '(e.a=*x* & e.b=#2)'],
    ['field_name_suffix', 'type: field_name_suffix\n  suffix: .s', 'a: 1', 'a.s=#1'],
    [
      'drop_detection_item',
      'type: drop_detection_item\n  field_name_conditions: [{ type: include_fields, fields: [a] }]',
      'a: 1\nb: 2',
      'b=#2',
    ],
    ['replace_string', "type: replace_string\n  regex: '^(\\w+)/'\n  replacement: '\\1:'", 'a: [x/y, 7]', 'a=x:y,#7'],
    [
      'replace_string beside wildcards',
      "type: replace_string\n  regex: '.+'\n  replacement: 'q*'\n  skip_special: true",
      'a: "*x"',
      'a=*q*',
    ],
    ['map_string', 'type: map_string\n  mapping: { x: [y, z], w: v }', 'a: x\nb: [w, u]', '(a=y,z & b=v,u)'],
    ['set_value', 'type: set_value\n  value: 5\n  force_type: str', 'a: [1, 2]', 'a=5'],
    ['convert_type to text', 'type: convert_type\n  target_type: str', 'a: [1, x]', 'a=1,x'],
    ['convert_type to number', 'type: convert_type\n  target_type: num', 'a: ["1", x]', 'a=#1,x'],
    ['case', 'type: case\n  method: snake_case', 'a: someNameHere', 'a=some_name_here'],
    ['wildcard_placeholders', 'type: wildcard_placeholders', 'a|expand: "x%who%y"', 'a=x*y'],
    ['add_condition', 'type: add_condition\n  conditions: { s: [1, 2] }', 'a: 1', '(a=#1 & s=#1,#2)'],
    [
      'add_condition, negated',
      'type: add_condition\n  negated: true\n  conditions: { s: 1, t: 2 }',
      'a: 1',
      '(a=#1 & !((s=#1 & t=#2)))',
    ],
    [
      'add_condition from the log source',
      'type: add_condition\n  template: true\n  conditions: { s: "$service-$product" }',
      'a: 1',
      '(a=#1 & s=audit-azure)',
    ],
    [
      'nest',
      'type: nest\n  items:\n    - { type: field_name_prefix, prefix: x. }\n    - { type: field_name_suffix, suffix: .y }',
      'a: 1',
      'x.a.y=#1',
    ],
    [
      'set_custom_attribute, which says nothing here',
      'type: set_custom_attribute\n  attribute: a\n  value: b',
      'a: 1',
      'a=#1',
    ],
  ])('%s changes a rule as it says', (_, item, lines, tree) => {
    expect(treeAfter(lines, `- ${item}`)).toBe(tree)
  })

  it('fills placeholders from vars, but for those it excludes', () => {
    const vars = 'vars:\n  who: [u, v]\n  where: [w]\n'
    const both = '- type: value_placeholders'
    expect(treeAfter('a|expand: "%who%@%where%"', both, vars)).toBe('a=u@w,v@w')
    const one = '- { type: value_placeholders, exclude: [where] }\n- type: wildcard_placeholders'
    expect(treeAfter('a|expand: "%who%@%where%"', one, vars)).toBe('a=u@*,v@*')
  })

  it('of lines reaches keywords and maps in lists', () => {
    const text =
      'title: T\nlogsource: { product: azure }\ndetection:\n  words: [x, y]\n  maps:\n    - a: x\n    - b: x\n  condition: words or maps\n'
    const { rules, told: problems } = read(text, pipe('- { type: map_string, mapping: { x: z } }'))
    expect(problems).toEqual([])
    expect(told((rules[0] as DetectionRule).tree)).toBe('((=*z* | =*y*) | (a=z | b=z))')
  })

  it('that leaves nothing of a rule makes it an error, and of a selection leaves that out', () => {
    const { rules, told: problems } = read(rule('a: 1'), pipe('- type: drop_detection_item'))
    expect([rules, problems]).toEqual([[], [expect.stringContaining('r.yml:6:1: error: Nothing is left')]])
    const text = rule('a: 1').replace('condition: selection', 'other:\n    b: 2\n  condition: selection and not other')
    const drop = '- { type: drop_detection_item, field_name_conditions: [{ type: include_fields, fields: [b] }] }'
    expect(told((read(text, pipe(drop)).rules[0] as DetectionRule).tree)).toBe('a=#1')
  })

  it('change_logsource puts a rule among other logs', () => {
    const { rules } = read(rule('a: 1'), pipe('- { type: change_logsource, product: databricks, service: audit }'))
    expect(rules[0]).toMatchObject({ logsource: { product: 'databricks', service: 'audit' } })
  })

  it.each([
    ['rule_failure', '- { type: rule_failure, message: Not for us. }'],
    ['detection_item_failure', '- { type: detection_item_failure, message: Not for us. }'],
  ])('%s refuses a rule with its message', (_, item) => {
    const { rules, told: problems } = read(rule('a: 1'), pipe(item))
    expect(rules).toEqual([])
    expect(problems).toEqual(['r.yml:1:1: error: A pipeline refuses the rule. Not for us. See the pipeline.'])
  })

  it('strict_field_mapping_failure refuses fields that no mapping names', () => {
    const items = '- { type: field_name_mapping, mapping: { a: x } }\n- type: strict_field_mapping_failure'
    expect(read(rule('a: 1'), pipe(items)).told).toEqual([])
    expect(read(rule('a: 1\nb: 2'), pipe(items)).told[0]).toContain('No mapping is known for b.')
  })
})

describe('a condition', () => {
  const bound = (condition: string): string =>
    `- type: field_name_prefix\n  prefix: x.\n${condition.replaceAll(/^/gm, '  ')}`

  it.each([
    ['rule_conditions: [{ type: logsource, product: Azure }]', true],
    ['rule_conditions: [{ type: logsource, product: azure, category: x }]', false],
    ['rule_conditions: [{ type: logsource, product: aws }, { type: is_sigma_rule }]\nrule_cond_op: or', true],
    ['rule_conditions: [{ type: logsource, product: azure }]\nrule_cond_not: true', false],
    [
      'rule_conditions: { one: { type: is_sigma_rule }, two: { type: tag, tag: attack.t1 } }\nrule_cond_expr: one and not two',
      true,
    ],
    ['rule_conditions: [{ type: is_sigma_correlation_rule }]', false],
    ['rule_conditions: [{ type: contains_field, field: a }]', true],
    ['rule_conditions: [{ type: contains_detection_item, field: a, value: KEY* }]', true],
    ['rule_conditions: [{ type: contains_detection_item, field: a, value: other }]', false],
    ['rule_conditions: [{ type: rule_attribute, attribute: level, value: medium, op: gte }]', true],
    ['rule_conditions: [{ type: rule_attribute, attribute: title, value: [T, U], op: not_in }]', false],
    ['rule_conditions: [{ type: processing_item_applied, processing_item_id: first }]', false],
    ['rule_conditions: [{ type: processing_state, key: k, val: v }]', false],
    ['detection_item_conditions: [{ type: match_string, cond: any, pattern: "(?i)KEY" }]', true],
    ['detection_item_conditions: [{ type: match_string, cond: any, pattern: ey }]', false],
    ['detection_item_conditions: [{ type: match_value, cond: all, value: key* }]', true],
    ['detection_item_conditions: [{ type: contains_wildcard, cond: any }]', true],
    ['detection_item_conditions: [{ type: is_null, cond: any }]', false],
    ['field_name_conditions: [{ type: include_fields, fields: ["[ab]$"], mode: re }]', true],
    ['field_name_conditions: [{ type: exclude_fields, fields: [a] }]', false],
  ])('%s', (condition, applies) => {
    const { rules, told: problems } = read(rule('a: key*', 'level: high\n'), pipe(bound(condition)))
    expect(problems).toEqual([])
    expect(fieldsOf((rules[0] as DetectionRule).tree)).toEqual([applies ? 'x.a' : 'a'])
  })

  it('sees what earlier items did', () => {
    const items = [
      '- { id: first, type: set_state, key: k, val: v }',
      '- { id: second, type: field_name_mapping, mapping: { a: b } }',
      bound(
        'rule_conditions: [{ type: processing_item_applied, processing_item_id: first }]\ndetection_item_conditions: [{ type: processing_item_applied, processing_item_id: second }]',
      ),
      '- { type: field_name_suffix, suffix: .y, rule_conditions: [{ type: processing_state, key: k, val: v }] }',
    ]
    expect(treeAfter('a: 1\nc: 2', items.join('\n'))).toBe('(x.b.y=#1 & c.y=#2)')
  })
})

describe('a pipeline', () => {
  it('maps what correlations and baselines group by, count and compare', () => {
    const correlation =
      'title: C\ncorrelation:\n  type: value_count\n  rules: [t]\n  group-by: [user, who]\n  timespan: 1h\n  aliases:\n    who: { t: user }\n  condition: { field: ip, gte: 3 }\n'
    const baseline =
      'title: B\nlogsource: { product: azure }\nbaseline:\n  type: first_seen\n  select: { s: { ip: 1 }, condition: s }\n  by: [user]\n  value: [ip]\n  learn: 1d\n'
    const mapping =
      '- type: field_name_mapping\n  mapping: { user: actor.email, ip: source_ip }\n  rule_conditions: [{ type: logsource, product: azure }]'
    const { rules, told: problems } = read([rule('ip: 1'), correlation, baseline].join('---\n'), pipe(mapping))
    expect(problems).toEqual([])
    expect(rules[1]).toMatchObject({
      groupBy: ['actor.email', 'who'],
      fields: ['source_ip'],
      aliases: { who: { t: 'actor.email' } },
    })
    expect(rules[2]).toMatchObject({
      by: ['actor.email'],
      value: ['source_ip'],
      select: { tree: { node: { field: 'source_ip' } } },
    })
  })

  it('that maps what a correlation groups by to several refuses it', () => {
    const correlation =
      'title: C\ncorrelation:\n  type: event_count\n  rules: [t]\n  group-by: [user]\n  timespan: 1h\n  condition: { gte: 3 }\n'
    const { told: problems } = read(
      `${rule('a: 1')}---\n${correlation}`,
      pipe('- { type: field_name_mapping, mapping: { user: [b, c] } }'),
    )
    expect(problems).toEqual([expect.stringContaining('The field user is mapped to several')])
  })

  it('of a lower priority is run first, and makes another version', () => {
    const [late, early] = [
      pipe('- { type: field_name_prefix, prefix: l. }', 'priority: 20\n'),
      pipe('- { type: field_name_prefix, prefix: e. }', 'priority: 10\n'),
    ]
    const { rules, bearing } = read(rule('a: 1'), late, early)
    expect(fieldsOf((rules[0] as DetectionRule).tree)).toEqual(['l.e.a'])
    expect(bearing).not.toBe(read(rule('a: 1'), late).bearing)
  })

  it('keeps the places of lines', () => {
    const { rules } = read(rule('a: 1\nb: 2'), pipe('- { type: field_name_prefix, prefix: e. }'))
    expect(itemsOf((rules[0] as DetectionRule).tree).map(({ place }) => place.line)).toEqual([8, 9])
  })

  it.each([
    [
      '- type: field_name_maping',
      'p.yml:3:5: error: The transformation field_name_maping is not run. Known here: add_condition, add_field,',
    ],
    ['- { type: http_placeholders }', 'A pipeline may not reach the network.'],
    ['- { type: field_name_prefix, prefx: a }', 'prefx is no key of transformations.0. Did you mean prefix?'],
    ['- { type: field_name_prefix }', 'transformations.0 has no prefix.'],
    ['- { type: field_name_mapping }', 'The transformation has no mapping.'],
    ['- { type: replace_string, regex: "(", replacement: a }', '( is no regular expression'],
    [
      '- { type: drop_detection_item, rule_conditions: [{ type: logsorce }] }',
      'type is logsorce. Use one of logsource, contains_field,',
    ],
    [
      '- { type: drop_detection_item, rule_conditions: { a: { type: is_sigma_rule } }, rule_cond_expr: a and b }',
      'There is no condition b.',
    ],
    ['- { type: case, method: title }', 'method is title. Use one of lower, upper, snake_case.'],
  ])('with a fault is refused with place and hint: %s', (items, message) => {
    const { pipeline, problems } = pipelineOf(pipe(items), 'p.yml')
    expect(pipeline).toBeUndefined()
    expect(problems.map(problemText).join('\n')).toContain(message)
    expect(problems.every(({ place }) => place.file === 'p.yml' && place.line >= 2)).toBe(true)
  })

  it('may have steps about queries, which are passed over with a warning', () => {
    const { pipeline, problems } = pipelineOf(
      `${pipe('- { type: case, method: lower }')}postprocessing:\n  - type: template\n`,
      'p.yml',
    )
    expect(pipeline).toBeDefined()
    expect(problems).toMatchObject([{ severity: 'warning', place: { line: 4 } }])
  })
})

describe("a site's pipelines", () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await Engine.open({ threads: 1 })
  })
  afterAll(() => engine.close())

  const theirs = `title: Secret read by a robot
logsource: { product: splunk, service: dbx }
detection:
  selection:
    svc: secrets
    act|startswith: get
  robots:
    agent|contains|expand: '%robots%'
  condition: selection and robots
`
  const mapping = `name: theirs
vars: { robots: [curl, python] }
transformations:
  - type: value_placeholders
  - type: field_name_mapping
    mapping: { svc: serviceName, act: actionName, agent: [userAgent, user_agent] }
  - type: add_condition
    conditions: { response.statusCode: 200 }
  - { type: change_logsource, product: databricks }
`

  it("make other people's rules match our records", async () => {
    const site = await newSite({
      'rules/r.yml': theirs,
      'p/p.yml': mapping,
      'detect.yaml': 'rules: rules\npipelines: [p/p.yml]\n',
    })
    try {
      const pack = await loadPack({ settingsFile: site.path('detect.yaml'), shipped: false, product: 'databricks' })
      expect(pack.problems).toEqual([])
      const rules = pack.rules.map((each) => each.rule as DetectionRule)
      const records = ['Python-urllib', 'Mozilla', 'curl/8'].map((userAgent, at) => ({
        serviceName: 'secrets',
        actionName: 'getSecret',
        userAgent,
        response: { statusCode: at === 2 ? 403 : 200 },
      }))
      await engine.run(
        `CREATE TABLE records AS SELECT * FROM (VALUES ${records.map((record, at) => `(${at}::BIGINT, ${lit(JSON.stringify(record))}::JSON)`).join(', ')}) AS v(record, json)`,
      )
      await new RuleRunner(engine, rules, jsonShape(duckdb, new Set()), duckdb).run('records')
      const found = await engine.rows('SELECT record::INTEGER AS record FROM temp.rule_matches')
      expect(found).toEqual([{ record: 0 }])
    } finally {
      await site.remove()
    }
  })

  it('that are broken are left out as a whole, and are told', async () => {
    const site = await newSite({
      'r.yml': theirs.replace(/ {2}robots:[\s\S]*condition.*/, '  condition: selection'),
      'p.yml': `${mapping}  - type: nonsense\n`,
    })
    try {
      const pack = await loadPack({
        folders: [site.path('r.yml')],
        pipelines: [site.path('p.yml'), site.path('q.yml')],
        shipped: false,
      })
      expect(pack.problems.map(({ message }) => message)).toEqual([
        'The transformation nonsense is not run.',
        expect.stringContaining('q.yml cannot be read: ENOENT.'),
      ])
      expect(pack.rules).toMatchObject([{ rule: { logsource: { product: 'splunk' } } }])
    } finally {
      await site.remove()
    }
  })
})
