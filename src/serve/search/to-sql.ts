/** Searches as SQL conditions over the columns of `events`. Everything typed reaches SQL as a literal. */

import { inRangeSql, parseCidr } from '../../ask/cidr.ts'
import {
  ACTOR_FIELDS,
  ERROR_SQL,
  matches,
  type Pattern,
  parsePatterns,
  targetMatches,
  textMatches,
} from '../../ask/filter.ts'
import { checkClosed, STATUSES } from '../../ask/known-words.ts'
import { isAppError } from '../../core/errors.ts'
import { lit } from '../../engine/sql.ts'
import { CATEGORIES, KEY_EVENTS, VERBS, type Term as Word } from '../../normalise/catalogue/vocabulary.ts'
import type { Facet } from '../shapes/events.ts'
import { parseSearch, type SearchField, type Term, wrong } from './terms.ts'

/** A search, ready for SQL. */
export interface Search {
  /** A condition over `events`; `TRUE` where nothing is asked for. */
  readonly sql: string
  /** The part of it that counts can answer, over their columns; equal to `sql` where they can answer all. */
  readonly countedSql: string
  /** True where counts can answer all of it. */
  readonly isCounted: boolean
  /** The part of it that targets answer, over `targets`; undefined where none is asked for. */
  readonly targetsSql?: string
  /** True where counts and targets together can answer all of it. */
  readonly isPlaced?: boolean
  /**
   * What words ask of the texts as they are, before masks; undefined where that says nothing. What is found must be found behind the
   * masks too, so that it tells nothing of what they hide.
   */
  readonly before?: string
}

/** Columns of single texts. */
const COLUMNS: Readonly<Partial<Record<SearchField, string>>> = {
  category: 'category',
  service: 'service',
  verb: 'verb',
  status: 'status',
  actor_type: 'actor.type',
  workspace: 'workspace_id',
  country: 'geo.country',
  client: 'client',
  key_event: 'key_event',
  form: 'form',
  cloud: 'cloud',
  as_org: 'geo.as_org',
  session: 'session_id',
  request: 'request_id',
  id: 'event_id',
  user_agent: 'user_agent',
  status_code: 'status_code::VARCHAR',
  // As it is shown.
  error: ERROR_SQL,
}

/** What counts keep nothing of. */
const SCANNED: ReadonlySet<SearchField> = new Set([
  'target',
  'session',
  'request',
  'id',
  'user_agent',
  'status_code',
  'error',
  'params',
  'text',
])

const ACTOR = "coalesce(nullif(actor.email, ''), nullif(actor.name, ''), nullif(actor.id, ''))"

/** SQL of the one value of a facet; targets and their types are lists, see {@link isListFacet}. */
export function facetSql(field: Facet): string {
  if (field === 'actor') return ACTOR
  if (field === 'action') return 'action'
  if (field === 'ip') return 'source_ip'
  if (field === 'target') return "list_distinct(list_transform(targets, lambda t: coalesce(nullif(t.name, ''), t.id)))"
  if (field === 'target_type') return 'list_distinct(list_transform(targets, lambda t: t.type))'
  return COLUMNS[field] ?? field
}

/** True for facets whose SQL is a list, each value of which counts. */
export const isListFacet = (field: Facet): boolean => field === 'target' || field === 'target_type'

/** True where counts know the field. */
export const isCountedFacet = (field: Facet): boolean => !SCANNED.has(field)

const names = (words: readonly Word[]): string[] => words.map(({ name }) => name)

/** Words of ours: a typing error in one must not look like an empty answer. */
const CLOSED: Readonly<Partial<Record<SearchField, readonly string[]>>> = {
  category: names(CATEGORIES),
  verb: names(VERBS),
  key_event: names(KEY_EVENTS),
  status: STATUSES,
}

