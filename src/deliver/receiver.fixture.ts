/** A web address for tests that notes what is posted to it and answers as it is told. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'

/** A request as it came. */
export interface Posted {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is answered; `hang up` closes the connection, `never` says nothing. */
export type Reply =
  | 'hang up'
  | 'never'
  | {
      readonly status: number
      readonly body?: string
      readonly headers?: Readonly<Record<string, string>>
      /** Waits so long before it answers. */
      readonly afterMs?: number
    }

/** A running receiver. */
export interface Receiver {
  readonly url: string
  readonly posted: Posted[]
  /** Connections that are open. */
  connections(): Promise<number>
  close(): Promise<void>
}

/** Starts a receiver on a free port of loopback. */
export async function receiver(
  reply: (posted: Posted, number: number) => Reply = () => ({ status: 200 }),
): Promise<Receiver> {
  const posted: Posted[] = []
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const bytes = Buffer.concat(pieces)
    const { method = '', url = '', headers } = request
    const body = (headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8')
    const one = { method, path: url, headers, body }
    posted.push(one)
    const how = reply(one, posted.length)
    if (how === 'hang up') response.destroy()
    if (how === 'hang up' || how === 'never') return
    if (how.afterMs !== undefined) await sleep(how.afterMs)
    response.writeHead(how.status, { ...how.headers }).end(how.body ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posted,
    connections: () =>
      new Promise((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n)))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
