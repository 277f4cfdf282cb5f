import { describe, expect, it } from 'vitest'
import { withFilters } from './filters.ts'
import { parseRules } from './parse.ts'

const rule = (name: string, service: string): string =>
  `title: ${name}\nname: ${name}\nlogsource:\n  product: databricks\n  service: ${service}\ndetection:\n  s:\n    a: 1\n  condition: s`
const filter = (rules: string, service: string): string =>
  `title: Quiet\nlogsource:\n  product: databricks\n${service}filter:\n  rules: ${rules}\n  selection:\n    b: 2\n  condition: not selection`

function filtered(...filters: string[]) {
  const { rules, problems } = parseRules(
    [rule('one', 'audit'), rule('two', 'other'), ...filters].join('\n---\n'),
    'f.yml',
  )
  expect(problems).toEqual([])
  const result = withFilters(
    rules.filter((each) => each.kind === 'detection'),
    rules.filter((each) => each.kind === 'filter'),
  )
  return {
    names: result.rules.filter(({ tree }) => tree.kind === 'and').map(({ meta }) => meta.name),
    problems: result.problems,
  }
}

describe('a filter', () => {
  it('is added to the rules it names', () => {
    expect(filtered(filter('[two]', '')).names).toEqual(['two'])
  })

  it('for any rule is added to those of its log source', () => {
    expect(filtered(filter('any', '  service: audit\n')).names).toEqual(['one'])
    expect(filtered(filter('any', '')).names).toEqual(['one', 'two'])
  })

  it('that names a rule of another log source is not added to it', () => {
    expect(filtered(filter('[two]', '  service: audit\n')).names).toEqual([])
  })

  it('that names a rule nobody has is warned of', () => {
    expect(filtered(filter('[three]', '')).problems[0]?.message).toContain('three')
  })
})
