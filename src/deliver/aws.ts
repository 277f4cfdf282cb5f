/** What clients of AWS have in common: how they are opened, and what their failures mean. */
import type { Outcome } from './contract.ts'
import { retryAfterMs } from './http.ts'

/** A client of a service. */
export interface AwsClient {
  send(command: object, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>
  destroy(): void
}

/** Makes a command or a client. */
export type AwsMaker<T = object> = new (input: object) => T

/** Where a service is. */
export interface AwsPlace {
  readonly region: string
  /** Address of another service that speaks the same. */
  readonly endpoint?: string
}

/** Options of a client. Retries are the dispatcher's: the client makes one attempt. */
export const awsOptions = ({ region, endpoint }: AwsPlace): object => ({
  region,
  maxAttempts: 1,
  ...(endpoint === undefined ? {} : { endpoint }),
})

/** Names of errors that say that address, credentials or rights are wrong. */
const MISCONFIGURED =
  /NotFound|NoSuchBucket|AccessDenied|UnrecognizedClient|InvalidAccessKeyId|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|InvalidToken|PermanentRedirect|CredentialsProvider|AuthorizationHeaderMalformed|KMS/

interface AwsFailure {
  readonly name?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/** What a failure of a client means. */
export interface AwsMeaning {
  readonly status: number | undefined
  readonly name: string
  readonly reason: string
  /** `misconfigured`, or `again`: which of the others a service refuses for good is for its sink to say. */
  readonly outcome: Extract<Outcome, { kind: 'again' | 'misconfigured' }>
}

/** Reads a failure of a client; throttling, server errors and what never came to an answer are tried again. */
export function awsMeaning(cause: unknown): AwsMeaning {
  const { name = 'Error', message = '', $metadata, $response } = cause as AwsFailure
  const status = $metadata?.httpStatusCode
  const reason = `${name}: ${message}`.replace(/\s+/g, ' ').slice(0, 250)
  const isOurs =
    MISCONFIGURED.test(name) || status === 401 || status === 403 || /Could not load credentials/.test(message)
  const wait = retryAfterMs($response?.headers ?? {})
  const again = { kind: 'again', reason, ...(wait === undefined ? {} : { retryAfterMs: wait }) } as const
  return { status, name, reason, outcome: isOurs ? { kind: 'misconfigured', reason } : again }
}
