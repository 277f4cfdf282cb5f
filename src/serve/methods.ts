/** What is asked at a known path by another method than its own: told which there are (RFC 9110, 15.5.6). It is recorded like other refusals. */
import type { Context, Handler } from 'hono'
import type { RouteApp, ServeEnv } from './contract.ts'
import { doorOf, guard, refuseStranger } from './guard.ts'
import { RequestProblem } from './problems.ts'

interface KnownPath {
  readonly methods: Set<string>
  /** True where nobody is asked who they are. */
  isPublic: boolean
}

/** Answers what the routes of an app leave unanswered at their own paths; called once all of them are there. */
export function answerOtherMethods(app: RouteApp): void {
  for (const [path, { methods, isPublic }] of knownPaths(app)) {
    const allow = [...methods, ...(methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    const refusal = (c: Context) =>
      new RequestProblem('WRONG_METHOD', `${c.req.method} is no method of this path: it takes ${allow}.`, { allow })
    // No header of CORS: pages of other sites are to ask nothing here.
    const options = (c: Context) => c.body(null, 204, { allow })
    const stranger: Handler<ServeEnv> = (c) =>
      c.req.method === 'OPTIONS' ? options(c) : refuseStranger(c, doorOf(c), 'unknownRoute', refusal(c))
    const known: Handler<ServeEnv> = (c) => {
      if (c.req.method === 'OPTIONS') return options(c)
      throw refusal(c)
    }
    if (isPublic) app.all(path, stranger)
    else app.all(path, guard('any', 'unknownRoute'), known)
  }
}

function knownPaths(app: RouteApp): Map<string, KnownPath> {
  const paths = new Map<string, KnownPath>()
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue
    const { method, path, security } = definition.route
    const routed = path.replaceAll(/\{(.+?)\}/g, ':$1')
    const known = paths.get(routed) ?? { methods: new Set(), isPublic: true }
    known.methods.add(method.toUpperCase())
    known.isPublic &&= security?.length === 0
    paths.set(routed, known)
  }
  return paths
}
