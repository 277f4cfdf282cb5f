/**
 * JSON objects as one long SQL `concat`. A piece of JSON is a list of SQL texts to put one after the other; objects inside
 * objects add their pieces to the outer list, so that text is copied once however deep it stands. (Making structs and
 * dropping their nulls does the same work at twice the price and in more memory.) `concat` passes over NULL, so what is
 * absent costs next to nothing and leaves no trace.
 */
import { lit } from '../engine/sql.ts'

/** JSON text in the making. */
export interface Json {
  /** SQL texts whose concatenation is the JSON; every one is NULL where the value is absent. */
  readonly pieces: readonly string[]
  /** SQL condition under which the value is there; undefined if it always is. */
  readonly present: string | undefined
}

/** Members of an object by name. */
export type Members = Readonly<Record<string, Json>>

const sure = (...pieces: readonly string[]): Json => ({ pieces, present: undefined })

/** A SQL literal and nothing else. */
const LITERAL = /^'(?:[^']|'')*'$/

/** Neighbouring literals as one. */
function joined(pieces: readonly string[]): string[] {
  const merged: string[] = []
  for (const piece of pieces) {
    const before = merged.at(-1)
    if (before !== undefined && LITERAL.test(before) && LITERAL.test(piece)) {
      merged[merged.length - 1] = `${before.slice(0, -1)}${piece.slice(1)}`
    } else merged.push(piece)
  }
  return merged
}

/** SQL of the whole text; NULL where the value is absent. */
export function sqlOf({ pieces, present }: Json): string {
  const [only, ...more] = joined(pieces)
  if (only !== undefined && more.length === 0) return only
  const all = `concat(${[only, ...more].join(',\n      ')})`
  return present === undefined ? all : `CASE WHEN ${present} THEN ${all} END`
}

/** Any SQL value: text, lists, maps, structs with their nulls. Absent where NULL. */
export const json = (value: string): Json => ({
  pieces: [`to_json(${value})::VARCHAR`],
  present: `(${value}) IS NOT NULL`,
})

/** As {@link json} for values that are never NULL. */
export const sureJson = (value: string): Json => sure(`to_json(${value})::VARCHAR`)

/** A SQL number or boolean. Absent where NULL. */
export const plain = (value: string): Json => ({ pieces: [`(${value})::VARCHAR`], present: `(${value}) IS NOT NULL` })

/** As {@link plain} for values that are never NULL. */
export const surePlain = (value: string): Json => sure(`(${value})::VARCHAR`)

/** SQL text that needs no escaping and is never NULL, such as captions and times. */
export const quoted = (value: string): Json => sure(`'"'`, value, `'"'`)

/** A value known now. */
export const constant = (value: unknown): Json => sure(lit(JSON.stringify(value)))

/** SQL that yields JSON text, NULL where absent. */
export const fromText = (text: string): Json => ({ pieces: [text], present: `(${text}) IS NOT NULL` })

/** The value where a condition holds; where it does not, or the value is absent, nothing. */
export const when = (condition: string, value: Json): Json => ({
  pieces: [`CASE WHEN ${condition} THEN ${sqlOf(value)} END`],
  present: value.present === undefined ? condition : `(${condition}) AND (${value.present})`,
})

/** The value of the first condition that holds, else `otherwise`. */
export const either = (cases: readonly (readonly [condition: string, value: Json])[], otherwise: Json): Json => {
  const text = `CASE ${cases.map(([condition, value]) => `WHEN ${condition} THEN ${sqlOf(value)}`).join(' ')} ELSE ${sqlOf(otherwise)} END`
  const isSure = [...cases.map(([, value]) => value), otherwise].every(({ present }) => present === undefined)
  return isSure ? sure(text) : fromText(text)
}

const keyOf = (name: string, comma: boolean): string => lit(`${comma ? ',' : ''}${JSON.stringify(name)}:`)

/**
 * An object of the members that are there, in the order given, but that one which is always there comes first. `more` is
 * SQL of further members' text, `"a":1,"b":2`, NULL for none.
 */
export function object(members: Members, more?: string): Json {
  const entries = Object.entries(members)
  const first = entries.find(([, { present }]) => present === undefined)
  if (first === undefined) return sure(`'{'`, looseMembers(entries, more), `'}'`)
  const rest = entries
    .filter((entry) => entry !== first)
    .flatMap(([name, { pieces, present }]) =>
      present === undefined
        ? [keyOf(name, true), ...pieces]
        : [`CASE WHEN ${present} THEN ${keyOf(name, true)} END`, ...pieces],
    )
  const further = more === undefined ? [] : [`',' || ${more}`]
  return sure(`'{'`, keyOf(first[0], false), ...first[1].pieces, ...rest, ...further, `'}'`)
}

const looseMembers = (entries: readonly (readonly [string, Json])[], more?: string): string =>
  `concat_ws(',', ${[
    ...entries.map(([name, value]) => `${keyOf(name, false)} || ${sqlOf(value)}`),
    ...(more === undefined ? [] : [more]),
  ].join(', ')})`

/** An object of the members that are there, absent if none is. */
export const objectIfAny = (members: Members): Json => {
  const presences = Object.values(members).map(({ present }) => present)
  if (presences.includes(undefined)) return object(members)
  return when(presences.map((present) => `(${present})`).join(' OR '), object(members))
}

/** An object that shows every member, those not known as null. */
export const whole = (members: Members, more?: string): Json =>
  object(Object.fromEntries(Object.entries(members).map(([name, value]) => [name, orNull(value)])), more)

/** The value, or null where it is absent. */
export const orNull = (value: Json): Json =>
  value.present === undefined ? value : sure(`coalesce(${sqlOf(value)}, 'null')`)

/** A list of the elements that are there. */
export const list = (elements: readonly Json[]): Json =>
  elements.every(({ present }) => present === undefined)
    ? sure(`'['`, ...elements.flatMap(({ pieces }, index) => [...(index === 0 ? [] : [`','`]), ...pieces]), `']'`)
    : sure(`'['`, `concat_ws(',', ${elements.map(sqlOf).join(',\n      ')})`, `']'`)

/** A list made from a SQL list: `element` is over the variable `item`; absent elements are left out. */
export const listFrom = (values: string, element: Json): Json =>
  sure(`'['`, `array_to_string(list_transform(${values}, lambda item: ${sqlOf(element)}), ',')`, `']'`)

/**
 * SQL text as JSON on one line if it is JSON, else as a JSON string. DuckDB also reads NaN and Infinity, which are not JSON:
 * text holding such a word stays a string.
 */
export const jsonFromText = (text: string): Json => ({
  pieces: [
    `CASE WHEN regexp_matches(${text}, '(?i)\\b(nan|inf|infinity)\\b') THEN to_json(${text})::VARCHAR
      ELSE coalesce(try(json(${text}))::VARCHAR, to_json(${text})::VARCHAR) END`,
  ],
  present: `(${text}) IS NOT NULL`,
})

/** SQL yielding a timestamp as ISO 8601, UTC, milliseconds, with `Z`. */
export const isoMs = (timestamp: string): string => `strftime(${timestamp}, '%Y-%m-%dT%H:%M:%S.%gZ')`
