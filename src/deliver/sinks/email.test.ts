import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, certificate } from '../certificate.fixture.ts'
import type { Sink } from '../contract.ts'
import { anAlert } from '../message.fixture.ts'
import type { AlertMessage } from '../message.ts'
import { describeSink, type Manner, NASTY, type Rig } from '../sink.suite.ts'
import { wordsmith } from '../wording.ts'
import { email, mailOf, smtpOutcome } from './email.ts'

const PASSWORD = 'planted password of smtp'

let folder = ''
let made: Certificate
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bricktrail-mail-'))
  made = certificate(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Quoted-printable and encoded words undone, as far as tests look at them. */
const legible = (raw: string): string =>
  Buffer.from(
    raw.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
    .toString('utf8')
    .replaceAll('\r\n', '\n')

const failure = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode })

interface PostOffice extends Rig {
  readonly mails: { readonly to: readonly string[]; readonly raw: string }[]
}

/** A server that asks for STARTTLS and a login. */
async function postOffice(
  manner: (mail: number) => Manner,
  more: {
    readonly rcpt?: (address: string, attempt: number) => number | undefined
    readonly to?: readonly string[]
  } = {},
): Promise<PostOffice> {
  const mails: { to: readonly string[]; raw: string }[] = []
  const sockets = new Set<Socket>()
  let [begun, asked] = [0, 0]
  const server = new SMTPServer({
    key: made.key,
    cert: made.cert,
    onAuth: ({ username, password }, _, done) =>
      username === 'trail' && password === PASSWORD && manner(1) !== 'refuse credentials'
        ? done(null, { user: username })
        : done(failure(535, `5.7.8 ${password} is wrong`)),
    onRcptTo: ({ address }, _, done) => {
      const code = more.rcpt?.(address, ++asked)
      done(code === undefined ? null : failure(code, 'no such mailbox'))
    },
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        const how = manner(++begun)
        const raw = Buffer.concat(pieces).toString('latin1')
        const take = () => mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw })
        if (how === 'busy') return done(failure(451, `4.3.0 later, ${PASSWORD}`))
        if (how === 'broken') return done(failure(421, `4.3.2 closing, ${PASSWORD}`))
        if (how === 'refuse') return done(failure(554, `5.6.0 not this, ${PASSWORD}`))
        if (how === 'never answer') return undefined
        take()
        if (how === 'take and hang up') for (const socket of sockets) socket.destroy()
        else if (how === 'late') setTimeout(() => done(), 300)
        else done()
      })
    },
  })
  server.on('error', () => {})
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.server.address() as AddressInfo
  return {
    section: {
      host: '127.0.0.1',
      port,
      username: 'trail',
      password: 'env:SMTP',
      from: 'Bricktrail <trail@example.com>',
      to: more.to ?? ['soc@example.com'],
      ca: made.file,
    },
    secrets: { 'env:SMTP': PASSWORD },
    mails,
    keys: () => mails.map(({ raw }) => /^Message-ID: (.*)$/im.exec(raw)?.[1]?.trim() ?? ''),
    text: () => mails.map(({ raw }) => legible(raw)).join('\n'),
    // Its own list would do, if an upgrade to TLS did not take listeners away.
    connections: () =>
      new Promise((resolve, reject) =>
        server.server.getConnections((error, n) => (error ? reject(error) : resolve(n))),
      ),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

describeSink({
  kind: 'email',
  without: { 'retry after': 'SMTP says later, not when', 'refuse the second': 'one mail at a time' },
  start: (manner) => postOffice(manner),
})

async function opened(rig: Rig, more = {}): Promise<Sink> {
  closing.push(() => rig.close())
  const context = { name: 'mail', secret: () => PASSWORD, timeoutMs: 3000, folder: '/' }
  return email.open({ ...(rig.section as unknown as Parameters<typeof email.open>[0]), ...more }, context)
}

const itemOf = (more: Partial<AlertMessage> = {}, id = 'm-1') => ({
  id,
  key: 'k',
  timeMs: 0,
  text: JSON.stringify(anAlert(more)),
})
const send = (sink: Sink, more: Partial<AlertMessage> = {}, id = 'm-1') =>
  sink.send({ id: 'b', items: [itemOf(more, id)], attempt: 1 }, AbortSignal.timeout(20_000))
const mail = (more: Partial<AlertMessage> = {}, settings = {}, id = 'm-1') =>
  mailOf(wordsmith(settings)(itemOf(more, id)), itemOf(more, id), 'Trail <trail@example.com>')

describe('a mail', () => {
  it('belongs to the thread of its alert and has an id of its own', () => {
    const [first, second, other] = [
      mail(),
      mail({ action: 'updated' }, {}, 'm-2'),
      mail({ dedupKey: 'other' }, {}, 'm-3'),
    ]
    expect(first.messageId).toBe('<m-1.bricktrail@example.com>')
    expect(second.messageId).toBe('<m-2.bricktrail@example.com>')
    expect(second.references).toBe(first.references)
    expect(other.references).not.toBe(first.references)
    expect(mail({}, {}, 'odd id\r\n>').messageId).toMatch(/^<[0-9a-f]{32}\.bricktrail@example\.com>$/)
  })

  it('escapes in HTML what an event holds', () => {
    const { html } = mail({
      title: '<script>alert(1)</script>',
      summary: '<img src=x onerror=alert(1)>',
      because: ['<b>'],
      url: 'https://trail.example.com/?a="><script>',
    })
    expect(html).not.toMatch(/<(script|img|b)\b/)
    expect(html).toContain('&lt;script&gt;')
  })

  it('takes no header from what an event holds', async () => {
    const rig = await postOffice(() => 'take')
    const sink = await opened(rig, { title: '{{title}}' })
    expect(await send(sink, { title: `x\r\nBcc: eve@example.com\r\n\r\n${NASTY}` })).toEqual({ kind: 'delivered' })
    const [{ to, raw } = { to: [], raw: '' }] = rig.mails
    const head = raw.slice(0, raw.indexOf('\r\n\r\n'))
    expect(to).toEqual(['soc@example.com'])
    expect(head).not.toMatch(/^(Bcc|X-)/im)
    expect(head.match(/^Subject:/gim)).toHaveLength(1)
  })

  it('reaches those who take it though another is refused, and reaches them once', async () => {
    const to = ['a@example.com', 'b@example.com', 'c@example.com']
    const rig = await postOffice(() => 'take', {
      to,
      rcpt: (address, asked) => (address === 'b@example.com' && asked < 4 ? 450 : undefined),
    })
    const sink = await opened(rig)
    const first = await send(sink)
    expect(first).toMatchObject({ kind: 'again' })
    expect('reason' in first && first.reason).toContain('2 of 3 have it')
    expect(await send(sink)).toEqual({ kind: 'delivered' })
    expect(rig.mails.flatMap((each) => each.to)).toEqual(['a@example.com', 'c@example.com', 'b@example.com'])
  })

  it('says who is refused for good', async () => {
    const to = ['a@example.com', 'gone@example.com']
    const rig = await postOffice(() => 'take', {
      to,
      rcpt: (address) => (address.startsWith('gone') ? 550 : undefined),
    })
    const outcome = await send(await opened(rig))
    expect(outcome).toMatchObject({ kind: 'dead' })
    expect('reason' in outcome && outcome.reason).toMatch(/^gone@example\.com: .*1 of 2 have it/)
  })
})

describe('a mail server', () => {
  it('without STARTTLS gets no mail and no password', async () => {
    const heard: string[] = []
    const server = createServer((socket) => {
      socket.write('220 there\r\n')
      socket.on('error', () => {})
      socket.on('data', (piece) => {
        heard.push(String(piece))
        socket.write(/^EHLO/.test(String(piece)) ? '250-there\r\n250 AUTH PLAIN LOGIN\r\n' : '502 no\r\n')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const rig = await postOffice(() => 'take')
    const sink = await opened(rig, { port: (server.address() as AddressInfo).port })
    expect(await send(sink)).toMatchObject({ kind: 'misconfigured' })
    expect(heard.join('')).not.toMatch(/AUTH|MAIL/)
  })

  it('with a certificate that nobody trusts gets nothing either', async () => {
    const rig = await postOffice(() => 'take')
    const { ca: _, ...section } = rig.section as { ca: string }
    const sink = await opened({ ...rig, section })
    expect(await send(sink)).toMatchObject({ kind: 'misconfigured' })
    expect(rig.mails).toEqual([])
  })

  it('may speak TLS from the first byte', async () => {
    const subjects: string[] = []
    const server = new SMTPServer({
      secure: true,
      key: made.key,
      cert: made.cert,
      authOptional: true,
      onData: (stream, _, done) => {
        let raw = ''
        stream.on('data', (piece: Buffer) => {
          raw += piece
        })
        stream.on('end', () => {
          subjects.push(/^Subject: (.*)$/m.exec(raw)?.[1]?.trim() ?? '')
          done()
        })
      },
    })
    server.on('error', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
    const sink = await email.open(
      {
        host: '127.0.0.1',
        port: (server.server.address() as AddressInfo).port,
        tls: 'implicit',
        from: 'a@example.com',
        to: ['b@example.com'],
        ca: made.file,
      },
      { name: 'mail', secret: () => '', timeoutMs: 3000, folder: '/' },
    )
    expect(await send(sink)).toEqual({ kind: 'delivered' })
    expect(subjects).toEqual(['[high] Account admin granted'])
  })

  it('is sent no password in the open', async () => {
    const rig = await postOffice(() => 'take')
    await expect(opened(rig, { tls: 'none' })).rejects.toThrow('A password would be sent in the open.')
  })

  it.each([
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 450 }, 'again'],
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550 }, 'dead'],
    [{ code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 553 }, 'misconfigured'],
    [{ code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 552 }, 'dead'],
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 530 }, 'misconfigured'],
    [{ code: 'EMESSAGE', command: 'DATA', responseCode: 554 }, 'dead'],
    [{ code: 'EAUTH', command: 'AUTH PLAIN', responseCode: 535 }, 'misconfigured'],
    [{ code: 'EAUTH', command: 'AUTH PLAIN', responseCode: 454 }, 'again'],
    [{ code: 'ECONNECTION', command: 'CONN' }, 'again'],
    [{ code: 'EDNS', command: 'CONN' }, 'again'],
  ])('that answers %o means %s', (error, kind) => {
    expect(smtpOutcome({ ...error, message: 'x' }).kind).toBe(kind)
  })
})
