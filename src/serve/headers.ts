/** Headers of every answer: what a browser may do with it, and what it may not. */
import type { Context } from 'hono'
import type { Client } from './auth/client.ts'
import type { ServeSettings } from './settings.ts'

/** Two years, as browsers' lists ask. */
const HSTS = 'max-age=63072000'

/** Nothing of an answer that is no page is run or shown inside another. */
const CSP_OF_DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

/** The policy of a page: its own files, and styles of this answer's nonce. */
export const cspOfPage = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ')

/** Sets what the answer does not say itself. */
export function secureHeaders(c: Context, client: Client, settings: ServeSettings): void {
  const { headers } = c.res
  const usual = (name: string, value: string) => {
    if (!headers.has(name)) headers.set(name, value)
  }
  usual('content-security-policy', CSP_OF_DATA)
  usual('cache-control', 'no-store')
  headers.set('x-content-type-options', 'nosniff')
  headers.set('x-frame-options', 'DENY')
  headers.set('referrer-policy', 'no-referrer')
  headers.set('cross-origin-opener-policy', 'same-origin')
  headers.set('cross-origin-resource-policy', 'same-origin')
  headers.set('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()')
  const isSecure = client.scheme === 'https' || settings.publicUrl?.startsWith('https:') === true
  if (isSecure) headers.set('strict-transport-security', HSTS)
  const requestId: unknown = c.get('requestId')
  if (typeof requestId === 'string') headers.set('x-request-id', requestId)
}
