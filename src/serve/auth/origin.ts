/** Requests that a page of somebody else makes a browser send: by a name it points at us, or across sites. */
import { isIP } from 'node:net'
import type { Context } from 'hono'
import { AppError } from '../../core/errors.ts'
import type { ServeSettings } from '../settings.ts'
import { type Client, isLoopback, nameOf } from './client.ts'

/**
 * What is wrong with a `Host` that is neither a name of ours, nor one of this machine, nor an address: a name that somebody points at us (DNS
 * rebinding) would make their page ours. Undefined for one that is
 * right.
 */
export function wrongHost(
  client: Client,
  { publicUrl, names }: Pick<ServeSettings, 'publicUrl' | 'names'>,
): AppError | undefined {
  const name = nameOf(client.host)
  const isPublic = publicUrl !== undefined && client.host === new URL(publicUrl).host
  if (isPublic || names.includes(name) || isLoopback(name) || isIP(name) !== 0) return undefined
  return new AppError('WRONG_HOST', 'This server does not answer to the name it was asked by.')
}

/** What is wrong with a request that anybody on its way could read and change, its token too. Undefined for one that is right. */
export const overheard = (client: Client): AppError | undefined =>
  client.isOverheard
    ? new AppError('FORBIDDEN', 'This server is asked through its proxy, or with TLS.', {
        hint: 'Use the public address; `serve.behind_proxy` names the proxies.',
      })
    : undefined

/** The origins that are ours for this request. */
const ownOrigins = (client: Client, publicUrl: string | undefined): readonly string[] => [
  `${client.scheme}://${client.host}`,
  ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin]),
]

/**
 * Refuses what a browser says comes from another site. Programs that are no browsers say nothing.
 * @throws AppError FORBIDDEN
 */
export function checkSameSite(c: Context, client: Client, publicUrl: string | undefined): void {
  const site = c.req.header('sec-fetch-site')
  const origin = c.req.header('origin')
  const isOther =
    (site !== undefined && site !== 'same-origin' && site !== 'none') ||
    (origin !== undefined && !ownOrigins(client, publicUrl).includes(origin))
  if (isOther) throw new AppError('FORBIDDEN', 'The request comes from another site.', { hint: HINT })
}

/**
 * As {@link checkSameSite}, for what changes something with a cookie: a browser says where from, so what says nothing is refused too.
 * @throws AppError FORBIDDEN
 */
export function checkSaysSite(c: Context, client: Client, publicUrl: string | undefined): void {
  checkSameSite(c, client, publicUrl)
  if (c.req.header('sec-fetch-site') === undefined && c.req.header('origin') === undefined)
    throw new AppError('FORBIDDEN', 'The request does not say which site it comes from.', { hint: HINT })
}

const HINT = 'Do it on the page itself; programs use a token in `Authorization: Bearer`.'

/** Where to go after a sign-in: a path of ours, whatever was asked for. */
export function returnPath(asked: string | undefined): string {
  if (asked === undefined || !asked.startsWith('/') || asked.length > 2000) return '/'
  // Browsers read a backslash as a slash, and leave out tabs and line breaks: either could end in another host.
  if (/[\\\u0000-\u0020\u007f]/.test(asked) || asked.startsWith('//')) return '/'
  const url = new URL(asked, 'http://bricktrail.invalid')
  return url.host === 'bricktrail.invalid' && !url.pathname.startsWith('//')
    ? `${url.pathname}${url.search}${url.hash}`
    : '/'
}
