/**
 * Target plans as one SQL expression. It runs for every event of the bulk path and is planned for every batch, so the few
 * frequent plans have each a branch of its own, and so have the few that no recipe can say; recipes say the rest. All
 * branches are of one CASE, since each CASE copies the lists that come out of it; and they are few, since each has a price
 * for every vector that holds one event of it.
 */
import { lit } from '../../engine/sql.ts'
import { fieldSql, parseAlternative, type RecordSql, typeSql } from './alternatives.ts'
import { once, type TargetPlan, type TargetSpec, targetPlans } from './catalogue.ts'
import {
  type Field,
  partsSql,
  plainRecipe,
  plainValuesSql,
  presentOnly,
  recipeTargetsSql,
  richRecipe,
  richValuesSql,
  structSql,
} from './recipes.ts'

function specFieldSql(spec: TargetSpec, name: Field, record: RecordSql): string {
  const only = spec[name]?.length === 1 ? spec[name].map(parseAlternative)[0] : undefined
  if (only?.kind !== 'literal') return fieldSql(spec[name], record)
  return `CASE WHEN ${fieldSql(spec.principal, record)} <> '' THEN ${lit(only.text)} END`
}

const listSql = (specs: readonly TargetSpec[], record: RecordSql): string =>
  `[${specs.map((spec) => structSql(typeSql(spec.type, record), (name) => specFieldSql(spec, name, record))).join(', ')}]`

const specialSql = ({ targets }: TargetPlan, record: RecordSql): string => presentOnly(listSql(targets, record))

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

/** Plan name → the number {@link withTargetsSql} knows it by. */
export const planNumbers = once((): ReadonlyMap<string, number> => {
  const { frequent, plain, rich, special } = numbered()
  return new Map([...frequent, ...plain, ...rich, ...special].map(({ plan }, place) => [plan, place + 1]))
})

/** Names of the columns that {@link withTargetsSql} works with; the relation must have none of them. */
const [PARTS, VALUES] = ['target_parts', 'target_values']

/**
 * A SELECT of all columns of a relation and `targets`: `STRUCT(type, id, name, principal, privilege)[]`, NULL or empty where
 * the record names none. Targets whose id and name are both absent or empty are left out.
 *
 * @param relation SQL relation without a column `targets`
 * @param record columns of the request parameters, MAP(VARCHAR, VARCHAR), and of the response body, VARCHAR
 * @param plan `target_plan` of the catalogue table, a column; NULL for none
 */
export function withTargetsSql(relation: string, record: RecordSql, plan: string): string {
  const { frequent, plain, rich, special } = numbered()
  const [afterFrequent, afterPlain] = [frequent.length, frequent.length + plain.length]
  const afterRich = afterPlain + rich.length
  const branches = (plans: readonly TargetPlan[], before: number, sql: typeof specialSql): string =>
    plans.map((each, place) => `WHEN ${before + place + 1} THEN ${sql(each, record)}`).join('\n')
  const recipes = [...plain.map(plainRecipe), ...rich.map(richRecipe)].map((recipe) => recipe ?? '')
  return `SELECT * EXCLUDE (${PARTS}, ${VALUES}), CASE ${plan} ${branches(frequent, 0, frequentSql)}
${branches(special, afterRich, specialSql)}
ELSE CASE WHEN ${PARTS} IS NOT NULL THEN ${presentOnly(recipeTargetsSql(PARTS, VALUES, record))} END END AS targets
FROM (
  SELECT *, CASE WHEN ${plan} <= ${afterFrequent} THEN NULL WHEN ${plan} <= ${afterPlain} THEN ${plainValuesSql(PARTS, record)}
    WHEN ${plan} <= ${afterRich} THEN ${richValuesSql(PARTS, record)} END AS ${VALUES}
  FROM (SELECT *, CASE WHEN ${plan} > ${afterFrequent} THEN ${partsSql(recipes, `${plan} - ${afterFrequent}`)} END AS ${PARTS} FROM ${relation}))`
}
