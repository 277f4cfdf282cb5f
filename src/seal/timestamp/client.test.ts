import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { requestTimestamp, type StampOptions } from './client.ts'
import { verifyTimestamp } from './verify.ts'

const FOLDER = join(import.meta.dirname, '../../../fixtures/timestamps')
const read = (name: string): Buffer => readFileSync(join(FOLDER, name))
const NOTE = read('checkpoint')
const CA = read('ca.pem').toString()
const good = await verifyTimestamp(read('good.tsr'), NOTE, CA)
if (!good.ok) throw new Error(good.reason)
const STAMPED = good.time
const at = (afterMs: number): Date => new Date(STAMPED.getTime() + afterMs)

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function authority(listener: RequestListener): Promise<string> {
  server = createServer(listener)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const ask = (url: string, more: Partial<StampOptions> = {}) =>
  requestTimestamp({
    url,
    caPem: CA,
    note: NOTE,
    now: () => at(2000),
    signal: AbortSignal.timeout(20_000),
    previous: undefined,
    nonce: Buffer.from('4142434445464748', 'hex'),
    ...more,
  })

const answering = (name: string) => authority((_, response) => void response.end(read(name)))

describe('asking for a timestamp', () => {
  it('sends the request as RFC 3161 has it and keeps the raw answer', async () => {
    let got: { type?: string | undefined; method?: string | undefined; body: Buffer } | undefined
    const url = await authority(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      got = { type: request.headers['content-type'], method: request.method, body: Buffer.concat(chunks) }
      response.end(read('good.tsr'))
    })
    const stamp = await ask(url)
    expect(stamp).toMatchObject({ ok: true, tsa: 'Test stamper', time: STAMPED })
    expect(stamp.ok && Buffer.from(stamp.tsr)).toEqual(read('good.tsr'))
    expect(got).toEqual({ type: 'application/timestamp-query', method: 'POST', body: read('query.tsq') })
  })

  it('takes no answer to another request', async () => {
    const url = await answering('good.tsr')
    expect(await ask(url, { nonce: Buffer.from('4142434445464749', 'hex') })).toMatchObject({
      reason: 'the answer is to another request',
    })
  })

  it('takes no stamp of an authority that is not trusted, expired, or not for timestamps', async () => {
    expect(await ask(await answering('good.tsr'), { caPem: read('other-ca.pem').toString() })).toMatchObject({
      ok: false,
    })
    for (const name of ['expired.tsr', 'unmarked.tsr', 'refused.tsr']) {
      expect(await ask(await answering(name))).toMatchObject({ ok: false })
    }
  })

  it('notices a clock that was set back since the last stamp', async () => {
    const url = await answering('good.tsr')
    const previous = (time: Date, tsa = 'Test stamper') => ask(url, { previous: { time, tsa } })
    expect(await previous(at(1))).toMatchObject({ reason: expect.stringMatching(/a clock was set back/) })
    expect(await previous(at(0))).toMatchObject({ ok: true })
    expect(await previous(at(1), 'another authority')).toMatchObject({ ok: true })
  })

  it.each([-11, 11])('notices clocks that are %i minutes apart', async (minutes) => {
    const url = await answering('good.tsr')
    expect(await ask(url, { now: () => at(minutes * 60_000) })).toMatchObject({
      reason: expect.stringMatching(/its clock and ours differ/),
    })
  })

  it.each<[string, RequestListener, RegExp]>([
    [
      'that redirects',
      (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /redirects/,
    ],
    ['that fails', (_, response) => void response.writeHead(503).end('later'), /answered 503/],
    ['that sends a page', (_, response) => void response.end('<html>'), /not a timestamp/],
    ['without end', (_, response) => void response.end(Buffer.alloc(300_000)), /more than 262144 bytes/],
    ['that hangs up', (request) => void request.socket.destroy(), /fetch failed/],
  ])('survives an authority %s', async (_, listener, reason) => {
    expect(await ask(await authority(listener))).toMatchObject({ ok: false, reason: expect.stringMatching(reason) })
  })

  it('waits no longer than it may', async () => {
    const url = await authority((_, response) => void response.write('3'))
    expect(await ask(url, { signal: AbortSignal.timeout(100) })).toMatchObject({ reason: 'it did not answer in time' })
  })

  it('survives an address where nobody is', async () => {
    expect(await ask('http://127.0.0.1:1/')).toMatchObject({ ok: false })
    expect(await ask('not an address')).toMatchObject({ ok: false })
  })
})
