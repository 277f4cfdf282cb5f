/** Alerts and incidents: the queue, one in full, and what is done to them. */
import { createRoute, z } from '@hono/zod-openapi'
import { STATES } from '../../alert/state.ts'
import { LEVELS } from '../../detect/sigma/rule.ts'
import { AlertDesk } from '../alerting/alert-desk.ts'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { spanOf } from '../read/spans.ts'
import { answer, behind, body, given, idParam, REFUSED, REFUSED_OR_CONFLICT } from '../routing.ts'
import { ruleDeskOf } from '../rules/rule-desk.ts'
import { AlertDeed, AlertDetail, AlertPage, LEVEL_NAMES } from '../shapes/alerts.ts'
import { limitParam, timeParam } from '../shapes/page.ts'
import { ALERT, ALERT_ROW } from './examples/alerts.ts'

const MOST = 1000
const USUAL = 100

const stateList = z
  .string()
  .max(200)
  .transform((text, context) => {
    const words = text.split(',').map((word) => word.trim().toLowerCase().replaceAll(/[-_]/g, ' '))
    for (const word of words)
      if (!(STATES as readonly string[]).includes(word))
        context.addIssue({ code: 'custom', message: `States are ${STATES.join(', ')}.` })
    return words
  })

const list = createRoute({
  method: 'get',
  path: '/api/v1/alerts',
  tags: ['Alerts'],
  summary: 'List alerts or incidents, the most severe and newest first',
  description:
    '`counts` has the numbers of all that the asker may see, whatever was asked for: by state, `open`, `resolved`, `all`, and open ones by level.',
  ...behind('findings:read', 'searchAlerts'),
  request: {
    query: z.object({
      kind: z.enum(['alert', 'incident']).default('alert'),
      which: z.enum(['open', 'resolved', 'all']).optional().openapi({ description: 'Open ones where absent.' }),
      state: stateList
        .optional()
        .openapi({ type: 'string', description: 'States, with commas.', example: 'new,reopened' }),
      level: z.enum(LEVEL_NAMES).optional().openapi({ description: 'This level and those above it.' }),
      highest: z.enum(LEVEL_NAMES).optional().openapi({ description: 'This level and those below it.' }),
      rule: z.string().max(200).optional().openapi({ description: 'Part of the id, name or title of the rule.' }),
      entity: z.string().max(500).optional().openapi({ description: 'Part of who or what it is about, as shown.' }),
      assignee: z.string().max(200).optional(),
      finding: z.string().max(64).optional().openapi({ description: 'Id of a finding that they are made of.' }),
      quiet: z
        .enum(['true', 'false'])
        .optional()
        .openapi({ description: 'Only what nobody was told of, or the rest.' }),
      since: timeParam.optional().openapi({ description: 'With evidence since then.' }),
      limit: limitParam(MOST, USUAL),
    }),
  },
  responses: {
    ...REFUSED,
    200: answer('The first of them.', AlertPage, {
      alerts: [ALERT_ROW],
      hasMore: false,
      counts: { all: 1, open: 1, resolved: 0, new: 1, high: 1 },
    }),
  },
})

const one = createRoute({
  method: 'get',
  path: '/api/v1/alerts/{id}',
  tags: ['Alerts'],
  summary: 'Show an alert or incident, with its history and what to look at next',
  ...behind('findings:read', 'getAlert'),
  request: idParam('Id of an alert or incident.', ALERT_ROW.id),
  responses: { ...REFUSED, 200: answer('The alert or incident.', AlertDetail, ALERT) },
})

const act = createRoute({
  method: 'post',
  path: '/api/v1/alerts/{id}/deeds',
  tags: ['Alerts'],
  summary: 'Acknowledge, start, assign, note, resolve or reopen it',
  description:
    'It is done in the name of who asks, and written into its history. Doing again what is done changes nothing.',
  ...behind('alerts:change', 'changeAlert'),
  request: {
    ...idParam('Id of an alert or incident.', ALERT_ROW.id),
    body: body(AlertDeed, { deed: 'resolve', outcome: 'benign', note: 'Planned move of admins' }),
  },
  responses: { ...REFUSED_OR_CONFLICT, 200: answer('The alert as it is now.', AlertDetail, ALERT) },
})

/** `/api/v1/alerts`. */
export const alerts: RouteGroup = (deps) => {
  const rules = ruleDeskOf(deps.home)
  const desk = new AlertDesk(deps, rules.runbookOf)
  return newRoutes()
    .openapi(list, async (c) => {
      const { kind, which, state, level, highest, quiet, since, limit, ...texts } = c.req.valid('query')
      const { fromMs: sinceMs } = spanOf({ from: since }, deps.now(), { from: 'since', to: 'since' })
      rules.warm()
      const page = await desk.page(
        { principal: c.get('principal'), signal: c.get('signal') },
        {
          kind,
          which: which ?? (state === undefined ? 'open' : 'all'),
          most: limit,
          ...given(texts),
          ...(state === undefined ? {} : { states: state }),
          ...(level === undefined ? {} : { atLeast: LEVELS.indexOf(level) }),
          ...(highest === undefined ? {} : { atMost: LEVELS.indexOf(highest) }),
          ...(quiet === undefined ? {} : { quiet: quiet === 'true' }),
          ...(sinceMs === undefined ? {} : { sinceMs }),
        },
      )
      return c.json(page, 200)
    })
    .openapi(one, async (c) => {
      const asking = { principal: c.get('principal'), signal: c.get('signal') }
      return c.json(await desk.detail(asking, c.req.valid('param').id), 200)
    })
    .openapi(act, async (c) => {
      const asking = { principal: c.get('principal'), signal: c.get('signal') }
      return c.json(await desk.act(asking, c.req.valid('param').id, c.req.valid('json')), 200)
    })
}
