import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createSecureServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, certificate } from '../certificate.fixture.ts'
import { anAlert } from '../message.fixture.ts'
import { describeSink, type Manner, NASTY, type Rig } from '../sink.suite.ts'
import { framer, syslog } from './syslog.ts'

let folder = ''
let [made, other] = [{} as Certificate, {} as Certificate]
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bricktrail-syslog-'))
  made = certificate(folder)
  other = certificate(folder, 'other')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A message, taken apart by the grammar of RFC 5424. */
interface Parsed {
  readonly pri: number
  readonly time: string
  readonly app: string
  readonly msgId: string
  readonly params: Readonly<Record<string, string>>
  readonly text: string
}

/** Messages by their lengths; what is no message is a fault. */
function messagesIn(bytes: Buffer): Parsed[] {
  const found: Parsed[] = []
  let rest = bytes
  while (rest.length > 0) {
    const [, length = ''] = /^([1-9]\d*) /.exec(rest.subarray(0, 12).toString('latin1')) ?? []
    const end = length.length + 1 + Number(length)
    if (length === '' || end > rest.length) throw new Error(`No message: ${rest.subarray(0, 80).toString()}`)
    found.push(parsed(rest.subarray(length.length + 1, end).toString('utf8')))
    rest = rest.subarray(end)
  }
  return found
}

