/**
 * Where windows can be met at all. Most groups never have as many matches as a correlation asks for, and counting by spans as long
 * as its window costs a part of what sliding the window does: rows elsewhere are left out before.
 */
import type { Dialect } from '../sql/dialect.ts'
import type { LinkedCorrelation } from './link.ts'

/** Rules are bits of a number. */
const MOST_RULES = 60

/** So many matches at least are in a window that is met. */
export function leastRows({ rule }: LinkedCorrelation): number {
  if (rule.expression !== undefined) return 1
  if (rule.type === 'temporal_ordered') return rule.rules.length
  if (rule.type !== 'event_count' && rule.type !== 'value_count' && rule.type !== 'temporal') return 1
  const least = rule.bounds.map(({ op, value }) =>
    op === 'gte' || op === 'eq' ? Math.ceil(value) : op === 'gt' ? Math.floor(value) + 1 : 1,
  )
  return Math.max(1, ...least)
}

const spanMs = ({ rule }: LinkedCorrelation): number => rule.timespanSecs * 1000

/**
 * Where the span begins that a row is in. A window is as long as one, so it lies in its last row's and the one before. The two at
 * 1970 are one, which times without end share.
 */
function spanSql(correlation: LinkedCorrelation, dialect: Dialect): string {
  const ms = dialect.epochMs('event_time')
  return `coalesce(${ms} - ${ms} % ${spanMs(correlation)}, 0)`
}

/**
 * The spans that rows of met windows can be in: `group_key`, `span`. Undefined where the correlation may be met by any single row.
 *
 * @param rows relation of `rowsSql`
 */
export function busySql(correlation: LinkedCorrelation, rows: string, dialect: Dialect): string | undefined {
  const { type } = correlation.rule
  const least = leastRows(correlation)
  const isOfRules = type === 'temporal' || type === 'temporal_ordered'
  if (least <= 1 || (isOfRules && correlation.refs.length > MOST_RULES)) return undefined
  const kind = isOfRules ? 'rules' : type === 'value_count' ? 'values' : 'rows'
  const { counted, reached } = COUNTS[kind]
  const counts = `SELECT group_key, ${spanSql(correlation, dialect)} AS span, ${counted} FROM ${rows} GROUP BY group_key, span`
  const length = spanMs(correlation)
  const reaching = `SELECT *, ${dialect.eachOf(['span', `span + ${length}`])} AS last FROM (${counts})`
  const busy = `SELECT group_key, last FROM (${reaching}) GROUP BY group_key, last HAVING ${reached(least)}`
  return `SELECT DISTINCT group_key, ${dialect.eachOf(['last', `last - ${length}`])} AS span FROM (${busy})`
}

/** What is counted in a span, and what two of them must come to. More than the measure is no fault, less would be. */
const COUNTS = {
  rows: { counted: 'count(*) AS n', reached: (least: number) => `sum(n) >= ${least}` },
  values: {
    counted: 'count("value") AS n, min("value") AS low, max("value") AS high',
    reached: (least: number) => `sum(n) >= ${least} AND min(low) <> max(high)`,
  },
  rules: { counted: 'bit_or(1::BIGINT << ref) AS n', reached: (least: number) => `bit_count(bit_or(n)) >= ${least}` },
} as const

/** The rows in busy spans: of all that are met, every row that a measure or a finding is about. */
export const busyRowsSql = (correlation: LinkedCorrelation, rows: string, busy: string, dialect: Dialect): string =>
  `SELECT * FROM ${rows} AS r SEMI JOIN ${busy} AS b ON r.group_key = b.group_key AND ${spanSql(correlation, dialect)} = b.span`
