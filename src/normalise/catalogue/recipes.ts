/**
 * Recipes: target plans as text that one SQL expression reads. A branch of SQL for each of two hundred plans would cost
 * more to plan, for every batch, than all rows of the batch take. In a recipe targets are parted by `;` and their parts
 * by `|`. There are two kinds, each with its reader: plain recipes have one part a parameter key, so that reading is a
 * few look-ups; rich ones keep the alternatives as they are in the data.
 */
import { lit } from '../../engine/sql.ts'
import { jsonSql, parseAlternative, type RecordSql } from './alternatives.ts'
import type { TargetPlan } from './catalogue.ts'

/** The fields of a target beside its type, in the order of the struct. */
export const FIELDS = ['id', 'name', 'principal', 'privilege'] as const

/** One of {@link FIELDS}. */
export type Field = (typeof FIELDS)[number]

/** A target as a SQL struct. */
export const structSql = (type: string, field: (name: Field) => string): string =>
  `{'type': ${type}, ${FIELDS.map((name) => `'${name}': ${field(name)}`).join(', ')}}`

/** The targets of a list that have an id or a name. */
export const presentOnly = (list: string): string => `list_filter(${list}, lambda t: t.id <> '' OR t.name <> '')`

/** The recipe at `index`, as a list of targets, each a list of parts. */
const partsSql = (recipes: readonly string[], index: string): string =>
  `list_transform(string_split(string_split(${lit(recipes.join('\n'))}, chr(10))[${index}], ';'), lambda s: string_split(s, '|'))`

/** A plain recipe has so many parts for a field: parameter keys, then a JSON path into the response body. */
const SLOTS: Readonly<Record<Field, { readonly keys: number; readonly paths: number }>> = {
  id: { keys: 4, paths: 1 },
  name: { keys: 4, paths: 0 },
  principal: { keys: 3, paths: 0 },
  privilege: { keys: 2, paths: 0 },
}

/** Stands for an unused parameter name; an empty one does occur. */
const NO_PARAMETER = '\u001f'

function plainField(name: Field, alternatives: readonly string[] = []): readonly string[] | undefined {
  const parsed = alternatives.map(parseAlternative)
  const keys = parsed.flatMap((each) => (each.kind === 'keys' && each.keys.length === 1 ? each.keys : []))
  const paths = parsed
    .slice(keys.length)
    .flatMap((each) => (each.kind === 'json' && each.key === null ? each.path : []))
  const slots = SLOTS[name]
  if (keys.length + paths.length < parsed.length || keys.length > slots.keys || paths.length > slots.paths)
    return undefined
  const padded = (list: readonly string[], size: number, filler: string) =>
    Array.from({ length: size }, (_, place) => list[place] ?? filler)
  return [...padded(keys, slots.keys, NO_PARAMETER), ...padded(paths, slots.paths, '')]
}

/** The plain recipe of a plan; undefined if it says more than a plain recipe can. */
export function plainRecipe(plan: TargetPlan): string | undefined {
  const targets = plan.targets.map((spec) => {
    const fields = FIELDS.map((name) => plainField(name, spec[name]))
    const sayable = typeof spec.type === 'string' && !fields.includes(undefined)
    return sayable ? [spec.type, ...fields.flat()].join('|') : undefined
  })
  return targets.includes(undefined) ? undefined : targets.join(';')
}

/** Targets by plain recipes; `index` counts from 1. */
export function plainSql(recipes: readonly string[], index: string, record: RecordSql): string {
  let next = 2
  const field = (name: Field): string => {
    const slot = (): string => `p[${next++}]`
    const keys = Array.from({ length: SLOTS[name].keys }, () => `${record.params}[${slot()}]`)
    const paths = Array.from({ length: SLOTS[name].paths }, () => {
      const path = slot()
      return `CASE WHEN ${path} <> '' THEN ${jsonSql(record.result, path)} END`
    })
    return `coalesce(${[...keys, ...paths].join(', ')})`
  }
  return presentOnly(`list_transform(${partsSql(recipes, index)}, lambda p: ${structSql('p[1]', field)})`)
}

/** The rich recipe of a plan; undefined for joined JSON paths, which the engine takes as constants only, and for maps of types. */
export function richRecipe(plan: TargetPlan): string | undefined {
  const joined = plan.targets.some((spec) => FIELDS.some((name) => spec[name]?.some((text) => text.includes('[*]'))))
  const mapped = plan.targets.some(({ type }) => typeof type !== 'string' && type.map !== undefined)
  if (joined || mapped) return undefined
  const typeText = (type: TargetPlan['targets'][number]['type']) =>
    typeof type === 'string' ? type : `${type.from}=${type.else}`
  return plan.targets
    .map((spec) => [typeText(spec.type), ...FIELDS.map((name) => (spec[name] ?? []).join(','))].join('|'))
    .join(';')
}

/** Targets by rich recipes; `index` counts from 1. */
export function richSql(recipes: readonly string[], index: string, { params, result }: RecordSql): string {
  const alternative = (a: string): string => `CASE
    WHEN contains(${a}, ':$') THEN ${jsonSql(`CASE WHEN starts_with(${a}, 'result:') THEN ${result} ELSE ${params}[split_part(${a}, ':', 1)] END`, `split_part(${a}, ':', 2)`)}
    WHEN contains(${a}, '~') THEN split_part(${params}[split_part(${a}, '~', 1)], '/', CASE WHEN suffix(${a}, '~last') THEN -1 ELSE 1 END)
    WHEN contains(${a}, '.') THEN CASE WHEN ${params}[split_part(${a}, '.', -1)] <> '' THEN
      array_to_string(list_filter(list_transform(string_split(${a}, '.'), lambda k: ${params}[k]), lambda v: v <> ''), '.') END
    ELSE ${params}[${a}] END`
  const first = (list: string): string =>
    `CASE WHEN ${list} <> '' THEN list_filter(list_transform(string_split(${list}, ','), lambda a: ${alternative('a')}), lambda v: v <> '')[1] END`
  const type = `CASE WHEN contains(p[1], '=') THEN coalesce(lower(${first("split_part(p[1], '=', 1)")}), split_part(p[1], '=', 2)) ELSE p[1] END`
  const field = (name: Field): string => {
    const list = (of: Field): string => `p[${2 + FIELDS.indexOf(of)}]`
    if (name !== 'privilege') return first(list(name))
    // A literal counts only where a principal was found.
    const literal = `CASE WHEN ${first(list('principal'))} <> '' THEN trim(${list(name)}, '"') END`
    return `CASE WHEN starts_with(${list(name)}, '"') THEN ${literal} ELSE ${first(list(name))} END`
  }
  return presentOnly(`list_transform(${partsSql(recipes, index)}, lambda p: ${structSql(type, field)})`)
}
