/** Overrides as SQL: parameters that change an event's verb, key event or category. */
import { lit } from '../../engine/sql.ts'
import { type OverrideCase, overrides } from './catalogue.ts'

/** What an override can change. */
export type OverriddenColumn = 'verb' | 'key_event' | 'category'

const WORD_OF = {
  verb: (each) => each.verb,
  key_event: (each) => each.keyEvent,
  category: (each) => each.category,
} as const satisfies Record<OverriddenColumn, (each: OverrideCase) => string | undefined>

/** Number of an override in the catalogue table; NULL for none. */
export const overrideNumber = (name: string | null): number | null =>
  name === null ? null : overrides().findIndex((each) => each.override === name) + 1

/**
 * A SQL expression for a column after overrides: `base` unless the record's parameters say otherwise.
 *
 * @param override integer expression: `override` of the catalogue table; NULL for most actions, and then nothing else runs
 */
export function overrideSql(column: OverriddenColumn, base: string, params: string, override: string): string {
  const branches = overrides().flatMap(({ cases }, place) => {
    const whens = cases.flatMap((each) => {
      const word = WORD_OF[column](each)
      return word === undefined
        ? []
        : [`WHEN regexp_matches(${textSql(each, params)}, ${lit(each.matches)}) THEN ${lit(word)}`]
    })
    return whens.length === 0 ? [] : [`WHEN ${place + 1} THEN CASE ${whens.join(' ')} ELSE ${base} END`]
  })
  return `CASE WHEN ${override} IS NULL THEN ${base} ELSE CASE ${override} ${branches.join(' ')} ELSE ${base} END END`
}

function textSql(each: OverrideCase, params: string): string {
  const keys = each.param.map((key) => `${params}[${lit(key)}]`)
  return keys.length === 1 ? String(keys[0]) : `coalesce(${keys.join(', ')})`
}
