/** The app on a port, asked over real connections, by clients that do not behave. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as secureRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectSecurely } from 'node:tls'
import { createRoute, z } from '@hono/zod-openapi'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Home, homeAt } from '../core/home.ts'
import { certificate } from '../deliver/certificate.fixture.ts'
import { newRoutes } from './app.ts'
import type { RouteGroup } from './contract.ts'
import { guard } from './guard.ts'
import { recordLines } from './records.fixture.ts'
import { type Served, served } from './served.fixture.ts'
import { type Listening, type ListenOptions, listen } from './server.ts'
import { type ServeSettings, USUAL_SETTINGS } from './settings.ts'
import { PageFiles } from './static.ts'

const LIMITS = { ...USUAL_SETTINGS.limits, headerBytes: 8192, bodyBytes: 10_000 }
const SHORT = { headersMs: 300, requestMs: 600, silentMs: 2000, checkEveryMs: 50 }

let home: Home
let at: Served
let server: Listening
let slowStarted: Promise<void>
let slowEnded: Promise<string>
let met: unknown[]

const routes: RouteGroup = () => {
  const started = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<string>()
  slowStarted = started.promise
  slowEnded = ended.promise
  const app = newRoutes()
  const answers = { 200: { description: 'It' } }
  const get = (path: string, options = {}) =>
    createRoute({ method: 'get', path, middleware: [guard('any', 'getMe', options)] as const, responses: answers })
  app.openapi(get('/api/v1/quick'), (c) => c.json({ ok: true }, 200))
  app.openapi(get('/api/v1/slow', { seconds: 20 }), async (c) => {
    started.resolve()
    const signal = c.get('signal')
    await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
    ended.resolve(String(signal.reason))
    return c.json({ ok: false }, 200)
  })
  app.openapi(get('/api/v1/late', { seconds: 0.2 }), async (c) => {
    const signal = c.get('signal')
    await new Promise<void>((_, failed) =>
      signal.addEventListener('abort', () => failed(signal.reason), { once: true }),
    )
    return c.json({ ok: false }, 200)
  })
  app.openapi(get('/api/v1/broken'), () => {
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await new Promise((done) => setTimeout(done, 20))
        sent += 1
        if (sent < 3) controller.enqueue(new TextEncoder().encode('{"n":1}\n'))
        else controller.error(new Error('the password is hunter2'))
      },
    })
    return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } })
  })
  app.openapi(get('/api/v1/news', { seconds: null }), (c) => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('event: ping\ndata: {}\n\n'))
        const end = () => {
          controller.close()
          ended.resolve('closed')
        }
        c.get('signal').addEventListener('abort', end, { once: true })
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/things',
      middleware: [guard('any', 'getMe')] as const,
      request: { body: { required: true, content: { 'application/json': { schema: z.object({ a: z.string() }) } } } },
      responses: answers,
    }),
    (c) => c.json({ ok: true }, 200),
  )
  return app
}

async function start(options: Partial<ListenOptions> = {}, change: Partial<ServeSettings> = {}): Promise<void> {
  const settings: ServeSettings = { ...USUAL_SETTINGS, limits: LIMITS, ...change }
  met = []
  const unexpected = (_: string, cause: unknown) => met.push(cause)
  at = served(home, [routes], { settings, unexpected, page: new PageFiles(join(home.root, 'web')) })
  server = await listen(at.app, { host: '127.0.0.1', port: 0, settings, unexpected, times: SHORT, ...options })
}

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-server-')))
})
afterEach(async () => {
  await server.close(0)
  await at.close()
  await rm(home.root, { recursive: true })
})

/** What the server sends for exactly these bytes, until it closes or nothing comes for long, and how many of them it let come. */
function exchange(chunks: readonly string[], pauseMs = 0): Promise<{ readonly text: string; readonly sent: number }> {
  return new Promise((done) => {
    const socket = connect(server.port, '127.0.0.1')
    let [text, sent] = ['', 0]
    const end = () => {
      socket.destroy()
      done({ text, sent })
    }
    socket.setTimeout(20_000, end)
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', end).on('error', end)
    void (async () => {
      for (const chunk of chunks) {
        if (socket.destroyed) return
        socket.write(chunk, 'latin1')
        sent += 1
        await new Promise((wait) => setTimeout(wait, pauseMs))
      }
    })()
  })
}

const raw = async (chunks: readonly string[], pauseMs = 0): Promise<string> => (await exchange(chunks, pauseMs)).text

const bearer = (): string => `authorization: Bearer ${at.tokens.viewer}`
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
const answersIn = (text: string): number => text.split('HTTP/1.1 ').length - 1
const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, { ...init, headers: { authorization: `Bearer ${at.tokens.viewer}` } })

