/** Nobody but this machine, unless it is safe: where a server may listen. */
import { isIP } from 'node:net'
import { AppError } from '../core/errors.ts'
import type { Config } from './config.ts'

/** True for addresses that only this machine reaches. */
export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/**
 * Refuses to open a server to the network that anybody could listen in on, or that nobody could sign in to.
 *
 * @param hasTokens whether `access.db` holds a token
 * @throws AppError BAD_HOME
 */
export function checkOpenness(
  { listen, serve, file }: Pick<Config, 'listen' | 'serve' | 'file'>,
  hasTokens: boolean,
): void {
  const { host } = listen
  if (isLoopbackHost(host)) return
  const where = file === undefined ? {} : { where: file }
  if (serve.tls === undefined && serve.behindProxy.length === 0)
    throw new AppError('BAD_HOME', `Listening on ${host} would send tokens and events over the network in the open.`, {
      hint: 'Name a certificate in serve.tls, or the addresses of a proxy that has one in serve.behind_proxy; or listen on 127.0.0.1.',
      ...where,
    })
  if (serve.access.oidc === undefined && !hasTokens)
    throw new AppError('BAD_HOME', `Listening on ${host} is of no use: nobody could sign in.`, {
      hint: 'Name an OpenID provider in access.oidc, or make a token with `bricktrail token create`.',
      ...where,
    })
}
