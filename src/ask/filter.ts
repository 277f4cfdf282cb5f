/**
 * The questions people ask without SQL, as one SQL condition over `events`. Everything typed reaches SQL as a literal.
 */
import { AppError } from '../core/errors.ts'
import { lit } from '../engine/sql.ts'
import { inRangeSql, parseCidr } from './cidr.ts'
import type { TimeRange } from './times.ts'

/**
 * What to look for. Texts are comma lists (`a, b`) of which one must match; `*` stands for any characters, case does not
 * matter, and a backslash takes a comma or star for itself. Absent conditions match everything.
 */
export interface EventFilter extends TimeRange {
  readonly actor?: string
  readonly action?: string
  readonly service?: string
  readonly category?: string
  readonly verb?: string
  readonly target?: string
  readonly status?: string
  /** Addresses or CIDR ranges. */
  readonly ip?: string
  readonly userAgent?: string
  readonly statusCode?: string
  /** Text of a failure. */
  readonly error?: string
  /** Searched for anywhere in parameters, query text, user agent, error and result; not a list. */
  readonly text?: string
  readonly workspace?: string
  readonly keyEvent?: string
}

/** One alternative of a comma list, as SQL LIKE understands it. */
export interface Pattern {
  /** As it was typed, blanks around it left out. */
  readonly typed: string
  /** LIKE pattern with `\` as its escape, or the plain text where `exact`. */
  readonly value: string
  readonly exact: boolean
}

/** Where an actor's name can stand. */
export const ACTOR_FIELDS = ['email', 'name', 'id', 'run_by', 'run_as', 'impersonated_by'].map(
  (name) => `actor.${name}`,
)
/** Fields of a target by which it is looked for. */
export const TARGET_FIELDS = ['name', 'id', 'principal']

/** Why something failed, as it is shown. */
export const ERROR_SQL = "coalesce(nullif(error_message, ''), status_reason)"

/** A boolean SQL expression over the columns of `events`; `TRUE` for an empty filter. Throws BAD_ARGUMENT. */
export function eventFilterSql(filter: EventFilter): string {
  const conditions = [
    ...timeConditions(filter),
    anyOf('actor', filter.actor, (pattern) => ACTOR_FIELDS.map((field) => matches(field, pattern))),
    anyOf('action', filter.action, (pattern) => [
      matches('action', pattern),
      matches("concat(service, '.', action)", pattern),
    ]),
    anyOf('service', filter.service, (pattern) => [matches('service', pattern)]),
    anyOf('category', filter.category, (pattern) => [matches('category', pattern)]),
    anyOf('verb', filter.verb, (pattern) => [matches('verb', pattern)]),
    anyOf('target', filter.target, (pattern) => [targetMatches(pattern)]),
    anyOf('status', filter.status, (pattern) => [matches('status', pattern)]),
    anyOf('workspace', filter.workspace, (pattern) => [matches('workspace_id', pattern)]),
    anyOf('key-event', filter.keyEvent, (pattern) => [matches('key_event', pattern)]),
    anyOf('user-agent', filter.userAgent, (pattern) => [matches('user_agent', pattern)]),
    anyOf('status-code', filter.statusCode, (pattern) => [matches('status_code::VARCHAR', pattern)]),
    anyOf('error', filter.error, (pattern) => [matches(ERROR_SQL, pattern)]),
    anyOf('ip', filter.ip, ({ typed }) => [inRangeSql('source_ip', parseCidr(typed))]),
    filter.text === undefined ? undefined : textCondition(filter.text),
  ].filter((condition) => condition !== undefined)
  return conditions.length === 0 ? 'TRUE' : conditions.join(' AND ')
}

/** Conditions of a span of time. */
export function timeConditions({ fromMs, toMs }: TimeRange): string[] {
  const conditions: string[] = []
  // The date is the partition: a condition on it lets whole files be left unread.
  if (fromMs !== undefined) {
    const from = new Date(fromMs).toISOString()
    conditions.push(`event_date >= DATE ${lit(from.slice(0, 10))}`, `event_time >= TIMESTAMPTZ ${lit(from)}`)
  }
  if (toMs !== undefined) {
    const to = new Date(toMs).toISOString()
    conditions.push(`event_date <= DATE ${lit(to.slice(0, 10))}`, `event_time < TIMESTAMPTZ ${lit(to)}`)
  }
  return conditions
}

