/** Whether a command asks a home or a server, as its options and the variables of its environment say. */
import { AppError } from '../core/errors.ts'
import type { ServerWish } from './contract.ts'

/** Options of every command that name a place. */
export interface PlaceFlags {
  readonly home?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly caFile?: string
  readonly plainHttp?: boolean
}

/**
 * The server that is named; an option is stronger than a variable, and --home than BRICKTRAIL_SERVER.
 * @throws AppError BAD_ARGUMENT where both a home and a server are named, and where the address is empty
 */
export function serverNamed(
  { home, server, tokenFile, caFile, plainHttp }: PlaceFlags,
  env: Readonly<Record<string, string | undefined>>,
): ServerWish | undefined {
  if (server !== undefined && home !== undefined)
    throw new AppError('BAD_ARGUMENT', '--home and --server are both given.', { hint: 'Name one of them.' })
  // Empty is what a script writes that has lost its variable.
  if (server?.trim() === '')
    throw new AppError('BAD_ARGUMENT', '--server is empty.', { hint: 'Name the address: --server https://…' })
  const address = server ?? (home === undefined ? env.BRICKTRAIL_SERVER || undefined : undefined)
  if (address === undefined) return undefined
  return {
    address,
    plainHttp: plainHttp === true,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(env.BRICKTRAIL_TOKEN ? { token: env.BRICKTRAIL_TOKEN } : {}),
    ...(caFile === undefined ? {} : { caFile }),
  }
}

/** What a command says that needs the files of a home, where a server is named. */
export const homeOnly = ({ server }: PlaceFlags): AppError =>
  new AppError('BAD_ARGUMENT', 'This needs the files of a home, and cannot be asked of a server.', {
    hint:
      server === undefined
        ? 'BRICKTRAIL_SERVER is set: name a home with --home DIR, or unset it.'
        : 'Run it on the machine of the home, without --server.',
  })

/** What a command says of an option that no route of the server takes. */
export const notOnServer = (option: string, hint: string): AppError =>
  new AppError('BAD_ARGUMENT', `${option} cannot be asked of a server.`, { hint })
