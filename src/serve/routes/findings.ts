/** Findings: a list, and one in full. */
import { createRoute, z } from '@hono/zod-openapi'
import { findingDetail, findingPage } from '../alerting/finding-page.ts'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { spanOf } from '../read/spans.ts'
import { answer, behind, given, idParam, REFUSED } from '../routing.ts'
import { ruleDeskOf } from '../rules/rule-desk.ts'
import { FindingDetail, FindingPage, LEVEL_NAMES } from '../shapes/alerts.ts'
import { limitParam, spanParams } from '../shapes/page.ts'
import { FINDING, FINDING_ROW } from './examples/alerts.ts'

const MOST = 500
const USUAL = 50

const list = createRoute({
  method: 'get',
  path: '/api/v1/findings',
  tags: ['Findings'],
  summary: 'List findings, the newest first',
  description: 'A finding is visible to whoever may see the events that it names.',
  ...behind('findings:read', 'searchFindings'),
  request: {
    query: z.object({
      ...spanParams,
      level: z.enum(LEVEL_NAMES).optional().openapi({ description: 'This level and those above it.' }),
      rule: z.string().max(200).optional().openapi({ description: 'Id, name or part of the title of the rule.' }),
      entity: z.string().max(500).optional().openapi({ description: 'Who or what it is about; * is anything.' }),
      threat: z.string().max(100).optional().openapi({ description: 'Kind of threat.', example: 'exfiltration' }),
      limit: limitParam(MOST, USUAL),
      cursor: z.string().max(500).optional(),
    }),
  },
  responses: {
    ...REFUSED,
    200: answer('A page of findings.', FindingPage, { findings: [FINDING_ROW], nextCursor: null }),
  },
})

const one = createRoute({
  method: 'get',
  path: '/api/v1/findings/{id}',
  tags: ['Findings'],
  summary: 'Show a finding, why it was made, and what to look at next',
  ...behind('findings:read', 'getFinding'),
  request: idParam('Id of a finding.', FINDING_ROW.id),
  responses: { ...REFUSED, 200: answer('The finding.', FindingDetail, FINDING) },
})

/** `/api/v1/findings`. */
export const findings: RouteGroup = (deps) => {
  const desk = ruleDeskOf(deps.home)
  return newRoutes()
    .openapi(list, async (c) => {
      const { from, to, ...rest } = c.req.valid('query')
      desk.warm()
      const question = { ...spanOf({ from, to }, deps.now()), ...given(rest), limit: rest.limit }
      const asking = { lake: deps.lake, viewer: c.get('principal'), signal: c.get('signal') }
      return c.json(await findingPage(asking, question), 200)
    })
    .openapi(one, async (c) => {
      const asking = { lake: deps.lake, viewer: c.get('principal'), signal: c.get('signal') }
      return c.json(await findingDetail(asking, c.req.valid('param').id, desk.runbookOf), 200)
    })
}
