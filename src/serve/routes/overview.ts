/** `/api/v1/overview`: what happened since yesterday. */
import { createRoute, z } from '@hono/zod-openapi'
import { AlertDesk } from '../alerting/alert-desk.ts'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { overview, overviewSpan } from '../read/overview.ts'
import { readerOf } from '../read/reader-of.ts'
import { spanOf } from '../read/spans.ts'
import { answer, behind, REFUSED } from '../routing.ts'
import { LEVEL_NAMES } from '../shapes/alerts.ts'
import { Overview } from '../shapes/entities.ts'
import { spanParams } from '../shapes/page.ts'
import { OVERVIEW } from './examples/entities.ts'

const get = createRoute({
  method: 'get',
  path: '/api/v1/overview',
  tags: ['Overview'],
  summary: 'Tell what happened, beside the same span before',
  description:
    'Of the last 24 hours unless told otherwise; of the 24 hours up to the newest event where that is older. Without `to`, rejects are counted up to now, by when they were set aside. What Bricktrail itself was asked is left out. Spans are whole quarters of an hour.',
  ...behind('events:read', 'getOverview'),
  request: { query: z.object(spanParams) },
  responses: { ...REFUSED, 200: answer('The overview.', Overview, OVERVIEW) },
})

/** The overview. */
export const overviewRoutes: RouteGroup = (deps) => {
  const desk = new AlertDesk(deps, async () => [])
  return newRoutes().openapi(get, async (c) => {
    const { from, to } = c.req.valid('query')
    const [reader, principal, signal] = [readerOf(deps), c.get('principal'), c.get('signal')]
    const asking = { reader, sight: principal, signal }
    const span = await overviewSpan(asking, spanOf({ from, to }, deps.now()), deps.now())
    const mayAlerts = principal.permissions.has('findings:read')
    const countsOf = async (kind: 'alert' | 'incident') =>
      mayAlerts ? (await desk.page({ principal, signal }, { kind, which: 'open', most: 1 })).counts : {}
    const [told, alerts, incidents] = await Promise.all([
      overview(asking, span, deps.now()),
      countsOf('alert'),
      countsOf('incident'),
    ])
    const openAlerts = [...LEVEL_NAMES]
      .reverse()
      .map((level) => ({ level, count: alerts[level] ?? 0 }))
      .filter(({ count }) => count > 0)
    return c.json({ ...told, openAlerts, openIncidents: incidents.open ?? 0 }, 200)
  })
}
