/**
 * JSON objects as SQL: structs that `to_json` turns into text once per event. What the formats need beyond that is to leave
 * out members that are not known; merging into an empty object does it (RFC 7396: a null in a patch removes the member).
 */
import { lit } from '../engine/sql.ts'

/** Members of an object: name → SQL expression. */
export type Members = Readonly<Record<string, string>>

/** SQL of a struct. */
export const struct = (members: Members): string =>
  `{${Object.entries(members)
    .map(([name, value]) => `${lit(name)}: ${value}`)
    .join(', ')}}`

/** SQL of a struct, NULL if every member is NULL. */
export const structIfAny = (members: Members): string =>
  `CASE WHEN ${Object.values(members)
    .map((value) => `${value} IS NOT NULL`)
    .join(' OR ')} THEN ${struct(members)} END`

/**
 * SQL of a struct as JSON without its NULL members, at any depth. Objects inside lists keep theirs: a list's elements must
 * be made with this themselves. Not for JSON whose nulls mean something.
 */
export const withoutNulls = (value: string): string => `json_merge_patch('{}', to_json(${value}))`

/** SQL of a list without its NULL elements, NULL if none is left. */
export const listOfPresent = (elements: string): string =>
  `nullif(list_filter(${elements}, lambda e: e IS NOT NULL), [])`

/**
 * SQL yielding `text` as JSON if it is JSON, else as a JSON string; NULL for NULL. DuckDB also reads NaN and Infinity, which
 * are not JSON: text holding such a word stays a string.
 */
export const jsonFromText = (text: string): string =>
  `CASE WHEN regexp_matches(${text}, '(?i)\\b(nan|inf|infinity)\\b') THEN to_json(${text})
    ELSE coalesce(try(json(${text})), to_json(${text})) END`

/** SQL yielding a timestamp as ISO 8601, UTC, milliseconds, with `Z`. */
export const isoMs = (timestamp: string): string => `strftime(${timestamp}, '%Y-%m-%dT%H:%M:%S.%gZ')`
