/** Lists of events of a server for tokens that may search and run no SQL: page by page, in the columns of a table. */
import { type EventFilter, eventFilterSql } from '../ask/filter.ts'
import { AppError } from '../core/errors.ts'
import type { AnswerStream } from '../engine/sandbox.ts'
import type { EventPage, EventRow } from '../serve/shapes/events.ts'
import type { ApiClient } from './client.ts'

/** How a list is cut and ordered. */
export interface EventListWish {
  readonly limit: number
  readonly oldest: boolean
  readonly signal?: AbortSignal | undefined
}

const PAGE = 500

/** Columns of a table of events, as `ask/event-list.ts` names them. */
const COLUMNS = ['time', 'actor', 'action', 'target', 'from', 'status'].map((name) => ({ name, type: 'VARCHAR' }))

/** Fields of the search box that are called otherwise than the options. */
const FIELDS = {
  actor: 'actor',
  action: 'action',
  service: 'service',
  category: 'category',
  verb: 'verb',
  target: 'target',
  status: 'status',
  ip: 'ip',
  workspace: 'workspace',
  keyEvent: 'key_event',
  userAgent: 'user_agent',
  statusCode: 'status_code',
  error: 'error',
} as const satisfies Partial<Record<keyof EventFilter, string>>

/** The newest or oldest events, following cursors until there are enough. Nothing is asked before the first batch is read. */
export function eventPages(api: ApiClient, filter: EventFilter, wish: EventListWish): AnswerStream {
  const started = performance.now()
  let hasMore = false
  let elapsedMs = 0
  async function* batches() {
    let left = wish.limit
    for (let cursor: string | undefined; left > 0; ) {
      const page = await onePage(api, filter, wish, Math.min(left, PAGE), cursor)
      left -= page.events.length
      hasMore = page.nextCursor !== null
      elapsedMs = performance.now() - started
      yield page.events.map(shortRow)
      if (page.nextCursor === null) return
      cursor = page.nextCursor
    }
  }
  return { columns: COLUMNS, batches: batches(), truncated: () => hasMore, elapsedMs: () => Math.round(elapsedMs) }
}

function onePage(api: ApiClient, filter: EventFilter, wish: EventListWish, limit: number, cursor: string | undefined) {
  const { fromMs, toMs } = filter
  const query = {
    q: searchOf(filter),
    from: fromMs === undefined ? undefined : new Date(fromMs).toISOString(),
    to: toMs === undefined ? undefined : new Date(toMs).toISOString(),
    order: wish.oldest ? 'oldest' : 'newest',
    limit,
    cursor,
  }
  return api.get<EventPage>('/api/v1/events', 'events', { query, signal: wish.signal })
}

const shortRow = ({ time, actor, service, action, target, targets, ip, country, status }: EventRow): unknown[] => [
  time,
  actor,
  joined('.', service, action),
  target === null ? target : `${target}${targets > 1 ? ` +${targets - 1}` : ''}`,
  joined(' ', ip, country),
  status,
]

const joined = (between: string, ...parts: readonly (string | null)[]): string =>
  parts.filter((part) => part !== null).join(between)

/** The conditions of a filter in the language of the search box. @throws AppError BAD_ARGUMENT as the filter itself */
export function searchOf({ fromMs: _from, toMs: _to, ...filter }: EventFilter): string {
  // Says the same of what is empty or no address as it does for a home.
  eventFilterSql(filter)
  const { text, ...lists } = filter
  const terms = Object.entries(FIELDS).flatMap(([option, field]) => {
    const list = lists[option as keyof typeof FIELDS]
    return list === undefined ? [] : [`${field}:${quoted(list)}`]
  })
  return [...terms, ...(text === undefined ? [] : [words(text)])].join(' ')
}

/** Blanks end a value, so they stand in quotes, where everything stands for itself. */
const quoted = (list: string): string =>
  list.trim().replaceAll(/[\s"]+/g, (blank) => `"${blank.replaceAll('"', '\\"')}"`)

/** A text that is looked for anywhere: only its stars mean anything. */
const words = (text: string): string =>
  text
    .split('*')
    .map((part) => (part === '' ? '' : `"${part.replaceAll(/[\\"]/g, '\\$&')}"`))
    .join('*')

/** What a token lacks that may search and not run SQL. */
export const needsSql = (what: string): AppError =>
  new AppError('FORBIDDEN', `${what} needs a token that may run SQL (sql:run), which this one may not.`, {
    hint: 'Ask for a token of the role analyst or auditor; --format table needs none.',
  })
