/** Who asks, and what they may. */
import { createRoute } from '@hono/zod-openapi'
import { VERSION } from '../../core/version.ts'
import { type AppDeps, newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { sessionOf } from '../guard.ts'
import { answer, behind, REFUSED } from '../routing.ts'
import { Me } from '../shapes/access.ts'

const me = createRoute({
  method: 'get',
  path: '/api/v1/me',
  tags: ['Access'],
  summary: 'Who asks, and what they may',
  ...behind('any', 'getMe'),
  responses: {
    ...REFUSED,
    200: answer('You.', Me, {
      name: 'ana@example.com',
      kind: 'session',
      role: 'viewer',
      permissions: ['events:read', 'findings:read', 'rules:read', 'health:read'],
      masks: ['email', 'ip', 'query'],
      rows: { workspaces: ['1234567890'] },
      csrf: 'xk3…',
      expires: '2026-11-12T20:15:30.000Z',
      version: VERSION,
    }),
  },
})

/** `/api/v1/me`. */
export const who: RouteGroup<AppDeps> = ({ access }) =>
  newRoutes().openapi(me, (c) => {
    const { name, kind, role, permissions, masks, rows, id } = c.get('principal')
    const session = sessionOf(c)
    const token = kind === 'token' ? access.tokens.find(id.slice('token:'.length)) : undefined
    const endsMs = session === undefined ? token?.expires_ms : access.sessions.endsMs(session.kept)
    return c.json(
      {
        name,
        kind,
        role,
        permissions: [...permissions],
        masks: [...masks],
        rows: {
          ...(rows.workspaces === undefined ? {} : { workspaces: [...rows.workspaces] }),
          ...(rows.categories === undefined ? {} : { categories: [...rows.categories] }),
        },
        csrf: session?.csrf ?? null,
        expires: endsMs === undefined ? null : new Date(endsMs).toISOString(),
        version: VERSION,
      },
      200,
    )
  })
