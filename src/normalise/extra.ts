/** Unknown top-level fields: kept as JSON, so that a field the vendor adds tomorrow is not lost today. */
import { litList } from '../engine/sql.ts'

const KEYS = 'json_keys(json)'

/**
 * True for a record whose key list is none of those given. Comparing whole lists is cheap; looking at each key is
 * not, and is left to {@link extraSql} for the few records this picks out. A list, since of IN the engine would make a join.
 *
 * @param signatures whole key lists, in order, known to hold only known keys
 */
export const unusualKeysSql = (signatures: readonly (readonly string[])[]): string =>
  signatures.length === 0 ? 'true' : `NOT list_contains([${signatures.map(litList).join(', ')}], ${KEYS})`

/** SQL for the JSON object of some members given as text; NULL for none. */
export const membersSql = (members: string): string => `'{' || ${members} || '}'`

/**
 * SQL over `json` for the JSON object of the unknown top-level fields and of `kept_members`, NULL where there are none.
 *
 * @param knownKeys keys the form maps
 */
export function extraSql(knownKeys: readonly string[]): string {
  const unknown = `list_filter(${KEYS}, lambda k: NOT list_contains(${litList([...knownKeys, '_file'])}, k))`
  const pointer = `'/' || replace(replace(k, '~', '~0'), '/', '~1')`
  // Joined by hand: DuckDB has no function that makes a JSON object of lists.
  const member = `to_json(k)::VARCHAR || ':' || coalesce(json_extract(json, ${pointer})::VARCHAR, 'null')`
  const members = `array_to_string(list_transform(${unknown}, lambda k: ${member}), ',')`
  return `CASE WHEN len(${unknown}) > 0 THEN ${membersSql(`concat_ws(',', kept_members, ${members})`)} ELSE ${membersSql('kept_members')} END`
}
