/** Conditions of pipelines: to which rules, lines and fields a transformation applies. */

import { isYamlList, isYamlMap, type YamlValue } from '../../../core/yaml/documents.ts'
import type { Shape } from '../../../core/yaml/shape.ts'
import { type Condition, readCondition } from '../../sigma/condition.ts'
import { Fault } from '../../sigma/fault.ts'
import { LEVELS } from '../../sigma/rule.ts'
import { regexOf } from './python-regex.ts'
import type { Line, WorkedRule } from './worked-rule.ts'

/** What a condition is asked of: a rule, or a line of it, or a field that a line or the rule names. */
export interface Asked {
  readonly rule: WorkedRule
  readonly line?: Line
  readonly field?: string
}

/** True where a transformation applies. */
export type Applies = (asked: Asked) => boolean

/** Reads the parameters of a condition. */
type ReadTest = (shape: Shape) => Applies

/** A condition and the keys it takes. */
interface ConditionKind {
  readonly keys: readonly string[]
  readonly read: ReadTest
}

const kind = (keys: readonly string[], read: ReadTest): ConditionKind => ({ keys, read })

const same = (a: YamlValue | undefined, b: YamlValue | undefined): boolean =>
  a !== undefined && b !== undefined && String(a).toLowerCase() === String(b).toLowerCase()

const stateIs = kind(['key', 'val', 'op'], (shape) => {
  const [key, value] = [shape.needed('key') ?? '', shape.needed('val')]
  const op = shape.choice('op', ['eq', 'ne']) ?? 'eq'
  return ({ rule }) => (rule.state.get(key) === value) === (op === 'eq')
})

const SOURCE_KEYS = ['category', 'product', 'service'] as const

const RULE_CONDITIONS: Readonly<Record<string, ConditionKind>> = {
  logsource: kind([...SOURCE_KEYS], (shape) => {
    const given = SOURCE_KEYS.flatMap((key) => {
      const value = shape.text(key)
      return value === undefined ? [] : [{ key, value }]
    })
    return ({ rule }) => given.every(({ key, value }) => same(rule.logsource[key], value))
  }),
  contains_field: kind(['field'], (shape) => {
    const field = shape.needed('field')
    return ({ rule }) => rule.slots.some(({ lines }) => lines.some((line) => line.field === field))
  }),
  contains_detection_item: kind(['field', 'value'], (shape) => {
    const [field, value] = [shape.needed('field'), shape.raw('value')]
    const has = (line: Line): boolean =>
      line.field === field && line.values.some((each) => same(each ?? 'null', value ?? 'null'))
    return ({ rule }) => rule.slots.some(({ lines }) => lines.some(has))
  }),
  processing_item_applied: kind(['processing_item_id'], (shape) => {
    const id = shape.needed('processing_item_id') ?? ''
    return ({ rule }) => rule.applied.has(id)
  }),
  processing_state: stateIs,
  is_sigma_rule: kind(
    [],
    () =>
      ({ rule }) =>
        rule.kind === 'detection',
  ),
  is_sigma_correlation_rule: kind(
    [],
    () =>
      ({ rule }) =>
        rule.kind === 'correlation',
  ),
  rule_attribute: kind(['attribute', 'value', 'op'], readAttribute),
  tag: kind(['tag'], (shape) => {
    const tag = shape.needed('tag')
    return ({ rule }) => {
      const { tags } = rule.document.value
      return isYamlList(tags) && tags.some((each) => same(each, tag))
    }
  }),
}

function readAttribute(shape: Shape): Applies {
  const attribute = shape.needed('attribute') ?? ''
  const op = shape.choice('op', ['eq', 'ne', 'gte', 'gt', 'lte', 'lt', 'in', 'not_in']) ?? 'eq'
  const value = shape.raw('value')
  const wanted = isYamlList(value) ? value : [value ?? null]
  return ({ rule }) => {
    const own = rule.document.value[attribute] ?? null
    const owned = isYamlList(own) ? own : [own]
    if (op === 'eq' || op === 'in') return owned.some((each) => wanted.some((other) => each === other))
    if (op === 'ne' || op === 'not_in') return owned.every((each) => wanted.every((other) => each !== other))
    const [a, b] = attribute === 'level' ? [rank(own), rank(value)] : [own, value]
    if (a === undefined || a === null || b === undefined || b === null || typeof a !== typeof b) return false
    return { gte: a >= b, gt: a > b, lte: a <= b, lt: a < b }[op]
  }
}

const rank = (level: YamlValue | undefined): number => (LEVELS as readonly unknown[]).indexOf(level)

/** A condition on the values of a line: of any, or of all. */
const ofValues =
  (test: (value: YamlValue, shape: Shape) => boolean, prepare: (shape: Shape) => Shape = (shape) => shape): ReadTest =>
  (shape) => {
    prepare(shape)
    const isAll = shape.choice('cond', ['any', 'all']) === 'all'
    return ({ line }) => {
      const values = line?.values ?? []
      return isAll ? values.every((value) => test(value, shape)) : values.some((value) => test(value, shape))
    }
  }

