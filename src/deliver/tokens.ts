/** Bearer tokens of clouds, from their official clients: they know workload identity, managed identity, environment and files. */
import { AppError } from '../core/errors.ts'
import { installed } from './client.ts'
import type { SinkContext } from './contract.ts'

/** Gives a token that is valid now. */
export type TokenSource = () => Promise<string>

/** What a source is made of. */
export interface TokenWish {
  /** Reference to a token that is used as it is; the cloud's client is then not needed. */
  readonly token: string | undefined
  readonly scopes: readonly string[]
  /** Who asks. */
  readonly kind: string
}

type Context = Pick<SinkContext, 'secret' | 'folder'>

/** The token of a reference. What is missing is told at once; a file is read anew for each request, as others renew what is in it. */
function givenToken(reference: string, { secret }: Context): TokenSource {
  secret(reference)
  return async () => secret(reference)
}

interface AzureIdentity {
  readonly DefaultAzureCredential: new () => { getToken(scopes: readonly string[]): Promise<{ token: string } | null> }
}

/** Tokens of Microsoft Entra. @throws AppError MISSING_PACKAGE */
export async function azureTokens({ token, scopes, kind }: TokenWish, context: Context): Promise<TokenSource> {
  if (token !== undefined) return givenToken(token, context)
  const { DefaultAzureCredential } = await installed<AzureIdentity>('@azure/identity', kind, context.folder)
  const credential = new DefaultAzureCredential()
  return async () => {
    const answer = await credential.getToken(scopes).catch((cause: Error) => {
      throw noToken('Microsoft Entra', cause)
    })
    if (answer === null) throw noToken('Microsoft Entra')
    return answer.token
  }
}

interface GoogleAuthLibrary {
  readonly GoogleAuth: new (options: object) => { getAccessToken(): Promise<string | null | undefined> }
}

/** Tokens of Google Cloud. @throws AppError MISSING_PACKAGE */
export async function googleTokens({ token, scopes, kind }: TokenWish, context: Context): Promise<TokenSource> {
  if (token !== undefined) return givenToken(token, context)
  const { GoogleAuth } = await installed<GoogleAuthLibrary>('google-auth-library', kind, context.folder)
  const auth = new GoogleAuth({ scopes })
  return async () => {
    const given = await auth.getAccessToken().catch((cause: Error) => {
      throw noToken('Google Cloud', cause)
    })
    if (typeof given !== 'string') throw noToken('Google Cloud')
    return given
  }
}

// The first line: what follows names every way that was tried.
const noToken = (cloud: string, cause?: Error): AppError =>
  new AppError('BAD_HOME', `${cloud} gave no token${cause === undefined ? '' : `: ${cause.message.split('\n')[0]}`}`, {
    hint: 'Sign in, or give this process an identity, as the client of that cloud documents.',
    cause,
  })
