/** The app on a port: bounds of what a connection may cost, TLS, and an end that lets answers finish. */
import { readFileSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { AppError, messageOf } from '../core/errors.ts'
import type { RouteApp } from './contract.ts'
import type { ServeSettings } from './settings.ts'

/** Where and how to listen. */
export interface ListenOptions {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly settings: ServeSettings
  /** Told what nobody expected. */
  readonly unexpected?: (line: string, cause: unknown) => void
  /** Shorter in tests. */
  readonly times?: Partial<ConnectionTimes>
}

/** How long a connection may take for what. */
export interface ConnectionTimes {
  readonly headersMs: number
  readonly requestMs: number
  /** Without any byte in either direction. */
  readonly silentMs: number
  readonly checkEveryMs: number
  /** How often the certificate's files are looked at. */
  readonly certificateMs: number
}

/** A server that listens. */
export interface Listening {
  /** Such as `http://127.0.0.1:7420`. */
  readonly url: string
  readonly port: number
  /** Takes nothing new, and ends once all is answered, or after this many milliseconds. */
  close(graceMs?: number): Promise<void>
}

/** People's browsers and scripts need far less to ask; the longest statement takes five minutes to be answered. */
const TIMES: ConnectionTimes = {
  headersMs: 10_000,
  requestMs: 30_000,
  silentMs: 330_000,
  checkEveryMs: 1000,
  certificateMs: 60_000,
}
const KEEP_ALIVE_MS = 65_000
const GRACE_MS = 5000
const IDLE_EVERY_MS = 50
const MOST_HEADERS = 100

/**
 * Starts to listen.
 * @throws AppError LOCKED where the port is taken, BAD_ARGUMENT where it or the certificate cannot be used
 */
export async function listen(app: RouteApp, options: ListenOptions): Promise<Listening> {
  const { settings } = options
  const times = { ...TIMES, ...options.times }
  const server = serverOf(app, options, times)
  server.maxConnections = settings.limits.connections
  server.maxHeadersCount = MOST_HEADERS
  server.setTimeout(times.silentMs)
  const sockets = openSockets(server)
  await listening(server, options)
  server.on('error', (cause) => options.unexpected?.('the server', cause))
  const watch = settings.tls === undefined ? undefined : renewed(server, settings.tls, times.certificateMs, options)
  const { port } = server.address() as AddressInfo
  const scheme = settings.tls === undefined ? 'http' : 'https'
  return {
    url: `${scheme}://${urlHost(options.host)}:${port}`,
    port,
    close: (graceMs = GRACE_MS) => {
      clearInterval(watch)
      return closed(server, sockets, graceMs)
    },
  }
}

function serverOf(app: RouteApp, { settings, unexpected }: ListenOptions, times: ConnectionTimes): HttpServer {
  const limits = {
    maxHeaderSize: settings.limits.headerBytes,
    headersTimeout: times.headersMs,
    requestTimeout: times.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: times.checkEveryMs,
    // A length and chunks at once, two lengths, bare line feeds: what proxies and servers read differently is refused.
    insecureHTTPParser: false,
    requireHostHeader: true,
  }
  const listener = getRequestListener(
    async (request, bindings) => {
      const answer = await app.fetch(request, bindings)
      return answer.body === null ? answer : withoutInside(answer, () => bindings.outgoing.destroy(), unexpected)
    },
    // Other parts of the process talk to servers too, by the classes they know.
    { overrideGlobalObjects: false },
  )
  return settings.tls === undefined
    ? createServer(limits, listener)
    : createSecureServer({ ...limits, ...certificateOf(settings.tls), ...TLS_VERSIONS }, listener)
}

const TLS_VERSIONS = { minVersion: 'TLSv1.2' } as const

/** Takes up a renewed certificate for new connections; one that cannot be used leaves the old one in place. */
function renewed(
  server: HttpServer,
  tls: NonNullable<ServeSettings['tls']>,
  everyMs: number,
  { unexpected }: ListenOptions,
): NodeJS.Timeout {
  const text = ({ cert, key }: ReturnType<typeof certificateOf>) => `${cert}\n${key}`
  let [taken, told] = [text(certificateOf(tls)), '']
  const look = () => {
    let found = ''
    try {
      const pair = certificateOf(tls)
      found = text(pair)
      if (found === taken) return
      ;(server as SecureServer).setSecureContext({ ...pair, ...TLS_VERSIONS })
      taken = found
    } catch (cause) {
      // Half of a pair may stand there while the other is being copied: told once, until the files change again.
      if (told !== `${found}${messageOf(cause)}`) unexpected?.('the certificate was not renewed', cause)
      told = `${found}${messageOf(cause)}`
    }
  }
  return setInterval(look, everyMs).unref()
}

function certificateOf(tls: NonNullable<ServeSettings['tls']>): { cert: Buffer; key: Buffer } {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (cause) {
      throw new AppError('BAD_ARGUMENT', `${path} cannot be read: ${messageOf(cause)}`, {
        hint: 'See `serve.tls`.',
        cause,
      })
    }
  }
  return { cert: read(tls.certFile), key: read(tls.keyFile) }
}

/** Kinds of answers that are made while they are sent, and so can fail halfway. */
const SENT_WHILE_MADE = /ndjson|csv|parquet|event-stream|octet-stream/

/** True for an answer that is made while it is sent. */
export const isSentWhileMade = ({ headers }: Response): boolean =>
  SENT_WHILE_MADE.test(headers.get('content-type') ?? '')

/** The answer, whose failure halfway ends the connection and tells nothing of our inside. */
function withoutInside(answer: Response, cut: () => void, unexpected: ListenOptions['unexpected']): Response {
  if (!isSentWhileMade(answer)) return answer
  const reader = answer.body?.getReader()
  let isGone = false
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const next = await reader?.read()
          // Who has gone waits for nothing, and has closed what would be written to.
          if (isGone) return
          if (next === undefined || next.done) controller.close()
          else controller.enqueue(next.value)
        } catch (cause) {
          if (isGone) return
          unexpected?.('an answer was cut short', cause)
          // Not by an error of the stream: the library would print it with its stack.
          cut()
        }
      },
      cancel: (reason) => {
        isGone = true
        return reader?.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { status: answer.status, headers: answer.headers })
}

function listening(server: HttpServer, { host, port }: ListenOptions): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', (cause: NodeJS.ErrnoException) => failed(cannotListen(cause, host, port)))
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      done()
    })
  })
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number): AppError {
  if (cause.code === 'EADDRINUSE')
    return new AppError('LOCKED', `Port ${port} of ${host} is taken.`, {
      hint: 'Stop what listens there, or give another: `bricktrail serve --port 0` takes any that is free.',
    })
  return new AppError('BAD_ARGUMENT', `${host}:${port} cannot be listened on: ${cause.code ?? cause.message}.`, {
    hint: 'See `serve.listen` of bricktrail.yaml.',
    cause,
  })
}

/** Connections that are open; a server does not tell them. */
function openSockets(server: HttpServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

function closed(server: HttpServer, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  return new Promise((done) => {
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy()
    }, graceMs)
    // A connection whose last answer ends from now on is idle only then.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_EVERY_MS)
    server.close(() => {
      clearTimeout(cut)
      clearInterval(idle)
      done()
    })
    server.closeIdleConnections()
  })
}

const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host)
