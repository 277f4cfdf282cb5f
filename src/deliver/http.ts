/** One HTTP request to a destination: no redirects, bounded in time and in what is read of the answer. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { isAppError, messageOf } from '../core/errors.ts'
import { insideError, isPrivate, publicLookup } from './addresses.ts'
import type { Outcome } from './contract.ts'

const gzipped = promisify(gzip)

/** Of an answer, so much is read; the rest is none of our business. */
const MOST_ANSWER_BYTES = 1024 * 1024

/** What a request is packed to is put together of pieces of this length; small ones are many ways to another thread and back. */
const PACKED_BYTES = 64 * 1024

/** What a destination's requests have in common. */
export interface HttpOptions {
  readonly timeoutMs: number
  readonly allowPrivate: boolean
  /** Certificates of authorities to trust, PEM; those that come with Node where absent. */
  readonly ca?: readonly string[]
  /** Client certificate and key, PEM. */
  readonly cert?: string
  readonly key?: string
  /** Requests at once. */
  readonly connections?: number
}

/** One request. */
export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Compresses the body. */
  readonly gzip?: boolean
  readonly signal?: AbortSignal
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** No answer came: refused, reset, timed out, or the name leads nowhere. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** Requests to one destination, over connections that are kept open. */
export class HttpClient {
  readonly #options: HttpOptions
  readonly #plain: HttpAgent
  readonly #secure: HttpsAgent

  constructor(options: HttpOptions) {
    this.#options = options
    const { ca, cert, key, connections = 8 } = options
    const kept = { keepAlive: true, maxSockets: connections }
    this.#plain = new HttpAgent(kept)
    this.#secure = new HttpsAgent({
      ...kept,
      ...(ca === undefined ? {} : { ca: [...ca] }),
      ...(cert === undefined ? {} : { cert, key }),
    })
  }

  /** @throws NoAnswer where none came; AppError BAD_ARGUMENT where the address is not public and must be */
  async send({
    method = 'POST',
    url,
    headers = {},
    body,
    gzip: isPacked = false,
    signal,
  }: HttpRequest): Promise<HttpAnswer> {
    const target = new URL(url)
    const host = target.hostname.replace(/^\[|\]$/g, '')
    if (!this.#options.allowPrivate && isIP(host) !== 0 && isPrivate(host)) throw insideError(host)
    const bytes =
      body === undefined
        ? undefined
        : isPacked
          ? await gzipped(body, { level: constants.Z_BEST_SPEED, chunkSize: PACKED_BYTES })
          : Buffer.from(body)
    const limits = [AbortSignal.timeout(this.#options.timeoutMs), ...(signal === undefined ? [] : [signal])]
    try {
      return await this.#request(
        target,
        method,
        { ...headers, ...(isPacked ? { 'content-encoding': 'gzip' } : {}) },
        bytes,
        AbortSignal.any(limits),
      )
    } catch (cause) {
      if (isAppError(cause)) throw cause
      throw new NoAnswer(reasonOf(cause), { cause })
    }
  }

  close(): void {
    this.#plain.destroy()
    this.#secure.destroy()
  }

  #request(
    target: URL,
    method: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const isSecure = target.protocol === 'https:'
    return new Promise((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(target, {
        method,
        headers: {
          'user-agent': 'bricktrail',
          ...headers,
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        },
        agent: isSecure ? this.#secure : this.#plain,
        signal,
        ...(this.#options.allowPrivate ? {} : { lookup: publicLookup }),
      })
      request.once('error', reject)
      request.once('response', (answer) => {
        readAnswer(answer).then(
          (text) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
          reject,
        )
      })
      request.end(body)
    })
  }
}

async function readAnswer(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length
    pieces.push(piece)
    if (bytes > MOST_ANSWER_BYTES) break
  }
  return Buffer.concat(pieces).subarray(0, MOST_ANSWER_BYTES).toString('utf8')
}

function reasonOf(cause: unknown): string {
  const { code, name } = cause as { code?: string; name?: string }
  if (name === 'TimeoutError' || name === 'AbortError') return 'no answer in time'
  return code === undefined ? messageOf(cause) : `no connection (${code})`
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), as milliseconds from now; a day at most. */
export function retryAfterMs(headers: HttpAnswer['headers'], nowMs = Date.now()): number | undefined {
  const value = headers['retry-after']
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isFinite(wait) && wait >= 0 ? Math.min(wait, 86_400_000) : undefined
}

/** The first line of an answer, short enough for a message. */
export const said = ({ status, body }: HttpAnswer): string => {
  const line = body.replace(/\s+/g, ' ').trim().slice(0, 200)
  return line === '' ? `HTTP ${status}` : `HTTP ${status}: ${line}`
}

/** What most services mean by a status (RFC 9110); a sink says first what its own service means by it. */
export function outcomeOf(answer: HttpAnswer): Outcome {
  const { status, headers } = answer
  const reason = said(answer)
  const wait = retryAfterMs(headers)
  const again: Outcome = { kind: 'again', reason, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status >= 500 || status === 408 || status === 425 || status === 429) return again
  if (status >= 300 && status < 400)
    return { kind: 'misconfigured', reason: `${reason}: it wants to send us elsewhere, which is not followed` }
  if ([401, 403, 404, 405, 407, 410].includes(status)) return { kind: 'misconfigured', reason }
  return { kind: 'dead', reason }
}

/** Sends, and says what became of it; a request without an answer is tried again. */
export async function outcomeOfSending(send: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await send()
  } catch (cause) {
    if (cause instanceof NoAnswer)
      return { kind: isDistrust(cause.cause) ? 'misconfigured' : 'again', reason: cause.message }
    if (isAppError(cause)) return { kind: 'misconfigured', reason: cause.message }
    throw cause
  }
}

/** What OpenSSL and Node call certificates that are not trusted, on either side. */
const DISTRUST =
  /CERT|ALTNAME|ALERT_(UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED|BAD_CERTIFICATE)|UNABLE_TO_(GET|VERIFY)/

/** True where a connection failed for its certificates, which no waiting mends. */
export const isDistrust = (cause: unknown): boolean =>
  DISTRUST.test((cause as { code?: string } | undefined)?.code ?? '')
