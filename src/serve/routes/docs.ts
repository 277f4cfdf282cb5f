/** The API's own description: for programs, and for people. */
import { randomBytes } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import { apiDocument } from '../api-document.ts'
import { type ApiDocument, routesOf } from '../api-reference.ts'
import { appOf, newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { cspOfPage } from '../headers.ts'
import { referencePage } from '../reference-page.ts'
import { behind, REFUSED } from '../routing.ts'

const description = createRoute({
  method: 'get',
  path: '/openapi.json',
  tags: ['Description'],
  summary: 'Fetch the description of the API, OpenAPI 3.1',
  ...behind('any', 'getApiDescription'),
  responses: {
    ...REFUSED,
    200: {
      description: 'The description.',
      content: {
        'application/json': { schema: z.object({ openapi: z.string() }), example: { openapi: '3.1.0' } },
      },
    },
  },
})

const page = createRoute({
  method: 'get',
  path: '/docs',
  tags: ['Description'],
  summary: 'Read the reference of the API',
  ...behind('any', 'getApiDescription'),
  responses: {
    ...REFUSED,
    200: { description: 'A page.', content: { 'text/html': { schema: z.string(), example: '<!doctype html>' } } },
  },
})

/** `/openapi.json` and `/docs`. */
export const docs: RouteGroup = (deps) => {
  let document: ReturnType<typeof apiDocument> | undefined
  const whole = () => {
    const app = appOf(deps)
    if (app === undefined) throw new Error('the app is made before it is asked')
    document ??= apiDocument(app)
    return document
  }
  return newRoutes()
    .openapi(description, (c) => c.json(whole() as { openapi: string }, 200))
    .openapi(page, (c) => {
      const nonce = randomBytes(16).toString('base64url')
      c.header('content-security-policy', cspOfPage(nonce))
      return c.html(referencePage(routesOf(whole() as ApiDocument), whole().info.version, nonce), 200)
    })
}
