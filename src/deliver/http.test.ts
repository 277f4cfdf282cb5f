import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpClient, NoAnswer, outcomeOf, outcomeOfSending, retryAfterMs } from './http.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function serving(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function client(options: Partial<ConstructorParameters<typeof HttpClient>[0]> = {}): HttpClient {
  const made = new HttpClient({ timeoutMs: 2000, allowPrivate: true, ...options })
  closing.push(() => made.close())
  return made
}

describe('a request', () => {
  it('sends the body, compressed if asked for, and gives back what was said', async () => {
    let got = ''
    const url = await serving(async (request, response) => {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece as Buffer)
      got = gunzipSync(Buffer.concat(pieces)).toString()
      response.writeHead(201, { 'x-a': 'b' }).end('done')
    })
    expect(await client().send({ url, body: 'grüß', gzip: true })).toMatchObject({
      status: 201,
      body: 'done',
      headers: { 'x-a': 'b' },
    })
    expect(got).toBe('grüß')
  })

  it('follows no redirect', async () => {
    let times = 0
    const url = await serving((_, response) => {
      times += 1
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    expect(outcomeOf(await client().send({ url, body: '' }))).toMatchObject({ kind: 'misconfigured' })
    expect(times).toBe(1)
  })

  it('goes to no private address unless that is allowed, by number or by name', async () => {
    const url = await serving((_, response) => response.end())
    const guarded = client({ allowPrivate: false })
    for (const address of [
      url,
      url.replace('127.0.0.1', 'localhost'),
      url.replace('127.0.0.1', '[::ffff:127.0.0.1]'),
      url.replace('127.0.0.1', '2130706433'),
    ]) {
      await expect(guarded.send({ url: address, body: '' }), address).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    }
  })

  it('ends in time where no answer comes, or none comes to its end', async () => {
    const silent = await serving(() => {})
    const endless = await serving((_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 20)
      response.once('close', () => clearInterval(timer))
    })
    for (const url of [silent, endless])
      await expect(client({ timeoutMs: 150 }).send({ url, body: '' })).rejects.toThrow(NoAnswer)
  })

  it('reads no more of an answer than it needs', async () => {
    const url = await serving((_, response) => response.end('x'.repeat(5_000_000)))
    expect((await client().send({ url, body: '' })).body).toHaveLength(1024 * 1024)
  })

  it('says that there is no connection where nobody listens', async () => {
    const sending = () => client().send({ url: 'http://127.0.0.1:1/', body: '' }).then(outcomeOf)
    expect(await outcomeOfSending(sending)).toEqual({ kind: 'again', reason: 'no connection (ECONNREFUSED)' })
  })
})

describe('an answer', () => {
  const kindOf = (status: number) => outcomeOf({ status, headers: {}, body: '' }).kind

  it('is read as its status means', () => {
    expect([200, 202, 204].map(kindOf)).toEqual(['delivered', 'delivered', 'delivered'])
    expect([408, 429, 500, 502, 503, 504, 599].map(kindOf)).toEqual(Array(7).fill('again'))
    expect([400, 413, 422].map(kindOf)).toEqual(['dead', 'dead', 'dead'])
    expect([301, 307, 401, 403, 404, 410].map(kindOf)).toEqual(Array(6).fill('misconfigured'))
  })

  it('tells when to come back, in seconds or by a date', () => {
    const now = Date.UTC(2026, 10, 22)
    expect(retryAfterMs({ 'retry-after': '120' }, now)).toBe(120_000)
    expect(retryAfterMs({ 'retry-after': 'Sun, 22 Nov 2026 00:00:30 GMT' }, now)).toBe(30_000)
    for (const value of ['', 'soon', 'Sat, 21 Nov 2026 00:00:00 GMT', '-5'])
      expect(retryAfterMs({ 'retry-after': value }, now)).toBeUndefined()
    expect(retryAfterMs({ 'retry-after': '999999999' }, now)).toBe(86_400_000)
  })
})
