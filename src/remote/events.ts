/** Lists of events of a server for tokens that may search and run no SQL: page by page, in the columns of a table. */
import { type EventFilter, eventFilterSql } from '../ask/filter.ts'
import { AppError } from '../core/errors.ts'
import type { AnswerStream } from '../engine/sandbox.ts'
import type { EventPage, EventRow } from '../serve/shapes/events.ts'
import type { ApiClient } from './client.ts'
import { pagedAnswer } from './pages.ts'
import { spanOf } from './span.ts'

/** How a list is cut and ordered. */
export interface EventListWish {
  readonly limit: number
  readonly oldest: boolean
  readonly signal?: AbortSignal | undefined
}

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

/** The newest or oldest events that match. */
export function eventPages(
  api: ApiClient,
  filter: EventFilter,
  { limit, oldest, signal }: EventListWish,
): AnswerStream {
  const wanted = { q: searchOf(filter), ...spanOf(filter), order: oldest ? 'oldest' : 'newest' }
  return pagedAnswer({
    columns: COLUMNS,
    limit,
    ask: (most, cursor) =>
      api.get<EventPage>('/api/v1/events', 'events', { query: { ...wanted, limit: most, cursor }, signal }),
    rowsOf: ({ events }) => events.map(shortRow),
  })
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
