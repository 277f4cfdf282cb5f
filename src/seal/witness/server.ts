/** The witness over HTTP: `POST /add-checkpoint`, and a page for whoever looks. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { MAX_BODY_BYTES } from './request.ts'
import type { Witness } from './witness.ts'

/** A request is a few KB; one that takes longer than this to arrive only holds a place. */
const REQUEST_MS = 10_000
const IDLE_MS = 5_000
/** How long answers under way may take once the server is asked to stop. */
const STOP_MS = 3_000
const IDLE_POLL_MS = 20
/** Logs are few and ask seldom. */
const MAX_CONNECTIONS = 100

const TEXT = 'text/plain; charset=utf-8'

/** What may be passed in; tests are less patient. */
export interface ServerOptions {
  readonly requestMs?: number
  /** Told what nobody expected; the request gets a 500. */
  readonly onBug?: (cause: unknown) => void
}

/** Makes the server; it does not listen yet. */
export function witnessServer(witness: Witness, { requestMs = REQUEST_MS, onBug }: ServerOptions = {}): Server {
  const server = createServer(
    {
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: Math.min(1000, requestMs),
    },
    (request, response) => {
      answer(witness, request, response).catch((cause: unknown) => {
        onBug?.(cause)
        if (!response.headersSent) send(response, 500, TEXT, 'The witness failed; nothing was signed.\n')
      })
    },
  )
  // Also for those who ask and never read the answer.
  server.setTimeout(requestMs + IDLE_MS)
  server.maxConnections = MAX_CONNECTIONS
  return server
}

async function answer(witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0]
  if (path === '/' || path === '/add-checkpoint') {
    const method = path === '/' ? 'GET' : 'POST'
    if (request.method !== method) {
      response.setHeader('allow', method)
      return refuseUnread(response, 405, `${path} takes ${method}.\n`)
    }
  }
  if (path === '/') return send(response, 200, TEXT, aboutPage(witness))
  if (path !== '/add-checkpoint') return refuseUnread(response, 404, 'There are / and /add-checkpoint.\n')
  const body = await bodyOf(request)
  if (body === 'gone') return
  if (body === 'long') return refuseUnread(response, 413, `A body has at most ${MAX_BODY_BYTES} bytes.\n`)
  const reply = witness.addCheckpoint(body)
  send(response, reply.status, reply.type, reply.body)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | 'long' | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return 'long'
  const chunks: Buffer[] = []
  let size = 0
  try {
    // Leaving the loop must not destroy the request: the refusal goes out on the same socket.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size > MAX_BODY_BYTES) return 'long'
      chunks.push(chunk)
    }
  } catch {
    return 'gone'
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}

/** Answers without having read the body, so the connection cannot be used again. */
function refuseUnread(response: ServerResponse, status: number, body: string): void {
  response.setHeader('connection', 'close')
  send(response, status, TEXT, body)
}

function aboutPage(witness: Witness): string {
  const logs = witness.heads().map(({ origin, size }) => `${size ?? 'none yet'}\t${origin}`)
  return [
    'A witness of transparency logs (C2SP tlog-witness): it signs a checkpoint if that extends the one it signed last.',
    '',
    'Its public key:',
    witness.vkey,
    '',
    'Sizes it signed last, and of which logs:',
    ...logs,
    '',
  ].join('\n')
}

/** Listens; the address it got. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`
}

/** Takes no more requests, lets those under way end, and cuts what does not. */
export async function stopServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection is idle only once its answer is out, and its client may keep it open.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_POLL_MS)
  const late = setTimeout(() => server.closeAllConnections(), STOP_MS)
  await closed
  clearInterval(idle)
  clearTimeout(late)
}
