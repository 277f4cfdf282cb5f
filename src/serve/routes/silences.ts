/** Silences: what nobody is to be told of for a while. */
import { createRoute, z } from '@hono/zod-openapi'
import { AlertDesk } from '../alerting/alert-desk.ts'
import { SilenceDesk } from '../alerting/silence-desk.ts'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { answer, behind, body, idParam, REFUSED, REFUSED_OR_CONFLICT } from '../routing.ts'
import { ruleDeskOf } from '../rules/rule-desk.ts'
import { NewSilence, SilenceRow } from '../shapes/alerts.ts'
import { SILENCE } from './examples/alerts.ts'

const list = createRoute({
  method: 'get',
  path: '/api/v1/silences',
  tags: ['Alerts'],
  summary: 'List silences, the newest first, those that are over too',
  ...behind('findings:read', 'searchSilences'),
  responses: {
    ...REFUSED,
    200: answer('The silences.', z.object({ silences: z.array(SilenceRow) }), { silences: [SILENCE] }),
  },
})

const add = createRoute({
  method: 'post',
  path: '/api/v1/silences',
  tags: ['Alerts'],
  summary: 'Tell nobody of alerts of a rule, an entity or both for a while',
  description: 'Alerts are opened all the same, and listed as quiet. With `alert`, those that are like it.',
  ...behind('alerts:change', 'createSilence'),
  request: {
    body: body(NewSilence, { rule: 'account_admin_granted', duration: '8h', reason: 'Planned move of admins' }),
  },
  responses: { ...REFUSED, 201: answer('The silence.', SilenceRow, SILENCE) },
})

const end = createRoute({
  method: 'delete',
  path: '/api/v1/silences/{id}',
  tags: ['Alerts'],
  summary: 'End a silence now',
  ...behind('alerts:change', 'deleteSilence'),
  request: idParam('Id of a silence.', SILENCE.id),
  responses: { ...REFUSED_OR_CONFLICT, 204: { description: 'It is over.' } },
})

/** `/api/v1/silences`. */
export const silences: RouteGroup = (deps) => {
  const desk = new SilenceDesk(deps, new AlertDesk(deps, ruleDeskOf(deps.home).runbookOf))
  return newRoutes()
    .openapi(list, async (c) => {
      const asking = { principal: c.get('principal'), signal: c.get('signal') }
      return c.json({ silences: await desk.list(asking) }, 200)
    })
    .openapi(add, async (c) => {
      const asking = { principal: c.get('principal'), signal: c.get('signal') }
      return c.json(await desk.add(asking, c.req.valid('json')), 201)
    })
    .openapi(end, async (c) => {
      await desk.end({ principal: c.get('principal'), signal: c.get('signal') }, c.req.valid('param').id)
      return c.body(null, 204)
    })
}
