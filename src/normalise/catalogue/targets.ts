/**
 * Target plans as one SQL expression. It runs for every event of the bulk path and is planned for every batch, so it
 * has three parts: the few frequent plans, each a branch of its own; the many plain ones, which one small interpreter
 * reads from a list of recipes (a branch for each would cost more to plan and to pass than to run); and those that
 * need SQL of their own.
 */
import { lit } from '../../engine/sql.ts'
import { fieldSql, jsonSql, NO_TEXT, parseAlternative, type RecordSql, typeSql } from './alternatives.ts'
import { once, type TargetPlan, type TargetSpec, targetPlans } from './catalogue.ts'

const FIELDS = ['id', 'name', 'principal', 'privilege'] as const

type Field = (typeof FIELDS)[number]

const structSql = (type: string, field: (name: Field) => string): string =>
  `{'type': ${type}, ${FIELDS.map((name) => `'${name}': ${field(name)}`).join(', ')}}`

function specFieldSql(spec: TargetSpec, name: Field, record: RecordSql): string {
  const only = spec[name]?.length === 1 ? spec[name].map(parseAlternative)[0] : undefined
  if (only?.kind !== 'literal') return fieldSql(spec[name], record)
  return `CASE WHEN ${fieldSql(spec.principal, record)} <> '' THEN ${lit(only.text)} END`
}

const specSql = (spec: TargetSpec, record: RecordSql): string =>
  structSql(typeSql(spec.type, record), (name) => specFieldSql(spec, name, record))

const presentOnly = (list: string): string => `list_filter(${list}, lambda t: t.id <> '' OR t.name <> '')`

/** Filtering a list costs more than asking first whether all targets are there, or only the first. */
function frequentSql(plan: TargetPlan, record: RecordSql): string {
  const [first, ...rest] = plan.targets
  if (first === undefined) return 'NULL'
  const there = (spec: TargetSpec): string =>
    `(${[spec.id, spec.name].flatMap((field) => (field ? [`${fieldSql(field, record)} <> ''`] : [])).join(' OR ')})`
  const list = (specs: readonly TargetSpec[]): string => `[${specs.map((spec) => specSql(spec, record)).join(', ')}]`
  const alone = `WHEN ${there(first)} THEN ${list([first])}`
  if (rest.length === 0) return `CASE ${alone} END`
  const all = `WHEN ${plan.targets.map(there).join(' AND ')} THEN ${list(plan.targets)}`
  return `CASE ${all} WHEN ${rest.map(there).join(' OR ')} THEN ${presentOnly(list(plan.targets))} ${alone} END`
}

/**
 * Slots of a field in a recipe. A recipe is text: targets parted by `;`, their parts by `|`: the type, then for each
 * field its parameter keys and its JSON path into the response body. An unused slot is empty; no parameter has that name.
 */
const SLOTS: Readonly<Record<Field, { readonly keys: number; readonly paths: number }>> = {
  id: { keys: 4, paths: 1 },
  name: { keys: 4, paths: 0 },
  principal: { keys: 3, paths: 0 },
  privilege: { keys: 2, paths: 0 },
}

/** The recipe parts of a field; undefined if it has alternatives that a recipe cannot say, or in another order. */
function recipeField(name: Field, alternatives: readonly string[] = []): readonly string[] | undefined {
  const parsed = alternatives.map(parseAlternative)
  const keys = parsed.flatMap((each) => (each.kind === 'keys' && each.keys.length === 1 ? each.keys : []))
  const paths = parsed
    .slice(keys.length)
    .flatMap((each) => (each.kind === 'json' && each.key === null ? [each.path] : []))
  const slots = SLOTS[name]
  const sayable = keys.length + paths.length === parsed.length && paths.every((path) => !path.includes('[*]'))
  if (!sayable || keys.length > slots.keys || paths.length > slots.paths) return undefined
  const padded = (list: readonly string[], size: number) =>
    Array.from({ length: size }, (_, place) => list[place] ?? '')
  return [...padded(keys, slots.keys), ...padded(paths, slots.paths)]
}

/** The recipe of a plan; undefined if it needs SQL of its own. */
function recipeOf(plan: TargetPlan): string | undefined {
  const targets = plan.targets.map((spec) => {
    const fields = FIELDS.map((name) => recipeField(name, spec[name]))
    return typeof spec.type !== 'string' || fields.includes(undefined)
      ? undefined
      : [spec.type, ...fields.flat()].join('|')
  })
  return targets.includes(undefined) ? undefined : targets.join(';')
}

