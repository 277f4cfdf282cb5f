/** Transformations of rules as a whole. */
import { isYamlMap, type YamlMap, type YamlValue } from '../../../core/yaml/documents.ts'
import type { Shape } from '../../../core/yaml/shape.ts'
import type { TransformationKind } from './transformation.ts'
import { slotsOf, type WorkedRule } from './worked-rule.ts'

/** By type. */
export const RULE_TRANSFORMATIONS: Readonly<Record<string, TransformationKind>> = {
  add_condition: {
    keys: ['conditions', 'name', 'negated', 'template'],
    read: (shape) => {
      const conditions = shape.raw('conditions')
      const name = shape.text('name') ?? 'added by a pipeline'
      const negated = shape.truth('negated') ?? false
      const isTemplate = shape.truth('template') ?? false
      if (!isYamlMap(conditions)) {
        shape.error(
          'conditions',
          'The transformation has no conditions.',
          'Write fields with values below `conditions:`.',
        )
        return {}
      }
      return { onRule: (rule) => add(rule, isTemplate ? filledIn(conditions, rule) : conditions, name, negated) }
    },
  },
  change_logsource: {
    keys: ['category', 'product', 'service'],
    read: (shape) => {
      const logsource = Object.fromEntries(
        (['category', 'product', 'service'] as const).flatMap((key) => {
          const value = shape.text(key)
          return value === undefined ? [] : [[key, value] as const]
        }),
      )
      return {
        onRule: (rule) => {
          if (rule.kind !== 'correlation') rule.logsource = logsource
        },
      }
    },
  },
  set_state: {
    keys: ['key', 'val'],
    read: (shape) => {
      const [key, value] = [shape.needed('key') ?? '', shape.needed('val') ?? '']
      return { onRule: ({ state }) => void state.set(key, value) }
    },
  },
  rule_failure: { keys: ['message'], read: failing((rule, message) => (rule.failure ??= message)) },
  detection_item_failure: {
    keys: ['message'],
    read: (shape) => {
      const message = shape.needed('message') ?? ''
      return {
        onLine: (line, rule) => {
          rule.failure ??= message
          return [line]
        },
      }
    },
  },
  strict_field_mapping_failure: {
    keys: [],
    read: () => ({
      onRule: (rule) => {
        const lines = rule.slots.flatMap((slot) => slot.lines)
        const left = lines.flatMap(({ field, isMapped }) => (field === null || isMapped ? [] : [field]))
        if (left.length > 0) rule.failure ??= `No mapping is known for ${[...new Set(left)].join(', ')}.`
      },
    }),
  },
  // What these change is for readers of queries of other systems, and has no part in findings.
  ...Object.fromEntries(
    (
      [
        ['add_field', ['field']],
        ['remove_field', ['field']],
        ['set_field', ['fields']],
        ['set_custom_attribute', ['attribute', 'value']],
      ] as const
    ).map(([type, keys]) => [type, { keys, read: () => ({}) }]),
  ),
}

function failing(fail: (rule: WorkedRule, message: string) => void): TransformationKind['read'] {
  return (shape: Shape) => {
    const message = shape.needed('message') ?? ''
    return { onRule: (rule) => fail(rule, message) }
  }
}

/** A filter only takes events out, so nothing is added to one. */
function add(rule: WorkedRule, section: YamlMap, name: string, negated: boolean): void {
  if (rule.kind !== 'detection') return
  rule.slots.push(...slotsOf(section, ['also', rule.added.length]))
  rule.added.push({ name, section, negated })
}

/** `$category` and its like in texts. */
function filledIn(conditions: YamlMap, { logsource }: WorkedRule): YamlMap {
  const put = (value: YamlValue): YamlValue => {
    if (Array.isArray(value)) return value.map(put)
    if (typeof value !== 'string') return value
    return value.replaceAll(/\$(?:(category|product|service)\b|\{(category|product|service)\})/g, (_, bare, braced) =>
      String(logsource[bare ?? braced] ?? ''),
    )
  }
  return Object.fromEntries(Object.entries(conditions).map(([key, value]) => [key, put(value)]))
}
