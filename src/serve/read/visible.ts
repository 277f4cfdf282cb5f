/** What a principal may see, as SQL relations: rows within their limits, masked columns replaced by expressions. */
import { type Column, type ColumnType, EVENT_COLUMNS, REJECT_COLUMNS } from '../../core/event.ts'
import { FINDING_COLUMNS } from '../../core/finding.ts'
import { ident, lit, litList } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import type { Mask, Principal, RowLimits } from '../contract.ts'
import {
  hidingVersionsSql,
  maskedAddressSql,
  maskedBothSql,
  maskedMailSql,
  maskedNameSql,
  mayHoldSql,
  showingVersionsSql,
} from './mask-text.ts'
import { HAS_QUERY_SQL, isQueryNameSql, maskedQuerySql, withoutHeldSql, withoutQuerySql } from './query-text.ts'

/** Whose sight. */
export type Sight = Pick<Principal, 'masks' | 'rows'>

/** Words of ours, or digests: nothing that came with a record stands in them. */
export const OF_OURS: ReadonlySet<string> = new Set([
  'event_id',
  'event_time',
  'event_date',
  'received_time',
  'ingest_time',
  'batch_id',
  'form',
  'cloud',
  'category',
  'verb',
  'key_event',
  'status',
  'client',
  'geo',
  'account_id',
  'workspace_id',
  'audit_level',
  'source',
])

/** Columns that may repeat a query's text. */
export const MAY_QUOTE: ReadonlySet<string> = new Set([
  'request_params',
  'response_result',
  'extra',
  'error_message',
  'status_reason',
])

/** Kinds of actors whose names are no persons'. */
const NO_PERSON = ['service_principal', 'system', 'vendor_support']

/** True where the principal sees the rows of this table only in part. */
export const isLimited = ({ rows }: Pick<Sight, 'rows'>): boolean => isLimitedByLists(rows) || rows.use === false

/** True where only rows of some workspaces or categories are seen. */
export const isLimitedByLists = ({ workspaces, categories }: RowLimits): boolean =>
  workspaces !== undefined || categories !== undefined

/** What Bricktrail itself was asked. */
const IS_USE = "coalesce(lower(service) = 'bricktrail', false)"

/** Columns that limits look at. */
export const LIMITED: readonly string[] = ['workspace_id', 'category', 'service']

/** A condition over columns of `events`; `TRUE` where nothing is limited. */
export function limitsSql({ workspaces, categories, use }: RowLimits): string {
  const within = (column: string, values: readonly string[]) =>
    `coalesce(list_contains(${litList(values)}, ${column}), false)`
  const conditions = [
    ...(workspaces === undefined ? [] : [within('workspace_id', workspaces)]),
    ...(categories === undefined ? [] : [within('category', categories)]),
    ...(use === false ? [`NOT ${IS_USE}`] : []),
  ]
  return conditions.length === 0 ? 'TRUE' : conditions.join(' AND ')
}

/** What a relation needs to know. */
export interface VisibleOptions {
  /** Secret of the pseudonyms. */
  readonly key: string
  /** Columns that are wanted; all where absent. */
  readonly columns?: (name: string) => boolean
  /**
   * True where the statement around it is somebody else's: the engine may then look at a row before it looks at the limits, and a
   * failing expression would tell of it, so that every column of such a row is null.
   */
  readonly guarded?: boolean
  /**
   * A condition over the columns as they are, which the rows must meet besides. It may only leave out rows that the question leaves out
   * anyway: it saves masking what is not looked for.
   */
  readonly before?: string
  /** Columns, and fields of structs as `actor.email`, that are known to hold nothing that masks would change: see `unchangedIn`. */
  readonly unchanged?: (path: string) => boolean
}

/** The events of `source` as somebody sees them. */
export function visibleEvents(source: string, sight: Sight, options: VisibleOptions): string {
  return visible(source, EVENT_COLUMNS, sight, options)
}

/** As {@link visibleEvents}, over fewer columns; `also` are columns of ours beside them. */
export function visible(
  source: string,
  columns: readonly Column[],
  sight: Sight,
  options: VisibleOptions,
  also: readonly string[] = [],
): string {
  const { masks, rows } = sight
  if (masks.length === 0 && !isLimited(sight)) return source
  const limits = limitsSql(rows)
  const guard = options.guarded === true && limits !== 'TRUE'
  const shown = columns
    .filter(({ name }) => options.columns?.(name) !== false)
    .map((column) => {
      const isKnown = options.unchanged?.(column.name) === true
      const masked = isKnown ? undefined : maskedColumn(column, masks, options.key, options.unchanged)
      const value = masked ?? ident(column.name)
      const held = guard && column.name !== 'event_date' ? `CASE WHEN ${limits} THEN ${value} END` : value
      return held === ident(column.name) ? held : `${held} AS ${ident(column.name)}`
    })
  const list = [...shown, ...also]
  // A statement that only counts names no column.
  const where = options.before === undefined ? limits : `${limits} AND (${options.before})`
  return `(SELECT ${list.length === 0 ? '1 AS one' : list.join(', ')} FROM ${source} WHERE ${where})`
}