describe('a server', () => {
  it('answers on its port, and says where', async () => {
    await start()
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
    const answer = await get('/api/v1/quick')
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ ok: true })
    expect((await recordLines(home))[0]?.sourceIPAddress).toBe('127.0.0.1')
  })

  it('says who else has its port', async () => {
    await start()
    const second = listen(at.app, { host: '127.0.0.1', port: server.port, settings: USUAL_SETTINGS })
    await expect(second).rejects.toMatchObject({ code: 'LOCKED' })
  })

  it('speaks TLS with its own certificate, and no old version of it', async () => {
    const { cert, file: certFile } = certificate(home.root)
    const keyFile = join(home.root, 'server.key')
    await start({}, { tls: { certFile, keyFile } })
    const ask = (options: object) =>
      new Promise<string>((done, failed) => {
        const asked = secureRequest(`${server.url}/auth/none`, {
          ca: cert,
          checkServerIdentity: () => undefined,
          ...options,
        })
        asked.on('response', (answer) => {
          answer.resume()
          done(String(answer.headers['strict-transport-security']))
        })
        asked.on('error', failed).end()
      })
    expect(server.url).toMatch(/^https:/)
    expect(await ask({})).toContain('max-age=')
    await expect(ask({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow()
  })

  it('takes up a renewed certificate, and keeps the old one while the new one cannot be used', async () => {
    const { file: certFile } = certificate(home.root)
    const keyFile = join(home.root, 'server.key')
    await start({ times: { ...SHORT, certificateMs: 30 } }, { tls: { certFile, keyFile } })
    const shown = () =>
      new Promise<string>((done, failed) => {
        const socket = connectSecurely({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          done(socket.getPeerX509Certificate()?.toString() ?? '')
          socket.destroy()
        }).on('error', failed)
      })
    const before = await shown()
    const other = certificate(home.root, 'other')
    await writeFile(certFile, other.cert)
    await expect.poll(() => met.length).toBe(1)
    expect(await shown()).toBe(before)
    await writeFile(keyFile, other.key)
    await expect.poll(shown).toBe(other.cert)
    expect(met).toHaveLength(1)
  })

  it('lets what it answers finish before it ends, and takes nothing new', async () => {
    await start()
    const slow = get('/api/v1/slow').then(
      (answer) => answer.status,
      () => 'cut',
    )
    await slowStarted
    const [quick] = await Promise.all([get('/api/v1/quick')])
    expect(quick.status).toBe(200)
    await server.close(300)
    expect(await slow).toBe('cut')
    await expect(get('/api/v1/quick')).rejects.toThrow()
  })
})

describe('a client', () => {
  it('that leaves stops what it asked for, and that it left is recorded', async () => {
    await start()
    const gone = new AbortController()
    const asked = fetch(`${server.url}/api/v1/slow`, {
      headers: { authorization: `Bearer ${at.tokens.viewer}` },
      signal: gone.signal,
    }).catch(() => 'gone')
    await slowStarted
    gone.abort()
    expect(await asked).toBe('gone')
    expect(await slowEnded).toContain('The client left')
    await expect.poll(async () => (await recordLines(home))[0]?.response.statusCode).toBe(499)
  })

  it('that asks for too much time is told so', async () => {
    await start()
    const answer = await get('/api/v1/late')
    expect(answer.status).toBe(504)
    expect(await answer.json()).toMatchObject({ code: 'SQL_TIMEOUT' })
    expect(met).toEqual([])
  })

  it('sees an answer that fails halfway cut short, and nothing of why', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await start()
    const text = await raw([`GET /api/v1/broken HTTP/1.1\r\nHost: localhost\r\n${bearer()}\r\n\r\n`])
    expect(statusOf(text)).toBe(200)
    expect(text).toContain('{"n":1}')
    expect(text).not.toContain('hunter2')
    expect(text.endsWith('0\r\n\r\n')).toBe(false)
    expect(met).toHaveLength(1)
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
  })

  it('that leaves a stream which ends with it is nothing that anybody is told of', async () => {
    await start()
    const gone = new AbortController()
    const answer = await get('/api/v1/news', { signal: gone.signal })
    await answer.body?.getReader().read()
    gone.abort()
    expect(await slowEnded).toBe('closed')
    await new Promise((done) => setTimeout(done, 50))
    expect(met).toEqual([])
  })

  it('that sends its headers a byte at a time is shut out', async () => {
    await start()
    const chunks = ['GET /api/v1/quick HTTP/1.1\r\n', ...Array.from({ length: 400 }, () => 'x: y\r\n')]
    const { text, sent } = await exchange(chunks, 50)
    expect([0, 408]).toContain(statusOf(text))
    expect(sent).toBeLessThan(chunks.length)
  })

  it('that sends its body a byte at a time is shut out', async () => {
    await start()
    const head = `POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\n${bearer()}\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n`
    const { text, sent } = await exchange([head, ...Array.from({ length: 400 }, () => ' ')], 50)
    expect(text).not.toContain('HTTP/1.1 200')
    expect(sent).toBeLessThan(401)
  })

  it('that says nothing at all is shut out', async () => {
    await start()
    const isClosed = new Promise((done) =>
      connect(server.port, '127.0.0.1')
        .resume()
        .on('close', () => done(true)),
    )
    expect(await isClosed).toBe(true)
  })

  it('that sends too many bytes of headers is refused', async () => {
    await start()
    const text = await raw([`GET /api/v1/quick HTTP/1.1\r\nHost: localhost\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`])
    expect(statusOf(text)).toBe(431)
  })

  it('that says it sends a large body is refused before it does', async () => {
    await start()
    const head = `POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\n${bearer()}\r\ncontent-type: application/json\r\nconnection: close\r\n`
    expect(statusOf(await raw([`${head}content-length: 99999999999\r\n\r\n`]))).toBe(413)
    const chunk = `2710\r\n${'x'.repeat(10_000)}\r\n`
    expect(statusOf(await raw([`${head}transfer-encoding: chunked\r\n\r\n`, chunk, chunk, '0\r\n\r\n'], 20))).toBe(413)
    expect((await recordLines(home)).map(({ response }) => response.statusCode)).toEqual([413, 413])
  })

  it.each([
    [
      'a length and chunks',
      'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/quick HTTP/1.1\r\n',
    ],
    ['two lengths', 'content-length: 0\r\ncontent-length: 50\r\n\r\nGET /api/v1/quick HTTP/1.1\r\n'],
    ['chunks in a disguise', 'transfer-encoding: xchunked\r\n\r\n0\r\n\r\nGET /api/v1/quick HTTP/1.1\r\n'],
    ['a blank before the colon', 'content-length : 5\r\n\r\nGET /api/v1/quick HTTP/1.1\r\n'],
    ['a folded header', 'x: a\r\n content-length: 50\r\n\r\n'],
    ['a bare line feed', 'x: a\ncontent-length: 50\r\n\r\n'],
    ['a NUL in a header', 'x: a\u0000b\r\n\r\n'],
    ['a negative length', 'content-length: -1\r\n\r\n'],
  ])('that could be read in two ways is refused: %s', async (_, rest) => {
    await start()
    const text = await raw([
      `POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\n${bearer()}\r\n${rest}Host: localhost\r\n${bearer()}\r\n\r\n`,
    ])
    expect(answersIn(text)).toBe(1)
    expect(statusOf(text)).toBe(400)
  })

  it.each(['TRACE', 'OPTIONS', 'PROPFIND', 'PATCH', 'HEAD'])(
    'that asks by a method that no route has gets no 5xx: %s',
    async (method) => {
      await start()
      for (const path of ['/api/v1/quick', '/api/v1/nothing', '/auth/ways', '/', '/events']) {
        const text = await raw([
          `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${bearer()}\r\nconnection: close\r\n\r\n`,
        ])
        expect(statusOf(text), path).toBeLessThan(method === 'HEAD' ? 504 : 500)
        expect(statusOf(text), path).toBeGreaterThanOrEqual(200)
      }
      expect(met).toEqual([])
    },
  )

  it('without a host, or with one that is not ours, is refused', async () => {
    await start()
    expect(statusOf(await raw(['GET /auth/ways HTTP/1.1\r\n\r\n']))).toBe(400)
    expect(statusOf(await raw(['GET /auth/ways HTTP/1.1\r\nHost: evil.example\r\nconnection: close\r\n\r\n']))).toBe(
      421,
    )
    expect(
      statusOf(
        await raw(['GET http://localhost/auth/ways HTTP/1.1\r\nHost: evil.example\r\nconnection: close\r\n\r\n']),
      ),
    ).toBe(421)
  })

  it.each([
    '/../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..\\..\\etc\\passwd',
    '/%5c..%5c..%5csecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets/app.js%00.txt',
    '/assets//../../secret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '//etc/passwd',
    '/.env',
    '/%',
  ])('gets no file of ours that is not of the page: %s', async (path) => {
    const web = join(home.root, 'web')
    await mkdir(join(web, 'assets'), { recursive: true })
    await writeFile(join(home.root, 'secret.txt'), 'hunter2')
    await writeFile(join(web, '.env'), 'hunter2')
    await writeFile(join(web, 'index.html'), '<!doctype html>the page')
    await writeFile(join(web, 'assets', 'app.js'), 'let a')
    await start()
    const text = await raw([`GET ${path} HTTP/1.1\r\nHost: localhost\r\nconnection: close\r\n\r\n`])
    expect([200, 400, 404]).toContain(statusOf(text))
    expect(text).not.toMatch(/hunter2|root:|let a/)
  })
})
