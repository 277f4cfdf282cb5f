/** What is asked at a known path by another method than its own: told which there are (RFC 9110, 15.5.6). It is recorded like other refusals. */
import type { RouteConfig } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { RouteApp, ServeEnv } from './contract.ts'
import { doorOf, guard, refuseStranger } from './guard.ts'
import { OWN_ACTIONS, type OwnAction } from './own-actions.ts'
import { RequestProblem } from './problems.ts'

interface KnownPath {
  readonly methods: Set<string>
  /** True where nobody is asked who they are. */
  isPublic: boolean
  /** What the record of use calls each method. */
  readonly actions: Map<string, OwnAction>
}

/** What the record of use calls a request that is refused before its route; undefined at paths that are nobody's. */
export type ActionOf = (path: string, method: string) => OwnAction | undefined

/** Answers what the routes of an app leave unanswered at their own paths; called once all of them are there. */
export function answerOtherMethods(app: RouteApp): ActionOf {
  const paths = knownPaths(app)
  for (const [path, { methods, isPublic, actions }] of paths) {
    const action = actionOfAny(actions) ?? 'unknownRoute'
    const allow = [...methods, ...(methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    const refusal = (c: Context) =>
      new RequestProblem('WRONG_METHOD', `${c.req.method} is no method of this path: it takes ${allow}.`, { allow })
    // No header of CORS: pages of other sites are to ask nothing here.
    const options = (c: Context) => c.body(null, 204, { allow })
    const stranger: Handler<ServeEnv> = (c) =>
      c.req.method === 'OPTIONS' ? options(c) : refuseStranger(c, doorOf(c), action, refusal(c))
    const known: Handler<ServeEnv> = (c) => {
      if (c.req.method === 'OPTIONS') return options(c)
      throw refusal(c)
    }
    if (isPublic) app.all(path, stranger)
    else app.all(path, guard('any', action), known)
  }
  return (path, method) => {
    const actions = paths.get(path)?.actions
    return actions?.get(method) ?? (actions === undefined ? undefined : actionOfAny(actions))
  }
}

/** Of a method that a path has not: what it was about, and never that somebody changed what others change there. */
const actionOfAny = (actions: ReadonlyMap<string, OwnAction>): OwnAction | undefined =>
  actions.get('GET') ?? (new Set(actions.values()).size === 1 ? [...actions.values()][0] : undefined)

function knownPaths(app: RouteApp): Map<string, KnownPath> {
  const paths = new Map<string, KnownPath>()
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue
    const { method, path, security, 'x-action': named } = definition.route as RouteConfig & { 'x-action'?: string }
    const routed = path.replaceAll(/\{(.+?)\}/g, ':$1')
    const known = paths.get(routed) ?? {
      methods: new Set<string>(),
      isPublic: true,
      actions: new Map<string, OwnAction>(),
    }
    known.methods.add(method.toUpperCase())
    const action = OWN_ACTIONS.find((each) => each === named)
    if (action !== undefined) known.actions.set(method.toUpperCase(), action)
    known.isPublic &&= security?.length === 0
    paths.set(routed, known)
  }
  return paths
}