/** The rejects: they belong to no workspace, and their bytes cannot be masked. */
export function visibleRejects(source: string, sight: Sight, options: VisibleOptions): string {
  if (sight.masks.length === 0 && !isLimited(sight)) return source
  const columns = REJECT_COLUMNS.map(({ name, type }) => {
    if (name === 'content_base64') return `NULL::VARCHAR AS ${name}`
    const masked = ['source_object', 'detail'].includes(name)
      ? maskedType(ident(name), type, leafOf(sight.masks, options.key))
      : undefined
    return masked === undefined ? ident(name) : `${masked} AS ${name}`
  })
  return `(SELECT ${columns.join(', ')} FROM ${source} WHERE ${isLimitedByLists(sight.rows) ? 'FALSE' : 'TRUE'})`
}

/** Words in the names of fields that hold a query, as explanations, groups and alerts write them: a regular expression. */
export const QUERY_WORDS = 'query|command|statement|sql'
const QUOTES_QUERY = `(?i)${QUERY_WORDS}`

/**
 * Findings, with what they quote masked. A finding belongs to no workspace: where rows are limited, it is seen by who sees all of its
 * events. Of many it names only the first; see {@link mayHoldUse}.
 *
 * @param events all events, unlimited
 */
export function visibleFindings(source: string, events: string, sight: Sight, options: VisibleOptions): string {
  const { masks, rows } = sight
  if (masks.length === 0 && !isLimited(sight)) return source
  const columns = FINDING_COLUMNS.filter(({ name }) => options.columns?.(name) !== false).map(({ name, type }) => {
    const column = ident(name)
    const quiet = masks.includes('query') ? withoutQuotes(name) : column
    const masked = FINDING_TEXTS.has(name) ? maskedType(quiet, type, leafOf(masks, options.key)) : undefined
    const value = masked ?? quiet
    return value === column ? column : `${value} AS ${column}`
  })
  const list = columns.length === 0 ? '1 AS one' : columns.join(', ')
  if (!isLimited(sight)) return `(SELECT ${list} FROM ${source})`
  return `(SELECT ${list} FROM ${source} WHERE ${seenFindings(source, events, rows)})`
}

/** True for findings with events that they do not name: nobody can tell whether those may be seen. */
const NAMES_SOME = 'coalesce(events > len(event_ids), true)'

/** Limits by lists let few events through; the record of use is little itself. Either way the smaller set is looked at. */
function seenFindings(source: string, events: string, rows: RowLimits): string {
  const named = `SELECT finding_id, unnest(event_ids) AS event_id FROM ${source}`
  const isNamed = (hidden: string) => `finding_id NOT IN (SELECT finding_id FROM (${named}) WHERE ${hidden})`
  const seen = isLimitedByLists(rows)
    ? `NOT ${NAMES_SOME} AND ${isNamed(`event_id IS NULL OR event_id NOT IN (SELECT event_id FROM ${events} WHERE ${limitsSql(rows)} AND event_id IS NOT NULL)`)}`
    : `${isNamed(`event_id IN (SELECT event_id FROM ${events} WHERE ${IS_USE})`)} AND finding_id NOT IN (${mayHoldUse(source, events)})`
  return `len(event_ids) > 0 AND ${seen}`
}

/**
 * Findings that may hold events of the record of use among those that they do not name: some of it falls into their time, and has what
 * the finding's events have in common, as far as that is who, from where and in which session.
 */
function mayHoldUse(source: string, events: string): string {
  const common = (column: string, ...keys: readonly string[]) =>
    keys.map((key) => `(g[${lit(key)}] IS NULL OR lower(g[${lit(key)}]) = lower(${column}))`).join(' AND ')
  return `SELECT f.finding_id FROM (SELECT finding_id, first_time, last_time, "group" AS g FROM ${source} WHERE ${NAMES_SOME}) f
    JOIN (SELECT event_time, actor.email AS email, source_ip, session_id FROM ${events} WHERE ${IS_USE}) u
      ON u.event_time BETWEEN f.first_time AND f.last_time
    WHERE coalesce(${common('u.email', 'actor.email')} AND ${common('u.source_ip', 'source_ip', 'sourceIPAddress')}
      AND ${common('u.session_id', 'session_id', 'sessionId')}, true)`
}

