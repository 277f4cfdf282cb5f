/** Findings of a server: lists for tokens that may run no SQL, one in full, and what to ask next. */
import { type FindingFilter, findingFilterSql } from '../ask/finding-list.ts'
import type { RunbookQuery } from '../detect/pack/pack.ts'
import { LEVELS } from '../detect/sigma/rule.ts'
import type { AnswerStream } from '../engine/sandbox.ts'
import type { FindingDetail, FindingPage, FindingRow } from '../serve/shapes/alerts.ts'
import { byBeginning } from './by-beginning.ts'
import type { ApiClient } from './client.ts'
import { pagedAnswer, pagesOf } from './pages.ts'
import { spanOf } from './span.ts'

/** Most findings of a page. */
const PAGE = 500
/** Digits of a whole id. */
const ID_DIGITS = 32

/** Columns of a table of findings, as `ask/finding-list.ts` names them. */
const COLUMNS = [
  { name: 'id', type: 'VARCHAR' },
  { name: 'level', type: 'VARCHAR' },
  { name: 'title', type: 'VARCHAR' },
  { name: 'entity', type: 'VARCHAR' },
  { name: 'events', type: 'BIGINT' },
  { name: 'first', type: 'VARCHAR' },
  { name: 'last', type: 'VARCHAR' },
]

/** The newest findings that match. */
export function findingPages(
  api: ApiClient,
  filter: FindingFilter,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): AnswerStream {
  const wanted = queryOf(filter)
  return pagedAnswer({
    columns: COLUMNS,
    limit,
    ask: (most, cursor) =>
      api.get<FindingPage>('/api/v1/findings', 'findings', { query: { ...wanted, limit: most, cursor }, signal }),
    rowsOf: ({ findings }) => findings.map(shortRow),
  })
}

function queryOf({ level, rule, entity, threat, ...range }: FindingFilter) {
  // Says the same of a level that is none as it does for a home.
  findingFilterSql(level === undefined ? {} : { level })
  return {
    rule,
    entity,
    threat,
    level: LEVELS.find((each) => level !== undefined && each.startsWith(level.toLowerCase())),
    ...spanOf(range),
  }
}

const shortRow = ({ id, level, title, entity, events, firstTime, lastTime }: FindingRow): unknown[] => [
  id,
  level,
  title,
  entity,
  events,
  firstTime,
  lastTime,
]

/** The whole id of the finding whose id begins so. @throws AppError BAD_ARGUMENT */
export async function findingId(api: ApiClient, typed: string): Promise<string> {
  const text = typed.toLowerCase()
  if (/^[0-9a-f]+$/.test(text) && text.length === ID_DIGITS) return text
  const found: FindingRow[] = []
  const ask = (cursor: string | undefined) =>
    api.get<FindingPage>('/api/v1/findings', 'findings', { query: { limit: PAGE, cursor } })
  for await (const { findings } of pagesOf(ask)) found.push(...findings)
  return byBeginning('finding', found, typed).id
}

/** A finding in the columns of `findings`, as far as the route tells them. */
export async function findingColumns(api: ApiClient, id: string): Promise<Record<string, unknown>> {
  const found = await api.get<FindingDetail>(`/api/v1/findings/${encodeURIComponent(id)}`, 'eventIds')
  return {
    finding_id: found.id,
    revision: found.revision,
    rule_id: found.ruleId,
    rule_kind: found.ruleKind,
    title: found.title,
    level: found.level,
    threat: found.threat,
    tags: found.tags,
    entity: found.entity,
    entity_field: found.entityField,
    group: found.group,
    measure: found.measure,
    first_time: found.firstTime,
    last_time: found.lastTime,
    detected_time: found.detectedTime,
    events: found.events,
    event_ids: found.eventIds,
    summary: found.summary,
    explanation: found.explanation,
    evidence: found.evidence.map(({ eventId, ...rest }) => ({ event_id: eventId, ...rest })),
    superseded_by: null,
  }
}

/** What to ask next, as SQL. */
export async function findingRunbook(api: ApiClient, id: string): Promise<readonly RunbookQuery[]> {
  const { runbook } = await api.get<FindingDetail>(`/api/v1/findings/${encodeURIComponent(id)}`, 'runbook')
  return runbook.flatMap(({ title, sql }) => (sql === null ? [] : [{ title, sql }]))
}
