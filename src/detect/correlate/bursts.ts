/**
 * Windows that are met, put together: as long as they overlap they are one burst, which is one finding. A burst that goes on is
 * the same finding, with more events and a later end.
 */
import { EVENTS_NAMED } from '../../core/finding.ts'
import type { Dialect } from '../sql/dialect.ts'
import { fieldFor, type LinkedCorrelation } from './link.ts'
import { measuredSql } from './windows.ts'

/** Stands between the rule, the group and the first event in what an id is the digest of: rules and ids of events have none. */
const BETWEEN = '\x1f'

/**
 * The rows a correlation goes over: `ref` (position of the rule), `event_id`, `event_time`, `group_key`, `spelled` (what it is grouped
 * by, as the event has it), `value`. Events that lack a field it groups by belong to no group, and are left out.
 */
export function rowsSql(correlation: LinkedCorrelation, matches: string, dialect: Dialect): string {
  const { rule, refs, isChained } = correlation
  const counts = rule.type === 'event_count' || rule.type.startsWith('value_')
  const branches = refs.map((ref, at) => {
    const key = groupKeySql(correlation, at, dialect)
    const spelled = dialect.list(fieldsSql(correlation, rule.groupBy, at, dialect))
    const value =
      rule.fields.length === 0 ? dialect.noText : keySql(fieldsSql(correlation, rule.fields, at, dialect), dialect)
    // Of a burst below, one row is counted: the one it was first met at.
    const once = counts && isChained[at] ? ' AND is_start' : ''
    return `SELECT ${at} AS ref, event_id, event_time, ${key} AS group_key, ${spelled} AS spelled, ${value} AS "value" FROM ${matches} WHERE rule = ${ref}${once}`
  })
  return `(SELECT * FROM (${branches.join(' UNION ALL ')}) WHERE group_key IS NOT NULL)`
}

/** The key of the group that a match of the rule at a position belongs to; NULL for none. */
export const groupKeySql = (correlation: LinkedCorrelation, at: number, dialect: Dialect): string =>
  keySql(fieldsSql(correlation, correlation.rule.groupBy, at, dialect), dialect)

const fieldsSql = (correlation: LinkedCorrelation, names: readonly string[], at: number, dialect: Dialect): string[] =>
  names.map((name) => dialect.mapValue('fields', dialect.text(fieldFor(correlation, name, at))))

/** Several texts as one, without case, as the standard compares; NULL if one is. Whatever they hold, others make another. */
function keySql(parts: readonly string[], dialect: Dialect): string {
  const [first, ...more] = parts.map((part) => dialect.lower(part))
  if (first === undefined) return dialect.text('')
  if (more.length === 0) return first
  const isWhole = parts.map((part) => `${part} IS NOT NULL`).join(' AND ')
  return `CASE WHEN ${isWhole} THEN ${dialect.jsonOfTexts(dialect.list([first, ...more]))} END`
}

/** The key of a group whose fields stand in a list in their order, for a finding that says no more. */
export const keyOfGroupSql = (values: string, dialect: Dialect): string =>
  `CASE len(${values}) WHEN 0 THEN '' WHEN 1 THEN coalesce(${dialect.lower(dialect.element(values, 0))}, '')
    ELSE ${dialect.jsonOfTexts(dialect.foldedTexts(values))} END`

/** A part of the groups, `at` of `of` parts. */
export interface Slice {
  readonly at: number
  readonly of: number
}

/** What a relation with a `group_key` has of a part of the groups. */
export const sliceSql = (relation: string, { at, of }: Slice, dialect: Dialect): string =>
  of === 1 ? relation : `(SELECT * FROM ${relation} WHERE ${dialect.bucket('group_key', of)} = ${at})`

/**
 * The events at which a window is met: `group_key`, `event_time`, `ref`, `event_id`, `measure`, `burst` (numbered in its group),
 * and `is_start` for the first of a burst.
 *
 * @param rows relation of {@link rowsSql}
 * @param since relation `(group_key, eval_from)`: windows that end before a group's time are only there for what follows them
 */