/** Reads the search box. Throws BAD_ARGUMENT that says where and how to go on. */
export function searchOf(q: string): Search {
  const terms = parseSearch(q).map((term) => ({ term, sql: located(term, () => termSql(term)) }))
  const counted = terms.filter(({ term }) => !SCANNED.has(term.field))
  const joined = (some: typeof terms) => (some.length === 0 ? 'TRUE' : some.map(({ sql }) => sql).join(' AND '))
  const targets = terms.filter(({ term }) => term.field === 'target')
  const words = terms.filter(({ term }) => term.field === 'text' && !term.negated && !looksMasked(term.list))
  return {
    sql: joined(terms),
    countedSql: joined(counted),
    isCounted: counted.length === terms.length,
    ...(targets.length === 0 ? {} : { targetsSql: joined(targets) }),
    isPlaced: counted.length + targets.length === terms.length,
    ...(words.length === 0 ? {} : { before: joined(words) }),
  }
}

/** Words that masks put into texts. */
const OF_MASKS = ['characters', 'hidden']
/** Parts of a pseudonym, of a network, and of the length of a query, with what may stand around them. */
const MASKED =
  /p-|@|\/|::|[[\]*#]|characters|hidden|[.-]0(?!\d)|\d c(?:h|$)|(?:^|[^0-9a-z])p$|^[0-9a-f]+(?:[^0-9a-z]|$)|^[0-9a-f.:-]+$/i

/** What masks put into a text is not in the text as it is. Any part of it counts. */
export const looksMasked = (list: string): boolean =>
  MASKED.test(list) || OF_MASKS.some((word) => word.includes(list.toLowerCase()))

/** What a term throws, at its place. */
function located(term: Term, make: () => string): string {
  try {
    return make()
  } catch (cause) {
    if (isAppError(cause)) throw wrong(cause.message, cause.hint, term)
    throw cause
  }
}

function termSql({ field, param, list, negated, bare }: Term): string {
  const column = param === undefined ? (COLUMNS[field] ?? field) : `request_params[${lit(param)}]`
  if (field === 'status_code' && !/^[\d*,\s]*$/.test(list))
    throw wrong('A status code is a number.', 'Write status_code:403, or status_code:4* for all that begin so.')
  const known = CLOSED[field]
  if (known !== undefined && list !== '') checkClosed(field, list, known)
  const condition = bare
    ? textMatches(anywhere(list))
    : list === ''
      ? absentSql(field, column)
      : presentSql(field, column, list)
  return negated ? `NOT coalesce(${condition}, false)` : `(${condition})`
}

function presentSql(field: SearchField, column: string, list: string): string {
  const patterns = parsePatterns(list)
  if (patterns.length === 0)
    throw wrong('A list of commas has no value.', 'Put values between them, or quotes around it.')
  return patterns.map((pattern) => patternSql(field, column, pattern)).join(' OR ')
}

function patternSql(field: SearchField, text: string, pattern: Pattern): string {
  switch (field) {
    case 'actor':
      return ACTOR_FIELDS.map((each) => matches(each, pattern)).join(' OR ')
    case 'action':
      return `${matches('action', pattern)} OR ${matches("concat(service, '.', action)", pattern)}`
    case 'target':
      return targetMatches(pattern)
    case 'target_type':
      return targetMatches(pattern, ['type'])
    case 'ip':
      // A masked address is a network, which counts as its first address.
      return pattern.exact
        ? inRangeSql("split_part(source_ip, '/', 1)", parseCidr(networkOf(pattern)))
        : matches('source_ip', pattern)
    case 'text':
      return textMatches(anywhere(pattern.typed))
    default:
      return matches(text, pattern)
  }
}

/** A masked address typed as it is shown looks for that network; anything else is an address or a range. */
const networkOf = ({ typed }: Pattern): string => typed

/** Words match anywhere; their stars stand for anything, unless quoted. */
function anywhere(list: string): Pattern {
  const chars = [...list.matchAll(/\\[,*]|[\s\S]/gu)].map(([char]) => char)
  const like = chars.map((char) =>
    char === '*' ? '%' : likeText(char.length === 2 && char[0] === '\\' ? char.slice(1) : char),
  )
  return { typed: list, value: `%${like.join('')}%`, exact: false }
}

const likeText = (text: string): string => text.replaceAll(/[%_\\]/g, '\\$&')

function absentSql(field: SearchField, text: string): string {
  if (field === 'target' || field === 'target_type') return 'len(coalesce(targets, [])) = 0'
  if (field === 'actor') return `${ACTOR} IS NULL`
  const column = field === 'ip' ? 'source_ip' : text
  return `coalesce(${column}, '') = ''`
}
