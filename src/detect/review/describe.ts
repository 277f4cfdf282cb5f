/** What a rule looks for, in words. */
import type { BaselineRule, PackRule } from '../pack/pack.ts'
import { SEGMENT_RULE } from '../segment/segment.ts'
import type { Network } from '../sigma/network.ts'
import { patternText } from '../sigma/pattern.ts'
import type { Bound, CorrelationRule, RuleExpression } from '../sigma/rule.ts'
import type { Comparison, Item, Position, RuleNode, Test } from '../sigma/tree.ts'

/** Of a list more values than this are counted, not said. */
const VALUES_SAID = 12

/** A line of an explanation; deeper ones belong to the one before. */
export interface Line {
  readonly depth: number
  readonly text: string
}

/** Lines as indented text. */
export const linesText = (lines: readonly Line[]): string =>
  lines.map(({ depth, text }) => `${'  '.repeat(depth)}${text}\n`).join('')

/** A rule in words. Those it counts are called by name. */
export function ruleInWords(
  { rule }: Pick<PackRule, 'rule'>,
  titleOf: (name: string) => string = (name) => name,
): Line[] {
  if (rule.meta.name === SEGMENT_RULE)
    return [{ depth: 0, text: 'One event that reaches from one of the `environments` of the settings into another' }]
  if (rule.kind === 'detection') return [{ depth: 0, text: 'One event with' }, ...nodeInWords(rule.tree, 1)]
  if (rule.kind === 'baseline') return baselineInWords(rule)
  return correlationInWords(rule, titleOf)
}

/** A condition in words. */
export function nodeInWords(node: RuleNode, depth: number): Line[] {
  if (node.kind === 'item') return [{ depth, text: itemInWords(node) }]
  if (node.kind === 'selection') return [{ depth, text: `${node.name}:` }, ...nodeInWords(node.node, depth + 1)]
  if (node.kind === 'not') return [{ depth, text: 'not' }, ...nodeInWords(node.node, depth + 1)]
  if (node.nodes.length === 0) return [{ depth, text: node.kind === 'and' ? 'anything' : 'nothing' }]
  const word = node.kind === 'and' ? 'all of' : 'any of'
  return [{ depth, text: word }, ...node.nodes.flatMap((each) => nodeInWords(each, depth + 1))]
}

