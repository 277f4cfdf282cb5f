/** The session's cookie. */
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { type Client, isLoopback, nameOf } from './client.ts'

const NAME = 'bricktrail'

/** Cookies are `Secure` everywhere but on this machine without TLS, where a browser would not send them. */
const isSecure = (client: Client): boolean => client.scheme === 'https' || !isLoopback(nameOf(client.host))

/** The cookie's name: with the prefix that ties it to this host and to TLS, wherever there is TLS. */
const cookieName = (client: Client): string => (isSecure(client) ? `__Host-${NAME}` : NAME)

/** The secret a browser brought along. */
export const sessionCookie = (c: Context, client: Client): string | undefined => getCookie(c, cookieName(client))

/** Gives the browser its session; an empty secret takes it away. */
export function setSessionCookie(c: Context, client: Client, secret: string, seconds: number): void {
  setCookie(c, cookieName(client), secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: isSecure(client),
    maxAge: Math.max(0, Math.floor(seconds)),
  })
}
