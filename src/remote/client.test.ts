/** A client before servers that do not behave, over real connections. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, createServer as createSocketServer, type Server as SocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Certificate, certificate } from '../deliver/certificate.fixture.ts'
import { ApiClient, type ServerPlace } from './client.ts'
import { serverVerification } from './seal.ts'

const TOKEN = `btk_${'s'.repeat(43)}`

let folder: string
let own: Certificate
let servers: Pick<SocketServer, 'close' | 'listen' | 'address'>[] = []
let clients: ApiClient[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-client-'))
  own = certificate(folder)
})
afterEach(async () => {
  const [those, to] = [servers, clients]
  servers = []
  clients = []
  for (const client of to) client.close()
  for (const server of those) {
    if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function')
      server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
}, 5000)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function listening(server: Pick<SocketServer, 'close' | 'listen' | 'address'>, scheme = 'http'): Promise<URL> {
  servers.push(server)
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', () => done())
  })
  return new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

function client(server: URL, more: Partial<ServerPlace> = {}): ApiClient {
  const made = new ApiClient({ server, token: TOKEN, ...more })
  clients.push(made)
  return made
}

const serving = async (listener: RequestListener, more: Partial<ServerPlace> = {}) =>
  client(await listening(createServer(listener)), more)

const problem =
  (code: string, status: number, more: object = {}, headers: Record<string, string> = {}): RequestListener =>
  (_, answer) => {
    answer.writeHead(status, { 'content-type': 'application/problem+json', ...headers })
    const told = {
      type: `urn:bricktrail:error:${code}`,
      code,
      status,
      detail: 'It is so.',
      hint: 'Do that.',
      requestId: 'r-1',
    }
    answer.end(JSON.stringify({ ...told, ...more }))
  }

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (cause: unknown) => cause,
  )
const me = (api: ApiClient) => failureOf(api.me())

describe('a refusal of the server', () => {
  it('keeps its code, its words and its hint', async () => {
    expect(await me(await serving(problem('CONFLICT', 409)))).toMatchObject({
      code: 'CONFLICT',
      message: 'It is so.',
      hint: 'Do that.',
      exit: 2,
    })
  })

  it('is what a verification is that another one took the place of', async () => {
    const seal = (started: string, state: string) =>
      JSON.stringify({ verification: { state, started, ended: null, done: 0, findings: [], checked: {} } })
    const api = await serving(({ method }, answer) => {
      answer.writeHead(200, { 'content-type': 'application/json' })
      answer.end(
        method === 'POST' ? seal('2026-11-12T08:00:00.000Z', 'running') : seal('2026-11-11T08:00:00.000Z', 'clean'),
      )
    })
    expect(await failureOf(serverVerification(api, () => undefined))).toMatchObject({ code: 'NO_SERVER' })
  })

  it('names each wrong parameter', async () => {
    const errors = [
      { in: 'query', name: 'limit', message: 'Too big' },
      { in: 'query', name: 'q', message: 'A quote is not closed.' },
    ]
    const api = await serving(problem('BAD_ARGUMENT', 422, { detail: 'limit: Too big', errors }))
    expect(await me(api)).toMatchObject({ message: 'limit: Too big q: A quote is not closed.' })
  })

  it.each([
    ['TOO_MANY', 429],
    ['BUSY', 503],
  ])('%s says when to try again', async (code, status) => {
    const api = await serving(problem(code, status, {}, { 'retry-after': '7' }))
    expect(await me(api)).toMatchObject({ code, retryable: true, hint: 'Run the command again in 7 seconds.' })
  })

  it('that waiting does not mend keeps its own hint', async () => {
    const api = await serving(problem('NOT_RECORDED', 503, {}, { 'retry-after': '30' }))
    expect(await me(api)).toMatchObject({ code: 'NOT_RECORDED', hint: 'Do that.' })
  })

  it('that its own log alone can tell more of says where to look', async () => {
    expect(await me(await serving(problem('ENGINE', 500)))).toMatchObject({ code: 'ENGINE', where: 'request r-1' })
  })

  it.each([
    ['UNAUTHENTICATED', 401, /bricktrail token create/],
    ['FORBIDDEN', 403, /token of a role/],
    ['SQL_TIMEOUT', 504, /--timeout/],
  ])('%s is hinted at in words of the command line', async (code, status, hint) => {
    expect(await me(await serving(problem(code, status)))).toMatchObject({ code, hint: expect.stringMatching(hint) })
  })

  it('that is hinted at by routes is hinted at by commands here', async () => {
    for (const [hint, here] of [
      ['`/docs` shows what each route takes.', '--help'],
      ['Load the page again; `GET /api/v1/me` tells it.', '--help'],
      ['GET /api/v1/rules lists all.', '`bricktrail rules list`'],
    ]) {
      const api = await serving(problem('BAD_ARGUMENT', 422, { hint }))
      expect(await me(api)).toMatchObject({ hint: expect.stringContaining(here ?? '') })
    }
  })

  it('of a code of another version still says what happened', async () => {
    expect(await me(await serving(problem('NEWER', 418)))).toMatchObject({ code: 'BAD_ARGUMENT', message: 'It is so.' })
  })
})

describe('what is no Bricktrail', () => {
  const answering =
    (status: number, type: string, body: string, headers = {}): RequestListener =>
    (_, answer) => {
      answer.writeHead(status, { 'content-type': type, ...headers })
      answer.end(body)
    }

  it.each<[string, RequestListener, RegExp]>([
    ['a page', answering(200, 'text/html', '<h1>hello</h1>'), /does not answer as Bricktrail does: 200, text\/html/],
    ['other JSON', answering(200, 'application/json', '{"hello":"world"}'), /does not answer as Bricktrail does/],
    ['no JSON', answering(200, 'application/json', '{"permiss'), /no JSON/],
    ['a page that is not there', answering(404, 'text/html', 'nope'), /404, text\/html/],
    ['a problem of somebody else', answering(400, 'application/problem+json', '{"type":"about:blank"}'), /400/],
  ])('is told by %s', async (_, listener, message) => {
    expect(await me(await serving(listener))).toMatchObject({
      code: 'BAD_SERVER',
      exit: 3,
      message: expect.stringMatching(message),
    })
  })

  it('is told from a gateway that does not reach it', async () => {
    const api = await serving(answering(502, 'text/html', 'Bad gateway'))
    expect(await me(api)).toMatchObject({ code: 'NO_SERVER', retryable: true })
  })

  it('is not followed elsewhere, and the token goes nowhere else', async () => {
    const seen: (string | undefined)[] = []
    const other = await listening(
      createServer((asked, answer) => {
        seen.push(asked.headers.authorization)
        answer.end('{}')
      }),
    )
    const api = await serving(answering(302, 'text/plain', '', { location: `${other.href}api/v1/me?x` }))
    expect(await me(api)).toMatchObject({ code: 'BAD_SERVER', hint: `Is it ${other.origin}? Then name that.` })
    expect(seen).toEqual([])
  })
})

describe('a connection', () => {
  it('that nobody takes, to a name that is none', async () => {
    const url = await listening(createServer())
    await new Promise((done) => servers.pop()?.close(done))
    expect(await me(client(url))).toMatchObject({
      code: 'NO_SERVER',
      message: expect.stringMatching(/nothing listens there\.$/),
    })
    expect(await me(client(new URL('http://nobody.invalid')))).toMatchObject({ code: 'NO_SERVER' })
  })

  it('that is cut before or in the midst of the answer', async () => {
    const cut = await serving((asked) => asked.socket.destroy())
    expect(await me(cut)).toMatchObject({ code: 'NO_SERVER', message: expect.stringContaining('cut') })
    const half = await serving((_, answer) => {
      answer.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      answer.write('{"permissions":', () => answer.destroy())
    })
    expect(await me(half)).toMatchObject({ code: 'NO_SERVER', message: expect.stringContaining('in the midst') })
  })

  it('that stays silent, before and behind the connection', async () => {
    const silent = await serving(() => {})
    const asked = failureOf(silent.get<{ x: string }>('/x', 'x', { silentMs: 100 }))
    expect(await asked).toMatchObject({ code: 'NO_SERVER', message: expect.stringContaining('did not answer within') })
    // Takes connections, and never speaks TLS.
    const mute = await listening(
      createSocketServer((socket) => socket.resume()),
      'https',
    )
    expect(await me(client(mute, { connectMs: 150 }))).toMatchObject({ code: 'NO_SERVER' })
  })

  it('ends with the signal, and the server sees that', async () => {
    const left = Promise.withResolvers<void>()
    const stop = new AbortController()
    const api = await serving(
      (asked) => {
        asked.socket.once('close', () => left.resolve())
        stop.abort()
      },
      { signal: stop.signal },
    )
    expect(await me(api)).toMatchObject({ name: 'AbortError' })
    await left.promise
    expect(await me(api)).toMatchObject({ name: 'AbortError' })
  })

  it('shows neither token nor headers in what failed', async () => {
    for (const api of [await serving((asked) => asked.socket.destroy()), await serving(problem('FORBIDDEN', 403))]) {
      const { message, hint, stack } = (await me(api)) as Error & { hint: string }
      expect(`${message}${hint}${stack}`).not.toContain(TOKEN)
    }
  })
})

describe('a server with a certificate', () => {
  const greeting: RequestListener = (asked, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.end(JSON.stringify({ permissions: [asked.headers.authorization, asked.headers['user-agent']] }))
  }
  const secure = () => listening(createSecureServer({ cert: own.cert, key: own.key }, greeting), 'https')

  it('of an authority of its own is trusted where that is named, and else not, whatever the variable says', async () => {
    const url = await secure()
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    try {
      expect(await me(client(url))).toMatchObject({ code: 'BAD_SERVER', hint: expect.stringContaining('--ca-file') })
    } finally {
      vi.unstubAllEnvs()
    }
    const api = client(url, { ca: await readFile(own.file, 'utf8') })
    const { permissions } = await api.me()
    expect(permissions).toEqual([`Bearer ${TOKEN}`, expect.stringMatching(/^bricktrail-cli\/\d/)])
  })

  it('of another name is not asked', async () => {
    const url = await secure()
    url.hostname = '127.0.0.2'
    const failure = await me(client(url, { ca: own.cert }))
    // Where the machine has no such address, nobody answers.
    expect(['BAD_SERVER', 'NO_SERVER']).toContain((failure as { code: string }).code)
  })

  it('is reached by the proxy of the environment, which sees no token; what is not encrypted never is', async () => {
    let seen = ''
    const proxy = createServer((_, answer) => answer.end())
    proxy.on('connect', (asked, socket) => {
      seen += `${asked.url} ${JSON.stringify(asked.headers)}`
      const [host = '', port = ''] = (asked.url ?? '').split(':')
      const there = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        there.pipe(socket).pipe(there)
      })
      there.on('error', () => socket.destroy())
      socket.on('error', () => there.destroy())
    })
    proxy.on('request', (asked) => {
      seen += `in the open: ${asked.url}`
    })
    const by = (await listening(proxy)).origin
    vi.stubEnv('HTTPS_PROXY', by)
    vi.stubEnv('HTTP_PROXY', by)
    vi.stubEnv('NO_PROXY', '')
    try {
      const [url, open] = [await secure(), await listening(createServer(greeting))]
      const { permissions } = await client(url, { ca: own.cert }).me()
      expect(permissions[0]).toBe(`Bearer ${TOKEN}`)
      await client(open).me()
      expect(seen).toContain(url.host)
      expect(seen).not.toMatch(/in the open|btk_/)
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('says what is wrong with the proxy, and nothing of its password', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://ana:hunter2:y')
    try {
      const failure = await failureOf((async () => client(await secure()))())
      expect(failure).toMatchObject({ code: 'BAD_ARGUMENT', message: 'HTTPS_PROXY holds no address of a proxy.' })
      expect((failure as { hint: string }).hint).not.toContain('hunter2')
      vi.stubEnv('HTTPS_PROXY', 'http://ana:hunter2@127.0.0.1:9')
      const { code, message, hint } = (await me(client(await secure()))) as Record<string, string>
      expect([code, hint]).toEqual(['NO_SERVER', expect.stringContaining('about the proxy')])
      expect(message).not.toContain('hunter2')
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('is told from one without', async () => {
    const url = await listening(createServer(greeting), 'https')
    expect(await me(client(url))).toMatchObject({ code: 'BAD_SERVER', hint: expect.stringContaining('http://') })
  })
})