function parsed(message: string): Parsed {
  const header = /^<(\d{1,3})>1 (\S+) [\x21-\x7e]{1,255} ([\x21-\x7e]{1,48}) (\d+|-) ([\x21-\x7e]{1,32}) /
  const [head = '', pri, time = '', app = '', , msgId = ''] = header.exec(message) ?? []
  const data = /^\[bricktrail@\d+((?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*)\] /.exec(message.slice(head.length))
  if (head === '' || data === null) throw new Error(`Not as RFC 5424 says: ${message}`)
  const params = [...(data[1] ?? '').matchAll(/ ([a-z]+)="((?:[^"\\\]]|\\["\\\]])*)"/g)].map(
    ([, name = '', value = '']) => [name, value.replace(/\\(["\\\]])/g, '$1')],
  )
  const text = message.slice(head.length + data[0].length)
  return { pri: Number(pri), time, app, msgId, params: Object.fromEntries(params), text }
}

interface LogHost extends Rig {
  readonly port: number
  messages(): Parsed[]
}

/** A receiver; `secure` with the certificate that the settings trust. */
async function logHost(
  manner: (connection: number) => Manner,
  { secure = true, asks = false }: { readonly secure?: boolean; readonly asks?: boolean } = {},
): Promise<LogHost> {
  const taken: Buffer[] = []
  const raw = new Set<Socket>()
  let connections = 0
  const serve = (socket: Socket) => {
    const how = manner(++connections)
    const pieces: Buffer[] = []
    socket.on('error', () => {})
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    socket.on('end', () => {
      if (how === 'broken' || how === 'never answer') return
      taken.push(Buffer.concat(pieces))
      if (how === 'take and hang up') for (const each of raw) each.resetAndDestroy()
      else setTimeout(() => socket.end(), how === 'late' ? 300 : 0)
    })
    if (how === 'broken') for (const each of raw) each.resetAndDestroy()
  }
  const served = (how: Manner) => (how === 'refuse credentials' ? other : made)
  const options = { allowHalfOpen: true }
  const server: Server = secure
    ? createSecureServer(
        { ...options, cert: served(manner(1)).cert, key: served(manner(1)).key, requestCert: asks, ca: [other.cert] },
        serve,
      )
    : createServer(options, serve)
  server.on('connection', (socket: Socket) => {
    raw.add(socket)
    socket.on('close', () => raw.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const messages = () => taken.flatMap(messagesIn)
  return {
    port,
    section: { host: '127.0.0.1', port, ...(secure ? { ca: made.file } : { tls: false }) },
    messages,
    keys: () => messages().map(({ params }) => params.id ?? ''),
    text: () =>
      messages()
        .map(({ text, params }) => [text, ...Object.values(params)].join('\n'))
        .join('\n'),
    connections: async () => raw.size,
    close: () =>
      new Promise((resolve) => {
        for (const socket of raw) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

const without = {
  busy: 'syslog has no answers',
  refuse: 'syslog has no answers',
  'refuse the second': 'syslog has no answers',
  secrets: 'nothing is answered that could quote them',
} as const

describeSink({ kind: 'syslog', without, start: (manner) => logHost(manner) })
describeSink({
  kind: 'event-syslog',
  without: { ...without, 'refuse credentials': 'TCP asks for none' },
  start: (manner) => logHost(manner, { secure: false }),
})

const item = (more: Parameters<typeof anAlert>[0] = {}, id = 'm-1') => ({
  id,
  key: 'k',
  timeMs: Date.UTC(2026, 10, 12, 9, 6),
  text: JSON.stringify(anAlert(more)),
})
const parsedOf = (settings: object, ...items: readonly ReturnType<typeof item>[]) =>
  messagesIn(Buffer.concat(items.map(framer({ host: 'x', ...settings }, 'messages'))))

describe('a message of syslog', () => {
  it('says in its head what it is, and all in its text', () => {
    const [message] = parsedOf({}, item())
    expect(message).toMatchObject({
      pri: 13 * 8 + 3,
      time: '2026-11-12T09:06:00.000Z',
      app: 'bricktrail',
      msgId: 'ALERT',
      params: {
        id: 'm-1',
        action: 'opened',
        alert: 'a-1',
        key: 'rule-1 ana@example.com',
        level: 'high',
        status: 'new',
        entity: 'ana@example.com',
      },
    })
    expect(message?.text.startsWith('\ufeff{')).toBe(true)
    expect(JSON.parse(message?.text.slice(1) ?? '')).toMatchObject({ title: 'Account admin granted' })
  })

  it('says it in words of its own, on one line', () => {
    const [message] = parsedOf({ bom: false, body: '{{summary}}\nby {{entity.value}}' }, item())
    expect(message?.text).toBe(
      '[high] Account admin granted: ana@example.com made bob@example.com an account admin. by ana@example.com',
    )
  })

  it('cannot be broken out of', () => {
    const evil = `x"] <34>1 - - - - - - ${NASTY}`
    const messages = parsedOf(
      { title: '{{title}}' },
      item({ title: evil, dedupKey: evil, entity: { field: 'f', value: evil } }),
      item({}, 'm-2'),
    )
    expect(messages.map(({ params }) => params.id)).toEqual(['m-1', 'm-2'])
    expect(messages[0]?.params.entity?.startsWith('x"] <34>1')).toBe(true)
  })

  it('is never longer than it may be', () => {
    const long = item(
      { summary: '東'.repeat(5000), dedupKey: '"'.repeat(500), entity: { field: 'f', value: ']'.repeat(500) } },
      '\\'.repeat(500),
    )
    const bytes = framer({ host: 'x', longest: 2048, hostname: 'h'.repeat(255) }, 'messages')(long)
    expect(Number(bytes.toString('latin1').split(' ')[0])).toBeLessThanOrEqual(2048)
    expect(messagesIn(bytes)).toHaveLength(1)
  })

  it('of an event is its line', () => {
    const line = 'CEF:0|Databricks|Audit Log|2.0|a.b|c|5|rt=1 src=10.0.0.1'
    const bytes = framer({ host: 'x', bom: false }, 'events')({ id: 'e-1', key: 'ana', timeMs: 0, text: line })
    expect(messagesIn(bytes)).toMatchObject([
      { pri: 109, msgId: 'EVENT', params: { id: 'e-1', key: 'ana' }, text: line },
    ])
  })
})

describe('a receiver of syslog', () => {
  const open = (section: object) =>
    syslog('messages').open(section as Parameters<ReturnType<typeof syslog>['open']>[0], {
      name: 'log',
      secret: () => other.key,
      timeoutMs: 2000,
      folder,
    })
  const send = async (section: object, times = 1) => {
    const sink = await open(section)
    closing.push(() => sink.close?.())
    const outcomes = []
    for (let n = 1; n <= times; n++)
      outcomes.push(await sink.send({ id: 'b', items: [item({}, `m-${n}`)], attempt: 1 }, AbortSignal.timeout(20_000)))
    return outcomes
  }

  it('that asks for a certificate is shown one', async () => {
    const rig = await logHost(() => 'take', { asks: true })
    closing.push(() => rig.close())
    expect(await send(rig.section)).toMatchObject([{ kind: 'misconfigured' }])
    expect(await send({ ...rig.section, certificate: 'other.pem', key: 'env:KEY' })).toEqual([{ kind: 'delivered' }])
  })

  it('may keep the connection, if it is not asked to confirm', async () => {
    let connections = 0
    const heard: Buffer[] = []
    const server = createServer((socket) => {
      connections++
      socket.on('data', (piece) => heard.push(piece))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const { port } = server.address() as AddressInfo
    expect(await send({ host: '127.0.0.1', port, tls: false, confirm: false }, 3)).toEqual(
      Array(3).fill({ kind: 'delivered' }),
    )
    await expect
      .poll(() => messagesIn(Buffer.concat(heard)).map(({ params }) => params.id))
      .toEqual(['m-1', 'm-2', 'm-3'])
    expect(connections).toBe(1)
  })
})
