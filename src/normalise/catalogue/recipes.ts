/**
 * Recipes: target plans as text that one SQL expression reads. A branch of SQL for each of two hundred plans would cost
 * more to plan, for every batch, than all rows of the batch take. A recipe is a list of parts, so many to a target, each part
 * an alternative of a field; what the parts come to in a record, the values, stands in a list of the same places. There
 * are two kinds: the alternatives of plain recipes are parameter keys, those of rich ones whatever the grammar has.
 *
 * Only small lambdas: the engine makes a lambda's body ready anew for every vector, however few rows it is for, and a body of
 * a hundred expressions was seen to cost as much as a thousand rows.
 */
import { lit } from '../../engine/sql.ts'
import { jsonSql, parseAlternative, type RecordSql } from './alternatives.ts'
import type { TargetPlan, TargetSpec } from './catalogue.ts'

/** The fields of a target beside its type, in the order of the struct. */
export const FIELDS = ['id', 'name', 'principal', 'privilege'] as const

/** One of {@link FIELDS}. */
export type Field = (typeof FIELDS)[number]

/** A target as a SQL struct. */
export const structSql = (type: string, field: (name: Field) => string): string =>
  `{'type': ${type}, ${FIELDS.map((name) => `'${name}': ${field(name)}`).join(', ')}}`

/** The targets of a list that have an id or a name. */
export const presentOnly = (list: string): string => `list_filter(${list}, lambda t: t.id <> '' OR t.name <> '')`

/** Alternatives a recipe has room for. */
const SLOTS: Readonly<Record<Field, number>> = { id: 3, name: 4, principal: 4, privilege: 2 }

/** A field with more keys than this has them for old spellings, of which records fill some with empty texts: a rich recipe. */
const MAX_PLAIN_KEYS: Readonly<Record<Field, number>> = { ...SLOTS, principal: 3 }

/** Parts of a target: where its type stands, its type if it does not stand there, a path into the response body, the fields. */
const TYPE_FROM = 1
const TYPE = 2
const RESULT_PATH = 3
const FIRST_SLOT: Readonly<Record<Field, number>> = { id: 4, name: 7, principal: 11, privilege: 15 }
const TARGET_PARTS = 16

/** Most targets of a recipe. */
const MAX_TARGETS = 3

/** Stands for an unused parameter name; an empty one does occur. */
const NO_PARAMETER = '\u001f'

const padded = (list: readonly string[], size: number): string[] =>
  Array.from({ length: size }, (_, place) => list[place] ?? NO_PARAMETER)

function recipe(plan: TargetPlan, parts: (spec: TargetSpec) => readonly string[] | undefined): string | undefined {
  const targets = plan.targets.map(parts)
  return targets.includes(undefined) || targets.length > MAX_TARGETS ? undefined : targets.flat().join('|')
}

/** The parameter keys of a field, and at the end of an id perhaps a path into the response body. */
function plainField(name: Field, alternatives: readonly string[] = []) {
  const parsed = alternatives.map(parseAlternative)
  const keys = parsed.flatMap((each) => (each.kind === 'keys' && each.keys.length === 1 ? each.keys : []))
  const paths = parsed
    .slice(keys.length)
    .flatMap((each) => (each.kind === 'json' && each.key === null ? each.path : []))
  const sayable =
    keys.length + paths.length === parsed.length &&
    keys.length <= MAX_PLAIN_KEYS[name] &&
    paths.length <= (name === 'id' ? 1 : 0)
  return sayable ? { keys: padded(keys, SLOTS[name]), path: paths[0] ?? '' } : undefined
}

/** The plain recipe of a plan; undefined if it says more than a plain recipe can. */
export const plainRecipe = (plan: TargetPlan): string | undefined =>
  recipe(plan, (spec) => {
    const fields = FIELDS.map((name) => plainField(name, spec[name]))
    if (typeof spec.type !== 'string' || fields.includes(undefined)) return undefined
    const path = fields.map((field) => field?.path).join('')
    return [NO_PARAMETER, spec.type, path, ...fields.flatMap((field) => field?.keys ?? [])]
  })

/**
 * The rich recipe of a plan; undefined for what it cannot say: joined JSON paths, which the engine takes as constants only, joined
 * parameters, parts of a path, keys with dots in them, maps of types.
 */
export const richRecipe = (plan: TargetPlan): string | undefined =>
  recipe(plan, (spec) => {
    const { type } = spec
    const unsayable = FIELDS.some((name) => spec[name]?.some((text) => /\[\*\]|~|^[^:"]*\.|^param:/.test(text)))
    const mapped = typeof type !== 'string' && type.map !== undefined
    if (unsayable || mapped || FIELDS.some((name) => (spec[name]?.length ?? 0) > SLOTS[name])) return undefined
    const typeParts = typeof type === 'string' ? [NO_PARAMETER, type] : [type.from, type.else]
    return [...typeParts, '', ...FIELDS.flatMap((name) => padded(spec[name] ?? [], SLOTS[name]))]
  })

/** The parts of one of the recipes; `index` counts from 1. */
export const partsSql = (recipes: readonly string[], index: string): string =>
  `string_split(string_split(${lit(recipes.join('\n'))}, chr(10))[${index}], '|')`

/** The values of a plain recipe's parts. */
export const plainValuesSql = (parts: string, { params }: RecordSql): string =>
  `list_transform(${parts}, lambda a: ${params}[a])`

/** The values of a rich recipe's parts; NULL for empty ones. */
export function richValuesSql(parts: string, { params, result }: RecordSql): string {
  const text = `CASE WHEN starts_with(a, 'result:') THEN ${result} ELSE ${params}[split_part(a, ':', 1)] END`
  return `list_transform(${parts}, lambda a: nullif(CASE WHEN contains(a, ':$') THEN ${jsonSql(text, `split_part(a, ':', 2)`)} ELSE ${params}[a] END, ''))`
}

/**
 * The targets that parts and values tell, among them empty ones.
 *
 * @param parts list of a recipe's parts, a column
 * @param values list of what they came to, a column
 */
export function recipeTargetsSql(parts: string, values: string, { result }: RecordSql): string {
  const target = (before: number): string => {
    const part = (place: number): string => `${parts}[${before + place}]`
    const value = (place: number): string => `${values}[${before + place}]`
    const slots = (name: Field): string =>
      Array.from({ length: SLOTS[name] }, (_, place) => value(FIRST_SLOT[name] + place)).join(', ')
    const fields: Readonly<Record<Field, string>> = {
      id: `coalesce(${slots('id')}, CASE WHEN ${part(RESULT_PATH)} <> '' THEN ${jsonSql(result, part(RESULT_PATH))} END)`,
      name: `coalesce(${slots('name')})`,
      principal: `coalesce(${slots('principal')})`,
      // A literal counts only where a principal was found.
      privilege: `CASE WHEN starts_with(${part(FIRST_SLOT.privilege)}, '"')
        THEN CASE WHEN coalesce(${slots('principal')}) <> '' THEN trim(${part(FIRST_SLOT.privilege)}, '"') END ELSE coalesce(${slots('privilege')}) END`,
    }
    return structSql(`coalesce(lower(${value(TYPE_FROM)}), ${part(TYPE)})`, (name) => fields[name])
  }
  return `[${Array.from({ length: MAX_TARGETS }, (_, place) => target(place * TARGET_PARTS)).join(', ')}]`
}
