/** Fields that no record has as they are: worked out of those it has, under `derived.`. */
import type { Dialect } from './dialect.ts'
import { PARAM_KEYS, PARAMS, paramSql } from './event-params.ts'
import type { Operand } from './fields.ts'

const MS_A_DAY = 86_400_000

/** As milliseconds this is a day in 1973; what is below stands for seconds. */
const LEAST_MS = 100_000_000_000

/** Both spellings of when a token ends. */
const TOKEN_ENDS = ['tokenExpirationTime', 'token_expiration_time'] as const

/** Days from the event to a token's end, which is delivered as text; -1, 0 and nothing stand for no end. */
function tokenLifetimeDays(dialect: Dialect): string {
  const end = `coalesce(${TOKEN_ENDS.map((key) => paramSql(key, dialect)).join(', ')})`
  const number = `(${dialect.asNumber(end)})`
  const endMs = `CASE WHEN ${number} >= ${LEAST_MS} THEN ${number} WHEN ${number} > 0 THEN ${number} * 1000
    WHEN ${number} IS NULL THEN ${dialect.epochMs(dialect.asTime(end))} END`
  return `((${endMs}) - ${dialect.epochMs('event_time')}) / ${MS_A_DAY}.0`
}

const DERIVED: Readonly<Record<string, (dialect: Dialect) => string>> = {
  'derived.token_lifetime_days': tokenLifetimeDays,
}

/** Names of the fields that are worked out. */
export const DERIVED_FIELDS: readonly string[] = Object.keys(DERIVED)

/** A field that is worked out, by its name in any case; undefined for other names. */
export function derivedField(name: string, dialect: Dialect): Operand | undefined {
  const sqlOf = DERIVED[name.toLowerCase()]
  if (sqlOf === undefined) return undefined
  const sql = sqlOf(dialect)
  return {
    type: 'number',
    sql,
    present: `(${sql}) IS NOT NULL`,
    columns: [PARAMS, 'event_time'],
    isColumn: false,
    uses: [PARAM_KEYS],
  }
}