/** A text from outside the lake as somebody may see it; see `Relations.masked`. */
export function maskedText(text: string, what: 'text' | 'name', { masks }: Sight, key: string): string {
  const leaf = leafOf(masks, key)
  if (what === 'text' || !masks.includes('email')) return leaf(text) ?? text
  return maskedNameSql(text, key)
}

const FINDING_TEXTS: ReadonlySet<string> = new Set(['title', 'entity', 'group', 'measure', 'summary', 'explanation'])

function withoutQuotes(column: string): string {
  const mark = maskedQuerySql('q')
  const quoted = (field: string) => `regexp_matches(coalesce(${field}, ''), '${QUOTES_QUERY}')`
  const marked = (value: string) => `list_transform([${value}], lambda q: ${mark})[1]`
  switch (column) {
    case 'explanation':
      return `list_transform(explanation, lambda e: {'selection': e.selection, 'field': e.field,
        'value': CASE WHEN ${quoted('e.field')} THEN ${marked('e.value')} ELSE ${withoutHeldSql('e.value')} END})`
    case 'group':
      return `CASE WHEN "group" IS NOT NULL THEN map_from_entries(list_transform(map_entries("group"), lambda e: {'k': e.key,
        'v': CASE WHEN ${quoted('e.key')} THEN ${marked('e.value')} ELSE ${withoutHeldSql('e.value')} END})) END`
    case 'entity':
      return `CASE WHEN ${quoted('entity_field')} THEN ${marked('entity')} ELSE ${withoutHeldSql('entity')} END`
    case 'summary': {
      const hidden = `list_transform(list_filter(coalesce(explanation, []), lambda e: ${quoted('e.field')} AND length(e.value) >= 4), lambda e: e.value)`
      return `CASE WHEN summary IS NOT NULL THEN list_reduce(list_prepend(${withoutHeldSql('summary')}, ${hidden}),
        lambda said, q: replace(said, q, ${mark})) END`
    }
    case 'title':
      return withoutHeldSql('title')
    default:
      return ident(column)
  }
}

/** SQL of a masked column, or undefined where it stays as it is. */
function maskedColumn(
  { name, type }: Column,
  masks: readonly Mask[],
  key: string,
  unchanged: (path: string) => boolean = () => false,
): string | undefined {
  if (OF_OURS.has(name) || masks.length === 0) return undefined
  const leaf = leafOf(masks, key)
  const quiet = masks.includes('query')
  if (name === 'query')
    return structSql(name, type, (path, value) => (quiet && path === 'text' ? maskedQuerySql(value) : leaf(value)))
  if (name === 'actor' && masks.includes('email'))
    return structSql(name, type, (path, value) =>
      unchanged(`actor.${path}`) ? undefined : actorField(path, value, leaf, key),
    )
  if (name === 'user_agent' && masks.includes('ip'))
    return named(hidingVersionsSql(ident(name)), (text) => showingVersionsSql(leaf(text) ?? text))
  if (name === 'request_params') return maskedParams(masks, leaf)
  if (typeof type !== 'string' && name !== 'actor') return throughJson(name, type, masks, leaf)
  const heard = quiet && MAY_QUOTE.has(name) ? withoutAnyQuery(ident(name)) : ident(name)
  const masked = heard === ident(name) ? maskedType(heard, type, leaf) : named(heard, (value) => leaf(value) ?? value)
  return masked ?? (heard === ident(name) ? undefined : heard)
}

function actorField(field: string, value: string, leaf: Leaf, key: string): string | undefined {
  if (field !== 'name')
    return `CASE WHEN coalesce(contains(${value}, '@'), false) THEN ${maskedNameSql(value, key)} ELSE ${leaf(value) ?? value} END`
  return `CASE WHEN coalesce(actor.type IN (${NO_PERSON.map(lit).join(', ')}), false) THEN ${leaf(value) ?? value} ELSE ${maskedNameSql(value, key)} END`
}

/** The event's own query goes first: what is left of it in JSON would look like another. */
const withoutAnyQuery = (value: string): string => named(withoutQuerySql(value, 'query.text'), withoutHeldSql)

