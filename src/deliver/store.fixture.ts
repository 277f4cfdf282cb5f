/** A store of objects for {@link describeSink}: it keeps each name once, and misbehaves as it is told. What it kept can be looked at. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { BUSY_SECS, type Manner, type Rig } from './sink.suite.ts'

/** What differs from store to store. */
export interface StoreRig {
  /** Settings and secrets that lead to the server. */
  readonly settings: (url: string) => Pick<Rig, 'section' | 'secrets'>
  /** Name of the object a request would write. */
  readonly nameOf: (request: IncomingMessage) => string
  /** What the store answers in its own words. `taken` is for a name that stands there. */
  readonly words: Readonly<Record<'busy' | 'broken' | 'refuse credentials' | 'taken', Word>>
}

/** A status, and what is said with it. */
export interface Word {
  readonly status: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A running store. */
export interface StoreServer extends Rig {
  /** Contents by name, unpacked. */
  readonly objects: ReadonlyMap<string, string>
  /** How often each name was to be written. */
  readonly writes: ReadonlyMap<string, number>
  /** Headers of the last request. */
  headers(): IncomingMessage['headers']
}

/** Starts it. */
export async function storeRig(manner: (request: number) => Manner, own: StoreRig): Promise<StoreServer> {
  const objects = new Map<string, string>()
  const writes = new Map<string, number>()
  let requests = 0
  let headers: IncomingMessage['headers'] = {}
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    headers = request.headers
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const name = own.nameOf(request)
    const how = manner(++requests)
    const say = ({ status, body = '', headers: more = {} }: Word) => response.writeHead(status, more).end(body)
    if (how === 'never answer') return undefined
    if (how === 'busy') {
      const { headers: more, ...word } = own.words.busy
      return say({ ...word, headers: { ...more, 'retry-after': String(BUSY_SECS) } })
    }
    if (how === 'broken' || how === 'refuse credentials') return say(own.words[how])
    writes.set(name, (writes.get(name) ?? 0) + 1)
    const isThere = objects.has(name)
    if (!isThere) objects.set(name, gunzipSync(Buffer.concat(pieces)).toString('utf8'))
    if (how === 'take and hang up') return response.destroy()
    if (how === 'late') await sleep(300)
    return say(isThere ? own.words.taken : { status: 201, headers: { etag: '"1"' } })
  }
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    ...own.settings(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    objects,
    writes,
    headers: () => headers,
    keys: () => [...objects.values()].flatMap((content) => content.trimEnd().split('\n').map(idOf)),
    text: () => [...objects.values()].join('\n'),
    connections: () =>
      new Promise((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n)))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const idOf = (line: string): string => (JSON.parse(line) as { id: string }).id
