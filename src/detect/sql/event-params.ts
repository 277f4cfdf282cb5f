/** Parameters of events: entries of a map by their keys, and members of the JSON that some of them hold. */
import { type Dialect, foldedText } from './dialect.ts'
import type { Operand } from './fields.ts'

/** The column that holds parameters. */
export const PARAMS = 'request_params'

/** Name of what several parameters are looked up by: the keys in lower case. */
export const PARAM_KEYS = 'param_keys'

/** The parameters as a whole: a list of their values. */
export const paramsField = (dialect: Dialect): Operand => ({
  type: 'texts',
  sql: dialect.mapValues(PARAMS),
  present: `${PARAMS} IS NOT NULL`,
  columns: [PARAMS],
  isColumn: false,
})

/** A parameter by its key as given, else by one that differs in case only. Uses {@link PARAM_KEYS}. */
export const paramSql = (key: string, dialect: Dialect): string =>
  `coalesce(${dialect.mapValue(PARAMS, dialect.text(key))}, ${dialect.mapValueFolded(PARAMS, PARAM_KEYS, dialect.text(foldedText(key)))})`

const hasParamSql = (key: string, dialect: Dialect): string =>
  dialect.listHas(PARAM_KEYS, dialect.text(foldedText(key)))

/** `x.y` is the parameter `x.y`, or `y` in the JSON of the parameter `x`. */
export function paramField(steps: readonly string[], dialect: Dialect): Operand {
  const whole = steps.join('.')
  const common = { columns: [PARAMS], isColumn: false, uses: [PARAM_KEYS] }
  if (steps.length === 1) {
    return { type: 'text', sql: paramSql(whole, dialect), present: hasParamSql(whole, dialect), ...common }
  }
  const splits = steps.slice(1).map((_, at) => ({
    json: dialect.asJson(paramSql(steps.slice(0, -1 - at).join('.'), dialect)),
    inner: steps.slice(steps.length - 1 - at),
  }))
  const param = paramSql(whole, dialect)
  const nested = splits.map(({ json, inner }) => dialect.jsonTexts(json, inner))
  const has = splits.map(({ json, inner }) => dialect.jsonHas(json, inner))
  return {
    type: 'texts',
    sql: `coalesce(CASE WHEN ${param} IS NOT NULL THEN ${dialect.list([param])} END, ${nested.join(', ')})`,
    present: [hasParamSql(whole, dialect), ...has].map((sql) => `(${sql}) IS TRUE`).join(' OR '),
    ...common,
  }
}
