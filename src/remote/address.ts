/** The address of a server, as it was typed. */
import { AppError } from '../core/errors.ts'

/** How an address is read. */
export interface AddressOptions {
  /** True to send a token in the open to another machine all the same. */
  readonly plainHttp: boolean
}

/**
 * The address, without what does not belong to it.
 * @throws AppError BAD_ARGUMENT for what is none, and for one over which others could read the token
 */
export function serverAddress(text: string, { plainHttp }: AddressOptions): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw new AppError('BAD_ARGUMENT', '--server takes an address such as https://audit.example.com.', {
      hint: 'It is the one of `bricktrail serve`; BRICKTRAIL_SERVER may hold it too.',
    })
  }
  // It would stand in histories, lists of processes and messages.
  if (url.username !== '' || url.password !== '')
    throw new AppError('BAD_ARGUMENT', 'No name and no password belongs into the address of a server.', {
      hint: 'A token does it: BRICKTRAIL_TOKEN, or --token-file FILE.',
    })
  if (url.search !== '' || url.hash !== '')
    throw new AppError('BAD_ARGUMENT', 'The address of a server ends before ? and #.', {
      hint: `Write ${url.origin}${url.pathname}.`,
    })
  if (url.protocol === 'http:' && !plainHttp && !isLoopback(url.hostname))
    throw new AppError('BAD_ARGUMENT', `Over ${url.origin} everybody on the way could read the token.`, {
      hint: `Use https://${url.host}, or add --plain-http where the way itself is safe.`,
    })
  return url
}

/** Names of this machine, as URLs write them. */
const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)

/** A path of the API below the address: a proxy may keep it under a path of its own. */
export function below(server: URL, path: string): URL {
  const url = new URL(server)
  const [name = '', query = ''] = path.split('?')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${name}`
  url.search = query
  return url
}

/** The address as people are shown it. */
export const shownAddress = (server: URL): string => `${server.origin}${server.pathname.replace(/\/+$/, '')}`
