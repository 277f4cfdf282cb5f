/** One request over HTTP or HTTPS: bounded, never redirected, and ended when nobody waits for it any more. */
import { Agent as HttpAgent, type IncomingMessage, request as plainRequest } from 'node:http'
import { type AgentOptions, Agent as HttpsAgent, request as secureRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import { AppError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { aborted, connectionFailure, silentFailure } from './failures.ts'

/** How to get there. */
export interface TransportOptions {
  /** Certificates of authorities to trust besides those that Node trusts (`NODE_EXTRA_CA_CERTS` among them), PEM. */
  readonly ca?: string
  /** How long until there is a connection. */
  readonly connectMs?: number
}

/** What is sent. */
export interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** How long no byte may come. */
  readonly silentMs: number
  readonly signal?: AbortSignal | undefined
}

/** What came. */
export interface Received {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Readable
}

/** A machine that is there answers a connection within this time, wherever it stands. */
const CONNECT_MS = 15_000

/** The record of use shows it beside who asked. */
const PROGRAM = `bricktrail-cli/${VERSION}`

/** Connections to one server. */
export class Transport {
  readonly #agent: HttpAgent
  readonly #isSecure: boolean
  readonly #connectMs: number

  constructor(server: URL, { ca, connectMs = CONNECT_MS }: TransportOptions = {}) {
    this.#isSecure = server.protocol === 'https:'
    this.#connectMs = connectMs
    // A variable may switch the check of certificates off for all of Node; a token goes nowhere unchecked.
    const trust = {
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    }
    this.#agent = this.#isSecure ? secureAgent(trust) : new HttpAgent({ keepAlive: true })
  }

  /**
   * Sends a request; resolves once the answer begins.
   * @throws AppError NO_SERVER, BAD_SERVER
   */
  send({ method, url, headers, body, silentMs, signal }: Sent): Promise<Received> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal))
      const bytes = body === undefined ? undefined : Buffer.from(body)
      const length = bytes === undefined ? {} : { 'content-length': String(bytes.length) }
      const asking = (this.#isSecure ? secureRequest : plainRequest)(url, {
        method,
        agent: this.#agent,
        headers: { 'user-agent': PROGRAM, ...headers, ...length },
      })
      const leave = () => asking.destroy(aborted(signal))
      signal?.addEventListener('abort', leave, { once: true })
      const connecting = setTimeout(() => asking.destroy(silentFailure(url, this.#connectMs)), this.#connectMs)
      const connected = () => clearTimeout(connecting)
      asking.on('socket', (socket) => {
        if (!socket.connecting) connected()
        socket.once(this.#isSecure ? 'secureConnect' : 'connect', connected)
      })
      asking.setTimeout(silentMs, () => asking.destroy(silentFailure(url, silentMs)))
      asking.on('close', () => {
        connected()
        signal?.removeEventListener('abort', leave)
      })
      asking.on('error', (cause) => reject(connectionFailure(url, cause)))
      asking.on('response', (answer) =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer }),
      )
      asking.end(bytes)
    })
  }

  /** Closes the connections that are kept. */
  close(): void {
    this.#agent.destroy()
  }
}

/** In the open, a proxy would read the token: only what is encrypted goes by the proxies that HTTPS_PROXY and NO_PROXY name. */
function secureAgent(trust: AgentOptions): HttpsAgent {
  try {
    return new HttpsAgent({ keepAlive: true, proxyEnv: process.env, ...trust })
  } catch (cause) {
    // Its own message has the address, in which a password may stand.
    throw new AppError('BAD_ARGUMENT', 'HTTPS_PROXY holds no address of a proxy.', {
      hint: 'Such as http://proxy.example.com:3128; unset it where there is none.',
      cause,
    })
  }
}
