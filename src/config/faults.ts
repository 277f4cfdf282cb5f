/** What is wrong with a configuration, told at its place. */
import type { z } from 'zod'
import { nearest } from '../core/nearest.ts'
import { isYamlList, isYamlMap, type YamlDocument, type YamlValue } from '../core/yaml/documents.ts'
import type { ValuePath } from '../core/yaml/place.ts'
import { kindOf } from '../core/yaml/shape.ts'

type Issue = z.core.$ZodIssue

/** A part of a JSON Schema, as far as it is looked at here. */
interface SchemaPart {
  readonly properties?: Readonly<Record<string, SchemaPart>>
  readonly items?: SchemaPart
  readonly additionalProperties?: SchemaPart | boolean
  readonly propertyNames?: { readonly enum?: readonly string[] }
  readonly description?: string
  readonly examples?: readonly unknown[]
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

/** Reports each issue at the key or entry that it is about; keys that nobody knows first, since they explain those that are missing. */
export function reportIssues(document: YamlDocument, issues: readonly Issue[], schema: SchemaPart): void {
  const isUnknown = ({ code }: Issue) => code === 'unrecognized_keys'
  for (const issue of issues.toSorted((a, b) => Number(isUnknown(b)) - Number(isUnknown(a)))) {
    const path = issue.path.filter((step) => typeof step !== 'symbol')
    if (issue.code === 'unrecognized_keys') reportUnknown(document, path, issue.keys, schema)
    else reportOne(document, path, issue, partAt(schema, path))
  }
}

function reportOne(document: YamlDocument, path: ValuePath, issue: Issue, part: SchemaPart | undefined): void {
  const value = valueAt(document.value, path)
  document.error(path, messageOf(issue, path, value), hintOf(issue, value, part))
}

function reportUnknown(document: YamlDocument, path: ValuePath, keys: readonly string[], schema: SchemaPart): void {
  const part = partAt(schema, path)
  const known = part?.propertyNames?.enum ?? Object.keys(part?.properties ?? {})
  for (const key of keys) {
    const [near] = nearest(key, known)
    const hint = near === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${near}?`
    document.error([...path, key], `${key} is no key of ${nameOf(path)}.`, hint)
  }
}

function messageOf(issue: Issue, path: ValuePath, value: YamlValue | undefined): string {
  const name = nameOf(path)
  if (issue.code === 'invalid_type') {
    const wanted = KINDS[issue.expected] ?? issue.expected
    return value === undefined ? `${name} is missing.` : `${name} is ${kindOf(value)}, not ${wanted}.`
  }
  if (issue.code === 'invalid_value')
    return value === undefined ? `${name} is missing.` : `${name} cannot be ${shown(value)}.`
  if (issue.code === 'too_small' || issue.code === 'too_big')
    return `${name} is out of bounds: ${lowered(issue.message)}.`
  if (issue.code === 'invalid_key') return `${name} is no key that is known here.`
  return sentence(issue.message)
}

function hintOf(issue: Issue, value: YamlValue | undefined, part: SchemaPart | undefined): string {
  if (issue.code === 'invalid_value') {
    const known = issue.values.map(String)
    const [near] = typeof value === 'string' ? nearest(value, known) : []
    return `${near === undefined ? '' : `Did you mean ${near}? `}Use one of ${known.join(', ')}.`
  }
  const [example] = part?.examples ?? []
  if (example !== undefined) return `Write for example ${String(example)}.`
  if (issue.code === 'invalid_type' && issue.expected === 'string' && ['number', 'boolean'].includes(typeof value))
    return 'Put it in quotes.'
  return part?.description ?? 'See docs/reference/config.md.'
}

/** The part of a schema that is about a value. */
function partAt(schema: SchemaPart, path: ValuePath): SchemaPart | undefined {
  return path.reduce<SchemaPart | undefined>((part, step) => {
    if (typeof step === 'number') return part?.items
    const more = part?.additionalProperties
    return part?.properties?.[step] ?? (typeof more === 'object' ? more : undefined)
  }, schema)
}

function valueAt(value: YamlValue, path: ValuePath): YamlValue | undefined {
  return path.reduce<YamlValue | undefined>((at, step) => {
    if (isYamlMap(at)) return Object.hasOwn(at, String(step)) ? at[String(step)] : undefined
    return isYamlList(at) ? at[Number(step)] : undefined
  }, value)
}

const nameOf = (path: ValuePath): string => (path.length === 0 ? 'the file' : path.join('.'))
const shown = (value: YamlValue): string => (typeof value === 'string' ? `"${value.slice(0, 60)}"` : kindOf(value))
const lowered = (text: string): string => `${text.charAt(0).toLowerCase()}${text.slice(1).replace(/\.$/, '')}`
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
