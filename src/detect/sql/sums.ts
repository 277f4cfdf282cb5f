/**
 * Matches added up: for rules that nearly every event matches, and of which only the habit is of interest, a row for an hour and the
 * values of their fields in place of a row for each event.
 */
import { Bindings } from './bindings.ts'
import { anyHit, type CompiledRule, hasHit, hitsOf, type MatchSource, narrowed, recordsOf } from './compile.ts'
import type { Dialect } from './dialect.ts'
import { fieldText } from './explain.ts'
import type { RecordShape } from './fields.ts'
import { Mask } from './masks.ts'

/** Milliseconds that a row is about. */
export const SUM_MS = 3_600_000

/** Columns of added-up matches. */
export const SUM_COLUMNS = `rule INTEGER, hour TIMESTAMPTZ, fields MAP(VARCHAR, VARCHAR), events BIGINT, first_time TIMESTAMPTZ, first_event VARCHAR,
  last_time TIMESTAMPTZ, last_event VARCHAR`

const ADDED = ['events', 'first_time', 'first_event', 'last_time', 'last_event'] as const

const fieldNames = (rules: readonly CompiledRule[]): string[] => [...new Set(rules.flatMap(({ captured }) => captured))]

/** Column of a captured field. */
const columnOf = (names: readonly string[], name: string): string => `field${names.indexOf(name)}`

/**
 * A row for each hour and combination of values, of all rules together: `hit0…`, `hour`, `field0…`, and what is added up. A field is
 * NULL where no rule that matched asks for it, so that it makes no rows for others.
 */
export function summedSql(
  rules: readonly CompiledRule[],
  source: MatchSource,
  shape: RecordShape,
  dialect: Dialect,
): string {
  const bindings = new Bindings(narrowed(shape, rules), dialect)
  const hits = hitsOf(rules, source, bindings)
  const names = fieldNames(rules)
  const readers = names.map((name) =>
    Mask.of(rules.flatMap(({ captured }, at) => (captured.includes(name) ? [at] : []))),
  )
  const texts = names.map((name, at) => {
    bindings.wantedBy(source.gates === undefined ? undefined : readers[at])
    return `${bindings.settled(fieldText(name, bindings))} AS ${columnOf(names, name)}`
  })
  const ms = dialect.epochMs('event_time')
  const hour = `${dialect.timeOfMs(`${ms} - ${ms} % ${SUM_MS}`)} AS hour`
  const records = recordsOf(rules, source, shape, ['event_id', 'event_time', ...bindings.columns], dialect)
  const tested = `(SELECT ${['event_id', 'event_time', hour, ...texts, ...hits].join(',\n  ')}\nFROM ${bindings.over(records)})`
  const words = hits.map((_, at) => `hit${at}`)
  const columns = names.map((name, at) => {
    const column = columnOf(names, name)
    return `CASE WHEN ${readers[at]?.meets(dialect, 'hit')} THEN ${column} END AS ${column}`
  })
  const keys = [...words, 'hour', ...names.map((name) => columnOf(names, name))].join(', ')
  return `SELECT ${keys}, count(*) AS events, min(event_time) AS first_time, min_by(event_id, (event_time, event_id)) AS first_event,
  max(event_time) AS last_time, max_by(event_id, (event_time, event_id)) AS last_event
FROM (SELECT event_id, event_time, hour, ${[...columns, ...words].join(', ')} FROM ${dialect.where(tested, anyHit(words, dialect))})
GROUP BY ${keys}`
}

/** The rows of one rule (columns as {@link SUM_COLUMNS}) of a relation of {@link summedSql}, which was made for `rules`. */
export function sumsSql(rules: readonly CompiledRule[], position: number, summed: string, dialect: Dialect): string {
  const names = fieldNames(rules)
  const { number = -1, captured = [] } = rules[position] ?? {}
  const columns = captured.map((name) => columnOf(names, name))
  const added = `sum(events) AS events, min(first_time) AS first_time, min_by(first_event, (first_time, first_event)) AS first_event,
    max(last_time) AS last_time, max_by(last_event, (last_time, last_event)) AS last_event`
  const keys = ['hour', ...columns].join(', ')
  const fields = dialect.map(Object.fromEntries(captured.map((name, at) => [name, columns[at] ?? 'NULL'])))
  return `SELECT ${number} AS rule, hour, ${fields} AS fields, ${ADDED.join(', ')}
FROM (SELECT ${keys}, ${added} FROM ${summed} WHERE ${hasHit(position, dialect)} GROUP BY ${keys})`
}