/** Two keys may come to the same masked text, which a map does not bear: a changed key gets its number. */
function maskedParams(masks: readonly Mask[], leaf: Leaf): string | undefined {
  const quiet = masks.includes('query')
  const key = leaf('e.key')
  if (!quiet && key === undefined) return undefined
  const heard = quiet ? withoutAnyQuery('e.value') : 'e.value'
  const value = named(heard, (text) => leaf(text) ?? text)
  const isQuery = isQueryNameSql('e.key')
  const shown = quiet ? `CASE WHEN ${isQuery} THEN ${maskedQuerySql('e.value')} ELSE ${value} END` : value
  const keyed = key === undefined ? 'e.key' : numbered(key)
  const masked = `map_from_entries(list_transform(map_entries(request_params), lambda e, nth: {'k': ${keyed}, 'v': ${shown}}))`
  return whereNeeded('request_params', masked, masks, quiet ? HAS_QUERY_SQL : undefined)
}

const numbered = (key: string): string =>
  named(key, (text) => `CASE WHEN ${text} = e.key THEN ${text} ELSE ${text} || '#' || nth END`)

/** Masks a text; undefined where it stays. The SQL text it is given is written often: a column, a field or a lambda's name. */
type Leaf = (value: string) => string | undefined

function leafOf(masks: readonly Mask[], key: string): Leaf {
  const mail = masks.includes('email')
  const address = masks.includes('ip')
  if (mail && address) return (value) => maskedBothSql(value, key)
  if (mail) return (value) => maskedMailSql(value, key)
  if (address) return maskedAddressSql
  return () => undefined
}

/** Gives a value a name, so that it is worked out once however often `then` writes it. */
const named = (value: string, then: (name: string) => string): string =>
  /^[\w."]+$/.test(value) ? then(value) : `list_transform([${value}], lambda x: ${then('x')})[1]`

/** `masked` only for values that may hold what is hidden: a list or a map is otherwise handed on as it is. */
function whereNeeded(value: string, masked: string, masks: readonly Mask[], also?: string): string {
  const [mail, address] = [masks.includes('email'), masks.includes('ip')]
  const held = mail || address ? [named(`${value}::VARCHAR`, (name) => mayHoldSql(name, mail, address))] : []
  const tests = [...held, ...(also === undefined ? [] : [also])]
  return `CASE WHEN ${tests.join(' OR ')} THEN ${masked} ELSE ${value} END`
}

/** A nested column, masked as one text of JSON: an expression for each of its texts takes long to plan. */
function throughJson(name: string, type: ColumnType, masks: readonly Mask[], leaf: Leaf): string | undefined {
  if (leaf('x') === undefined) return undefined
  const masked = named(`to_json(${name})::VARCHAR`, (text) => leaf(text) ?? text)
  return whereNeeded(name, `(${masked})::JSON::${duckdbType(type)}`, masks)
}

/** SQL of a value of a type, with all texts in it masked; undefined where none is. */
function maskedType(value: string, type: ColumnType, leaf: Leaf): string | undefined {
  if (typeof type === 'string') return type === 'string' ? masking(value, leaf) : undefined
  if ('array' in type) {
    const each = maskedType('t', type.array, leaf)
    return each === undefined ? undefined : `list_transform(${value}, lambda t: ${each})`
  }
  if ('map' in type) {
    const [k, v] = [leaf('e.key'), leaf('e.value')]
    if (k === undefined || v === undefined) return undefined
    const entries = `list_transform(map_entries(${value}), lambda e, nth: {'k': ${numbered(k)}, 'v': ${v}})`
    return `CASE WHEN ${value} IS NOT NULL THEN map_from_entries(${entries}) END`
  }
  return structSql(value, type, (_, field) => leaf(field))
}

const masking = (value: string, leaf: Leaf): string | undefined =>
  leaf('x') === undefined ? undefined : named(value, (name) => leaf(name) ?? name)

/** A struct made anew with masked fields, null where it was null. */
function structSql(
  value: string,
  type: ColumnType,
  mask: (field: string, value: string) => string | undefined,
): string | undefined {
  if (typeof type === 'string' || !('struct' in type)) return undefined
  let changed = false
  const fields = type.struct.map((field) => {
    const at = `${value}.${ident(field.name)}`
    const masked = field.type === 'string' ? mask(field.name, at) : maskedType(at, field.type, (text) => mask('', text))
    if (masked !== undefined) changed = true
    return `${ident(field.name)} := ${masked ?? at}`
  })
  return changed
    ? `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.join(', ')})::${duckdbType(type)} END`
    : undefined
}
