/** Asks the server that a command line names. Loaded only then. */
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { AppError, messageOf } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import { serverAddress } from '../remote/address.ts'
import { ApiClient } from '../remote/client.ts'
import { tokenFrom } from '../remote/token.ts'
import type { CliContext, ServerWish } from './contract.ts'

/** How a server is asked. */
export interface AskOptions {
  /** Ends all that is asked. */
  readonly signal?: AbortSignal
  /** True for what everybody may ask: without a token where there is none. */
  readonly isPublic?: boolean
}

/**
 * A client of the server.
 * @throws AppError BAD_ARGUMENT, UNAUTHENTICATED without a token, UNREADABLE
 */
export async function clientOf(wish: ServerWish, { signal, isPublic = false }: AskOptions = {}): Promise<ApiClient> {
  const server = serverAddress(wish.address, wish)
  const hasToken = wish.tokenFile !== undefined || wish.token !== undefined
  const token = isPublic && !hasToken ? undefined : await tokenFrom({ file: wish.tokenFile, variable: wish.token })
  const ca = wish.caFile === undefined ? undefined : await authorities(wish.caFile)
  return new ApiClient({
    server,
    ...(token === undefined ? {} : { token }),
    ...(ca === undefined ? {} : { ca }),
    ...(signal === undefined ? {} : { signal }),
  })
}

async function authorities(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('UNREADABLE', `The certificates of --ca-file cannot be read: ${messageOf(cause)}`, { cause })
  })
  try {
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('there is none in it')
    createSecureContext({ ca: text })
  } catch (cause) {
    throw new AppError('BAD_ARGUMENT', `${path} holds no certificates: ${messageOf(cause)}.`, {
      hint: 'It takes those of authorities, as PEM.',
      cause,
    })
  }
  return text
}

/** Works with the server that is named. */
export async function withServer<T>(
  wish: ServerWish,
  work: (api: ApiClient) => Promise<T>,
  options: AskOptions = {},
): Promise<T> {
  const api = await clientOf(wish, options)
  try {
    return await work(api)
  } finally {
    api.close()
  }
}

const MASK_WORDS = { email: 'e-mail addresses', ip: 'addresses of machines', query: 'texts of queries' } as const

/** Says that the server hides something from the token: otherwise a pseudonym looks like a value. */
export async function noteMasks(cli: CliContext, api: ApiClient): Promise<void> {
  const { masks, role } = await api.me()
  if (masks.length === 0) return
  cli.note(printable(`The role ${role} sees ${masks.map((mask) => MASK_WORDS[mask]).join(', ')} masked.`))
}
