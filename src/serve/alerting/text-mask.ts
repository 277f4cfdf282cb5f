/** Texts of alerts as somebody may see them, masked by the same SQL as events: a pseudonym is the same in both. */
import { isAppError } from '../../core/errors.ts'
import { lit } from '../../engine/sql.ts'
import type { LakeQuestions, Mask, Principal, Relations } from '../contract.ts'
import { withoutHeld } from '../read/query-text.ts'
import { QUERY_WORDS, type Sight } from '../read/visible.ts'

/** How texts are shown to somebody. */
export interface TextMask {
  /** Any text that may hold what is hidden. */
  readonly text: (value: string) => string
  /** Who somebody is. */
  readonly who: (value: string) => string
  /** Who did something in Bricktrail: one knows oneself, and Bricktrail is nobody. */
  readonly colleague: (value: string) => string
  /** The value of a field. */
  readonly value: (field: string, value: string) => string
  /** A reason of a finding, `selection: field = value`. */
  readonly reason: (line: string) => string
  /** A text that may quote what these reasons tell. */
  readonly quoting: (text: string, reasons: readonly string[]) => string
  /** A search somebody wrote: its conditions on queries are not told. */
  readonly search: (q: string) => string
}

const PLAIN: TextMask = {
  text: (value) => value,
  who: (value) => value,
  colleague: (value) => value,
  value: (_, value) => value,
  reason: (line) => line,
  quoting: (text) => text,
  search: (q) => q,
}

/** Who wrote what Bricktrail did by itself. */
const OURSELVES = 'bricktrail'

/** Shorter texts are words, not queries. */
const LEAST_QUERY = 4

/** Ids of service principals and accounts; they name no person. */
const ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d+)$/i

/** Texts masked in one statement. */
const AT_ONCE = 2000

type Asked = 'text' | 'name'

/**
 * What `build` makes with the texts that `viewer` may see. It is run twice, first to learn which texts there are, so it must do nothing else.
 */
export async function masked<T>(
  lake: LakeQuestions,
  viewer: Sight & Partial<Pick<Principal, 'name'>>,
  signal: AbortSignal,
  build: (mask: TextMask) => T,
): Promise<T> {
  const { masks, name } = viewer
  if (masks.length === 0) return build(PLAIN)
  // Queries are hidden by their place, and need no statement.
  if (masks.every((mask) => mask === 'query')) return build(maskWith(masks, name, (text) => text))
  const wanted = { text: new Set<string>(), name: new Set<string>() }
  build(
    maskWith(masks, name, (text, what) => {
      wanted[what].add(text)
      return ''
    }),
  )
  try {
    const known = {
      text: await maskedTexts(lake, viewer, signal, [...wanted.text], 'text'),
      name: await maskedTexts(lake, viewer, signal, [...wanted.name], 'name'),
    }
    return build(maskWith(masks, name, (text, what) => known[what].get(text) ?? ''))
  } catch (cause) {
    if (!isAppError(cause) || cause.code !== 'NO_LAKE') throw cause
    // Nothing was ingested yet, and the key of pseudonyms comes with the lake.
    return build(maskWith(masks, name, lengthOf))
  }
}

function maskWith(
  masks: readonly Mask[],
  own: string | undefined,
  shown: (text: string, what: Asked) => string,
): TextMask {
  const quiet = masks.includes('query')
  const text = (value: string) => (value === '' ? '' : shown(quiet ? withoutHeld(value) : value, 'text'))
  const who = (value: string) => (ID.test(value) ? text(value) : value && shown(value, 'name'))
  return {
    text,
    who,
    colleague: (value) => (value === own || value === OURSELVES ? value : who(value)),
    value: (field, value) =>
      quiet && holdsQuery(field) ? lengthOf(value) : isPerson(field) ? who(value) : text(value),
    reason: (line) => {
      const [field, query] = quiet ? queryOf(line) : []
      return query === undefined ? text(line) : `${text(field ?? '')} = ${lengthOf(query)}`
    },
    quoting: (value, reasons) => text(quiet ? withoutQuoted(value, reasons) : value),
    search: (q) => text(quiet ? q.replace(QUERY_TERM, (_, field, value) => `${field}:${lengthOf(value)}`) : q),
  }
}

const QUERY_FIELD = new RegExp(QUERY_WORDS, 'i')
const holdsQuery = (field: string): boolean => QUERY_FIELD.test(field)
const lengthOf = (text: string): string => `[${text.length} characters]`

/** A condition of a search on a field that may hold a query. */
const QUERY_TERM = new RegExp(`([\\w.]*(?:${QUERY_WORDS})[\\w.]*):("(?:[^"\\\\]|\\\\.)*"?|\\S+)`, 'gi')

/** Field and query of a reason that tells one. */
function queryOf(line: string): readonly [field?: string, query?: string] {
  const [field = '', value] = line.split(/ = ([\s\S]*)/)
  return value !== undefined && holdsQuery(field.slice(field.lastIndexOf(': ') + 1)) ? [field, value] : []
}

const withoutQuoted = (text: string, reasons: readonly string[]): string =>
  reasons.reduce((said, line) => {
    const [, query] = queryOf(line)
    return query === undefined || query.length < LEAST_QUERY ? said : said.replaceAll(query, lengthOf(query))
  }, text)

const isPerson = (field: string): boolean => /^actor(\.|$)|^userIdentity\.|user_?name$/i.test(field)

async function maskedTexts(
  lake: LakeQuestions,
  viewer: Sight,
  signal: AbortSignal,
  texts: readonly string[],
  what: Asked,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let at = 0; at < texts.length; at += AT_ONCE) {
    const some = texts.slice(at, at + AT_ONCE)
    const list = some.map((text, nth) => `(${nth}, ${lit(text)})`).join(', ')
    const sql = (relations: Relations) =>
      `SELECT nth::INTEGER AS nth, ${relations.masked('t', what)} AS shown FROM (VALUES ${list}) texts(nth, t)`
    const { rows } = await lake.rows<{ nth: number; shown: string | null }>(viewer, sql, { signal, lane: 'quick' })
    for (const { nth, shown } of rows) found.set(some[nth] ?? '', shown ?? '')
  }
  return found
}
