/**
 * JSON as SQL string concatenation. Every function here takes and gives SQL whose value is JSON *text*, NULL standing for
 * "absent": `concat_ws` passes over NULL arguments, so an absent member costs nothing and leaves no trace. Merging whole
 * structs (`to_json`, then dropping nulls) does the same work at more than twice the price.
 */
import { lit } from '../engine/sql.ts'

/** Members of a JSON object: name → SQL of JSON text. */
export type Members = Readonly<Record<string, string>>

/** Any SQL value as JSON: text, lists, maps, structs with their nulls. NULL stays NULL. */
export const json = (value: string): string => `to_json(${value})::VARCHAR`

/** A SQL number or boolean as JSON. */
export const plain = (value: string): string => `(${value})::VARCHAR`

/** SQL text that needs no escaping, such as captions and hexadecimal ids. */
export const quoted = (value: string): string => `concat('"', ${value}, '"')`

/** A JSON value known now. */
export const constant = (value: unknown): string => lit(JSON.stringify(value))

/** A SQL literal and nothing else. */
const LITERAL = /^'(?:[^']|'')*'$/

/** Members as arguments of `concat_ws`; neighbours known now are one literal, which is cheaper for every event. */
function memberTexts(members: Members): string[] {
  const texts: string[] = []
  for (const [name, value] of Object.entries(members)) {
    const key = lit(`${JSON.stringify(name)}:`)
    const known = LITERAL.test(value)
    const before = texts.at(-1)
    if (!known) texts.push(`${key} || ${value}`)
    else if (before === undefined || !LITERAL.test(before)) texts.push(`${key.slice(0, -1)}${value.slice(1)}`)
    else texts[texts.length - 1] = `${before.slice(0, -1)},${key.slice(1, -1)}${value.slice(1)}`
  }
  return texts
}

/** An object of the members that are there; `{}` if none is. `more` is SQL of further members' text, `"a":1,"b":2`. */
export const object = (members: Members, more?: string): string =>
  `concat('{', concat_ws(',', ${[...memberTexts(members), ...(more === undefined ? [] : [more])].join(',\n      ')}), '}')`

/** An object of the members that are there, absent if none is. */
export const objectIfAny = (members: Members): string => `nullif(${object(members)}, '{}')`

/** An object that shows every member, those not known as null. */
export const whole = (members: Members, more?: string): string =>
  object(
    Object.fromEntries(
      Object.entries(members).map(([name, value]) => [
        name,
        LITERAL.test(value) ? value : `coalesce(${value}, 'null')`,
      ]),
    ),
    more,
  )

/** A list of the elements that are there. */
export const list = (elements: readonly string[]): string =>
  `concat('[', concat_ws(',', ${elements.join(',\n      ')}), ']')`

/** A list made from a SQL list: `element` is SQL of JSON text over the variable `item`; absent elements are left out. */
export const listFrom = (values: string, element: string): string =>
  `concat('[', array_to_string(list_transform(${values}, lambda item: ${element}), ','), ']')`

/** Absent in place of an empty list. */
export const ifAny = (listText: string): string => `nullif(${listText}, '[]')`

/**
 * SQL text as JSON on one line if it is JSON, else as a JSON string. DuckDB also reads NaN and Infinity, which are not JSON:
 * text holding such a word stays a string.
 */
export const jsonFromText = (text: string): string =>
  `CASE WHEN regexp_matches(${text}, '(?i)\\b(nan|inf|infinity)\\b') THEN ${json(text)}
    ELSE coalesce(try(json(${text}))::VARCHAR, ${json(text)}) END`

/** SQL yielding a timestamp as ISO 8601, UTC, milliseconds, with `Z`. */
export const isoMs = (timestamp: string): string => `strftime(${timestamp}, '%Y-%m-%dT%H:%M:%S.%gZ')`
