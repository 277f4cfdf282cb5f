/** Examples of events in the API's description. */
import type { EventDetail, EventPage, EventRow, FacetAnswer, Histogram } from '../../shapes/events.ts'

/** An event in a list. */
export const EVENT_ROW: EventRow = {
  id: '4a7f5bf9ea2a43ddd7f4f8348e500000',
  time: '2026-11-12T08:15:30.123Z',
  actor: 'ana@example.com',
  actorType: 'user',
  service: 'unityCatalog',
  action: 'getTable',
  category: 'catalog',
  verb: 'read',
  keyEvent: null,
  target: 'main.hr.salaries',
  targetType: 'table',
  targets: 1,
  status: 'UNAUTHORIZED',
  statusCode: 403,
  error: 'PERMISSION_DENIED',
  ip: '10.1.2.3',
  country: null,
  client: 'browser',
  workspace: '8224953037441641',
  sessionId: null,
  requestId: 'ab1e59a1-e133-4c0c-8adb-2503e0b2e208',
}

/** A page. */
export const EVENT_PAGE: EventPage = { events: [EVENT_ROW], nextCursor: null, version: 12 }

/** Facets. */
export const FACET_ANSWER: FacetAnswer = {
  total: 1234,
  facets: [{ field: 'status', values: [{ value: 'SUCCESS', count: 1200 }], more: true }],
}

/** A histogram. */
export const HISTOGRAM: Histogram = {
  intervalSeconds: 3600,
  from: '2026-11-12T00:00:00.000Z',
  to: '2026-11-13T00:00:00.000Z',
  by: 'status',
  buckets: [{ time: '2026-11-12T08:00:00.000Z', count: 3, by: { SUCCESS: 2, FAILURE: 1 } }],
}

/** An event in full. */
export const EVENT: EventDetail = {
  id: EVENT_ROW.id,
  event: { event_id: EVENT_ROW.id, event_time: EVENT_ROW.time, service: 'unityCatalog', action: 'getTable' },
  masked: [],
  explanation: {
    sentence:
      'ana@example.com did unityCatalog.getTable on table main.hr.salaries from 10.1.2.3 with browser; it was refused (403).',
    who: 'ana@example.com',
    what: 'unityCatalog.getTable: A table was looked up',
    toWhat: 'table main.hr.salaries',
    fromWhere: '10.1.2.3 with browser',
    outcome: 'it was refused (403)',
    catalogue: { description: 'A table was looked up', evidence: 'documented' },
  },
  related: { session: 0, request: 1, actor: 40 },
  findings: [],
  provenance: {
    source: 'files',
    object: '/logs/workspaceId=0/date=2026-11-12/auditlogs_0001.json.gz',
    batch: 'b000000001-9447bb4e',
    received: '2026-11-12T08:30:00.000Z',
    ingested: '2026-11-12T08:31:00.000Z',
    form: 'delivery',
  },
  seal: { file: 'event_date=2026-11-12/b000000001-9447bb4e-0.parquet', leaf: 3 },
}
