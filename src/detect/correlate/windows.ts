/**
 * What a correlation measures in the window that ends at each event. Windows slide: there is one for every event, as long as the
 * timespan, both ends included, so that nothing depends on where an hour begins.
 */
import type { CorrelationRule, RuleExpression } from '../sigma/rule.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { LinkedCorrelation } from './link.ts'

/** Columns of the rows windows go over: `ref` (position of the rule in the correlation), `event_time`, `group_key`, `value`. */
const window = ({ timespanSecs }: CorrelationRule, dialect: Dialect, partition = 'group_key'): string =>
  `(PARTITION BY ${partition} ORDER BY event_time RANGE BETWEEN ${dialect.seconds(timespanSecs)} PRECEDING AND CURRENT ROW)`

/** The steps of a measure: SELECTs over one another, the last with `measure` and `is_met`. */
export function measuredSql(correlation: LinkedCorrelation, rows: string, dialect: Dialect): string {
  const { rule } = correlation
  if (rule.expression !== undefined) return expressionSql(rule, rule.expression, rows, dialect)
  if (rule.type === 'temporal_ordered') return orderedSql(correlation, rows, dialect)
  const measured = `SELECT *, ${measureSql(rule, dialect)} AS measure FROM ${rows}`
  return `SELECT *, (${boundsSql(rule)}) IS TRUE AS is_met FROM (${measured})`
}

const boundsSql = ({ bounds }: CorrelationRule, measure = 'measure'): string =>
  bounds.map(({ op, value }) => `${measure} ${SIGNS[op]} ${value}`).join(' AND ') || 'true'

const SIGNS = { gt: '>', gte: '>=', lt: '<', lte: '<=', eq: '=', neq: '<>' } as const

function measureSql(rule: CorrelationRule, dialect: Dialect): string {
  const over = window(rule, dialect)
  const number = `(${dialect.asNumber('value')})`
  switch (rule.type) {
    case 'value_count':
      return dialect.distinctOver('value', over)
    case 'value_sum':
      return `sum(${number}) OVER ${over}`
    case 'value_avg':
      return `avg(${number}) OVER ${over}`
    case 'value_median':
      return dialect.quantileOver(number, 0.5, over)
    case 'value_percentile':
      return rule.percentile === undefined
        ? shareSql(rule, dialect)
        : dialect.quantileOver(number, rule.percentile / 100, over)
    case 'temporal':
    case 'temporal_ordered':
      return dialect.distinctOver('ref', over)
    default:
      return `count(*) OVER ${over}`
  }
}

/** How many of a hundred events in the window have the value of the one it ends at. */
const shareSql = (rule: CorrelationRule, dialect: Dialect): string =>
  `CASE WHEN value IS NOT NULL THEN 100.0 * count(*) OVER ${window(rule, dialect, 'group_key, value')} / count(*) OVER ${window(rule, dialect)} END`

/** Which rules match in the window, put into the expression. */
function expressionSql(rule: CorrelationRule, expression: RuleExpression, rows: string, dialect: Dialect): string {
  const over = window(rule, dialect)
  const seen = rule.rules.map((_, at) => `count(*) FILTER (WHERE ref = ${at}) OVER ${over} AS seen${at}`)
  const count = rule.rules.map((_, at) => `(CASE WHEN seen${at} > 0 THEN 1 ELSE 0 END)`).join(' + ')
  return `SELECT *, ${count} AS measure, (${renderExpression(expression, rule)}) AS is_met FROM (SELECT *, ${seen.join(', ')} FROM ${rows})`
}

function renderExpression(node: RuleExpression, rule: CorrelationRule): string {
  if (node.kind === 'rule') return `seen${rule.rules.indexOf(node.rule)} > 0`
  if (node.kind === 'not') return `NOT (${renderExpression(node.node, rule)})`
  return `(${node.nodes.map((each) => renderExpression(each, rule)).join(` ${node.kind.toUpperCase()} `)})`
}

/**
 * Rules in their order. Step by step, `start` is the latest time at which a chain that has come this far can have begun; the
 * latest leaves the shortest chain. At the same time the order of the rules counts as the order of events.
 */
function orderedSql({ rule, refs }: LinkedCorrelation, rows: string, dialect: Dialect): string {
  const before = '(PARTITION BY group_key ORDER BY event_time, ref ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)'
  const within = `event_time - ${dialect.seconds(rule.timespanSecs)}`
  const last = refs.length - 1
  let from = `(SELECT *, CASE WHEN ref = 0 THEN event_time END AS start0 FROM ${rows})`
  for (let step = 1; step <= last; step++) {
    from = `(SELECT *, CASE WHEN ref = ${step} THEN max(start${step - 1}) OVER ${before} END AS start${step} FROM ${from})`
  }
  return `SELECT *, ${refs.length} AS measure, (start${last} >= ${within}) IS TRUE AS is_met FROM ${from}`
}
