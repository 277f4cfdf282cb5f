/** Whether a JSON value is of an OCSF type: base type, pattern, length and range. */
import type { OcsfSchema } from './ocsf-schema.ts'

/** A parsed JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** What is wrong with a value. */
export interface ValueProblem {
  readonly code:
    | 'attribute_wrong_type'
    | 'attribute_value_regex_not_matched'
    | 'attribute_value_exceeds_max_len'
    | 'attribute_value_exceeds_range'
  readonly message: string
}

const BASE: Readonly<Record<string, readonly [string, (value: Json) => boolean]>> = {
  string_t: ['text', (value) => typeof value === 'string'],
  boolean_t: ['true or false', (value) => typeof value === 'boolean'],
  integer_t: ['a whole number', (value) => Number.isSafeInteger(value)],
  long_t: ['a whole number', (value) => Number.isInteger(value)],
  float_t: ['a number', (value) => typeof value === 'number'],
  json_t: ['any JSON', () => true],
}

/** The first thing wrong with `value` as a `typeName`, or undefined. Types narrow others: each step is checked. */
export function typeProblem(schema: OcsfSchema, typeName: string, value: Json): ValueProblem | undefined {
  const base = BASE[typeName]
  if (base !== undefined) {
    return base[1](value) ? undefined : { code: 'attribute_wrong_type', message: `is ${base[0]}` }
  }
  const type = schema.types[typeName]
  if (type?.type === undefined) return { code: 'attribute_wrong_type', message: `has the unknown type ${typeName}` }
  const wider = typeProblem(schema, type.type, value)
  if (wider !== undefined) return wider
  if (typeof value === 'string') {
    if (type.max_len !== undefined && value.length > type.max_len) {
      return { code: 'attribute_value_exceeds_max_len', message: `is longer than ${type.max_len}` }
    }
    if (schema.patterns.get(typeName)?.test(value) === false) {
      return { code: 'attribute_value_regex_not_matched', message: `is no ${typeName}` }
    }
  }
  if (typeof value === 'number' && type.range !== undefined) {
    const [low, high] = type.range
    if (value < low || value > high) {
      return { code: 'attribute_value_exceeds_range', message: `is not from ${low} to ${high}` }
    }
  }
  return undefined
}
