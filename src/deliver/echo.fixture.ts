/** A server for tests that says all it was told, in every way in which services quote a request, and as whatever it is told to answer. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { Certificate } from './certificate.fixture.ts'

/** How a request is answered. */
export type Echo =
  | 'take'
  | 'refuse'
  | 'refuse credentials'
  | 'busy'
  | 'broken'
  | 'elsewhere'
  | 'never answer'
  | 'hang up'

/** Its answers; all but the last two quote the request. */
export const ECHOES: readonly Echo[] = [
  'refuse',
  'refuse credentials',
  'busy',
  'broken',
  'elsewhere',
  'never answer',
  'hang up',
  'take',
]

const STATUS: Readonly<Partial<Record<Echo, number>>> = {
  take: 200,
  refuse: 400,
  'refuse credentials': 401,
  busy: 429,
  broken: 500,
  elsewhere: 302,
}

/** A request is whole when nothing more has come for so long. */
const QUIET_MS = 40

/** A running server. */
export interface EchoServer {
  readonly port: number
  /** How it answers from now on. */
  manner: Echo
  close(): Promise<void>
}

/** Starts one for HTTP, that gives everything else its own bytes back. */
export async function echoServer(): Promise<EchoServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    let asked = ''
    let timer: NodeJS.Timeout | undefined
    socket.setEncoding('latin1').on('data', (piece: string) => {
      asked += piece
      clearTimeout(timer)
      timer = setTimeout(() => {
        if (self.manner === 'hang up') socket.destroy()
        else if (self.manner !== 'never answer') socket.write(answerTo(asked, self.manner), 'latin1')
        asked = ''
      }, QUIET_MS)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: EchoServer = {
    port: (server.address() as AddressInfo).port,
    manner: 'take',
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return self
}

function answerTo(asked: string, manner: Echo): string {
  if (!/^[A-Z]+ \S+ HTTP\/1/.test(asked)) return asked
  const head = asked.split('\r\n\r\n')[0] ?? ''
  const [, path = ''] = head.split(' ')
  const values = [...head.matchAll(/^(?:authorization|dd-api-key|x-[\w-]+|api-key): *(.+)$/gim)].map(
    ([, value = '']) => value,
  )
  const secrets = [path, ...values, ...values.map((value) => value.replace(/^\w+ /, ''))]
  const quoted = secrets.flatMap((value) => [
    value,
    encodeURIComponent(value),
    Buffer.from(value, 'latin1').toString('base64'),
    Buffer.from(value, 'base64').toString('latin1'),
  ])
  // The body of a request that is not packed names keys too.
  const body = JSON.stringify({ message: `you sent ${quoted.join(' ')}`, error: asked.slice(-400), code: 4 })
  const lines = [
    `HTTP/1.1 ${STATUS[manner] ?? 500} ${quoted[0]?.replace(/[^\x21-\x7e]/g, '') ?? ''}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...(manner === 'elsewhere' ? [`location: http://127.0.0.1:1/?${encodeURIComponent(secrets.join('&'))}`] : []),
    ...(manner === 'busy' ? ['retry-after: 0'] : []),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/** Starts one for mail, that quotes the password to whoever gives one. */
export async function echoPost({ key, cert }: Certificate): Promise<EchoServer> {
  const server = new SMTPServer({
    key,
    cert,
    onAuth: ({ username, password = '' }, _, done) => {
      const login = Buffer.from(`\0${username}\0${password}`).toString('base64')
      const words = `5.7.8 ${password} of ${username} (${login}) is wrong`
      if (self.manner === 'take') done(null, { user: username })
      else done(Object.assign(new Error(words), { responseCode: self.manner === 'refuse credentials' ? 535 : 454 }))
    },
    onData: (stream, _, done) => stream.resume().on('end', () => done()),
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: EchoServer = {
    port: (server.server.address() as AddressInfo).port,
    manner: 'take',
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return self
}
