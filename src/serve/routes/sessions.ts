/** Who is signed in, and an end to it. */
import { createRoute, z } from '@hono/zod-openapi'
import { AppError } from '../../core/errors.ts'
import { type AppDeps, newRoutes } from '../app.ts'
import { checkSeesAll } from '../auth/grant.ts'
import type { KeptSession } from '../auth/sessions.ts'
import type { RouteGroup } from '../contract.ts'
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
  own: false,
}

const listSessions = createRoute({
  method: 'get',
  path: '/api/v1/sessions',
  tags: ['Access'],
  summary: 'List sessions of people, the newest first',
  ...behind('access:read', 'searchSessions'),
  responses: {
    ...REFUSED,
    200: answer('The sessions.', z.object({ sessions: z.array(SessionRow) }), { sessions: [SESSION] }),
  },
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

/** `/api/v1/sessions`. */
export const sessionRoutes: RouteGroup<AppDeps> = ({ access }) => {
  const shown = (session: KeptSession, ownId: string | undefined): SessionRow[] => {
    const principal = access.ofSession(session)
    if (principal === undefined) return []
    return [
      {
        id: session.id,
        name: session.name,
        way: wayOf(session.holder),
        role: principal.role,
        began: new Date(session.created_ms).toISOString(),
        lastSeen: new Date(session.seen_ms).toISOString(),
        expires: new Date(session.ends_ms).toISOString(),
        own: session.id === ownId,
      },
    ]
  }
  return newRoutes()
    .openapi(listSessions, (c) => {
      const ownId = sessionOf(c)?.kept.id
      return c.json({ sessions: access.sessions.list().flatMap((each) => shown(each, ownId)) }, 200)
    })
    .openapi(endSession, (c) => {
      if (sessionOf(c)?.kept.id !== c.req.valid('param').id) checkSeesAll(c.get('principal'))
      const ended = access.sessions.end(c.req.valid('param').id)
      if (ended === undefined) throw new AppError('NOT_FOUND', 'There is no such session.')
      note(c, { name: ended.name })
      return c.body(null, 204)
    })
}

const wayOf = (holder: string): SessionRow['way'] =>
  holder.startsWith('token:') ? 'token' : holder.startsWith('link:') ? 'link' : 'oidc'
