/**
 * E-mail, by SMTP (RFC 5321). The Message-ID follows from the message, so a mail that comes twice can be told; mails of one alert refer to the same
 * thread (RFC 5322, 3.6.4). Each recipient is served by itself: one who is refused takes no mail from the others.
 */
import { createHash } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { trustedBy } from '../tls.ts'
import { clipped, firstOf, type Worded, type Wording, wordsmith } from '../wording.ts'

/** Its section of the settings. */
export interface EmailSettings extends TemplateSettings {
  readonly host: string
  readonly port?: number
  readonly tls?: 'starttls' | 'implicit' | 'none'
  readonly username?: string
  /** Reference; with a user name. */
  readonly password?: string
  readonly from: string
  readonly to: readonly string[]
  readonly ca?: string
}

/** What a mail shows at most, in UTF-16 units: servers refuse mails that are very long, and nobody reads them. */
const SUBJECT = 200
const BODY = 20_000
const FACT = 1000
const LINES = 50
const LINE = 500
const STEPS = 10
const SQL = 2000

/** A server that does not answer our goodbye is left without. */
const CLOSE_MS = 500

/** Mails of which is remembered who has them already. */
const REMEMBERED = 1000

/** A mail without its recipient. */
export interface Mail {
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly messageId: string
  readonly references: string
  readonly inReplyTo: string
  readonly date: Date
  readonly headers: Readonly<Record<string, string>>
}

/** A mail of a message. */
export function mailOf(worded: Worded, { id }: Item, from: string): Mail {
  const { message, words } = worded
  const domain = /@([a-z0-9.-]+)>?$/i.exec(from.trim())?.[1] ?? 'bricktrail.invalid'
  const thread = `<alert-${digest(message.dedupKey)}@${domain}>`
  const isUrgent = message.level === 'critical' || message.level === 'high'
  return {
    subject: clipped(words.title, SUBJECT),
    text: textOf(words),
    html: htmlOf(words),
    messageId: `<${/^[a-z0-9_-]{1,120}$/i.test(id) ? id : digest(id)}.bricktrail@${domain}>`,
    references: thread,
    inReplyTo: thread,
    date: new Date(message.sentTime),
    // So that nobody's absence answers it (RFC 3834).
    headers: { 'auto-submitted': 'auto-generated', ...(isUrgent ? { importance: 'high' } : {}) },
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)

const because = (words: Wording): readonly string[] =>
  firstOf(words.because, LINES, (more) => `and ${more} more`).map((line) => clipped(line, LINE))

function textOf(words: Wording): string {
  return [
    clipped(words.body, BODY),
    '',
    ...words.facts.map(([name, value]) => `${name}: ${clipped(value, FACT)}`),
    ...(words.because.length === 0 ? [] : ['', 'Why:', ...because(words).map((line) => `- ${line}`)]),
    ...words.runbook.slice(0, STEPS).flatMap(({ title, sql }) => ['', `${clipped(title, LINE)}:`, clipped(sql, SQL)]),
    ...(words.url === undefined ? [] : ['', `Look into it: ${words.url}`]),
    '',
    '-- ',
    words.footer,
  ].join('\n')
}

function htmlOf(words: Wording): string {
  const rows = words.facts.map(
    ([name, value]) =>
      `<tr><th align="left" valign="top">${html(name)}</th><td>${html(clipped(value, FACT))}</td></tr>`,
  )
  const steps = words.runbook
    .slice(0, STEPS)
    .map(({ title, sql }) => `<p>${html(clipped(title, LINE))}</p><pre>${html(clipped(sql, SQL))}</pre>`)
  return [
    `<h2>${html(clipped(words.title, SUBJECT))}</h2>`,
    `<p>${html(clipped(words.body, BODY)).replaceAll('\n', '<br>')}</p>`,
    `<table cellpadding="4">${rows.join('')}</table>`,
    ...(words.because.length === 0
      ? []
      : [
          `<p>Why</p><ul>${because(words)
            .map((line) => `<li>${html(line)}</li>`)
            .join('')}</ul>`,
        ]),
    ...steps,
    ...(words.url === undefined ? [] : [`<p><a href="${html(words.url)}">Look into it</a></p>`]),
    `<p><small>${html(words.footer)}</small></p>`,
  ].join('\n')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const html = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char)

/** What went wrong, as the library tells it. */
interface SmtpError {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly message: string
}

/** What became of a mail, of how it failed (RFC 5321, 4.2.1): 4xx is for now, 5xx for good. */
export function smtpOutcome({
  code,
  command = '',
  responseCode = 0,
  message,
}: SmtpError): Exclude<Outcome, { kind: 'partly' | 'delivered' }> {
  const reason = code === 'EABORT' ? 'no answer in time' : message.replace(/\s+/g, ' ').slice(0, 200)
  if (/certificate|self.signed|altname|alert (unknown ca|handshake)/i.test(message) && responseCode === 0)
    return { kind: 'misconfigured', reason }
  if (responseCode >= 400 && responseCode < 500) return { kind: 'again', reason }
  if (code === 'EAUTH' || code === 'ENOAUTH') return { kind: 'misconfigured', reason }
  if (responseCode < 500) return { kind: 'again', reason }
  // Before there is a recipient, nothing is wrong with the mail; 530 asks for a login (RFC 4954) or for TLS (RFC 3207).
  const isOurs = responseCode === 530 || !/^(RCPT|DATA|BDAT)/.test(command)
  return isOurs && responseCode !== 552 ? { kind: 'misconfigured', reason } : { kind: 'dead', reason }
}

class Email implements Sink {
  readonly limits = { items: 1, bytes: 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 0 }
  readonly #settings: EmailSettings
  readonly #worded: ReturnType<typeof wordsmith>
  readonly #connection: Readonly<Record<string, unknown>>
  readonly #timeoutMs: number
  /** By message, who has it, for the attempt after one that only some of them took. */
  readonly #having = new Map<string, Set<string>>()

  constructor(settings: EmailSettings, { secret, timeoutMs }: SinkContext, ca: readonly string[] | undefined) {
    const { host, tls = 'starttls', username, password } = settings
    this.#settings = settings
    this.#worded = wordsmith(settings)
    this.#timeoutMs = timeoutMs
    this.#connection = {
      host,
      port: settings.port ?? (tls === 'implicit' ? 465 : 587),
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
      ...(username === undefined || password === undefined ? {} : { auth: { user: username, pass: secret(password) } }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      socketCloseTimeout: CLOSE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    }
  }

  async send({ items: [item] }: Batch, signal: AbortSignal): Promise<Outcome> {
    if (item === undefined) return DELIVERED
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({ ...this.#connection, pool: true as const, maxConnections: 1 })
    const mail = mailOf(this.#worded(item), item, this.#settings.from)
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)])
    try {
      return await this.#sendAll(item.id, (to) => transport.sendMail({ ...mail, ...to, signal: limit }))
    } finally {
      transport.close({ force: true })
    }
  }

  async #sendAll(id: string, send: (envelope: object) => Promise<unknown>): Promise<Outcome> {
    const { from, to } = this.#settings
    const having = this.#having.get(id) ?? new Set()
    this.#remember(id, having)
    const failures: { readonly to: string; readonly outcome: ReturnType<typeof smtpOutcome> }[] = []
    for (const recipient of to.filter((each) => !having.has(each))) {
      try {
        await send({ from, to: [...to], envelope: { from, to: recipient } })
        having.add(recipient)
      } catch (cause) {
        failures.push({ to: recipient, outcome: smtpOutcome(cause as SmtpError) })
      }
    }
    // What can still arrive is tried first; who never takes it is told of once nobody else waits.
    const worst =
      failures.find(({ outcome }) => outcome.kind === 'again') ??
      failures.find(({ outcome }) => outcome.kind === 'misconfigured') ??
      failures[0]
    if (worst === undefined) {
      this.#having.delete(id)
      return DELIVERED
    }
    return to.length === 1
      ? worst.outcome
      : { ...worst.outcome, reason: `${worst.to}: ${worst.outcome.reason} (${having.size} of ${to.length} have it)` }
  }

  #remember(id: string, having: Set<string>): void {
    this.#having.set(id, having)
    const [oldest] = this.#having.keys()
    if (this.#having.size > REMEMBERED && oldest !== undefined) this.#having.delete(oldest)
  }
}