/** A line of a selection in words. */
export function itemInWords({ field, values, link, negated }: Item): string {
  const what = field ?? 'any value'
  const said = values.map((tests) => tests.map(testInWords).join(' or '))
  const [only] = said
  if (only === undefined) return `${what}: nothing fulfils it`
  if (values.flat().length === 1) return `${what} ${negated ? denied(only) : only}`
  const equal = values.flat().map((test) => /^is ("?[^ "]+"?|".*")$/.exec(testInWords(test))?.[1])
  if (link === 'any' && equal.every((text) => text !== undefined)) {
    return `${what} is ${negated ? 'none' : 'one'} of ${listed(equal)}`
  }
  const word = link === 'all' ? ' and ' : ' or '
  const rest = said.length - VALUES_SAID
  const shown = `${said.slice(0, VALUES_SAID).join(word)}${rest > 0 ? `${word}${rest} more` : ''}`
  return `${what} ${negated ? `does not fulfil: ${shown}` : shown}`
}

const denied = (text: string): string =>
  /^(is|has|lies) /.test(text) ? text.replace(/^(is|has|lies) /, '$1 not ') : `does not fulfil: ${text}`

const listed = (values: readonly (string | undefined)[]): string => {
  const rest = values.length - VALUES_SAID
  return `${values.slice(0, VALUES_SAID).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

const COMPARISONS: Readonly<Record<Comparison, string>> = {
  lt: 'is below',
  lte: 'is at most',
  gt: 'is above',
  gte: 'is at least',
}

const POSITIONS: Readonly<Record<Position, string>> = {
  whole: 'is the same as',
  start: 'starts with',
  end: 'ends with',
  inside: 'contains',
}

function testInWords(test: Test): string {
  switch (test.kind) {
    case 'text':
      return textInWords(test)
    case 'number':
    case 'boolean':
      return `is ${test.value}`
    case 'null':
      return 'has no value'
    case 'exists':
      return test.value ? 'is there' : 'is not there'
    case 'regex':
      return `matches /${test.pattern}/${test.flags}`
    case 'compare':
      return `${COMPARISONS[test.op]} ${test.value}`
    case 'time':
      return `by its ${test.part} ${test.op === 'eq' ? 'is' : COMPARISONS[test.op]} ${test.value}`
    case 'network':
      return `lies in ${networkInWords(test.network)}`
    case 'field':
      return `${POSITIONS[test.position]} ${test.field}`
  }
}

function textInWords({ pattern, cased }: Extract<Test, { kind: 'text' }>): string {
  const [first, ...rest] = pattern
  if (first === undefined) return 'is empty'
  const open = first.kind === 'any'
  const last = rest.at(-1)
  const endless = last?.kind === 'any'
  const inner = pattern.slice(open ? 1 : 0, endless ? -1 : undefined)
  const word = open && endless ? 'contains' : open ? 'ends with' : endless ? 'starts with' : 'is'
  const hasMore = inner.some(({ kind }) => kind === 'any' || kind === 'one')
  const text =
    hasMore || inner.length === 0 ? `is like ${patternText(pattern)}` : `${word} ${quoted(patternText(inner))}`
  return cased ? `${text} (case counts)` : text
}

const quoted = (text: string): string => (/^[\w./@:+-]+$/.test(text) ? text : JSON.stringify(text))

function networkInWords({ version, first, prefix }: Network): string {
  const parts = first.match(version === 4 ? /../g : /..../g) ?? []
  const numbers = parts.map((part) => Number.parseInt(part, 16).toString(version === 4 ? 10 : 16))
  const address = version === 4 ? numbers.join('.') : numbers.join(':').replace(/(^|:)0(:0)+$/, '::')
  return `${address}/${prefix}`
}

const SIGNS: Readonly<Record<Bound['op'], string>> = {
  gt: 'more than',
  gte: 'at least',
  lt: 'fewer than',
  lte: 'at most',
  eq: 'exactly',
  neq: 'other than',
}

const boundsInWords = (bounds: readonly Bound[]): string =>
  bounds.map(({ op, value }) => `${SIGNS[op]} ${value}`).join(' and ')

function correlationInWords(rule: CorrelationRule, titleOf: (name: string) => string): Line[] {
  const span = spanInWords(rule.timespanSecs)
  const group = rule.groupBy.length === 0 ? '' : ` with the same ${rule.groupBy.join(' and ')}`
  const names = rule.rules.map((name) => ({ depth: 1, text: titleOf(name) }))
  if (rule.expression !== undefined) {
    return [
      { depth: 0, text: `Within ${span}${group}: ${expressionInWords(rule.expression)}, where the rules are` },
      ...names,
    ]
  }
  return [{ depth: 0, text: `Within ${span}${group}: ${measureInWords(rule)}` }, ...names]
}

function measureInWords(rule: CorrelationRule): string {
  const bounds = boundsInWords(rule.bounds)
  const value = rule.fields.join(' and ')
  switch (rule.type) {
    case 'event_count':
      return `${bounds} matches of`
    case 'value_count':
      return `${bounds} different values of ${value} in matches of`
    case 'temporal':
      return `${bounds} of these`
    case 'temporal_ordered':
      return 'each of these, in this order'
    case 'value_percentile':
      return `the ${rule.percentile ?? 'own'} percentile of ${value} is ${bounds} in matches of`
    default:
      return `the ${MEASURES[rule.type]} of ${value} is ${bounds} in matches of`
  }
}

const MEASURES = { value_sum: 'sum', value_avg: 'average', value_median: 'median' } as const

function expressionInWords(node: RuleExpression): string {
  if (node.kind === 'rule') return node.rule
  if (node.kind === 'not') return `not ${expressionInWords(node.node)}`
  return `(${node.nodes.map(expressionInWords).join(` ${node.kind} `)})`
}

function baselineInWords(rule: BaselineRule): Line[] {
  return [
    { depth: 0, text: habitInWords(rule) },
    { depth: 0, text: 'where the events are those with' },
    ...nodeInWords(rule.select.tree, 1),
  ]
}

function habitInWords({ type, by, value, learnSecs, windowSecs, measure, threshold }: BaselineRule): string {
  const who = by.length === 0 ? 'the account' : by.join(' and ')
  const what = value.join(' and ')
  const window = spanInWords(windowSecs ?? 0)
  const history = `after ${spanInWords(learnSecs)} of history`
  const limits = Object.entries(threshold).map(([name, number]) => `${name} ${number}`)
  const beyond = limits.length === 0 ? '' : ` (${limits.join(', ')})`
  const counted =
    measure === 'count' ? 'events' : measure === 'sum' ? `the sum of ${what}` : `different values of ${what}`
  switch (type) {
    case 'first_seen':
      return `The first time that ${who} comes with ${what}, ${history}`
    case 'rare':
      return `A value of ${what} that is rare among the peers of ${who}${beyond}, ${history}`
    case 'spike':
      return `Far more than usual in ${window}${beyond}: ${counted} of ${who}, ${history}`
    case 'drop':
      return `Far less than usual in ${window}${beyond}: ${counted} of ${who}, ${history}`
    case 'off_hours':
      return `An event of ${who} outside working hours, ${history}`
    case 'impossible_travel':
      return `Two events of ${who} too far apart for the time between them${beyond}`
    case 'dormant':
      return `An event of ${who} after ${spanInWords(learnSecs)} of silence`
    case 'silent_source':
      return `No event of ${who} for ${window}, ${history}`
  }
}

const UNITS: readonly (readonly [secs: number, name: string])[] = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
]

/** Seconds in the largest unit that they are whole in. */
export function spanInWords(secs: number): string {
  const [size, name] = UNITS.find(([unit]) => secs >= unit && secs % unit === 0) ?? [1, 'second']
  const count = secs / size
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
