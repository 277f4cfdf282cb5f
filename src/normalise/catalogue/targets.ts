/** Target specs as SQL: which text of a record names the thing it was done to. */
import { lit, litOrNull } from '../../engine/sql.ts'
import { type TargetPlan, type TargetSpec, targetPlans, typeMaps } from './catalogue.ts'

/** SQL expressions of one record. */
interface RecordSql {
  /** MAP(VARCHAR, VARCHAR) of the request parameters. */
  readonly params: string
  /** VARCHAR text of the response body. */
  readonly result: string
}

/** An alternative taken apart; see `TargetSpec` for the grammar. */
export type Alternative =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'keys'; readonly keys: readonly string[]; readonly part?: 'first' | 'last' }
  | { readonly kind: 'json'; readonly key: string | null; readonly path: string }

/** Reads one alternative; throws on text outside the grammar, which the test of the data would meet first. */
export function parseAlternative(text: string): Alternative {
  if (text.startsWith('"')) return { kind: 'literal', text: text.slice(1, -1) }
  if (text.startsWith('param:')) return { kind: 'keys', keys: [text.slice('param:'.length)] }
  const json = /^([^:]+):(\$.*)$/.exec(text)
  if (json) return { kind: 'json', key: json[1] === 'result' ? null : String(json[1]), path: String(json[2]) }
  const part = /^([^~]+)~(first|last)$/.exec(text)
  if (part) return { kind: 'keys', keys: [String(part[1])], part: part[2] === 'first' ? 'first' : 'last' }
  if (/[:~"]/.test(text)) throw new Error(`Not an alternative: ${text}`)
  return { kind: 'keys', keys: text.split('.') }
}

/** The parameter keys an alternative reads; none for literals and the response body. */
export function keysOf(alternative: Alternative): readonly string[] {
  if (alternative.kind === 'literal') return []
  if (alternative.kind === 'json') return alternative.key === null ? [] : [alternative.key]
  return alternative.keys
}

const NO_TEXT = 'NULL::VARCHAR'

function jsonSql(text: string, path: string): string {
  const found = `json_extract_string(${text}, ${lit(path)})`
  const joined = path.includes('[*]') ? `array_to_string(${found}, ',')` : found
  // Parameters and bodies are cut at a size limit and may be plain text; json_extract_string fails on those.
  return `nullif(CASE WHEN json_valid(${text}) THEN ${joined} END, '')`
}

function alternativeSql(alternative: Alternative, record: RecordSql): string {
  if (alternative.kind === 'literal') return lit(alternative.text)
  if (alternative.kind === 'json') {
    return jsonSql(
      alternative.key === null ? record.result : `${record.params}[${lit(alternative.key)}]`,
      alternative.path,
    )
  }
  const parts = alternative.keys.map((key) => `nullif(${record.params}[${lit(key)}], '')`)
  if (alternative.part) return `split_part(${parts[0]}, '/', ${alternative.part === 'last' ? -1 : 1})`
  if (parts.length === 1) return String(parts[0])
  return `CASE WHEN ${parts.at(-1)} IS NOT NULL THEN concat_ws('.', ${parts.join(', ')}) END`
}

function fieldSql(alternatives: readonly string[] | undefined, record: RecordSql): string {
  if (alternatives === undefined) return NO_TEXT
  const parts = alternatives.map((text) => alternativeSql(parseAlternative(text), record))
  return parts.length === 1 ? String(parts[0]) : `coalesce(${parts.join(', ')})`
}

function typeSql(type: TargetSpec['type'], record: RecordSql): string {
  if (typeof type === 'string') return lit(type)
  const word = `lower(${alternativeSql(parseAlternative(type.from), record)})`
  if (type.map === undefined) return `coalesce(${word}, ${lit(type.else)})`
  const cases = Object.entries(typeMaps()[type.map] ?? {}).map(([from, to]) => `WHEN ${lit(from)} THEN ${lit(to)}`)
  return `CASE ${word} ${cases.join(' ')} ELSE ${lit(type.else)} END`
}

function privilegeSql(spec: TargetSpec, record: RecordSql): string {
  const only = spec.privilege?.length === 1 ? spec.privilege[0] : undefined
  if (!only?.startsWith('"')) return fieldSql(spec.privilege, record)
  return `CASE WHEN ${fieldSql(spec.principal, record)} IS NOT NULL THEN ${lit(only.slice(1, -1))} END`
}

const structSql = (type: string, id: string, name: string, principal = NO_TEXT, privilege = NO_TEXT): string =>
  `{'type': ${type}, 'id': ${id}, 'name': ${name}, 'principal': ${principal}, 'privilege': ${privilege}}`

function specSql(spec: TargetSpec, record: RecordSql): string {
  return structSql(
    typeSql(spec.type, record),
    fieldSql(spec.id, record),
    fieldSql(spec.name, record),
    fieldSql(spec.principal, record),
    privilegeSql(spec, record),
  )
}

const presentOnly = (structs: readonly string[]): string =>
  `list_filter([${structs.join(', ')}], lambda t: t.id IS NOT NULL OR t.name IS NOT NULL)`

/** A plan for rare actions: shortest SQL. */
const rareSql = (plan: TargetPlan, record: RecordSql): string =>
  presentOnly(plan.targets.map((spec) => specSql(spec, record)))

/**
 * A plan for frequent actions: a lambda over the list costs more than asking again whether each target is there, so
 * the list is chosen by a tree of those questions.
 */
function frequentSql(plan: TargetPlan, record: RecordSql): string {
  const choose = (index: number, chosen: readonly string[]): string => {
    const spec = plan.targets[index]
    if (spec === undefined) return chosen.length === 0 ? 'NULL' : `[${chosen.join(', ')}]`
    const there = fieldSql([...(spec.id ?? []), ...(spec.name ?? [])], record)
    const [withIt, without] = [[...chosen, specSql(spec, record)], chosen].map((list) => choose(index + 1, list))
    return `CASE WHEN ${there} IS NOT NULL THEN ${withIt} ELSE ${without} END`
  }
  return choose(0, [])
}

/** Most alternatives a field of a uniform plan may have, and most targets. */
const UNIFORM = { alternatives: 3, targets: 2 } as const

/** True for plans of plain keys and fixed types: these share one expression that looks its keys up by plan number. */
function isUniform(plan: TargetPlan): boolean {
  const plain = (field: readonly string[] = []): boolean =>
    field.length <= UNIFORM.alternatives &&
    field.map(parseAlternative).every((a) => a.kind === 'keys' && a.keys.length === 1 && a.part === undefined)
  return (
    plan.targets.length <= UNIFORM.targets &&
    plan.targets.every((spec) => typeof spec.type === 'string' && !spec.principal && !spec.privilege) &&
    plan.targets.every((spec) => plain(spec.id) && plain(spec.name))
  )
}

function uniformSql(plans: readonly TargetPlan[], index: string, record: RecordSql): string {
  const column = (value: (plan: TargetPlan) => string | undefined): string =>
    `([${plans.map((plan) => litOrNull(value(plan))).join(', ')}])[${index}]`
  const field = (target: number, name: 'id' | 'name'): string => {
    const parts = Array.from({ length: UNIFORM.alternatives }, (_, nth) => {
      const key = (plan: TargetPlan): string | undefined => plan.targets[target]?.[name]?.[nth]?.replace(/^param:/, '')
      return plans.some((plan) => key(plan) !== undefined) ? [`nullif(${record.params}[${column(key)}], '')`] : []
    }).flat()
    return parts.length === 0 ? NO_TEXT : `coalesce(${parts.join(', ')})`
  }
  return presentOnly(
    Array.from({ length: UNIFORM.targets }, (_, target) =>
      structSql(
        column((plan) => plan.targets[target]?.type as string | undefined),
        field(target, 'id'),
        field(target, 'name'),
      ),
    ),
  )
}

/** Every plan in the order of its number: number = place + 1. Frequent ones first, then uniform ones, then the rest. */
export function numberedPlans(): { readonly plans: readonly TargetPlan[]; frequent: number; uniform: number } {
  const all = targetPlans()
  const frequent = all.filter((plan) => plan.frequent === true)
  const rare = all.filter((plan) => plan.frequent !== true)
  const uniform = rare.filter(isUniform)
  const special = rare.filter((plan) => !isUniform(plan))
  return { plans: [...frequent, ...uniform, ...special], frequent: frequent.length, uniform: uniform.length }
}

/**
 * A SQL expression for the targets of a record: `STRUCT(type, id, name, principal, privilege)[]`, NULL or empty where
 * the record names none. Targets with neither id nor name are left out; empty text counts as absent.
 *
 * @param params MAP(VARCHAR, VARCHAR) expression: the request parameters
 * @param result VARCHAR expression: the response body
 * @param plan integer expression: `target_plan` of the catalogue table; NULL for none
 */
export function targetsSql(params: string, result: string, plan: string): string {
  const record = { params, result }
  const { plans, frequent, uniform } = numberedPlans()
  const cases = (from: number, to: number, sql: (plan: TargetPlan, record: RecordSql) => string): string =>
    plans
      .slice(from, to)
      .map((each, place) => `WHEN ${from + place + 1} THEN ${sql(each, record)}`)
      .join('\n')
  const firstSpecial = frequent + uniform
  return `CASE WHEN ${plan} IS NULL THEN NULL
WHEN ${plan} <= ${frequent} THEN CASE ${plan} ${cases(0, frequent, frequentSql)} END
WHEN ${plan} <= ${firstSpecial} THEN ${uniformSql(plans.slice(frequent, firstSpecial), `${plan} - ${frequent}`, record)}
ELSE CASE ${plan} ${cases(firstSpecial, plans.length, rareSql)} END END`
}

/** Plan name → the number `targetsSql` knows it by. */
export const planNumbers = (): ReadonlyMap<string, number> =>
  new Map(numberedPlans().plans.map(({ plan }, place) => [plan, place + 1]))
