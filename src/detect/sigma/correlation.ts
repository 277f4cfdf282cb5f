/** The `correlation` of a correlation rule. */

import { isYamlList, isYamlMap, type YamlDocument, type YamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import { type Condition, readCondition } from './condition.ts'
import { Fault } from './fault.ts'
import { metaOf, placesOf } from './meta.ts'
import {
  type Bound,
  CONDITION_OPERATORS,
  CORRELATION_TYPES,
  type CorrelationRule,
  type CorrelationType,
  type RuleExpression,
} from './rule.ts'
import { timespanSecs } from './timespan.ts'

/** What a condition gives besides the rule's own keys. */
type ReadCondition = Pick<CorrelationRule, 'bounds' | 'fields' | 'percentile' | 'expression'>

/** The longest window, ten years: no log goes back further, and the engine's spans end somewhere. */
export const LONGEST_TIMESPAN_SECS = 3660 * 86_400

const isTemporal = (type: CorrelationType): boolean => type === 'temporal' || type === 'temporal_ordered'

/** Reads a correlation whose schema holds; undefined if an error was reported. */
export function readCorrelation(document: YamlDocument): CorrelationRule | undefined {
  const section = document.value.correlation as YamlMap
  const before = document.problems.length
  const type = CORRELATION_TYPES.find((known) => known === section.type) ?? 'event_count'
  const rules = textsOf(section.rules)
  const groupBy = textsOf(section['group-by'])
  if (rules.length === 0) {
    document.error(['correlation', 'rules'], 'No rules are named.', 'Name rules by id or name.')
  }
  const timespan = timespanSecs(String(section.timespan))
  if (timespan === undefined) {
    document.error(
      ['correlation', 'timespan'],
      `${String(section.timespan)} is no span of time.`,
      'Write 90s, 15m, 24h or 7d.',
    )
  } else if (timespan > LONGEST_TIMESPAN_SECS) {
    document.error(
      ['correlation', 'timespan'],
      `${String(section.timespan)} is longer than any log goes back.`,
      'Write 3660d at most.',
    )
  }
  const condition = conditionOf(section, type, rules, document)
  const aliases = aliasesOf(section, rules, document)
  const generate = section.generate ?? document.value.generate
  if (document.problems.slice(before).some(({ severity }) => severity === 'error') || timespan === undefined)
    return undefined
  return {
    kind: 'correlation',
    meta: metaOf(document),
    type,
    rules,
    places: placesOf(section.rules, ['correlation', 'rules'], document),
    groupBy,
    timespanSecs: timespan,
    ...condition,
    aliases,
    generate: generate === true,
  }
}

const textsOf = (value: YamlValue | undefined): string[] =>
  isYamlList(value) ? value.map(String) : typeof value === 'string' ? [value] : []

const CONDITION = ['correlation', 'condition']

function conditionOf(
  section: YamlMap,
  type: CorrelationType,
  rules: readonly string[],
  document: YamlDocument,
): ReadCondition {
  const condition = section.condition
  if (condition === undefined || condition === null) return withoutCondition(type, rules, document)
  if (typeof condition === 'string') return booleanCondition(condition, type, rules, document)
  if (!isYamlMap(condition)) {
    document.error(CONDITION, 'The condition is no map.', 'Write `condition:` and below it `gte: 10`.')
    return { bounds: [], fields: [] }
  }
  const bounds = boundsOf(condition, document)
  if (type === 'temporal_ordered' && bounds.length > 0 && !isOfAll(bounds, rules.length)) {
    document.error(CONDITION, 'temporal_ordered takes all of its rules, whatever the condition says.', ORDERED_HINT)
  }
  const fields = textsOf(condition.field)
  if (type.startsWith('value_') && fields.length === 0) {
    document.error(CONDITION, `${type} counts values of a field, and none is named.`, 'Add `field:` to the condition.')
  }
  if (type !== 'value_count' && fields.length > 1) {
    document.error([...CONDITION, 'field'], `${type} works on one field.`, 'Name one field.')
  }
  if (!type.startsWith('value_') && fields.length > 0) {
    document.warning(
      [...CONDITION, 'field'],
      `${type} counts events, so field says nothing.`,
      'Use value_count, or remove it.',
    )
  }
  return { bounds, fields, ...percentileOf(condition, type, document) }
}

const ORDERED_HINT = 'Remove the condition, or use temporal, which has no order.'

const HOLDS: Readonly<Record<Bound['op'], (count: number, value: number) => boolean>> = {
  gt: (count, value) => count > value,
  gte: (count, value) => count >= value,
  lt: (count, value) => count < value,
  lte: (count, value) => count <= value,
  eq: (count, value) => count === value,
  neq: (count, value) => count !== value,
}

/** True of bounds that all rules meet, and no fewer. */
function isOfAll(bounds: readonly Bound[], rules: number): boolean {
  const met = Array.from({ length: rules }, (_, at) => bounds.every(({ op, value }) => HOLDS[op](at + 1, value)))
  return met.indexOf(true) === rules - 1
}

function withoutCondition(type: CorrelationType, rules: readonly string[], document: YamlDocument): ReadCondition {
  if (!isTemporal(type)) {
    document.error(['correlation'], `${type} has no condition.`, 'Add `condition:` and below it `gte: 10`.')
  }
  // Every rule it refers to has to match.
  return { bounds: [{ op: 'gte', value: new Set(rules).size }], fields: [] }
}

function boundsOf(condition: YamlMap, document: YamlDocument): Bound[] {
  const bounds: Bound[] = []
  for (const [key, value] of Object.entries(condition)) {
    const op = CONDITION_OPERATORS.find((known) => known === key)
    if (op === undefined) {
      if (key !== 'field' && key !== 'percentile') {
        document.error([...CONDITION, key], `${key} is no comparison.`, `Use one of ${CONDITION_OPERATORS.join(', ')}.`)
      }
    } else if (typeof value === 'number' && Number.isFinite(value)) bounds.push({ op, value })
    else document.error([...CONDITION, key], `${key} takes a number.`, 'Write a number, without quotes.')
  }
  if (Object.keys(condition).every((key) => key === 'field' || key === 'percentile'))
    document.error(CONDITION, 'The condition compares with nothing.', 'Add a line such as `gte: 10`.')
  return bounds
}

/** Where no percentile is named, bounds are about how many of a hundred events have the event's own value, as in the standard's example. */
function percentileOf(condition: YamlMap, type: CorrelationType, document: YamlDocument): { percentile?: number } {
  const given = condition.percentile
  if (given === undefined) return {}
  if (type === 'value_percentile' && typeof given === 'number' && given >= 0 && given <= 100)
    return { percentile: given }
  document.error(
    [...CONDITION, 'percentile'],
    'percentile is no number from 0 to 100 of a value_percentile.',
    'Mend it, or remove it.',
  )
  return {}
}

function booleanCondition(
  text: string,
  type: CorrelationType,
  rules: readonly string[],
  document: YamlDocument,
): ReadCondition {
  const nothing = { bounds: [], fields: [] }
  if (!isTemporal(type)) {
    document.error(
      CONDITION,
      `Only temporal types take an expression; ${type} compares numbers.`,
      'Write `gte: 10` below it.',
    )
    return nothing
  }
  if (type === 'temporal_ordered') {
    document.error(
      CONDITION,
      'An expression has no order of rules, and temporal_ordered has to have one.',
      ORDERED_HINT,
    )
    return nothing
  }
  try {
    return { ...nothing, expression: expressionOf(readCondition(text), rules) }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    document.error(CONDITION, cause.message, cause.hint, cause.offset)
    return nothing
  }
}

function expressionOf(condition: Condition, rules: readonly string[]): RuleExpression {
  switch (condition.kind) {
    case 'name':
      if (rules.includes(condition.name)) return { kind: 'rule', rule: condition.name }
      throw new Fault(
        `${condition.name} is not among the rules.`,
        `The rules are ${rules.join(', ')}.`,
        condition.offset,
      )
    case 'of':
      throw new Fault('of is for selections.', 'Name the rules with and, or, not.', condition.offset)
    case 'not':
      return { kind: 'not', node: expressionOf(condition.node, rules) }
    default:
      return { kind: condition.kind, nodes: condition.nodes.map((node) => expressionOf(node, rules)) }
  }
}

function aliasesOf(section: YamlMap, rules: readonly string[], document: YamlDocument): CorrelationRule['aliases'] {
  const aliases = isYamlMap(section.aliases) ? section.aliases : {}
  const read = Object.entries(aliases).map(([alias, map]) => {
    const path = ['correlation', 'aliases', alias]
    if (!isYamlMap(map)) {
      document.error(path, `The alias ${alias} is no map from rules to fields.`, 'Write `rule_name: field` below it.')
      return [alias, {}] as const
    }
    const stranger = Object.keys(map).find((rule) => !rules.includes(rule))
    if (stranger !== undefined) {
      document.error([...path, stranger], `${stranger} is not among the rules.`, `The rules are ${rules.join(', ')}.`)
    }
    return [alias, Object.fromEntries(Object.entries(map).map(([rule, field]) => [rule, String(field)]))] as const
  })
  return Object.fromEntries(read)
}