export function metSql(correlation: LinkedCorrelation, rows: string, dialect: Dialect, since?: string): string {
  const measured = measuredSql(correlation, rows, dialect)
  const order = 'PARTITION BY group_key ORDER BY event_time, ref, event_id'
  const counted =
    since === undefined
      ? `(${measured}) WHERE is_met`
      : `(${measured}) JOIN ${since} USING (group_key) WHERE is_met AND event_time >= eval_from`
  const met = `SELECT group_key, event_time, ref, event_id, measure, lag(event_time) OVER (${order}) AS met_before FROM ${counted}`
  const gap = `met_before < event_time - ${dialect.seconds(correlation.rule.timespanSecs)}`
  const starts = `SELECT *, coalesce(${gap}, true) AS is_start FROM (${met})`
  return `SELECT *, sum(CASE WHEN is_start THEN 1 ELSE 0 END) OVER (${order} ROWS UNBOUNDED PRECEDING) AS burst FROM (${starts})`
}

/**
 * One row for each burst: id, correlation, group, first and last event, what was measured at most, and its events, which are
 * those of every window that was met. `by_ref` has how many events each of the rules it refers to brought.
 *
 * @param met relation of {@link metSql}
 * @param rows relation of {@link rowsSql}
 */
export function findingsSql(correlation: LinkedCorrelation, met: string, rows: string, dialect: Dialect): string {
  const { rule, number } = correlation
  const name = dialect.text(rule.meta.id ?? rule.meta.name ?? rule.meta.title)
  const between = dialect.text(BETWEEN)
  const bursts = `SELECT group_key, burst, min(event_time) - ${dialect.seconds(rule.timespanSecs)} AS from_time,
    max(event_time) AS to_time, max(measure) AS measure FROM ${met} GROUP BY group_key, burst`
  const groups = Object.fromEntries(rule.groupBy.map((field, at) => [field, dialect.element('spelled', at)]))
  const first = 'min_by(event_id, (event_time, event_id))'
  const placed = dialect.struct({ event_time: 'event_time', event_id: 'event_id' })
  return `SELECT ${dialect.digest(`${name} || ${between} || group_key || ${between} || first_id`)} AS finding_id, ${number} AS rule,
  ${dialect.map(groups)} AS "group", first_time, last_time, measure, events, event_ids, group_key, by_ref
FROM (SELECT b.group_key, ${first} AS first_id, min_by(spelled, (event_time, event_id, ref)) AS spelled, min(event_time) AS first_time, max(event_time) AS last_time,
  max(b.measure)::DOUBLE AS measure, count(DISTINCT event_id) AS events,
  ${dialect.pluck(dialect.firstOf(`DISTINCT ${placed}`, placed, EVENTS_NAMED), 'event_id')} AS event_ids,
  ${dialect.list(correlation.refs.map((_, at) => `count(DISTINCT event_id) FILTER (WHERE ref = ${at})`))} AS by_ref
  FROM ${rows} r
  JOIN (${bursts}) b ON r.group_key = b.group_key AND r.event_time BETWEEN b.from_time AND b.to_time
  GROUP BY b.group_key, b.burst)`
}

/** What is met as matches of the correlation itself, for those that refer to it; its aliases are fields of theirs. */
export function matchesSql(correlation: LinkedCorrelation, met: string, matches: string, dialect: Dialect): string {
  const { number, refs, rule } = correlation
  const aliases = Object.keys(rule.aliases)
  const fields = refs.map((_, at) => {
    const named = Object.fromEntries(
      aliases.map((name) => [name, dialect.mapValue('i.fields', dialect.text(fieldFor(correlation, name, at)))]),
    )
    return `WHEN ${at} THEN map_concat(i.fields, ${dialect.map(named)})`
  })
  return `SELECT ${number} AS rule, event_id, event_time, min_by(fields, ref) AS fields, is_start
FROM (SELECT m.event_id, m.event_time, m.ref, m.is_start, ${aliases.length === 0 ? 'i.fields' : `CASE m.ref ${fields.join(' ')} END`} AS fields
  FROM (SELECT rule, event_id, fields FROM ${matches} WHERE rule IN (${refs.join(', ')})) i JOIN ${met} m
    ON i.event_id = m.event_id AND i.rule = CASE m.ref ${refs.map((ref, at) => `WHEN ${at} THEN ${ref}`).join(' ')} END)
GROUP BY event_id, event_time, is_start`
}
