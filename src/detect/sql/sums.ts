/**
 * Matches added up: for rules that nearly every event matches, and of which only the habit is of interest, a row for an hour and the
 * values of their fields in place of a row for each event.
 */
import { Bindings } from './bindings.ts'
import {
  anyHit,
  CONTEXT_KEY,
  type CompiledRule,
  hasHit,
  hitsOf,
  type MatchSource,
  maskNames,
  narrowed,
  recordsOf,
} from './compile.ts'
import type { Dialect } from './dialect.ts'
import { fieldText } from './explain.ts'
import type { RecordShape } from './fields.ts'
import { levelShape } from './gate.ts'
import { Mask } from './masks.ts'

/** Milliseconds that a row is about. */
export const SUM_MS = 3_600_000

/** Columns of added-up matches. */
export const SUM_COLUMNS = `rule INTEGER, hour TIMESTAMPTZ, fields MAP(VARCHAR, VARCHAR), events BIGINT, first_time TIMESTAMPTZ, first_event VARCHAR,
  last_time TIMESTAMPTZ, last_event VARCHAR`

const fieldNames = (rules: readonly CompiledRule[]): string[] => [...new Set(rules.flatMap(({ captured }) => captured))]

/** Column of a captured field. */
const columnOf = (names: readonly string[], name: string): string => `field${names.indexOf(name)}`

/** First and last of several events, each with its time as one text; of two at the same time the one whose id comes first, or last. */
const ends = (first: string, last: string): string => `min(${first}) AS first_one, max(${last}) AS last_one`

const endColumns = (dialect: Dialect): string =>
  ['first', 'last']
    .map(
      (end) =>
        `${dialect.timeAt('hour', `${end}_one`)} AS ${end}_time, ${dialect.textAt('hour', `${end}_one`)} AS ${end}_event`,
    )
    .join(', ')

/**
 * A row for each hour and combination of values, of all rules together: `hit0…`, `hour`, `field0…`, and what is added up. Records are added
 * up by their context, whose fields are put beside them afterwards; another field is NULL where no rule that matched asks for it, so
 * that it makes no rows for others.
 */
export function summedSql(
  rules: readonly CompiledRule[],
  source: MatchSource,
  shape: RecordShape,
  dialect: Dialect,
): string {
  const { contexts } = source
  const bindings = new Bindings(narrowed(shape, rules), dialect)
  const ofContext = new Bindings(levelShape('context', shape), dialect, true)
  const hits = hitsOf(rules, source, bindings)
  const fields = fieldNames(rules).map((name, at) => ({
    name,
    column: `field${at}`,
    readers: Mask.of(rules.flatMap(({ captured }, rule) => (captured.includes(name) ? [rule] : []))),
    isOfContext: contexts !== undefined && shape.field(name)?.context !== undefined,
  }))
  const own = fields.filter(({ isOfContext }) => !isOfContext)
  const texts = own.map(({ name, column, readers }) => {
    bindings.wantedBy(contexts && readers)
    return `${bindings.settled(fieldText(name, bindings))} AS ${column}`
  })
  const ms = dialect.epochMs('event_time')
  const hour = `${dialect.timeOfMs(`${ms} - ${ms} % ${SUM_MS}`)} AS hour`
  const records = recordsOf(rules, source, ['event_id', 'event_time', ...bindings.columns], dialect)
  const key = contexts === undefined ? [] : [CONTEXT_KEY]
  const tested = `(SELECT ${[...key, 'event_id', 'event_time', hour, ...texts, ...hits].join(',\n  ')}\nFROM ${bindings.over(records)})`
  const words = maskNames('hit', rules.length)
  const columns = own.map(
    ({ column, readers }) => `CASE WHEN ${readers.meets(dialect, 'hit')} THEN ${column} END AS ${column}`,
  )
  const one = dialect.atTime('hour', 'event_time', 'event_id')
  const keys = [...key, ...words, 'hour', ...own.map(({ column }) => column)].join(', ')
  const summed = `(SELECT ${keys}, count(*) AS events, ${ends('one', 'one')}
FROM (SELECT ${[...key, `${one} AS one`, 'hour', ...columns, ...words].join(', ')} FROM ${dialect.where(tested, anyHit(words, dialect))})
GROUP BY ${keys})`
  const values = fields.map(({ name, column, isOfContext }) =>
    isOfContext ? `${fieldText(name, ofContext)} AS ${column}` : column,
  )
  const beside = contexts && ` JOIN ${contexts.table} AS contexts ON contexts.${CONTEXT_KEY} = summed.${CONTEXT_KEY}`
  return `SELECT ${[...words, 'hour', ...values].join(', ')}, events, first_one, last_one FROM ${summed} AS summed${beside ?? ''}`
}

/** The rows of one rule (columns as {@link SUM_COLUMNS}) of a relation of {@link summedSql}, which was made for `rules`. */
export function sumsSql(rules: readonly CompiledRule[], position: number, summed: string, dialect: Dialect): string {
  const names = fieldNames(rules)
  const { number = -1, captured = [] } = rules[position] ?? {}
  const columns = captured.map((name) => columnOf(names, name))
  const added = `sum(events) AS events, ${ends('first_one', 'last_one')}`
  const keys = ['hour', ...columns].join(', ')
  const fields = dialect.map(Object.fromEntries(captured.map((name, at) => [name, columns[at] ?? 'NULL'])))
  return `SELECT ${number} AS rule, hour, ${fields} AS fields, events, ${endColumns(dialect)}
FROM (SELECT ${keys}, ${added} FROM ${summed} WHERE ${hasHit(position, dialect)} GROUP BY ${keys})`
}
