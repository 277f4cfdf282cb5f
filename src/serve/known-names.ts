/** Names in a query string: what a route does not know is refused, since a misspelt condition would otherwise give everything. */
import type { RouteConfig } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { RouteApp, ServeEnv } from './contract.ts'
import { RequestProblem, type WrongParameter } from './problems.ts'
import { unknownName } from './shapes/asked.ts'

/** The same routes, each of which refuses names that its query does not have. One that takes any says `z.looseObject`. */
export function knowingNames(routes: RouteApp): RouteApp {
  const { openapi } = routes
  routes.openapi = ((route: RouteConfig, ...rest: [handler: never, hook?: never]) => {
    const names = namesOf(route.request?.query)
    if (names === undefined) return openapi(route, ...rest)
    const before = route.middleware ?? []
    const middleware = [...(Array.isArray(before) ? before : [before]), onlyKnown(names)]
    return openapi({ ...route, middleware }, ...rest)
  }) as typeof openapi
  return routes
}

/** Names of a query; undefined where any may be there. */
function namesOf(query: unknown): readonly string[] | undefined {
  if (query === undefined) return []
  if (!(query instanceof z.ZodObject)) throw new Error('the query of a route is described by an object')
  return query.def.catchall === undefined ? Object.keys(query.shape) : undefined
}

/** Behind the guard: who may not ask at all learns nothing else, and who asked wrongly is recorded with their name. */
const onlyKnown =
  (names: readonly string[]): MiddlewareHandler<ServeEnv> =>
  (c, next) => {
    const errors = Object.keys(c.req.queries())
      .filter((name) => !names.includes(name))
      .map((name) => ({ in: 'query', name, message: unknownName(name, names) }))
    const [first] = errors
    return first === undefined ? next() : Promise.reject(unknown(first, errors, names))
  }

const unknown = (first: WrongParameter, errors: readonly WrongParameter[], names: readonly string[]) =>
  new RequestProblem('BAD_ARGUMENT', `${first.name}: ${first.message}`, {
    hint: names.length === 0 ? 'This route takes no parameters.' : `This route takes ${names.join(', ')}.`,
    errors,
  })
