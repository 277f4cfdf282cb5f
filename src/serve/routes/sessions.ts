/** Who is signed in, and an end to it. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { AppError } from '../../core/errors.ts'
import { type AppDeps, newRoutes } from '../app.ts'
import { checkSeesAll } from '../auth/grant.ts'
import type { KeptSession } from '../auth/sessions.ts'
import type { Role, RouteGroup, ServeEnv } from '../contract.ts'
import { note, sessionOf } from '../guard.ts'
import { answer, behind, idParam, REFUSED } from '../routing.ts'
import { SessionRow } from '../shapes/access.ts'

const SESSION: SessionRow = {
  id: 'Qm2c9XsR0aTz',
  name: 'ana@example.com',
  way: 'oidc',
  role: 'analyst',
  began: '2026-11-12T08:15:30.000Z',
  lastSeen: '2026-11-12T09:02:00.000Z',
  expires: '2026-11-12T20:15:30.000Z',
  address: '198.51.100.7',
  own: false,
}

const SESSIONS = answer('The sessions.', z.object({ sessions: z.array(SessionRow) }), { sessions: [SESSION] })

const listSessions = createRoute({
  method: 'get',
  path: '/api/v1/sessions',
  tags: ['Access'],
  summary: 'List sessions of people, the newest first',
  ...behind('access:read', 'searchSessions'),
  responses: { ...REFUSED, 200: SESSIONS },
})

const endSession = createRoute({
  method: 'delete',
  path: '/api/v1/sessions/{id}',
  tags: ['Access'],
  summary: 'End a session',
  description: 'Whoever has it signs in again, if they still may.',
  ...behind('access:change', 'endSession'),
  request: idParam('Id of a session.', SESSION.id),
  responses: { ...REFUSED, 204: { description: 'It is over.' } },
})

const listOwn = createRoute({
  method: 'get',
  path: '/api/v1/me/sessions',
  tags: ['Access'],
  summary: 'List your own sessions, the newest first',
  description: 'Of a token: the sessions that were begun with it.',
  ...behind('any', 'searchSessions'),
  responses: { ...REFUSED, 200: SESSIONS },
})

const endOwn = createRoute({
  method: 'delete',
  path: '/api/v1/me/sessions/{id}',
  tags: ['Access'],
  summary: 'End a session of your own',
  ...behind('any', 'endSession'),
  request: idParam('Id of a session.', SESSION.id),
  responses: { ...REFUSED, 204: { description: 'It is over.' } },
})

/** `/api/v1/sessions`, and `/api/v1/me/sessions` for what is one's own. */
export const sessionRoutes: RouteGroup<AppDeps> = ({ access }) => {
  const shown = (c: Context<ServeEnv>, sessions: readonly KeptSession[]): { sessions: SessionRow[] } => {
    const { id, masks } = c.get('principal')
    const ownId = sessionOf(c)?.kept.id
    const rows = sessions.flatMap((session) => {
      const role = access.ofSession(session)?.role
      const mayKnow = session.holder === id || !masks.includes('ip')
      return role === undefined ? [] : [rowOf(session, role, mayKnow ? session.address : null, session.id === ownId)]
    })
    return { sessions: rows }
  }
  const ended = (c: Context<ServeEnv>, session: KeptSession | undefined) => {
    if (session === undefined) throw new AppError('NOT_FOUND', 'There is no such session.')
    note(c, { name: session.name })
    return c.body(null, 204)
  }
  return newRoutes()
    .openapi(listSessions, (c) => c.json(shown(c, access.sessions.list()), 200))
    .openapi(endSession, (c) => {
      const { id } = c.req.valid('param')
      if (sessionOf(c)?.kept.id !== id) checkSeesAll(c.get('principal'))
      return ended(c, access.sessions.end(id))
    })
    .openapi(listOwn, (c) => c.json(shown(c, access.sessions.list(c.get('principal').id)), 200))
    .openapi(endOwn, (c) => ended(c, access.sessions.end(c.req.valid('param').id, c.get('principal').id)))
}

const rowOf = (kept: KeptSession, role: Role, address: string | null, own: boolean): SessionRow => ({
  id: kept.id,
  name: kept.name,
  way: wayOf(kept.holder),
  role,
  began: new Date(kept.created_ms).toISOString(),
  lastSeen: new Date(kept.seen_ms).toISOString(),
  expires: new Date(kept.ends_ms).toISOString(),
  address,
  own,
})

const wayOf = (holder: string): SessionRow['way'] =>
  holder.startsWith('token:') ? 'token' : holder.startsWith('link:') ? 'link' : 'oidc'
