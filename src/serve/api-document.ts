/** The API's description as one document, OpenAPI 3.1. */
import { VERSION } from '../core/version.ts'
import type { RouteApp } from './contract.ts'

const DESCRIPTION = `Everything the page of Bricktrail shows, and nothing that it keeps to itself. Each request is recorded, allowed or refused, before its
answer begins. Refusals are problems of RFC 9457 with a code and a hint. Times are ISO 8601 in UTC; where a time is asked for, words such as
"2h ago" and "yesterday" will do. Lists come in pages: send \`nextCursor\` of one as \`cursor\` of the next.`

/** The document of an app with all its routes. */
export function apiDocument(app: RouteApp) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'A token that `bricktrail token create` made: btk_…',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'bricktrail',
    description:
      'The cookie of a session; `__Host-bricktrail` under TLS. What changes something needs `x-csrf-token` of `GET /api/v1/me`, too.',
  })
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Bricktrail',
      version: VERSION,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
  })
}
