/** Searches that people keep. */
import { createRoute, z } from '@hono/zod-openapi'
import { masked } from '../alerting/text-mask.ts'
import { type AppDeps, newRoutes } from '../app.ts'
import type { SearchWish } from '../auth/searches.ts'
import type { RouteGroup } from '../contract.ts'
import { RequestProblem } from '../problems.ts'
import { spanOf } from '../read/spans.ts'
import { answer, behind, body, idParam, REFUSED, REFUSED_OR_CONFLICT } from '../routing.ts'
import { searchOf } from '../search/to-sql.ts'
import { NewSearch, SavedSearch } from '../shapes/access.ts'

const EXAMPLE: SavedSearch = {
  id: 'q7Zk1mJx0a3B',
  name: 'Refused logins',
  q: 'category:authentication status:unauthorized',
  from: '7d ago',
  to: null,
  owner: 'ana@example.com',
  shared: true,
  created: '2026-11-12T08:15:30.000Z',
}

const list = createRoute({
  method: 'get',
  path: '/api/v1/searches',
  tags: ['Searches'],
  summary: 'List the searches you keep, and those that others share',
  ...behind('events:read', 'searchSaved'),
  responses: {
    ...REFUSED,
    200: answer('The searches, by name.', z.object({ searches: z.array(SavedSearch) }), { searches: [EXAMPLE] }),
  },
})

const keep = createRoute({
  method: 'post',
  path: '/api/v1/searches',
  tags: ['Searches'],
  summary: 'Keep a search',
  ...behind('events:read', 'saveSearch'),
  request: { body: body(NewSearch, { name: EXAMPLE.name, q: EXAMPLE.q, from: EXAMPLE.from, shared: true }) },
  responses: { ...REFUSED_OR_CONFLICT, 201: answer('The search.', SavedSearch, EXAMPLE) },
})

const forget = createRoute({
  method: 'delete',
  path: '/api/v1/searches/{id}',
  tags: ['Searches'],
  summary: 'Forget a search',
  ...behind('events:read', 'deleteSaved'),
  request: idParam('Id of a search.', EXAMPLE.id),
  responses: { ...REFUSED, 204: { description: 'It is gone.' } },
})

/** `/api/v1/searches`. */
export const searches: RouteGroup<AppDeps> = ({ access, lake, now }) =>
  newRoutes()
    .openapi(list, async (c) => {
      const principal = c.get('principal')
      const kept = access.searches.list(principal)
      // It may name what is hidden from who asks: others wrote it, or they themselves when they still saw more.
      const found = await masked(lake, principal, c.get('signal'), (mask) =>
        kept.map((each) => ({
          ...each,
          name: mask.text(each.name),
          q: mask.search(each.q),
          owner: mask.colleague(each.owner),
        })),
      )
      return c.json({ searches: found }, 200)
    })
    .openapi(keep, (c) => {
      const wish = c.req.valid('json')
      checkUsable(wish, now())
      return c.json(access.searches.keep(c.get('principal'), wish), 201)
    })
    .openapi(forget, (c) => {
      access.searches.forget(c.get('principal'), c.req.valid('param').id)
      return c.body(null, 204)
    })

/** What cannot be searched for is not worth keeping. @throws AppError BAD_ARGUMENT, BAD_TIME */
function checkUsable({ q, from, to }: SearchWish, now: Date): void {
  try {
    searchOf(q)
    spanOf({ from: from ?? undefined, to: to ?? undefined }, now)
  } catch (cause) {
    if (!(cause instanceof RequestProblem)) throw cause
    const errors = (cause.errors ?? []).map((error) => ({ ...error, in: 'json' }))
    throw new RequestProblem(cause.code, cause.message, { hint: cause.hint, errors })
  }
}
