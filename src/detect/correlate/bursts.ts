/**
 * Windows that are met, put together: as long as they overlap they are one burst, which is one finding. A burst that goes on is
 * the same finding, with more events and a later end.
 */
import type { Dialect } from '../sql/dialect.ts'
import { fieldFor, type LinkedCorrelation } from './link.ts'
import { measuredSql } from './windows.ts'

/** A finding keeps this many of its events by name; the count has them all. */
export const EVENTS_KEPT = 100

/** Separates the parts of a group's key; no text has it of itself. */
const BETWEEN = '\x1f'

/** The rows a correlation goes over. Events that lack a field it groups by belong to no group, and are left out. */
function rowsSql(correlation: LinkedCorrelation, matches: string, dialect: Dialect): string {
  const { rule, refs, isChained } = correlation
  const valueOf = (name: string): string => {
    const fields = refs.map((_, at) => fieldFor(correlation, name, at))
    const [first = name] = fields
    if (fields.every((field) => field === first)) return dialect.mapValue('fields', dialect.text(first))
    return `CASE ref ${fields.map((field, at) => `WHEN ${at} THEN ${dialect.mapValue('fields', dialect.text(field))}`).join(' ')} END`
  }
  const counts = rule.type === 'event_count' || rule.type.startsWith('value_')
  const branches = refs.map((ref, at) => {
    // Of a burst below, one row is counted: the one it was first met at.
    const once = counts && isChained[at] ? ' AND is_start' : ''
    return `SELECT ${at} AS ref, event_id, event_time, fields FROM ${matches} WHERE rule = ${ref}${once}`
  })
  const groups = rule.groupBy.map((name, at) => `${valueOf(name)} AS group${at}`)
  const value = rule.fields.length === 0 ? 'NULL' : joinedKey(rule.fields.map(valueOf), dialect)
  const key =
    rule.groupBy.length === 0
      ? dialect.text('')
      : joinedKey(
          rule.groupBy.map((_, at) => `group${at}`),
          dialect,
        )
  const inner = `SELECT ${['*', ...groups, `${value} AS value`].join(', ')} FROM (${branches.join(' UNION ALL ')})`
  return `(SELECT *, ${key} AS group_key FROM (${inner}) WHERE ${rule.groupBy.map((_, at) => `group${at} IS NOT NULL`).join(' AND ') || 'true'})`
}

/** Several values as one; NULL if one of them is. */
const joinedKey = (parts: readonly string[], dialect: Dialect): string => parts.join(` || ${dialect.text(BETWEEN)} || `)

/**
 * The events of every burst of a correlation: the columns of its rows, `measure`, `is_met`, `burst` (numbered in its group) and
 * `is_start` (the event it was first met at).
 */
export function burstEventsSql(correlation: LinkedCorrelation, matches: string, dialect: Dialect): string {
  const { rule } = correlation
  const span = dialect.seconds(rule.timespanSecs)
  const measured = measuredSql(correlation, rowsSql(correlation, matches, dialect), dialect)
  const met =
    '(PARTITION BY group_key ORDER BY event_time, ref, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)'
  const upTo = '(PARTITION BY group_key ORDER BY event_time, ref, event_id ROWS UNBOUNDED PRECEDING)'
  const ahead = `(PARTITION BY group_key ORDER BY event_time RANGE BETWEEN CURRENT ROW AND ${span} FOLLOWING)`
  const lastMet = `SELECT *, max(CASE WHEN is_met THEN event_time END) OVER ${met} AS met_before FROM (${measured})`
  const starts = `SELECT *, is_met AND coalesce(met_before < event_time - ${span}, true) AS is_start FROM (${lastMet})`
  const numbered = `SELECT *, CASE WHEN is_met THEN sum(CASE WHEN is_start THEN 1 ELSE 0 END) OVER ${upTo} END AS met_burst FROM (${starts})`
  return `SELECT * FROM (SELECT *, min(met_burst) OVER ${ahead} AS burst FROM (${numbered})) WHERE burst IS NOT NULL`
}

/** One row for each burst: id, correlation, group, first and last event, what was measured at most, and its events. */
export function findingsSql(correlation: LinkedCorrelation, events: string, dialect: Dialect): string {
  const { rule, number } = correlation
  const name = dialect.text(rule.meta.id ?? rule.meta.name ?? rule.meta.title)
  const groups = Object.fromEntries(rule.groupBy.map((field, at) => [field, `any_value(group${at})`]))
  const first = `min_by(event_id, (event_time, event_id))`
  return `SELECT ${dialect.digest(`${name} || ${dialect.text(BETWEEN)} || group_key || ${dialect.text(BETWEEN)} || ${first}`)} AS finding_id,
  ${number} AS rule, ${dialect.map(groups)} AS "group", min(event_time) AS first_time, max(event_time) AS last_time,
  max(measure)::DOUBLE AS measure, count(DISTINCT event_id) AS events, ${dialect.firstOf('DISTINCT event_id', 'event_id', EVENTS_KEPT)} AS event_ids
FROM ${events} GROUP BY group_key, burst`
}
