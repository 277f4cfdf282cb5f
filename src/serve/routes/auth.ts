/** Ways in and out: a token, a one-time link, an OpenID provider. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { AppError, type ErrorCode, isAppError } from '../../core/errors.ts'
import { type AppDeps, newRoutes } from '../app.ts'
import { neighbourhood } from '../auth/client.ts'
import { setSessionCookie } from '../auth/cookies.ts'
import { linkHolder } from '../auth/links.ts'
import { Oidc } from '../auth/oidc.ts'
import { checkSameSite, returnPath } from '../auth/origin.ts'
import { holderOf } from '../auth/people.ts'
import { newSecret } from '../auth/secret.ts'
import { type Proven, SignInRefused, signIn, signInRefused } from '../auth/sign-in.ts'
import type { RouteGroup, ServeEnv } from '../contract.ts'
import { clientOf, doorOf, note, refuseStranger, sessionOf } from '../guard.ts'
import { expected } from '../problems.ts'
import { answer, behind, body, REFUSED } from '../routing.ts'
import { SignInWays } from '../shapes/access.ts'
import { asked } from '../shapes/asked.ts'

const OIDC_START = '/auth/oidc/start'
const OIDC_CALLBACK = '/auth/oidc/callback'
/** Binds a sign-in to the browser that began it; sent along when the provider sends the browser back, so it is not `Strict`. */
const FLOW_COOKIE = 'bricktrail-oidc'
const FLOW_SECONDS = 600

const SIGN_IN_REFUSED = {
  401: REFUSED[401],
  403: REFUSED[403],
  422: REFUSED[422],
  429: REFUSED[429],
  503: REFUSED[503],
}
const toQuery = z.string().max(2000).optional().openapi({ description: 'Path of the page to go to afterwards.' })
const REDIRECTS = { 303: { description: 'To the page, signed in; or to the sign-in page, which says why not.' } }

const ways = createRoute({
  method: 'get',
  path: '/auth/ways',
  tags: ['Access'],
  summary: 'How one can sign in',
  security: [],
  responses: {
    422: REFUSED[422],
    200: answer('The ways.', SignInWays, { oidc: { name: 'Example SSO', start: OIDC_START }, token: true }),
  },
})

const byToken = createRoute({
  method: 'post',
  path: '/auth/token',
  tags: ['Access'],
  summary: 'Begin a session with a token',
  security: [],
  request: { body: body(asked({ token: z.string().min(1).max(200) }), { token: 'btk_…' }) },
  responses: { ...SIGN_IN_REFUSED, 204: { description: 'Signed in; the session is in a cookie.' } },
})

const byLink = createRoute({
  method: 'get',
  path: '/auth/link',
  tags: ['Access'],
  summary: 'Begin a session with a one-time link',
  security: [],
  request: { query: z.object({ code: z.string().max(200), to: toQuery }) },
  responses: { ...SIGN_IN_REFUSED, ...REDIRECTS, 200: { description: 'Asks first, where another site led here.' } },
})

const oidcStart = createRoute({
  method: 'get',
  path: OIDC_START,
  tags: ['Access'],
  summary: 'Go to the OpenID provider',
  security: [],
  request: { query: z.object({ to: toQuery }) },
  responses: { ...SIGN_IN_REFUSED, 404: REFUSED[404], ...REDIRECTS },
})

const oidcCallback = createRoute({
  method: 'get',
  path: OIDC_CALLBACK,
  tags: ['Access'],
  summary: 'Come back from the OpenID provider',
  security: [],
  // The provider adds what it likes.
  request: { query: z.looseObject({}) },
  responses: { ...SIGN_IN_REFUSED, 404: REFUSED[404], ...REDIRECTS },
})

const signOut = createRoute({
  method: 'post',
  path: '/auth/signout',
  tags: ['Access'],
  summary: 'End the session',
  ...behind('any', 'signOut'),
  responses: { ...REFUSED, 204: { description: 'It is over.' } },
})

