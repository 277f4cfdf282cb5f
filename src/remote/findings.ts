/** Findings of a server: lists for tokens that may run no SQL, one in full, and what to ask next. */
import { type FindingFilter, findingFilterSql } from '../ask/finding-list.ts'
import { LEVELS } from '../detect/sigma/rule.ts'
import type { AnswerStream } from '../engine/sandbox.ts'
import type { FindingDetail, FindingPage, FindingRow } from '../serve/shapes/alerts.ts'
import { byBeginning } from './by-beginning.ts'
import type { ApiClient } from './client.ts'
import type { ServerStep } from './contract.ts'

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

/** The newest findings that match, following cursors until there are enough. */
export function findingPages(
  api: ApiClient,
  filter: FindingFilter,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): AnswerStream {
  const started = performance.now()
  let hasMore = false
  async function* batches() {
    let left = limit
    for await (const page of pagesOf(api, filter, () => Math.min(left, PAGE), signal)) {
      left -= page.findings.length
      hasMore = page.nextCursor !== null
      yield page.findings.map(shortRow)
      if (left <= 0) return
    }
  }
  const elapsedMs = () => Math.round(performance.now() - started)
  return { columns: COLUMNS, batches: batches(), truncated: () => hasMore, elapsedMs }
}

async function* pagesOf(
  api: ApiClient,
  { fromMs, toMs, level, ...texts }: FindingFilter,
  limit: () => number,
  signal: AbortSignal | undefined,
): AsyncGenerator<FindingPage> {
  // Says the same of a level that is none as it does for a home.
  findingFilterSql(level === undefined ? {} : { level })
  const query = {
    ...texts,
    level: LEVELS.find((each) => level !== undefined && each.startsWith(level.toLowerCase())),
    from: fromMs === undefined ? undefined : new Date(fromMs).toISOString(),
    to: toMs === undefined ? undefined : new Date(toMs).toISOString(),
  }
  for (let cursor: string | undefined; ; ) {
    const asked = { query: { ...query, limit: limit(), cursor }, signal }
    const page = await api.get<FindingPage>('/api/v1/findings', 'findings', asked)
    yield page
    if (page.nextCursor === null) return
    cursor = page.nextCursor
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
  for await (const { findings } of pagesOf(api, {}, () => PAGE, undefined)) found.push(...findings)
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
export async function findingRunbook(api: ApiClient, id: string): Promise<readonly ServerStep[]> {
  const { runbook } = await api.get<FindingDetail>(`/api/v1/findings/${encodeURIComponent(id)}`, 'runbook')
  return runbook.flatMap(({ title, sql }) => (sql === null ? [] : [{ title, sql }]))
}
