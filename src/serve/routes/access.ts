/** Who has access: tokens and people. */
import { createRoute, z } from '@hono/zod-openapi'
import { parseDuration } from '../../ask/times.ts'
import { type AppDeps, newRoutes } from '../app.ts'
import { checkCategories, checkScopes, checkSeesAll, rowsGiven } from '../auth/grant.ts'
import { holderOf } from '../auth/people.ts'
import { ROLES, type RouteGroup } from '../contract.ts'
import { note } from '../guard.ts'
import { answer, behind, body, idParam, REFUSED } from '../routing.ts'
import { MadeToken, NewToken, PersonRow, TokenRow } from '../shapes/access.ts'
import { asked } from '../shapes/asked.ts'

const TOKEN: TokenRow = {
  id: 'Xk3vQ0s9b1Lm',
  name: 'nightly export',
  role: 'auditor',
  scopes: ['events:read', 'events:download'],
  rows: { workspaces: ['1234567890'] },
  created: '2026-11-12T08:15:30.000Z',
  createdBy: 'ana@example.com',
  expires: '2027-02-10T08:15:30.000Z',
  lastUsed: null,
  revoked: null,
}

const PERSON: PersonRow = {
  id: 'https://sso.example.com#248289761001',
  name: 'ana@example.com',
  email: 'ana@example.com',
  role: 'analyst',
  from: 'group',
  lastSignIn: '2026-11-12T08:15:30.000Z',
  sessions: 1,
}

/** The role to give; null takes it away. */
const RoleGift = asked({ role: z.enum(ROLES).nullable() }).openapi('RoleGift')

const PersonParam = z.object({
  id: z.string().min(1).max(1000).openapi({ description: 'Id of a person, URL-encoded.', example: PERSON.id }),
})

const listTokens = createRoute({
  method: 'get',
  path: '/api/v1/tokens',
  tags: ['Access'],
  summary: 'List tokens, the newest first',
  ...behind('access:read', 'searchTokens'),
  responses: { ...REFUSED, 200: answer('The tokens.', z.object({ tokens: z.array(TokenRow) }), { tokens: [TOKEN] }) },
})

const makeToken = createRoute({
  method: 'post',
  path: '/api/v1/tokens',
  tags: ['Access'],
  summary: 'Make a token, with at most the rights of who asks',
  description: 'The secret is in this answer and nowhere else.',
  ...behind('access:change', 'createToken'),
  request: { body: body(NewToken, { name: TOKEN.name, role: 'auditor', scopes: ['events:read'], expires: '90d' }) },
  responses: { ...REFUSED, 201: answer('The token and its secret.', MadeToken, { token: TOKEN, secret: 'btk_…' }) },
})

const revokeToken = createRoute({
  method: 'delete',
  path: '/api/v1/tokens/{id}',
  tags: ['Access'],
  summary: 'Revoke a token, and end the sessions begun with it',
  ...behind('access:change', 'revokeToken'),
  request: idParam('Id of a token.', TOKEN.id),
  responses: { ...REFUSED, 204: { description: 'It counts no longer.' } },
})

const listPeople = createRoute({
  method: 'get',
  path: '/api/v1/people',
  tags: ['Access'],
  summary: 'List people who signed in by the OpenID provider',
  ...behind('access:read', 'searchPeople'),
  responses: { ...REFUSED, 200: answer('The people.', z.object({ people: z.array(PersonRow) }), { people: [PERSON] }) },
})

const giveRole = createRoute({
  method: 'put',
  path: '/api/v1/people/{id}/role',
  tags: ['Access'],
  summary: 'Give a person a role, or take it away',
  description: 'It holds from their next request on, whatever settings and groups say.',
  ...behind('access:change', 'changeRole'),
  request: { params: PersonParam, body: body(RoleGift, { role: 'analyst' }) },
  responses: { ...REFUSED, 200: answer('The person.', PersonRow, { ...PERSON, from: 'given' }) },
})

/** `/api/v1/tokens` and `/api/v1/people`. */
export const accessRoutes: RouteGroup<AppDeps> = ({ access, now }) =>
  newRoutes()
    .openapi(listTokens, (c) => c.json({ tokens: access.tokens.list() }, 200))
    .openapi(makeToken, (c) => {
      const { name, role, scopes, workspaces, categories, expires } = c.req.valid('json')
      const principal = c.get('principal')
      const asked = {
        ...(workspaces === undefined ? {} : { workspaces }),
        ...(categories === undefined ? {} : { categories }),
      }
      checkCategories(asked)
      checkScopes(role, scopes, access.rightsOf(role))
      const rows = rowsGiven(principal, { role, scopes, rows: asked }, access.rightsOf(role))
      const expiresMs = now().getTime() + parseDuration(expires)
      const made = access.tokens.make({ name, role, scopes, rows, expiresMs, createdBy: principal.name })
      note(c, { id: made.token.id })
      return c.json(made, 201)
    })
    .openapi(revokeToken, (c) => {
      const principal = c.get('principal')
      if (principal.id !== `token:${c.req.valid('param').id}`) checkSeesAll(principal)
      const { name } = access.tokens.revoke(c.req.valid('param').id)
      note(c, { name })
      return c.body(null, 204)
    })
    .openapi(listPeople, (c) => c.json({ people: access.people.list() }, 200))
    .openapi(giveRole, (c) => {
      const { role } = c.req.valid('json')
      const principal = c.get('principal')
      checkSeesAll(principal)
      if (role !== null) rowsGiven(principal, { role, rows: {} }, access.rightsOf(role))
      const person = access.people.give(c.req.valid('param').id, role)
      if (role === null) access.sessions.endAllOf(holderOf(person.id))
      note(c, { name: person.name })
      return c.json(person, 200)
    })
