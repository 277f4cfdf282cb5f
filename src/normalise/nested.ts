/**
 * Nested fields of a record: objects as a rule, but JSON text where a pipeline or a CSV file has flattened them, and maps
 * are lists of pairs where a writer has no maps.
 */
import { lit } from '../engine/sql.ts'
import { fromJson, type JsonShape, PARAMS_SHAPE, tryFromJson } from './contract.ts'

/** Where parameters are kept that are neither an object nor JSON text: whole, under this key. */
export const UNPARSED_KEY = '_unparsed'

/**
 * Parameters from their text: a JSON object, a list of `{key, value}`, or else anything, kept whole. NULL for NULL and
 * for texts that say nothing.
 */
export const paramsFromTextSql = (text: string): string => `CASE
      WHEN ${text} IS NULL OR trim(${text}) IN ('', 'null') THEN NULL
      ELSE coalesce(${tryFromJson(text, PARAMS_SHAPE)},
        try(map_from_entries(${fromJson(text, [{ key: 'VARCHAR', value: 'VARCHAR' }])})),
        map([${lit(UNPARSED_KEY)}], [${text}])) END`

/** How a nested field was given, by its JSON type. */
const typeOf = (key: string): string => `json_type(json, ${lit(`$.${key}`)})`

/**
 * True where the typed read `r` of a record found nothing in a nested field that is there all the same, as something else than
 * an object. Looks at the JSON only where the read found nothing.
 *
 * @param key the field
 * @param found an expression over `r` that is NULL if nothing was read
 */
export const misreadSql = (key: string, found: string): string =>
  `(CASE WHEN ${found} IS NULL THEN coalesce(${typeOf(key)} NOT IN ('OBJECT', 'NULL'), false) ELSE false END)`

/** A nested struct of the typed read `r`, or read from its text. */
export const eitherWaySql = (key: string, shape: JsonShape): string =>
  `CASE WHEN ${typeOf(key)} = 'VARCHAR' THEN ${tryFromJson(`json ->> ${lit(`$.${key}`)}`, shape)} ELSE r.${key} END`

/** The parameters of the typed read `r`, or read from whatever stands in their place. */
export const eitherWayParamsSql = (key: string): string =>
  `CASE WHEN r.${key} IS NULL THEN ${paramsFromTextSql(`(json ->> ${lit(`$.${key}`)})`)} ELSE r.${key} END`

/**
 * The text of a nested field that is neither an object nor text of one, such as a response that is one word; NULL otherwise. It
 * has no columns to go to.
 *
 * @param text the field as text
 * @param read what was read of it; NULL, or empty, if that was nothing
 */
export const unreadSql = (text: string, read: string): string =>
  `CASE WHEN ${text} NOT IN ('', 'null') AND (${read} IS NULL OR NOT starts_with(ltrim(${text}), '{')) THEN ${text} END`

/** JSON members, without braces, of fields kept as `extra` although they are known; NULL where there are none. */
export const keptMembersSql = (fields: Readonly<Record<string, string>>): string =>
  `nullif(concat_ws(',', ${Object.entries(fields)
    .map(([name, value]) => `${lit(`"${name}":`)} || to_json(${value})::VARCHAR`)
    .join(', ')}), '')`
