/** `/api/v1/stream`: what happens, as it happens. */
import { createRoute, z } from '@hono/zod-openapi'
import { type AppDeps, newRoutes } from '../app.ts'
import type { Access } from '../auth/access.ts'
import type { Principal, RouteGroup } from '../contract.ts'
import { LiveStream } from '../live-stream.ts'
import { behind, REFUSED } from '../routing.ts'

const open = createRoute({
  method: 'get',
  path: '/api/v1/stream',
  tags: ['Stream'],
  summary: 'Follow what happens, as Server-Sent Events',
  description:
    'Kinds are `events`, `findings`, `alerts` and `stage`, each with JSON in `data`, and `ping` every 15 seconds. A reader that comes back with `Last-Event-ID` is told what it missed; where that is not known any more, as after a restart, `reset` tells it to ask again for what it shows. Opening a stream does not keep a session alive. Ten at once are open for each who asks. It ends within 15 seconds once the token or session that opened it counts no longer.',
  ...behind('events:read', 'openStream', { seconds: null, isBackground: true }),
  request: { headers: z.object({ 'last-event-id': z.string().optional() }) },
  responses: {
    ...REFUSED,
    200: {
      description: 'The stream.',
      content: {
        'text/event-stream': {
          schema: z.string(),
          example: 'id: mi1k2x-7\nevent: events\ndata: {"kind":"events","added":12,"rejects":0,"version":40}\n\n',
        },
      },
    },
  },
})

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

/** The live stream. */
export const stream: RouteGroup<AppDeps> = (deps) => {
  const live = new LiveStream(deps.service, deps.now().getTime())
  deps.stopping?.addEventListener('abort', () => live.close(), { once: true })
  return newRoutes().openapi(open, (c) => {
    const lastId = c.req.valid('header')['last-event-id']
    const principal = c.get('principal')
    // Nobody would read it, and nobody end it.
    if (c.req.method === 'HEAD') return c.body(null, 200, HEADERS) as never
    const body = live.open(principal, lastId, c.get('signal'), () => standing(deps.access, principal))
    return new Response(body, { headers: HEADERS }) as never
  })
}

/** Who asked, as they stand now; undefined once their token or session is gone. Looking does not keep a session alive. */
export function standing(access: Access, { sessionId }: Principal): Principal | undefined {
  if (sessionId.startsWith('session:')) {
    const session = access.sessions.standing(sessionId.slice('session:'.length))
    return session === undefined ? undefined : access.ofSession(session)
  }
  const token = access.tokens.find(sessionId.slice('token:'.length))
  return token === undefined ? undefined : access.ofToken(token)
}
