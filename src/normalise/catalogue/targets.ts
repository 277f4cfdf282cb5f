/**
 * Target plans as one SQL expression. It runs for every event of the bulk path and is planned for every batch, so it
 * has four parts: the few frequent plans, each a branch of its own; plans said by plain and by rich recipes; and the few
 * that need SQL of their own.
 */
import { lit } from '../../engine/sql.ts'
import { fieldSql, parseAlternative, type RecordSql, typeSql } from './alternatives.ts'
import { once, type TargetPlan, type TargetSpec, targetPlans } from './catalogue.ts'
import { type Field, plainRecipe, plainSql, presentOnly, richRecipe, richSql, structSql } from './recipes.ts'

function specFieldSql(spec: TargetSpec, name: Field, record: RecordSql): string {
  const only = spec[name]?.length === 1 ? spec[name].map(parseAlternative)[0] : undefined
  if (only?.kind !== 'literal') return fieldSql(spec[name], record)
  return `CASE WHEN ${fieldSql(spec.principal, record)} <> '' THEN ${lit(only.text)} END`
}

const listSql = (specs: readonly TargetSpec[], record: RecordSql): string =>
  `[${specs.map((spec) => structSql(typeSql(spec.type, record), (name) => specFieldSql(spec, name, record))).join(', ')}]`

const specialSql = (plan: TargetPlan, record: RecordSql): string => presentOnly(listSql(plan.targets, record))

/** Filtering a list costs more than asking first whether all targets are there, or only the first. */
function frequentSql(plan: TargetPlan, record: RecordSql): string {
  const [first, ...rest] = plan.targets
  if (first === undefined) return 'NULL'
  const there = (spec: TargetSpec): string =>
    `(${[spec.id, spec.name].flatMap((field) => (field ? [`${fieldSql(field, record)} <> ''`] : [])).join(' OR ')})`
  const alone = `WHEN ${there(first)} THEN ${listSql([first], record)}`
  if (rest.length === 0) return `CASE ${alone} END`
  const all = `WHEN ${plan.targets.map(there).join(' AND ')} THEN ${listSql(plan.targets, record)}`
  return `CASE ${all} WHEN ${rest.map(there).join(' OR ')} THEN ${specialSql(plan, record)} ${alone} END`
}

/** The plans in the order of their numbers, counted from 1 through the four lists. */
const numbered = once(() => {
  const frequent = targetPlans().filter((plan) => plan.frequent === true)
  const rare = targetPlans().filter((plan) => plan.frequent !== true)
  const plain = rare.filter((plan) => plainRecipe(plan) !== undefined)
  const rich = rare.filter((plan) => !plain.includes(plan) && richRecipe(plan) !== undefined)
  const special = rare.filter((plan) => !plain.includes(plan) && !rich.includes(plan))
  return { frequent, plain, rich, special }
})

/** Plan name → the number {@link targetsSql} knows it by. */
export const planNumbers = once((): ReadonlyMap<string, number> => {
  const { frequent, plain, rich, special } = numbered()
  return new Map([...frequent, ...plain, ...rich, ...special].map(({ plan }, place) => [plan, place + 1]))
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
  const { frequent, plain, rich, special } = numbered()
  const [afterPlain, afterRich] = [frequent.length + plain.length, frequent.length + plain.length + rich.length]
  const branches = (plans: readonly TargetPlan[], before: number, sql: typeof specialSql): string =>
    `CASE ${plan} ${plans.map((each, place) => `WHEN ${before + place + 1} THEN ${sql(each, record)}`).join('\n')} END`
  const recipes = (plans: readonly TargetPlan[], of: typeof plainRecipe): string[] =>
    plans.map((each) => of(each) ?? '')
  return `CASE WHEN ${plan} IS NULL THEN NULL
WHEN ${plan} <= ${frequent.length} THEN ${branches(frequent, 0, frequentSql)}
WHEN ${plan} <= ${afterPlain} THEN ${plainSql(recipes(plain, plainRecipe), `${plan} - ${frequent.length}`, record)}
WHEN ${plan} <= ${afterRich} THEN ${richSql(recipes(rich, richRecipe), `${plan} - ${afterPlain}`, record)}
ELSE ${branches(special, afterRich, specialSql)} END`
}