function interpreterSql(recipes: readonly string[], index: string, record: RecordSql): string {
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
  const recipe = `string_split(${lit(recipes.join('\n'))}, chr(10))[${index}]`
  const parts = `list_transform(string_split(${recipe}, ';'), lambda s: string_split(s, '|'))`
  return presentOnly(`list_transform(${parts}, lambda p: ${structSql('p[1]', field)})`)
}

/**
 * The plans that need SQL of their own, field by field: DuckDB readies the result of every branch of a CASE for each
 * 2,048 rows, taken or not, and lists of structs are dear to ready, texts cheap.
 */
function specialsSql(plans: readonly TargetPlan[], plan: string, before: number, record: RecordSql): string {
  const pick = (target: number, sql: (spec: TargetSpec) => string): string => {
    const branches = plans.flatMap((each, place) => {
      const spec = each.targets[target]
      const text = spec === undefined ? NO_TEXT : sql(spec)
      return text === NO_TEXT ? [] : [`WHEN ${before + place + 1} THEN ${text}`]
    })
    return branches.length === 0 ? NO_TEXT : `CASE ${plan} ${branches.join('\n')} END`
  }
  const most = Math.max(0, ...plans.map((each) => each.targets.length))
  const structs = Array.from({ length: most }, (_, target) =>
    structSql(
      pick(target, (spec) => typeSql(spec.type, record)),
      (name) => pick(target, (spec) => specFieldSql(spec, name, record)),
    ),
  )
  return presentOnly(`[${structs.join(', ')}]`)
}

/** Plans with SQL of their own are asked for in groups, so that one of the first group does not pay for all others. */
const GROUP_SIZE = 8

interface Numbered {
  readonly frequent: readonly TargetPlan[]
  readonly plain: readonly { readonly plan: TargetPlan; readonly recipe: string }[]
  readonly special: readonly TargetPlan[]
}

/** The plans in the order of their numbers, counted from 1 through the three lists. */
const numbered = once((): Numbered => {
  const rare = targetPlans().filter((plan) => plan.frequent !== true)
  const recipes = rare.map((plan) => ({ plan, recipe: recipeOf(plan) }))
  return {
    frequent: targetPlans().filter((plan) => plan.frequent === true),
    plain: recipes.flatMap(({ plan, recipe }) => (recipe === undefined ? [] : [{ plan, recipe }])),
    special: recipes.flatMap(({ plan, recipe }) => (recipe === undefined ? [plan] : [])),
  }
})

/** Plan name → the number {@link targetsSql} knows it by. */
export const planNumbers = once((): ReadonlyMap<string, number> => {
  const { frequent, plain, special } = numbered()
  const all = [...frequent, ...plain.map(({ plan }) => plan), ...special]
  return new Map(all.map(({ plan }, place) => [plan, place + 1]))
})

/**
 * A SQL expression for the targets of a record: `STRUCT(type, id, name, principal, privilege)[]`, NULL or empty where
 * the record names none. Targets whose id and name are both absent or empty are left out.
 *
 * @param params the request parameters, MAP(VARCHAR, VARCHAR): a column, or an expression in parentheses
 * @param result the response body, VARCHAR
 * @param plan `target_plan` of the catalogue table; NULL for none
 */
export function targetsSql(params: string, result: string, plan: string): string {
  const record = { params, result }
  const { frequent, plain, special } = numbered()
  const afterPlain = frequent.length + plain.length
  const branches = frequent.map((each, place) => `WHEN ${place + 1} THEN ${frequentSql(each, record)}`)
  const groups = Array.from({ length: Math.ceil(special.length / GROUP_SIZE) }, (_, nth) => {
    const before = afterPlain + nth * GROUP_SIZE
    const group = special.slice(nth * GROUP_SIZE, (nth + 1) * GROUP_SIZE)
    return `WHEN ${plan} <= ${before + group.length} THEN ${specialsSql(group, plan, before, record)}`
  })
  const recipes = plain.map(({ recipe }) => recipe)
  return `CASE WHEN ${plan} IS NULL THEN NULL
WHEN ${plan} <= ${frequent.length} THEN CASE ${plan} ${branches.join('\n')} END
WHEN ${plan} <= ${afterPlain} THEN ${interpreterSql(recipes, `${plan} - ${frequent.length}`, record)}
ELSE CASE ${groups.join('\n')} END END`
}