const LINE_CONDITIONS: Readonly<Record<string, ConditionKind>> = {
  match_string: kind(['cond', 'pattern', 'negate'], (shape) => {
    const pattern = shape.needed('pattern')
    const regex = pattern === undefined ? undefined : regexOf(pattern, shape, 'pattern', true)
    const negate = shape.truth('negate') ?? false
    const test = (value: YamlValue): boolean => typeof value === 'string' && regex?.test(value) === true
    return ofValues((value) => test(value) !== negate)(shape)
  }),
  match_value: kind(
    ['cond', 'value'],
    ofValues((value, shape) => value === shape.raw('value')),
  ),
  contains_wildcard: kind(
    ['cond'],
    ofValues((value) => typeof value === 'string' && /(?<!\\)[*?]/.test(value)),
  ),
  is_null: kind(
    ['cond'],
    ofValues((value) => value === null),
  ),
  processing_item_applied: kind(['processing_item_id'], (shape) => {
    const id = shape.needed('processing_item_id') ?? ''
    return ({ line }) => line?.applied.has(id) ?? false
  }),
  processing_state: stateIs,
}

const included: ReadTest = (shape) => {
  const fields = shape.texts('fields')
  const mode = shape.choice('mode', ['plain', 're']) ?? 'plain'
  if (mode === 'plain') return ({ field }) => field !== undefined && fields.includes(field)
  const patterns = fields.map((field) => regexOf(field, shape, 'fields', true))
  return ({ field }) => field !== undefined && patterns.some((pattern) => pattern?.test(field))
}

const FIELD_CONDITIONS: Readonly<Record<string, ConditionKind>> = {
  include_fields: kind(['fields', 'mode'], included),
  exclude_fields: kind(['fields', 'mode'], (shape) => {
    const isIncluded = included(shape)
    return (asked) => !isIncluded(asked)
  }),
  processing_item_applied: LINE_CONDITIONS.processing_item_applied ?? stateIs,
  processing_state: stateIs,
}

/** What transformations can be bound to, with the prefix of its keys. */
export const CONDITION_GROUPS = {
  rule: RULE_CONDITIONS,
  detection_item: LINE_CONDITIONS,
  field_name: FIELD_CONDITIONS,
} as const

/** A key of {@link CONDITION_GROUPS}. */
export type ConditionGroup = keyof typeof CONDITION_GROUPS

/** Keys of a transformation that are about conditions. */
export const CONDITION_KEYS: readonly string[] = Object.keys(CONDITION_GROUPS).flatMap((group) => [
  `${group}_conditions`,
  `${group}_cond_op`,
  `${group}_cond_not`,
  `${group}_cond_expr`,
])

/** The conditions of one group as one; true where there are none. */
export function readConditions(item: Shape, group: ConditionGroup): Applies {
  const key = `${group}_conditions`
  const op = item.choice(`${group}_cond_op`, ['and', 'or']) ?? 'and'
  const negated = item.truth(`${group}_cond_not`) ?? false
  const expression = item.text(`${group}_cond_expr`)
  const raw = item.raw(key)
  const named = isYamlMap(raw) ? item.map(key) : undefined
  const shapes = named === undefined ? item.maps(key) : named.keys.flatMap((name) => named.map(name) ?? [])
  const tests = shapes.map((shape) => oneCondition(shape, group))
  if (tests.length === 0) return () => true
  const combined =
    expression === undefined
      ? (asked: Asked) => (op === 'and' ? tests.every((test) => test(asked)) : tests.some((test) => test(asked)))
      : evaluated(expression, new Map((named?.keys ?? []).map((name, at) => [name, tests[at] ?? never])), item, group)
  return negated ? (asked) => !combined(asked) : combined
}

const never: Applies = () => false

function oneCondition(shape: Shape, group: ConditionGroup): Applies {
  const kinds = CONDITION_GROUPS[group]
  const type = shape.needed('type') === undefined ? undefined : shape.choice('type', Object.keys(kinds))
  const known = type === undefined ? undefined : kinds[type]
  return known === undefined ? never : known.read(shape.only(['type', ...known.keys]))
}

function evaluated(
  expression: string,
  tests: ReadonlyMap<string, Applies>,
  item: Shape,
  group: ConditionGroup,
): Applies {
  const key = `${group}_cond_expr`
  const compiled = (condition: Condition): Applies => {
    if (condition.kind === 'of') throw new Fault('of is for selections.', 'Name the conditions with and, or, not.')
    if (condition.kind === 'name') {
      const test = tests.get(condition.name)
      if (test !== undefined) return test
      throw new Fault(`There is no condition ${condition.name}.`, `The conditions are ${[...tests.keys()].join(', ')}.`)
    }
    if (condition.kind === 'not') {
      const inner = compiled(condition.node)
      return (asked) => !inner(asked)
    }
    const inner = condition.nodes.map(compiled)
    return condition.kind === 'and'
      ? (asked) => inner.every((test) => test(asked))
      : (asked) => inner.some((test) => test(asked))
  }
  try {
    return compiled(readCondition(expression))
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    item.error(key, cause.message, cause.hint)
    return never
  }
}
