/** Where records hold what a person or a program ran: under which names, on their own or inside JSON, and what is shown of it instead. */
import { lit, litList } from '../../engine/sql.ts'

/** Names of parameters and of keys in JSON, in small letters and without marks between words. */
const QUERY_NAMES = [
  'command',
  'commandtext',
  'query',
  'querystring',
  'querytext',
  'rawquery',
  'sql',
  'sqlquery',
  'sqlstatement',
  'sqltext',
  'statement',
  'statementtext',
  'viewdefinition',
]

/** Shorter texts are words, not queries. */
const LEAST_QUERY = 4

const MARKS = '_ .-'
const MARK = `[${MARKS}]*`
/** The same names as a regular expression, with marks between words: a small one, as the engine makes it ready for each statement. */
const NAME = `(?:(?:raw${MARK})?query(?:${MARK}(?:string|text))?|sql(?:${MARK}(?:query|statement|text))?|(?:command|statement)(?:${MARK}text)?|view${MARK}definition)`
/** A key of JSON, also of JSON inside JSON, whose quotes are escaped, and of what is written with other quotes. */
const KEY = `["']${NAME}\\\\*["']\\s*:`
/** Regular expressions over any case, which the engine and JavaScript read alike. */
const HELD = `(?i)${KEY}`
/** A key with a text for a value, the key being group 1. */
const HELD_TEXT = `(?i)("${NAME}"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"`
/** A key whose value tells nothing: what was shown instead of a text, or nothing, or a number. */
const HARMLESS = `(?i)"${NAME}"\\s*:\\s*(?:"\\[hidden\\]"|""|null|true|false|-?[0-9][0-9.eE+-]*)\\s*([,}\\]])`
const INSTEAD = '[hidden]'

const [held, heldText, harmless] = [HELD, HELD_TEXT, HARMLESS].map((text) => text.replace('(?i)', '')) as [
  string,
  string,
  string,
]
const HELD_JS = new RegExp(held, 'i')
const HELD_TEXT_JS = new RegExp(heldText, 'gis')
const HARMLESS_JS = new RegExp(harmless, 'gi')

/** True for the name of a parameter that holds a query, however it is written. */
export const isQueryName = (name: string): boolean =>
  QUERY_NAMES.includes(name.toLowerCase().replaceAll(/[_\-. ]/g, ''))

/** SQL: the same. */
export const isQueryNameSql = (name: string): string =>
  `list_contains(${litList(QUERY_NAMES)}, translate(lower(${name}), ${lit(MARKS)}, ''))`

/** True where a text may be JSON that holds a query at any depth. */
export const mayHoldQuery = (text: string): boolean => HELD_JS.test(text)

/** SQL: the same. */
const mayHoldQuerySql = (text: string): string => `regexp_matches(${text}, ${lit(HELD)})`

/** SQL over columns of `events`: true where the parameters, or the query, tell what was run. */
export const HAS_QUERY_SQL = `coalesce(query.text IS NOT NULL OR len(list_filter(map_keys(request_params), lambda k: ${isQueryNameSql('k')})) > 0
  OR len(list_filter(map_values(request_params), lambda v: ${mayHoldQuerySql('v')})) > 0, false)`

/** What is shown instead of a query. */
const maskedQuery = (query: string): string => `[${[...query].length} characters]`

/** SQL: the same. */
export const maskedQuerySql = (query: string): string =>
  `CASE WHEN ${query} IS NOT NULL THEN concat('[', length(${query}), ' characters]') END`

/** A text with the queries in JSON replaced; all of it where they cannot be told from the rest. */
export function withoutHeld(text: string): string {
  if (!mayHoldQuery(text)) return text
  const shown = text.replaceAll(HELD_TEXT_JS, `$1"${INSTEAD}"`)
  return mayHoldQuery(shown.replaceAll(HARMLESS_JS, '$1')) ? maskedQuery(text) : shown
}

/** SQL: the same. `text` is a column or a name: it is written often. */
export function withoutHeldSql(text: string): string {
  const shown = `regexp_replace(${text}, ${lit(HELD_TEXT.replace('(?i)', '(?is)'))}, '\\1"${INSTEAD}"', 'g')`
  const rest = `regexp_replace(${shown}, ${lit(HARMLESS)}, '\\1', 'g')`
  return `CASE WHEN NOT ${mayHoldQuerySql(text)} THEN ${text} WHEN ${mayHoldQuerySql(rest)} THEN ${maskedQuerySql(text)} ELSE ${shown} END`
}

/** SQL: a text with this query in it replaced, also where it stands inside JSON. */
export const withoutQuerySql = (text: string, query: string): string =>
  `CASE WHEN ${query} IS NULL OR length(${query}) < ${LEAST_QUERY} THEN ${text}
    ELSE replace(replace(${text}, ${query}, ${maskedQuerySql(query)}), (to_json(${query})::VARCHAR)[2:-2], ${maskedQuerySql(query)}) END`
