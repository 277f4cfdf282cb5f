/**
 * The JSON Schemas of the Sigma standard, and what they find in plain words.
 *
 * The files in `schemas` are the standard's own, unchanged. Where its text allows more than its schema does, the schema is
 * widened here, so that every difference is in this file.
 */
import { Ajv2020, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { YamlDocument, YamlMap, YamlValue } from '../../core/yaml/documents.ts'
import type { ValuePath } from '../../core/yaml/place.ts'
import correlationSchema from './schemas/sigma-correlation-rules-schema.json' with { type: 'json' }
import detectionSchema from './schemas/sigma-detection-rule-schema.json' with { type: 'json' }
import filterSchema from './schemas/sigma-filters-schema.json' with { type: 'json' }

/** The kinds of documents the standard knows. */
export type SigmaKind = 'detection' | 'correlation' | 'filter'

/** Keys that a rule cannot do without being right; a wrong value elsewhere is worth a warning, not the loss of the rule. */
const ESSENTIAL = new Set(['title', 'logsource', 'detection', 'correlation', 'filter', 'id', 'name', 'level'])

type Change = (schema: AnySchemaObject) => void

const CHANGES: Readonly<Record<SigmaKind, Change>> = {
  detection: (schema) => {
    const { detection, related } = schema.properties as Record<string, AnySchemaObject>
    // "The condition can be a list"; lists of values hold numbers with a fraction and booleans too.
    if (detection !== undefined) Object.assign(detection, { properties: {}, additionalProperties: true })
    // The text lists `correlation` among the relations of 2.1.
    related?.items?.properties?.type?.oneOf?.push({ const: 'correlation' })
  },
  correlation: (schema) => {
    const { correlation } = schema.properties as Record<string, AnySchemaObject>
    if (correlation === undefined) return
    const { type, condition, rules } = correlation.properties as Record<string, AnySchemaObject>
    // Names of one letter are names.
    if (rules !== undefined) Object.assign(rules, { anyOf: [{ type: 'array', items: { type: 'string' } }] })
    type?.oneOf.push({ const: 'value_median' })
    // Which keys a type needs, and boolean conditions, are checked with better words where correlations are read.
    for (const key of Object.keys(condition ?? {})) delete condition?.[key]
    delete correlation.allOf
  },
  filter: (schema) => {
    const { filter } = schema.properties as Record<string, AnySchemaObject>
    if (filter === undefined) return
    // Any for rules, and several selections, as the reference implementation takes them.
    filter.required = ['condition']
    filter.properties = {}
  },
}

const SCHEMAS: Readonly<Record<SigmaKind, object>> = {
  detection: detectionSchema,
  correlation: correlationSchema,
  filter: filterSchema,
}

const validators = new Map<SigmaKind, ValidateFunction>()

/** Reports what the standard's schema finds wrong. True if the document can be read on. */
export function validateDocument(kind: SigmaKind, document: YamlDocument): boolean {
  const validate = validators.get(kind) ?? compile(kind)
  validators.set(kind, validate)
  if (validate(withoutBigints(document.value))) return true
  let usable = true
  for (const { path, message, hint } of plainWords(validate.errors ?? [])) {
    const essential = path.length === 0 || ESSENTIAL.has(String(path[0]))
    if (essential) document.error(path, message, hint)
    else document.warning(path, message, hint)
    usable &&= !essential
  }
  return usable
}

function compile(kind: SigmaKind): ValidateFunction {
  const schema = structuredClone(SCHEMAS[kind]) as AnySchemaObject
  delete schema.$schema
  CHANGES[kind](schema)
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: false })
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  return ajv.compile(schema)
}

const withoutBigints = (value: YamlValue): unknown => {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(withoutBigints)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value as YamlMap).map(([key, item]) => [key, withoutBigints(item)]))
}

interface Finding {
  readonly path: ValuePath
  readonly message: string
  readonly hint: string
}

/**
 * One finding for each value. Of a choice whose branches all fail, the errors deeper down are told if there are any, else the
 * choice itself.
 */
function plainWords(errors: readonly ErrorObject[]): Finding[] {
  const isChoice = ({ keyword }: ErrorObject): boolean => keyword === 'oneOf' || keyword === 'anyOf'
  const isWithin = (error: ErrorObject, choice: ErrorObject): boolean =>
    error !== choice && error.schemaPath.startsWith(`${choice.schemaPath}/`)
  const isDeeper = (error: ErrorObject, choice: ErrorObject): boolean =>
    isWithin(error, choice) && error.instancePath.length > choice.instancePath.length
  const choices = errors.filter(isChoice)
  const told = errors.filter((error) => {
    if (isChoice(error) && errors.some((other) => isDeeper(other, error))) return false
    return choices.every((choice) => !isWithin(error, choice) || isDeeper(error, choice))
  })
  const findings = told.map(finding)
  return findings.filter(
    ({ path, message }, at) =>
      findings.findIndex((other) => other.message === message && other.path.join() === path.join()) === at,
  )
}

function finding(error: ErrorObject): Finding {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const name = path.length === 0 ? 'The document' : `\`${path.join('.')}\``
  const params = error.params as Record<string, unknown>
  const say = (message: string, hint: string): Finding => ({ path, message, hint })
  switch (error.keyword) {
    case 'required':
      return say(`${name} has no \`${params.missingProperty}\`.`, `Add \`${params.missingProperty}:\`.`)
    case 'type':
      return say(`${name} is ${kindOf(error.data)}, not ${words(params.type)}.`, `Write ${words(params.type)}.`)
    case 'oneOf':
    case 'anyOf':
      return choice(error, name, say)
    case 'format':
      return say(`${name} is no UUID: ${shown(error.data)}.`, 'Use a random UUID, such as `uuidgen` makes.')
    case 'pattern':
      return say(`${name} is ${shown(error.data)}.`, patternHint(String(params.pattern)))
    case 'maxLength':
      return say(`${name} is longer than ${params.limit} characters.`, 'Shorten it.')
    case 'minLength':
      return say(`${name} is shorter than ${params.limit} characters.`, 'Say more, or leave the entry out.')
    case 'uniqueItems':
      return say(`${name} has the same entry twice.`, 'Remove one of them.')
    default:
      return say(`${name} ${error.message ?? 'is not as the standard says'}.`, 'See the Sigma specification.')
  }
}

function choice(error: ErrorObject, name: string, say: (message: string, hint: string) => Finding): Finding {
  const branches = (Array.isArray(error.schema) ? error.schema : []) as { const?: unknown; type?: unknown }[]
  const allowed = branches.map((branch) => branch.const).filter((value) => typeof value === 'string')
  if (allowed.length > 0) return say(`${name} is ${shown(error.data)}.`, `Use one of ${allowed.join(', ')}.`)
  const types = [...new Set(branches.map(({ type }) => type).filter((type) => type !== undefined))].map(words)
  return say(`${name} is ${kindOf(error.data)}.`, `Write ${types.join(' or ') || 'what the standard says'}.`)
}

const PATTERN_HINTS: readonly (readonly [part: string, hint: string])[] = [
  ['\\d{4}', 'Write a date as YYYY-MM-DD.'],
  ['\\.', 'Write a tag as namespace.name, in lower case, such as attack.t1078.'],
]

const patternHint = (pattern: string): string =>
  PATTERN_HINTS.find(([part]) => pattern.includes(part))?.[1] ?? `It has to match ${pattern}.`

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'a map',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'nothing',
}

const words = (type: unknown): string => TYPE_WORDS[String(type)] ?? String(type)

const kindOf = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return words(typeof value)
}

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? String(value)
