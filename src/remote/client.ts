/** Asks the API of one server in the name of one token. Answers are read here, and nowhere else becomes text a value. */
import type { Readable } from 'node:stream'
import { AppError } from '../core/errors.ts'
import type { Permission } from '../serve/contract.ts'
import type { Me } from '../serve/shapes/access.ts'
import { below, shownAddress } from './address.ts'
import { aborted, notBricktrail, refusal } from './failures.ts'
import { type Received, Transport, type TransportOptions } from './transport.ts'

/** Whom to ask, and as whom. */
export interface ServerPlace extends TransportOptions {
  readonly server: URL
  /** Absent for what everybody may ask. */
  readonly token?: string
  /** Ends all that is asked. */
  readonly signal?: AbortSignal
}

/** One question. */
export interface Question {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
  /** How long no byte may come. */
  readonly silentMs?: number
}

/** The longest answer of the API is one of SQL, 64 MB of values. */
const MOST_BYTES = 512 * 1024 * 1024
/** Longer than the server takes for anything that has no time of its own. */
const SILENT_MS = 90_000

/** See above. */
export class ApiClient {
  /** The address, as people are shown it. */
  readonly address: string
  readonly #place: ServerPlace
  readonly #transport: Transport
  #me: Promise<Me> | undefined

  constructor(place: ServerPlace) {
    this.#place = place
    this.#transport = new Transport(place.server, place)
    this.address = shownAddress(place.server)
  }

  /** Who asks, and what they may; asked once. */
  me(): Promise<Me> {
    this.#me ??= this.get<Me>('/api/v1/me', 'permissions')
    return this.#me
  }

  /** Whether the token may do this. */
  async may(permission: Permission): Promise<boolean> {
    return (await this.me()).permissions.includes(permission)
  }

  /**
   * The JSON at a path.
   * @param key what such an answer always has
   * @throws AppError the server's own, NO_SERVER, BAD_SERVER
   */
  get<T extends object>(path: string, key: keyof T & string, question: Question = {}): Promise<T> {
    return this.ask<T>('GET', path, key, question)
  }

  /** As {@link get}, by another method. */
  async ask<T extends object>(
    method: string,
    path: string,
    key: keyof T & string,
    question: Question = {},
  ): Promise<T> {
    const { url, answer } = await this.#send(method, path, question)
    const value = await jsonOf(answer, url, signalOf(question, this.#place))
    if (typeof value === 'object' && value !== null && key in value) return value as T
    throw notBricktrail(url, answer)
  }

  /** Does something that is answered by nothing. */
  async act(method: string, path: string, question: Question = {}): Promise<void> {
    const { url, answer } = await this.#send(method, path, question)
    await textOf(answer, url, signalOf(question, this.#place))
    if (answer.status !== 204) throw notBricktrail(url, answer)
  }

  /** The text at a path; `type` is what it must be. */
  async text(path: string, type: RegExp, question: Question = {}): Promise<string> {
    const { url, answer } = await this.#send('GET', path, question)
    if (!type.test(typeOf(answer))) throw ended(answer, notBricktrail(url, answer))
    return textOf(answer, url, signalOf(question, this.#place))
  }

  /** The file at a path, to be read as it comes. */
  async file(
    path: string,
    type: RegExp,
    question: Question = {},
  ): Promise<Pick<Received, 'headers'> & { body: Readable }> {
    const { url, answer } = await this.#send('GET', path, question)
    if (!type.test(typeOf(answer))) throw ended(answer, notBricktrail(url, answer))
    return { headers: answer.headers, body: answer.body }
  }

  /** A JSON answer with a status of its own, such as that of `/readyz`. */
  async report<T extends object>(path: string, key: keyof T & string): Promise<T> {
    const url = below(this.#place.server, path)
    const answer = await this.#transport.send({
      method: 'GET',
      url,
      headers: {},
      silentMs: SILENT_MS,
      signal: this.#place.signal,
    })
    const value = isJson(answer) ? await jsonOf(answer, url, this.#place.signal) : undefined
    if (typeof value === 'object' && value !== null && key in value) return value as T
    throw ended(answer, notBricktrail(url, answer))
  }

  /** False for who asks what everybody may. */
  get hasToken(): boolean {
    return this.#place.token !== undefined
  }

  /** Ends the connections. */
  close(): void {
    this.#transport.close()
  }

  async #send(method: string, path: string, question: Question): Promise<{ url: URL; answer: Received }> {
    const { server, token } = this.#place
    const { body, query = {}, silentMs = SILENT_MS } = question
    const url = below(server, path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const signal = signalOf(question, this.#place)
    const headers = {
      accept: 'application/json, application/problem+json, */*;q=0.5',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const sent = {
      method,
      url,
      headers,
      silentMs,
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    const answer = await this.#transport.send(sent)
    if (answer.status >= 200 && answer.status < 300) return { url, answer }
    if (answer.status < 400) throw ended(answer, notBricktrail(url, answer))
    throw refusal(url, { ...answer, text: await textOf(answer, url, signal) })
  }
}

const signalOf = ({ signal }: Question, place: ServerPlace): AbortSignal | undefined =>
  signal === undefined || place.signal === undefined
    ? (signal ?? place.signal)
    : AbortSignal.any([signal, place.signal])

const typeOf = ({ headers }: Received): string => String(headers['content-type'] ?? '')

const isJson = (answer: Received): boolean => /^application\/(?:[\w.]+\+)?json\b/.test(typeOf(answer))

/** Lets go of an answer that nobody reads. */
function ended(answer: Received, failure: AppError): AppError {
  answer.body.destroy()
  return failure
}

async function jsonOf(answer: Received, url: URL, signal: AbortSignal | undefined): Promise<unknown> {
  if (!isJson(answer)) throw ended(answer, notBricktrail(url, answer))
  const text = await textOf(answer, url, signal)
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('BAD_SERVER', `${url.origin} answered with something that is no JSON.`)
  }
}

async function textOf({ body }: Received, url: URL, signal: AbortSignal | undefined): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of body) {
      const buffer = part as Buffer
      bytes += buffer.length
      if (bytes > MOST_BYTES) throw new AppError('TOO_LARGE', `${url.origin} answered with more than is read at once.`)
      parts.push(buffer)
    }
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal)
    if (cause instanceof AppError) throw cause
    throw new AppError('NO_SERVER', `${url.origin} broke off in the midst of its answer.`, { cause })
  }
  return Buffer.concat(parts).toString('utf8')
}
