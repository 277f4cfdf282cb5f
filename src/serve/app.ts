/** The server's routes, and what every request passes before and behind them. */
import { OpenAPIHono, type z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { AppError } from '../core/errors.ts'
import type { Access } from './auth/access.ts'
import { Clients } from './auth/client.ts'
import { overheard, wrongHost } from './auth/origin.ts'
import { boundBody, overflowOf, tooLarge } from './body.ts'
import type { RouteApp, RouteGroup, ServeDeps, ServeEnv } from './contract.ts'
import { type Door, guard, note, openDoor, refuseAtDoor } from './guard.ts'
import { secureHeaders } from './headers.ts'
import { knowingNames } from './known-names.ts'
import { RateLimit } from './limits.ts'
import { type ActionOf, answerOtherMethods } from './methods.ts'
import type { AnsweredRequest, Metrics } from './metrics.ts'
import { type OwnLog, SIGN_IN_PATH } from './own-log.ts'
import { expected, problemResponse, RequestProblem, requestIdOf, type WrongParameter } from './problems.ts'
import type { ServeSettings } from './settings.ts'
import type { PageFiles } from './static.ts'

/** What the app is made of. */
export interface AppDeps extends ServeDeps {
  readonly access: Access
  readonly ownLog: OwnLog
  readonly settings: ServeSettings
  /** The page; the API alone where absent. */
  readonly page?: PageFiles
  /** Figures of this server; made where absent. */
  readonly metrics?: Metrics
  /** Told what nobody expected: one line for the log, and the cause. */
  readonly unexpected?: (line: string, cause: unknown) => void
  /** Called after every answer: method, route, status, seconds. */
  readonly answered?: (request: AnsweredRequest) => void
}

/** A third of what a person may ask: nobody without a token has much to ask for. */
const STRANGERS_SHARE = 1 / 3

const SIGN_IN_BYTES = 4096

const HEALTH_PATHS = new Set(['/healthz', '/readyz'])

/** Routes of a group: what does not fit their shapes is a 422 that names each wrong parameter. */
export const newRoutes = (): RouteApp =>
  knowingNames(
    new OpenAPIHono<ServeEnv>({
      defaultHook: (result, c) => {
        if (result.success) return
        noteStatement(c, result)
        const errors = result.error.issues.flatMap((issue) => wrongIn(result.target, issue))
        const [first] = errors
        const where = first === undefined || first.name === '' ? '' : `${first.name}: `
        throw new RequestProblem('BAD_ARGUMENT', `${where}${first?.message ?? 'The request does not fit.'}`, {
          hint: '`/docs` shows what each route takes.',
          errors,
        })
      },
    }),
  )

/** A statement that does not fit is told like one that is refused for what it says. */
function noteStatement(c: Context, { target, data }: { readonly target: string; readonly data?: unknown }): void {
  if (target === 'json' && typeof data === 'object' && data !== null && 'sql' in data) note(c, { sql: data.sql })
}

/** Names of a body that are not known are wrong one by one; the shape says of each, in a line, what may be meant. */
function wrongIn(target: string, issue: z.core.$ZodIssue): WrongParameter[] {
  const at = (name?: string) => [...issue.path, ...(name === undefined ? [] : [name])].join('.')
  if (issue.code !== 'unrecognized_keys') return [{ in: target, name: at(), message: issue.message }]
  const said = issue.message.split('\n')
  return issue.keys.map((name, nth) => ({ in: target, name: at(name), message: said[nth] ?? issue.message }))
}

const apps = new WeakMap<object, RouteApp>()

/** The app that was made of these: a group that tells of all routes looks it up when it is asked. */
export const appOf = (deps: object): RouteApp | undefined => apps.get(deps)

/** The app: the groups behind the checks that every request passes. */
export function createApp<D extends AppDeps>(deps: D, groups: readonly RouteGroup<D>[]): RouteApp {
  const app = newRoutes()
  apps.set(deps, app)
  const door = doorWith(deps)
  let actionOf: ActionOf = () => undefined
  app.use('*', async (c, next) => {
    const startMs = performance.now()
    openDoor(c, door)
    requestIdOf(c)
    await next()
    secureHeaders(c, door.clients.of(c), deps.settings)
    const seconds = (performance.now() - startMs) / 1000
    deps.answered?.({ method: c.req.method, route: routeOf(c), status: c.res.status, seconds })
  })
  app.use('*', async (c, next) => {
    const refusal = unfit(c, door)
    if (refusal !== undefined) {
      const action = refusal.code === 'TOO_LARGE' ? actionOf(routeOf(c), c.req.method) : undefined
      return refuseAtDoor(c, door, action ?? 'unknownRoute', refusal)
    }
    boundBody(c, bodyBound(c, deps.settings))
    return next()
  })
  for (const group of groups) app.route('/', group(deps))
  actionOf = answerOtherMethods(app)
  app.all('/api/*', guard('any', 'unknownRoute'), () => {
    throw new AppError('NOT_FOUND', 'There is no such route.', { hint: '`/docs` lists all of them.' })
  })
  const { page } = deps
  if (page !== undefined) app.get('*', (c) => page.answer(c))
  app.notFound((c) => problemResponse(new AppError('NOT_FOUND', 'There is nothing here.'), requestIdOf(c)))
  app.onError((cause, c) => {
    const log = (met: unknown) => deps.unexpected?.(`request ${requestIdOf(c)}: ${c.req.method} ${routeOf(c)}`, met)
    const failure = overflowOf(c) ?? expected(cause, log)
    return problemResponse(failure, requestIdOf(c))
  })
  return app
}

function doorWith(deps: AppDeps): Door {
  const { requestsPerMinute } = deps.settings.limits
  const nowMs = () => deps.now().getTime()
  return {
    access: deps.access,
    ownLog: deps.ownLog,
    settings: deps.settings,
    now: deps.now,
    clients: new Clients(deps.settings.behindProxy),
    requests: new RateLimit(requestsPerMinute, nowMs),
    strangers: new RateLimit(Math.ceil(requestsPerMinute * STRANGERS_SHARE), nowMs),
  }
}

/** What is refused whoever asks: by a name that is not ours, past the proxy, or with too much. */
function unfit(c: Context, door: Door): AppError | undefined {
  const bound = bodyBound(c, door.settings)
  if (Number(c.req.header('content-length') ?? 0) > bound) return tooLarge(bound)
  // Whoever watches over machines asks them by whatever name they have; these two tell nothing but that it runs.
  if (HEALTH_PATHS.has(c.req.path)) return undefined
  const client = door.clients.of(c)
  return overheard(client) ?? wrongHost(client, door.settings)
}

/** Those who sign in have little to say, and nobody knows them yet. */
const bodyBound = (c: Context, { limits }: ServeSettings): number =>
  c.req.path.startsWith(SIGN_IN_PATH) ? Math.min(SIGN_IN_BYTES, limits.bodyBytes) : limits.bodyBytes

/** The route that answered, as it was written. */
const routeOf = (c: Context): string =>
  c.req.matchedRoutes.filter(({ path }) => !path.endsWith('*')).at(-1)?.path ?? '-'
