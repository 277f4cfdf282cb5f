/** Secrets out of a whole record: which records may hold one, and the columns without it. */
import { lit } from '../engine/sql.ts'
import type { Form } from './contract.ts'
import { hasSecretSql, redactionsSql, SECRET_KEY, scrubSql } from './scrub.ts'

const secretName = (key: string): string => `regexp_full_match(${key}, ${lit(SECRET_KEY)})`
const HAS_SECRET_KEY = `coalesce(len(list_filter(map_keys(request_params), lambda k: ${secretName('k')})) > 0, false)`

const isTrue = (condition: string): string => `coalesce(${condition}, false)`

/**
 * True for a record that may hold a secret, over every record of the quick reading. User agents and unknown fields are not looked
 * through here: they are where they are met for the first time, in the tolerant reading.
 *
 * @param paramsText the parameters as one text, with their names
 */
export const maySecretSql = (paramsText: string): string =>
  `(${[paramsText, 'response_result', 'error_message', 'status_reason', 'email', 'query.text']
    .map((text) => isTrue(hasSecretSql(text)))
    .join(' OR ')})`

/** Columns of free text. */
const TEXTS = [
  'response_result',
  'error_message',
  'status_reason',
  'email',
  'subject_name',
  'user_agent',
  'extra',
] as const

const isSecretKey = (key: string, value: string): string => `(${secretName(key)} AND coalesce(${value}, '') <> '')`

/** The parameters with their new values, which stand in the list `safe` behind the texts. */
function paramsSql(textCount: number): string {
  const pairs = `list_transform(list_zip(map_keys(request_params), safe[${textCount + 1}:]), lambda z: {'key': z[1], 'value':
        CASE WHEN ${isSecretKey('z[1]', 'z[2]')} THEN '[redacted:secret]' ELSE z[2] END})`
  return `CASE WHEN request_params IS NOT NULL THEN
        coalesce(try(map_from_entries(${pairs})), map(['_duplicate_keys'], [to_json(${pairs})::VARCHAR])) END`
}

const added = (after: string, before: string): string => `${redactionsSql(after)} - ${redactionsSql(before)}`

/** How many marks were put; one that was logged as such is not counted. */
const countSql = (texts: string, textCount: number): string =>
  `list_sum(list_transform(list_zip(safe[1:${textCount}], ${texts}), lambda z: ${added('z[1]', 'z[2]')}))
      + coalesce(list_sum(list_transform(list_zip(map_keys(request_params), safe[${textCount + 1}:], map_values(request_params)), lambda z:
          CASE WHEN ${isSecretKey('z[1]', 'z[3]')} THEN 1 ELSE ${added('z[2]', 'z[3]')} END)), 0)`

/**
 * The columns of a relation with marks in the place of secrets, and the column `redactions`: how many, NULL for none.
 *
 * All texts go through the patterns as one list: each use of the patterns would be compiled anew for every batch.
 */
export function redactedSql(form: Form, relation: string): string {
  const names = form.givesQuery === true ? [...TEXTS, 'query.text'] : [...TEXTS]
  const texts = `[${names.join(', ')}]`
  const all = `list_concat(${texts}, map_values(request_params))`
  const columns: Record<string, string> = Object.fromEntries(TEXTS.map((text, place) => [text, `safe[${place + 1}]`]))
  columns.request_params = paramsSql(names.length)
  if (form.givesQuery === true) {
    columns.query = `CASE WHEN query IS NOT NULL THEN struct_update(query, text := safe[${names.length}]) END`
  }
  const replaced = Object.entries(columns).map(
    ([name, sql]) => `CASE WHEN safe IS NULL THEN ${name} ELSE ${sql} END AS ${name}`,
  )
  return `SELECT * EXCLUDE (safe) REPLACE (${replaced.join(',\n    ')}),
    CASE WHEN safe IS NOT NULL THEN nullif(${countSql(texts, names.length)}, 0) END AS redactions
  FROM (
    SELECT *, CASE WHEN ${isTrue(hasSecretSql(`array_to_string(${all}, chr(30))`))} OR ${HAS_SECRET_KEY} THEN list_transform(${all}, lambda t: ${scrubSql('t')}) END AS safe
    FROM ${relation})`
}
