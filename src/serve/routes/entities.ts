/** `/api/v1/entities`: people, principals, things, addresses. */
import { existsSync } from 'node:fs'
import { createRoute, z } from '@hono/zod-openapi'
import { AlertsFile } from '../../alert/alerts-file.ts'
import type { TimeRange } from '../../ask/times.ts'
import { AlertDesk } from '../alerting/alert-desk.ts'
import { newRoutes } from '../app.ts'
import type { Principal, RouteGroup } from '../contract.ts'
import { type EntityAlerts, entityList, entityPage } from '../read/entities.ts'
import type { LakeReader } from '../read/lake-reader.ts'
import { readerOf } from '../read/reader-of.ts'
import { boundsOf, type SpanAsked, spanOf } from '../read/spans.ts'
import { isLimitedByLists } from '../read/visible.ts'
import { answer, behind, REFUSED } from '../routing.ts'
import { ENTITY_KINDS, Entity, type EntityKind, EntityRow } from '../shapes/entities.ts'
import { limitParam, spanParams } from '../shapes/page.ts'
import { ENTITY, ENTITY_ROW } from './examples/entities.ts'

const tags = ['Entities']
const kind = z.enum(ENTITY_KINDS)
const DAY_MS = 86_400_000
/** Longer ago is shown where it is asked for. */
const USUAL_DAYS = 30
/** Risk of so long is added up. */
const RISK_DAYS = 7
const MOST_ALERTS = 20

const list = createRoute({
  method: 'get',
  path: '/api/v1/entities',
  tags,
  summary: 'List entities of a kind, those with the most events first',
  description: 'Of the 30 days up to the newest event unless told otherwise.',
  ...behind('events:read', 'searchEntities'),
  request: {
    query: z.object({
      kind: kind.default('actor'),
      q: z.string().max(500).default('').openapi({ description: 'Part of the name.' }),
      ...spanParams,
      limit: limitParam(500, 50),
    }),
  },
  responses: {
    ...REFUSED,
    200: answer('Entities.', z.object({ entities: z.array(EntityRow) }), { entities: [ENTITY_ROW] }),
  },
})

const one = createRoute({
  method: 'get',
  path: '/api/v1/entities/{kind}/{id}',
  tags,
  summary: 'Show all of an entity: habits, countries, what it touched, what changed, alerts',
  ...behind('events:read', 'getEntity'),
  request: {
    params: z.object({ kind, id: z.string().min(1).max(2000).openapi({ example: ENTITY_ROW.id }) }),
    query: z.object(spanParams),
  },
  responses: { ...REFUSED, 200: answer('The entity.', Entity, ENTITY) },
})

/** Entities. */
export const entities: RouteGroup = (deps) => {
  const desk = new AlertDesk(deps, async () => [])
  const spanAsked = (asked: SpanAsked) => usualSpan(readerOf(deps), spanOf(asked, deps.now()))
  return newRoutes()
    .openapi(list, async (c) => {
      const asked = c.req.valid('query')
      const asking = { reader: readerOf(deps), sight: c.get('principal'), signal: c.get('signal') }
      const span = await spanAsked(asked)
      return c.json({ entities: await entityList(asking, asked.kind, asked.q, span, asked.limit) }, 200)
    })
    .openapi(one, async (c) => {
      const { kind: ofKind, id } = c.req.valid('param')
      const [principal, signal] = [c.get('principal'), c.get('signal')]
      const asking = { reader: readerOf(deps), sight: principal, signal }
      const span = await spanAsked(c.req.valid('query'))
      const alerts = await alertsOf(desk, principal, signal, id)
      const risk = riskOf(deps.home.alerts, principal, ofKind, id, deps.now())
      return c.json(await entityPage(asking, ofKind, id, span, { alerts, risk }), 200)
    })
}

async function usualSpan(reader: LakeReader, span: TimeRange): Promise<TimeRange> {
  if (span.fromMs !== undefined) return span
  const newest = boundsOf((await reader.snapshots.newest()).events)?.toMs
  return newest === undefined ? span : { ...span, fromMs: Math.min(span.toMs ?? newest, newest) - USUAL_DAYS * DAY_MS }
}

async function alertsOf(
  desk: AlertDesk,
  principal: Principal,
  signal: AbortSignal,
  id: string,
): Promise<EntityAlerts['alerts']> {
  if (!principal.permissions.has('findings:read')) return []
  const { alerts } = await desk.page(
    { principal, signal },
    { kind: 'alert', which: 'all', entity: id, most: MOST_ALERTS },
  )
  return alerts.map(({ id: alert, title, level, status, lastTime }) => ({ id: alert, title, level, status, lastTime }))
}

/** Kept under names as they are, of all rows: for those from whom something is hidden there is none. */
function riskOf(path: string, principal: Principal, ofKind: EntityKind, id: string, now: Date): number | null {
  const hides = principal.masks.some((mask) => mask !== 'query') || isLimitedByLists(principal.rows)
  if (ofKind === 'ip' || hides || !principal.permissions.has('findings:read') || !existsSync(path)) return null
  const file = AlertsFile.open(path)
  try {
    const newest = file.first<{ ms: number | null }>('SELECT max(time_ms) AS ms FROM risks')?.ms ?? now.getTime()
    const since = Math.min(newest, now.getTime()) - RISK_DAYS * DAY_MS
    const sum = file.first<{ score: number | null }>(
      'SELECT sum(score) AS score FROM risks WHERE lower(object) = ? AND kind = ? AND time_ms >= ?',
      id.toLowerCase(),
      ofKind === 'actor' ? 'actor' : 'asset',
      since,
    )
    return sum?.score ?? null
  } finally {
    file.close()
  }
}
