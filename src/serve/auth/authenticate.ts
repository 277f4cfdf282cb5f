/** Who a request comes from, by its token or its cookie. */
import type { Context } from 'hono'
import { AppError } from '../../core/errors.ts'
import type { Principal } from '../contract.ts'
import type { Access } from './access.ts'
import type { Client } from './client.ts'
import { sessionCookie } from './cookies.ts'
import { checkSameSite, checkSaysSite } from './origin.ts'
import { csrfOf, sameText } from './secret.ts'
import type { KeptSession } from './sessions.ts'

/** Who asks, and the session where they have one. */
export interface Authenticated {
  readonly principal: Principal
  readonly session?: { readonly kept: KeptSession; readonly csrf: string }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** True for a request that may change something. */
export const changes = (c: Context): boolean => !SAFE_METHODS.has(c.req.method)

/** What is known of a request beside itself. */
export interface Asked {
  readonly client: Client
  readonly publicUrl: string | undefined
  /** True for what a page asks by itself: no sign that anybody sits before it. */
  readonly isBackground: boolean
}

/**
 * Who asks. A token counts before a cookie.
 * @throws AppError UNAUTHENTICATED, FORBIDDEN for what another site made a browser send
 */
export function authenticate(c: Context, access: Access, { client, publicUrl, isBackground }: Asked): Authenticated {
  const header = c.req.header('authorization')
  if (header !== undefined) return { principal: byToken(access, header) }
  const secret = sessionCookie(c, client)
  if (secret === undefined || secret === '') throw new AppError('UNAUTHENTICATED', 'Nobody is signed in.')
  const kept = access.sessions.ofSecret(secret, isBackground ? undefined : client.address)
  const principal = kept === undefined ? undefined : access.ofSession(kept)
  if (kept === undefined || principal === undefined)
    throw new AppError('UNAUTHENTICATED', 'The session has ended.', { hint: 'Sign in again.' })
  const csrf = csrfOf(secret)
  if (changes(c)) {
    checkSaysSite(c, client, publicUrl)
    if (!sameText(c.req.header('x-csrf-token') ?? '', csrf))
      throw new AppError('FORBIDDEN', 'The request lacks the `x-csrf-token` of its session.', {
        hint: 'Load the page again; `GET /api/v1/me` tells it.',
      })
  } else checkSameSite(c, client, publicUrl)
  return { principal, session: { kept, csrf } }
}

/** One answer for every token that does not count: which of them once did is nobody's business. */
function byToken(access: Access, header: string): Principal {
  const secret = /^Bearer +(\S+) *$/i.exec(header)?.[1] ?? ''
  const token = access.tokens.ofSecret(secret)
  const principal = token === undefined ? undefined : access.ofToken(token)
  if (token === undefined || principal === undefined)
    throw new AppError('UNAUTHENTICATED', 'The token does not count: it is unknown, expired or revoked.')
  access.tokens.used(token.id)
  return principal
}
