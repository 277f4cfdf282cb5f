/** Bearer tokens of clouds, from their official clients: they know workload identity, managed identity, environment and files. */
import { AppError } from '../core/errors.ts'
import { installed } from './client.ts'

/** Gives a token that is valid now. */
export type TokenSource = () => Promise<string>

interface AzureIdentity {
  readonly DefaultAzureCredential: new () => { getToken(scope: string): Promise<{ token: string } | null> }
}

/** Tokens of Microsoft Entra for a scope. @throws AppError MISSING_PACKAGE */
export async function azureTokens(scope: string, kind: string): Promise<TokenSource> {
  const { DefaultAzureCredential } = await installed<AzureIdentity>('@azure/identity', kind)
  const credential = new DefaultAzureCredential()
  return async () => {
    const answer = await credential.getToken(scope).catch((cause: Error) => {
      throw noToken('Microsoft Entra', cause)
    })
    if (answer === null) throw noToken('Microsoft Entra')
    return answer.token
  }
}

interface GoogleAuthLibrary {
  readonly GoogleAuth: new (options: object) => { getAccessToken(): Promise<string | null | undefined> }
}

/** Tokens of Google Cloud for scopes. @throws AppError MISSING_PACKAGE */
export async function googleTokens(scopes: readonly string[], kind: string): Promise<TokenSource> {
  const { GoogleAuth } = await installed<GoogleAuthLibrary>('google-auth-library', kind)
  const auth = new GoogleAuth({ scopes })
  return async () => {
    const token = await auth.getAccessToken().catch((cause: Error) => {
      throw noToken('Google Cloud', cause)
    })
    if (typeof token !== 'string') throw noToken('Google Cloud')
    return token
  }
}

// The first line: what follows names every way that was tried.
const noToken = (cloud: string, cause?: Error): AppError =>
  new AppError('BAD_HOME', `${cloud} gave no token${cause === undefined ? '' : `: ${cause.message.split('\n')[0]}`}`, {
    hint: 'Sign in, or give this process an identity, as the client of that cloud documents.',
    cause,
  })
