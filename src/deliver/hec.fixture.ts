/**
 * A collector for tests, after what Splunk publishes of its own: answers, limits and acknowledgements. It misbehaves when told to, and
 * remembers what it took, in the order in which it did.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** How a request is answered. */
export type Manner =
  | 'take'
  /** Takes it, and closes the connection without an answer. */
  | 'take and hang up'
  | 'hang up'
  | 'never answer'
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }

/** An event as it came. */
export interface TakenEvent {
  readonly id: string
  readonly event: unknown
  readonly time: number
}

/** A running collector. */
export interface Collector {
  readonly url: string
  readonly taken: TakenEvent[]
  /** Requests so far. */
  requests: number
  close(): Promise<void>
}

/** What the collector asks for. */
export const TOKEN = '9f1b6ad0-planted-secret-token'

/** Starts a collector on a free port of loopback; `manner` is asked for each request. */
export async function collector(
  manner: (request: number, bodies: readonly string[]) => Manner = () => 'take',
): Promise<Collector> {
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  const self: Collector = {
    url: '',
    taken: [],
    requests: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const bytes = Buffer.concat(pieces)
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8')
    if (request.headers.authorization !== `Splunk ${TOKEN}`)
      return answer(response, 403, { text: 'Invalid token', code: 4 })
    const lines = body.split('\n').filter((line) => line !== '')
    const number = ++self.requests
    const how = manner(number, lines)
    if (how === 'take' || how === 'take and hang up') {
      const events = lines.map(
        (line) => JSON.parse(line) as { time: number; fields: { event_id: string }; event: unknown },
      )
      self.taken.push(...events.map(({ time, fields, event }) => ({ id: fields.event_id, event, time })))
    }
    if (how === 'take') return answer(response, 200, { text: 'Success', code: 0, ackId: number })
    if (how === 'never answer') return undefined
    if (how === 'hang up' || how === 'take and hang up') return void response.destroy()
    for (const [name, value] of Object.entries(how.headers ?? {})) response.setHeader(name, value)
    response.writeHead(how.status).end(how.body ?? '')
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
