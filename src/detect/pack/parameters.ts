/** Parameters of a rule file: the values in force, and `'%name%'` where they stand. */
import { nearest } from '../../core/nearest.ts'
import { isYamlList, isYamlMap, type YamlDocument, type YamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import type { Problem, ValuePath } from '../../core/yaml/place.ts'
import { isPlain, kindOf } from '../../core/yaml/shape.ts'
import { readKey } from '../sigma/modifiers.ts'
import { type Placeholders, placeholdersIn } from '../sigma/placeholders.ts'
import { timespanSecs } from '../sigma/timespan.ts'
import type { DeclaredParameter } from './content.ts'
import type { Parameter } from './pack.ts'
import type { Override } from './settings.ts'

/** Values in force, in the order declared; what a site wrote that cannot be used is a problem, and the rule's own value stays. */
export function inForce(
  declared: readonly DeclaredParameter[],
  overrides: readonly Override[],
  watchlists: Placeholders,
): { readonly parameters: readonly Parameter[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const parameters = declared.map(({ name, value: fallback, reason }): Parameter => {
    let value: YamlValue = (isYamlList(fallback) ? watchlists[name] : undefined) ?? fallback
    for (const override of overrides) {
      const given = override.parameters[name]
      if (given === undefined) continue
      const fault = faultOf(given, fallback)
      if (fault === undefined) value = isYamlList(fallback) && !isYamlList(given) ? [given] : given
      else problems.push({ severity: 'error', ...fault, place: override.placeOf(name) })
    }
    return { name, value, fallback, reason }
  })
  return { parameters, problems: [...problems, ...strangers(declared, overrides)] }
}

function strangers(declared: readonly DeclaredParameter[], overrides: readonly Override[]): Problem[] {
  const names = declared.map(({ name }) => name)
  return overrides.flatMap(({ name: rule, parameters, placeOf }) =>
    Object.keys(parameters)
      .filter((name) => !names.includes(name))
      .map((name) => {
        const [near] = nearest(name, names)
        const known = names.length === 0 ? 'It has none.' : `It has ${names.join(', ')}.`
        const hint = near === undefined ? known : `Did you mean ${near}?`
        return { severity: 'error', message: `${rule} has no parameter ${name}.`, hint, place: placeOf(name) }
      }),
  )
}

/** Why a value cannot stand for another; undefined if it can. */
function faultOf(given: YamlValue, fallback: YamlValue): { message: string; hint: string } | undefined {
  const not = (what: string, hint: string) => ({ message: `The parameter is ${kindOf(given)}, not ${what}.`, hint })
  if (isYamlList(fallback)) {
    const entries = isYamlList(given) ? given : [given]
    return entries.every(isPlain) ? undefined : not('a list of texts', 'Write a list of texts.')
  }
  if (typeof fallback === 'number') {
    const isNumber = typeof given === 'number' && Number.isFinite(given)
    return isNumber ? undefined : not('a number', `Write a number, such as ${fallback}.`)
  }
  if (typeof fallback === 'string' && timespanSecs(fallback) !== undefined) {
    const isSpan = typeof given === 'string' && timespanSecs(given) !== undefined
    return isSpan ? undefined : not('a span of time', `Write a span such as ${fallback}.`)
  }
  return isPlain(given) ? undefined : not('one value', 'Write one value.')
}

/** Lists for `expand`: the watchlists, and the parameters, which go before them. */
export const listsOf = (parameters: readonly Parameter[], watchlists: Placeholders): Placeholders => ({
  ...watchlists,
  ...Object.fromEntries(
    parameters.map(({ name, value }) => [name, (isYamlList(value) ? value : [value]).map(String)] as const),
  ),
})

const WHOLE = /^%([\w.-]+)%$/

/** A document in which every value that is exactly `'%name%'`, where a number or a span is expected, is the parameter's. */
export function withParameters(document: YamlDocument, parameters: readonly Parameter[]): YamlDocument {
  const values = new Map(parameters.map(({ name, value }) => [name, value]))
  const put = (text: string, path: ValuePath): YamlValue => {
    const name = WHOLE.exec(text)?.[1]
    if (name === undefined) return text
    const value = values.get(name)
    if (value !== undefined) return value
    const [near] = nearest(name, values.keys())
    const hint = near === undefined ? 'Declare it below `bricktrail: parameters:`.' : `Did you mean ${near}?`
    document.error(path, `There is no parameter ${name}.`, hint)
    return text
  }
  const { detection, correlation, baseline } = document.value
  const select = isYamlMap(baseline) ? baseline.select : undefined
  return {
    ...document,
    value: {
      ...document.value,
      ...(isYamlMap(detection) ? { detection: inSelections(detection, ['detection'], put) } : {}),
      ...(isYamlMap(correlation) ? { correlation: everywhere(correlation, ['correlation'], put) } : {}),
      ...(isYamlMap(baseline) ? { baseline: inBaseline(baseline, select, put) } : {}),
    },
  }
}

type Put = (text: string, path: ValuePath) => YamlValue

function inBaseline(baseline: YamlMap, select: YamlValue | undefined, put: Put): YamlMap {
  const { select: _, ...rest } = baseline
  const filled = everywhere(rest, ['baseline'], put) as YamlMap
  if (select === undefined) return filled
  return { ...filled, select: isYamlMap(select) ? inSelections(select, ['baseline', 'select'], put) : select }
}

function everywhere(value: YamlValue, path: ValuePath, put: Put): YamlValue {
  if (typeof value === 'string') return put(value, path)
  if (isYamlList(value)) return value.map((entry, at) => everywhere(entry, [...path, at], put))
  if (!isYamlMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, everywhere(entry, [...path, key], put)] as const),
  )
}

/** Only behind comparisons: elsewhere in a detection a placeholder is a text, unless `expand` says otherwise. */
function inSelections(value: YamlMap, path: ValuePath, put: Put): YamlMap {
  const within = (entry: YamlValue, at: ValuePath): YamlValue => {
    if (isYamlList(entry)) return entry.map((each, index) => within(each, [...at, index]))
    if (!isYamlMap(entry)) return entry
    const lines = Object.entries(entry)
    if (!lines.some(([key]) => isComparison(key))) return entry
    return Object.fromEntries(
      lines.map(([key, line]) => [key, isComparison(key) ? everywhere(line, [...at, key], put) : line] as const),
    )
  }
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, within(entry, [...path, name])]))
}

const COMPARISONS = ['lt', 'lte', 'gt', 'gte', 'minute', 'hour', 'day', 'week', 'month', 'year']

const isComparison = (key: string): boolean => {
  const { modifiers } = readKey(key)
  return !modifiers.includes('expand') && modifiers.some((modifier) => COMPARISONS.includes(modifier))
}

/** Names of the lists that lines with `expand` ask for. */
export function listsUsed(value: YamlValue | undefined): readonly string[] {
  const found = new Set<string>()
  const within = (entry: YamlValue | undefined, expands: boolean): void => {
    if (typeof entry === 'string') {
      if (expands) for (const name of placeholdersIn(entry)) found.add(name)
    } else if (isYamlList(entry)) for (const each of entry) within(each, expands)
    else if (isYamlMap(entry)) {
      for (const [key, each] of Object.entries(entry)) within(each, readKey(key).modifiers.includes('expand'))
    }
  }
  within(value, false)
  return [...found]
}
