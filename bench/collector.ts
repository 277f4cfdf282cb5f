/** A Splunk collector for measuring, run as a process of its own: it unpacks what it gets, counts events and their ids, and takes everything. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** What came. */
export interface Collected {
  readonly events: number
  /** Different ids among them. */
  readonly ids: number
  readonly requests: number
  readonly cpuSeconds: number
}

const ID = Buffer.from('"event_id":"')
const ids = new Set<string>()
let [events, requests] = [0, 0]

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const body = gunzipSync(Buffer.concat(pieces))
  // The id of the envelope comes before the event, which has one too; events are a line each.
  for (let at = 0, end = 0; at < body.length; at = end + 1) {
    end = body.indexOf(10, at)
    if (end < 0) end = body.length
    const id = body.indexOf(ID, at) + ID.length
    ids.add(body.toString('latin1', id, body.indexOf(34, id)))
    events += 1
  }
  requests += 1
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"text":"Success","code":0}')
})

server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const collected: Collected = { events, ids: ids.size, requests, cpuSeconds: (user + system) / 1e6 }
  process.send?.(collected)
})
