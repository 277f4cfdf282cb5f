/** What destinations that speak HTTP have in common in their settings. */
import { AppError } from '../core/errors.ts'
import type { SinkContext } from './contract.ts'
import { HttpClient } from './http.ts'
import { trustedBy } from './tls.ts'

/** Keys of every destination of the web. */
export interface WebSettings {
  readonly allow_private?: boolean
  readonly ca?: string
}

/** JSON Schema of {@link WebSettings}. */
export const WEB_PROPERTIES = {
  allow_private: { type: 'boolean', description: 'True lets it be at an address that is not public.' },
  ca: { type: 'string', format: 'file', description: "Certificates to trust besides the system's, PEM." },
} as const

/**
 * A client after the settings.
 * @param inside whether it may be at a private address where the settings say nothing
 */
export async function webClient(settings: WebSettings, context: SinkContext, inside: boolean): Promise<HttpClient> {
  const ca = await trustedBy(settings.ca, context)
  return new HttpClient({
    timeoutMs: context.timeoutMs,
    allowPrivate: settings.allow_private ?? inside,
    ...(ca === undefined ? {} : { ca }),
  })
}

/**
 * An address that is a secret as a whole.
 * @throws AppError BAD_ARGUMENT, without quoting it, if it is no address of the web
 */
export function secretAddress(reference: string, { secret }: Pick<SinkContext, 'secret'>): string {
  const value = secret(reference).trim()
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return value
  throw new AppError('BAD_ARGUMENT', `What ${reference} leads to is no web address.`, {
    hint: 'It is the whole address that was given to you, beginning with https://.',
  })
}

/** An address without a slash at its end. */
export const trimmedAddress = (url: string): string => url.replace(/\/+$/, '')