/** `/auth`. */
export const auth: RouteGroup<AppDeps> = ({ access, settings, now }) => {
  const oidc = settings.access.oidc === undefined ? undefined : new Oidc(settings.access.oidc, now)
  const provider = (): Oidc => {
    if (oidc === undefined)
      throw new AppError('NOT_FOUND', 'No OpenID provider is set up.', { hint: 'See `access.oidc`.' })
    return oidc
  }
  const routes = newRoutes()
  for (const path of [byToken.path, byLink.path, OIDC_START, OIDC_CALLBACK]) routes.use(path, recordedRefusal)
  routes.openapi(ways, (c) => {
    const shown = oidc === undefined ? null : { name: oidc.settings.name, start: OIDC_START }
    return c.json({ oidc: shown, token: true }, 200)
  })
  routes.openapi(byToken, async (c) => {
    checkSameSite(c, clientOf(c), settings.publicUrl)
    const refusal = await signIn(c, 'token', async (found) => {
      const kept = access.tokens.ofSecret(c.req.valid('json').token.trim())
      const principal = kept === undefined ? undefined : access.ofToken(kept)
      if (kept === undefined) throw new AppError('UNAUTHENTICATED', NOT_A_TOKEN)
      const holder = `token:${kept.id}`
      found(holder)
      if (principal === undefined) throw new SignInRefused(NOT_A_TOKEN, { holder, name: kept.name })
      access.tokens.used(kept.id)
      return { session: { holder, name: kept.name, role: null, rows: {} }, mayEnter: true }
    })
    return refusal === undefined ? c.body(null, 204) : signInRefused(c, refusal)
  })
  routes.openapi(byLink, async (c) => {
    const { code, to } = c.req.valid('query')
    // Whoever only looks where a link leads, such as a chat that shows a preview, must not use it up.
    if (c.req.method === 'HEAD') return c.body(null, 204)
    if (['cross-site', 'same-site'].includes(c.req.header('sec-fetch-site') ?? ''))
      return askFirst(c, code, returnPath(to))
    const refusal = await signIn(c, 'link', async (found) => {
      const meant = access.links.holder(code)
      if (meant !== undefined) found(linkHolder(meant))
      const link = access.links.take(code)
      if (link === undefined) throw new AppError('UNAUTHENTICATED', 'The link was used before, or is too old.')
      return { session: { holder: linkHolder(link), name: link.name, role: link.role, rows: {} }, mayEnter: true }
    })
    return refusal === undefined ? c.redirect(returnPath(to), 303) : backToSignIn(c, refusal, 'link')
  })
  routes.openapi(oidcStart, async (c) => {
    const at = provider()
    const allowance = doorOf(c).strangers.take(neighbourhood(clientOf(c).address))
    if (!allowance.allowed) return c.redirect(signInPage('TOO_MANY', 'oidc'), 303)
    const browser = getCookie(c, FLOW_COOKIE) ?? newSecret('')
    try {
      const url = await at.start(browser, redirectUri(c, settings.publicUrl), returnPath(c.req.valid('query').to))
      setCookie(c, FLOW_COOKIE, browser, {
        path: '/auth/oidc',
        httpOnly: true,
        sameSite: 'Lax',
        secure: redirectUri(c, settings.publicUrl).startsWith('https:'),
        maxAge: FLOW_SECONDS,
      })
      return c.redirect(url.href, 303)
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      return backToSignIn(c, cause, 'oidc')
    }
  })
  routes.openapi(oidcCallback, async (c) => {
    const at = provider()
    let to = '/'
    const refusal = await signIn(c, 'oidc', async (found) => {
      const finished = await at.finish(getCookie(c, FLOW_COOKIE) ?? '', new URL(c.req.url).search)
      to = finished.to
      found(holderOf(finished.person.id))
      const person = access.people.signedIn(finished.person)
      note(c, { person: person.id, role: person.role })
      const session = { holder: holderOf(person.id), name: person.name, role: null, rows: {} }
      return { session, mayEnter: person.role !== null } satisfies Proven
    })
    return refusal === undefined ? c.redirect(to, 303) : backToSignIn(c, refusal, 'oidc')
  })
  routes.openapi(signOut, (c) => {
    const session = sessionOf(c)
    if (session !== undefined) access.sessions.end(session.kept.id)
    setSessionCookie(c, clientOf(c), '', 0)
    return c.body(null, 204)
  })
  return routes
}

/** What is refused before anybody tried to sign in, such as a request of another site's page, is recorded and limited too. */
const recordedRefusal: MiddlewareHandler<ServeEnv> = async (c, next) => {
  await next()
  if (c.error === undefined) return
  const refusal = expected(c.error, () => undefined)
  const answer = await refuseStranger(c, doorOf(c), 'signIn', refusal)
  c.res = undefined
  c.res = answer
}

const NOT_A_TOKEN = 'The token does not count: it is unknown, expired or revoked.'

/** Browsers are sent to the page, which says why in words of its own: an address could make it say anything. */
async function backToSignIn(c: Context, refusal: AppError, way: 'link' | 'oidc'): Promise<Response> {
  const refused = await signInRefused(c, refusal)
  const code: ErrorCode = refused.status === 503 ? 'NOT_RECORDED' : refusal.code
  return c.redirect(signInPage(code, way, refusal instanceof SignInRefused), 303)
}

const signInPage = (code: ErrorCode, way: string, noRole = false): string => {
  const reason = code === 'TOO_MANY' ? 'locked' : code === 'NOT_RECORDED' ? 'unrecorded' : noRole ? 'no-role' : way
  return `/?signin=${reason}`
}

/**
 * A link in somebody else's page, or one that a program follows to preview it, signs nobody in and is not used up: a person is asked
 * first, and goes on from a page of ours.
 */
function askFirst(c: Context, code: string, to: string): Response {
  const isPage = [undefined, 'document'].includes(c.req.header('sec-fetch-dest'))
  if (!isPage || !/^[\w-]+$/.test(code)) throw new AppError('FORBIDDEN', 'The link was not followed by a person.')
  const href = `/auth/link?code=${code}&amp;to=${encodeURIComponent(to)}`
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Bricktrail</title>
<p>Another site led you here. <a href="${href}">Sign in to Bricktrail</a> if you asked for this link.</p></html>`
  c.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
  return c.html(page) as Response
}

const redirectUri = (c: Context, publicUrl: string | undefined): string => {
  const { scheme, host } = clientOf(c)
  return `${publicUrl === undefined ? `${scheme}://${host}` : new URL(publicUrl).origin}${OIDC_CALLBACK}`
}
