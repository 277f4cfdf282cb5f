/** `GET /api/2.0/audit/events`: events as delivered records, for scripts that ask a workspace for its audit logs. */
import { createRoute, z } from '@hono/zod-openapi'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { eventCursor, placeOf } from '../event-cursor.ts'
import { auditPage } from '../read/audit-records.ts'
import { readerOf } from '../read/reader-of.ts'
import { spanOf } from '../read/spans.ts'
import { answer, behind, REFUSED } from '../routing.ts'
import { searchOf } from '../search/to-sql.ts'

const word = (description: string) => z.string().max(1000).optional().openapi({ description })

const list = createRoute({
  method: 'get',
  path: '/api/2.0/audit/events',
  tags: ['Audit events'],
  summary: 'List events as audit log delivery writes them (schema 2.0), the newest first',
  ...behind('events:read', 'listAuditEvents'),
  request: {
    query: z.object({
      start_time: word('Not before: milliseconds since 1970, or ISO.'),
      end_time: word('Before: milliseconds since 1970, or ISO.'),
      user: word('E-mail address, name or id.'),
      service: word('`serviceName`.'),
      action: word('`actionName`.'),
      workspace_id: word('`workspaceId`.'),
      page_token: word('`next_page_token` of the page before.'),
      max_results: z.coerce.number().int().min(1).max(1000).default(100),
    }),
  },
  responses: {
    ...REFUSED,
    200: answer(
      'Records.',
      z.object({ events: z.array(z.record(z.string(), z.unknown())), next_page_token: z.string().optional() }),
      {
        events: [
          {
            version: '2.0',
            timestamp: 1794470130123,
            serviceName: 'unityCatalog',
            actionName: 'getTable',
            userIdentity: { email: 'ana@example.com' },
            requestParams: { full_name_arg: 'main.hr.salaries' },
            response: { statusCode: 200 },
          },
        ],
      },
    ),
  },
})

/** The audit events of the older API. */
export const auditEvents: RouteGroup = (deps) =>
  newRoutes().openapi(list, async (c) => {
    const { user, service, action, workspace_id, page_token, max_results, start_time, end_time } = c.req.valid('query')
    const reader = readerOf(deps)
    const found = await auditPage(
      reader,
      c.get('principal'),
      {
        search: searchOf(searchFor({ actor: user, service, action, workspace: workspace_id })),
        ...spanOf({ from: start_time, to: end_time }, deps.now(), { from: 'start_time', to: 'end_time' }),
        limit: max_results,
        order: 'newest',
        ...placeOf(page_token, 'page_token'),
      },
      c.get('signal'),
    )
    const token = eventCursor(found)
    return c.json({ events: found.records, ...(token === undefined ? {} : { next_page_token: token }) }, 200)
  })

/** Each value stands for itself: whoever writes `*` or a comma means it. */
function searchFor(fields: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([field, value]) => `${field}:"${(value ?? '').replaceAll(/["\\]/g, '\\$&')}"`)
    .join(' ')
}
