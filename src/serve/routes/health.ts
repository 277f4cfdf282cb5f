/** Whether it runs, whether it is ready, and its figures for Prometheus. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { type AppDeps, newRoutes } from '../app.ts'
import { isLoopback } from '../auth/client.ts'
import type { Principal, RouteGroup, ServeEnv } from '../contract.ts'
import { clientOf, guard } from '../guard.ts'
import { Metrics, ofMachineAlone } from '../metrics.ts'
import { isLimitedByLists } from '../read/visible.ts'
import { REFUSED } from '../routing.ts'

const Health = z.object({ status: z.enum(['ok', 'failing']) }).openapi('Health')
const Readiness = z
  .object({
    status: z.enum(['ready', 'not ready']),
    /** What was looked at, and whether it was well. */
    checks: z.record(z.string(), z.boolean()),
  })
  .openapi('Readiness')

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  tags: ['Health'],
  summary: 'Tell whether the process answers',
  security: [],
  responses: {
    422: REFUSED[422],
    200: { description: 'It does.', content: { 'application/json': { schema: Health, example: { status: 'ok' } } } },
  },
})

const readyAnswer = (description: string, example: z.input<typeof Readiness>) => ({
  description,
  content: { 'application/json': { schema: Readiness, example } },
})

const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  tags: ['Health'],
  summary: 'Tell whether requests can be answered and recorded',
  description: 'A failing stage of the loop does not make it unready: what is in the lake can be asked all the same.',
  security: [],
  responses: {
    422: REFUSED[422],
    200: readyAnswer('They can.', { status: 'ready', checks: { lake: true, record: true, loop: true } }),
    503: readyAnswer('They cannot.', { status: 'not ready', checks: { lake: true, record: false, loop: true } }),
  },
})

/** On this machine, and through nobody in between. */
function isLocal(c: Context): boolean {
  const isForwarded = ['x-forwarded-for', 'forwarded', 'via'].some((name) => c.req.header(name) !== undefined)
  return isLoopback(clientOf(c).address) && !isForwarded
}

const recorded = guard('health:read', 'getHealth')
const unlessLocal: MiddlewareHandler<ServeEnv> = (c, next) => (isLocal(c) ? next() : recorded(c, next))

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['Health'],
  summary:
    'Give figures for Prometheus. Asked from the machine of the service, and through no proxy, it needs no permission and is not recorded',
  description:
    'In the text format, or in OpenMetrics where `Accept` asks for it. Whoever asks from this machine, and through no proxy, needs no token and is not recorded; others need `health:read` and are. A token that is limited to some rows is told of the process, its requests and its stages only.',
  middleware: [unlessLocal] as const,
  security: [{}, { token: [] }],
  'x-permission': 'health:read',
  'x-action': 'getHealth',
  responses: {
    ...REFUSED,
    200: {
      description: 'The figures.',
      content: {
        'text/plain': { schema: z.string(), example: 'bricktrail_events_total 200000\n' },
        'application/openmetrics-text': { schema: z.string(), example: 'bricktrail_events_total 200000.0\n# EOF\n' },
      },
    },
  },
})

/** `/healthz`, `/readyz` and `/metrics`. */
export const health: RouteGroup<AppDeps> = (deps) => {
  const metrics = deps.metrics ?? new Metrics(deps)
  return newRoutes()
    .openapi(healthz, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(readyz, async (c) => {
      const checks = await readiness(deps)
      if (Object.values(checks).every(Boolean)) return c.json({ status: 'ready' as const, checks }, 200)
      return c.json({ status: 'not ready' as const, checks }, 503)
    })
    .openapi(metricsRoute, async (c) => {
      const wantsOpen = (c.req.header('accept') ?? '').includes('application/openmetrics-text')
      const { type, text } = await metrics.text(wantsOpen)
      const isPart = isLimitedByLists((c.get('principal') as Principal | undefined)?.rows ?? {})
      return c.body(isPart ? ofMachineAlone(text) : text, 200, { 'content-type': type }) as never
    })
}

async function readiness({ ownLog, lake, service, now }: AppDeps): Promise<Record<string, boolean>> {
  const isWell = (work: Promise<unknown>) =>
    work.then(
      () => true,
      (cause: unknown) => cause instanceof Error && 'code' in cause && cause.code === 'NO_LAKE',
    )
  const nowMs = now().getTime()
  const asked = { signal: AbortSignal.timeout(2000), fromMs: nowMs, toMs: nowMs + 1 }
  const nobody = { masks: [], rows: {} }
  return {
    record: await isWell(ownLog.ready()),
    lake: await isWell(lake.rows(nobody, ({ events }) => `SELECT 1 AS one FROM ${events} LIMIT 1`, asked)),
    ...(service === undefined ? {} : { loop: service.stages().length > 0 }),
  }
}