function anyOf(
  option: string,
  list: string | undefined,
  conditionsOf: (pattern: Pattern) => readonly string[],
): string | undefined {
  if (list === undefined) return undefined
  const patterns = parsePatterns(list)
  if (patterns.length === 0) throw new AppError('BAD_ARGUMENT', `--${option} is empty.`)
  return `(${patterns.flatMap(conditionsOf).join(' OR ')})`
}

/** A condition true where a text column matches one of a comma list, by the rules of {@link EventFilter}. */
export const textFilterSql = (option: string, column: string, list: string): string =>
  anyOf(option, list, (pattern) => [matches(column, pattern)]) ?? 'TRUE'

/** The alternatives of a comma list, blank ones left out. */
export function parsePatterns(list: string): Pattern[] {
  return splitList(list).map((item) => {
    const literal = item.map((char) => (char.length === 2 && char.startsWith('\\') ? char.slice(1) : char))
    const typed = item.join('')
    if (!item.includes('*')) return { typed, value: literal.join(''), exact: true }
    const value = item.map((char, at) => (char === '*' ? '%' : likeChar(literal[at] ?? ''))).join('')
    return { typed, value, exact: false }
  })
}

/** Whether a text matches one alternative, as {@link textFilterSql} would find it. */
export function patternTest({ value, exact }: Pattern): (text: string) => boolean {
  if (exact) return (text) => text.toLowerCase() === value.toLowerCase()
  const source = value.replaceAll(/\\[\s\S]|%|[\s\S]/g, (part) =>
    part === '%' ? '.*' : part.slice(-1).replace(/[.*+?^${}()|[\]\\]/, '\\$&'),
  )
  const pattern = new RegExp(`^${source}$`, 'is')
  return (text) => pattern.test(text)
}

/** Items as characters, where a backslash and the comma or star it protects count as one. */
function splitList(list: string): string[][] {
  const items: string[][] = [[]]
  for (const [char] of list.matchAll(/\\[,*]|[\s\S]/gu)) {
    if (char === ',') items.push([])
    else items.at(-1)?.push(char)
  }
  return items.map(trimmed).filter((item) => item.length > 0)
}

function trimmed(item: readonly string[]): string[] {
  const isText = (char: string) => char.trim() !== ''
  return item.slice(item.findIndex(isText), item.findLastIndex(isText) + 1)
}

const likeChar = (char: string): string => (/[%_\\]/.test(char) ? `\\${char}` : char)

/** A condition true where a text column matches one alternative, whatever the case. */
export const matches = (column: string, { value, exact }: Pattern): string =>
  exact ? `lower(${column}) = lower(${lit(value)})` : `lower(${column}) LIKE lower(${lit(value)}) ESCAPE '\\'`

/** A condition true where one of the targets matches. */
export const targetMatches = (pattern: Pattern, fields: readonly string[] = TARGET_FIELDS): string =>
  `len(list_filter(targets, lambda t: ${fields.map((field) => matches(`t.${field}`, pattern)).join(' OR ')})) > 0`

function textCondition(text: string): string {
  if (text.trim() === '') throw new AppError('BAD_ARGUMENT', '--text is empty.')
  const wild = text.replaceAll(/[%_\\]/g, '\\$&').replaceAll('*', '%')
  return textMatches({ typed: text, value: `%${wild}%`, exact: false })
}

/** Stands between the parameters of an event where they are searched as one text. */
const BETWEEN = '\\x1f'

/** A condition true where parameters, query text, user agent, error or result match. */
export function textMatches(pattern: Pattern): string {
  const columns = ['query.text', 'user_agent', 'error_message', 'status_reason', 'response_result', 'extra']
  // One search over all parameters of an event takes half of what a search for each of them takes.
  const source = regexpOf(pattern)
  const inParams = ['map_values(request_params)', 'map_keys(request_params)'].map(
    (list) => `coalesce(regexp_matches(array_to_string(${list}, chr(31)), ${lit(source)}, 'is'), false)`,
  )
  return `(${[...columns.map((column) => matches(column, pattern)), ...inParams].join(' OR ')})`
}

/** RE2 of what LIKE would find between two `%`; a star does not reach from one parameter into the next. */
function regexpOf({ value }: Pattern): string {
  const inner = value.replace(/^%/, '').replace(/%$/, '')
  return inner.replaceAll(/\\[\s\S]|%|[\s\S]/g, (part) =>
    part === '%' ? `[^${BETWEEN}]*` : part.slice(-1).replace(/[.*+?^${}()|[\]\\]/, '\\$&'),
  )
}