/** `a@b.c` or `Name <a@b.c>`; nothing that could begin another header. */
const ADDRESS = '^([^<>\\r\\n,;:"\\\\]{0,100}<)?[^\\s<>@,;:"\\\\]{1,64}@[A-Za-z0-9.-]{1,253}>?$'

/** E-mail. */
export const email: SinkKind<EmailSettings> = {
  kind: 'email',
  takes: 'messages',
  doc: 'E-mail by SMTP, one thread an alert; STARTTLS is required unless told otherwise.',
  schema: {
    type: 'object',
    required: ['host', 'from', 'to'],
    additionalProperties: false,
    dependentRequired: { username: ['password'], password: ['username'] },
    properties: {
      host: { type: 'string', pattern: '^[A-Za-z0-9.:-]+$', description: 'The server that takes mail.' },
      port: {
        type: 'integer',
        minimum: 1,
        maximum: 65_535,
        description: 'Port; 587, or 465 with `tls: implicit`, where absent.',
      },
      tls: {
        type: 'string',
        enum: ['starttls', 'implicit', 'none'],
        description: '`starttls` (required; where absent), `implicit`, or `none` for a server on this machine.',
      },
      username: { type: 'string', description: 'User name, where it asks for one.' },
      password: { type: 'string', format: 'reference', description: 'Reference to the password.' },
      from: { type: 'string', pattern: ADDRESS, description: 'Sender.' },
      to: {
        type: 'array',
        minItems: 1,
        maxItems: 50,
        items: { type: 'string', pattern: ADDRESS },
        description: 'Recipients.',
      },
      ca: { type: 'string', format: 'file', description: "Certificates to trust besides the system's, PEM." },
      ...TEMPLATE_PROPERTIES,
    },
  },
  open: async (settings, context) => {
    if (settings.tls === 'none' && settings.password !== undefined) {
      throw new AppError('BAD_ARGUMENT', 'A password would be sent in the open.', {
        hint: 'Leave out `tls: none`, or user name and password.',
      })
    }
    return new Email(settings, context, await trustedBy(settings.ca, context))
  },
}
