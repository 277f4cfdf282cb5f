/**
 * Syslog, RFC 5424, over TLS (RFC 5425) or TCP (RFC 6587), each message with its length before it. Syslog has no answers. By default a batch is sent
 * over a connection of its own, whose end is awaited: who closes it in order has read all of it.
 */

import { readFile } from 'node:fs/promises'
import { connect as connectPlain, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { connect as connectSecure } from 'node:tls'
import { AppError, messageOf } from '../../core/errors.ts'
import { jsonText, printable } from '../../core/printable.ts'
import type { Level } from '../../detect/sigma/rule.ts'
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'
import { cut } from '../fit.ts'
import { isDistrust } from '../http.ts'
import type { AlertMessage } from '../message.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { trustedBy } from '../tls.ts'
import { wordsmith } from '../wording.ts'

/** Its section of the settings; templates are for messages only. */
export interface SyslogSettings extends TemplateSettings {
  readonly host: string
  readonly port?: number
  readonly tls?: boolean
  readonly ca?: string
  /** Certificate to show, PEM file. */
  readonly certificate?: string
  /** Reference to its key. */
  readonly key?: string
  readonly longest?: number
  readonly confirm?: boolean
  readonly bom?: boolean
  readonly hostname?: string
  readonly app?: string
  readonly enterprise?: number
}

/** Log audit (RFC 5424, 6.2.1). */
const FACILITY = 13

const SEVERITIES: Readonly<Record<Level, number>> = { critical: 2, high: 3, medium: 4, low: 5, informational: 6 }

/** An event by itself is no alarm: notice. */
const EVENT_SEVERITY = 5

/** What receivers should take (RFC 5425, 4.3.1), with everything. */
const LONGEST = 8192

/** What stands before the text may be so long. */
const HEADER = 1200

/** The number that the IANA keeps for examples (RFC 5612): nobody else's. */
const ENTERPRISE = 32_473

/** Bytes sent at once. */
const MOST_BYTES = 1024 * 1024

/** What a message consists of besides what the settings say of all of them. */
interface Line {
  readonly severity: number
  readonly msgId: string
  readonly params: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/** Makes a message of an item, with its length before it. */
export function framer(settings: SyslogSettings, takes: 'messages' | 'events'): (item: Item) => Buffer {
  const { longest = LONGEST, bom = true, enterprise = ENTERPRISE } = settings
  const host = visible(settings.hostname ?? hostname(), 255)
  const app = visible(settings.app ?? 'bricktrail', 48)
  const lineOf = takes === 'events' ? eventLine : messageLine(settings)
  const mark = bom ? '\ufeff' : ''
  return (item) => {
    const { severity, msgId, params, text } = lineOf(item)
    const values = Object.entries(params).flatMap(([name, value]) =>
      value === undefined ? [] : [` ${name}="${paramValue(value)}"`],
    )
    const time = new Date(item.timeMs).toISOString()
    const head = `<${FACILITY * 8 + severity}>1 ${time} ${host} ${app} ${process.pid} ${msgId} [bricktrail@${enterprise}${values.join('')}] ${mark}`
    const body = Buffer.from(head + cut(text.replace(/[\r\n]+/g, ' '), longest - Buffer.byteLength(head)))
    return Buffer.concat([Buffer.from(`${body.length} `), body])
  }
}

const eventLine = ({ id, key, text }: Item): Line => ({
  severity: EVENT_SEVERITY,
  msgId: 'EVENT',
  params: { id, key },
  text,
})

/** Words of one's own where there are any, else the whole message as JSON. */
function messageLine(settings: TemplateSettings): (item: Item) => Line {
  const worded = wordsmith(settings)
  const isPlain = settings.title !== undefined || settings.body !== undefined
  return (item) => {
    const { message, words } = worded(item)
    return {
      severity: SEVERITIES[message.level] ?? EVENT_SEVERITY,
      msgId: 'ALERT',
      params: paramsOf(item.id, message),
      text: isPlain ? `${words.title}: ${words.body}` : jsonText(JSON.parse(item.text)),
    }
  }
}

const paramsOf = (id: string, { action, alertId, dedupKey, level, status, rule, entity }: AlertMessage) => ({
  id,
  action,
  alert: alertId,
  key: dedupKey,
  level,
  status,
  rule: rule.id,
  entity: entity?.value,
})

/** Values of parameters: `"`, `\` and `]` are escaped (RFC 5424, 6.3.3); control characters are not passed on. */
const paramValue = (text: string): string => cut(printable(text), 100).replace(/["\\\]]/g, (char) => `\\${char}`)

/** Names in the header: ASCII that can be seen. */
const visible = (text: string, most: number): string => text.replace(/[^\x21-\x7e]/g, '').slice(0, most) || '-'

/** Where it is, and what it takes to be let in. */
interface Road {
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
  /** Absent for TCP without TLS. */
  readonly tls?: { readonly ca?: string[]; readonly cert?: string; readonly key?: string }
}

class Syslog implements Sink {
  readonly limits: Sink['limits']
  readonly #road: Road
  readonly #frame: (item: Item) => Buffer
  readonly #confirm: boolean
  #open: Socket | undefined

  constructor(settings: SyslogSettings, takes: 'messages' | 'events', road: Road) {
    const itemBytes = (settings.longest ?? LONGEST) - HEADER
    this.limits = { items: 2000, bytes: MOST_BYTES, itemBytes, itemOverhead: HEADER / 2 }
    this.#road = road
    this.#frame = framer(settings, takes)
    this.#confirm = settings.confirm !== false
  }

  async send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const bytes = Buffer.concat(items.map((item) => this.#frame(item)))
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#road.timeoutMs)])
    try {
      if (this.#confirm) await sentAndRead(await connected(this.#road, limit), bytes, limit)
      else await this.#write(bytes, limit)
      return DELIVERED
    } catch (cause) {
      await this.close()
      return failed(cause, limit)
    }
  }

  async close(): Promise<void> {
    this.#open?.destroy()
    this.#open = undefined
  }

  /** Over a connection that stays. What the system took may still be lost with the connection. */
  async #write(bytes: Buffer, limit: AbortSignal): Promise<void> {
    if (this.#open === undefined || this.#open.destroyed || this.#open.readableEnded) {
      this.#open?.destroy()
      this.#open = await connected(this.#road, limit)
    }
    const socket = this.#open
    await until(limit, socket, (done, fail) => {
      if (socket.readableEnded) fail(new Error('The connection was closed.'))
      else socket.write(bytes, (error) => (error ? fail(error) : done()))
    })
  }
}

/** Sends all, says that it was all, and waits until the other side has read that. */
const sentAndRead = (socket: Socket, bytes: Buffer, limit: AbortSignal): Promise<void> =>
  until(limit, socket, (done, fail) => {
    socket.once('end', () =>
      socket.writableFinished ? done() : fail(new Error('The connection was closed before everything was sent.')),
    )
    socket.once('close', () => fail(new Error('The connection was cut before everything was read.')))
    socket.end(bytes)
  }).finally(() => socket.destroy())

/** A connection, with TLS made where it is wanted. */
function connected({ host, port, tls }: Road, limit: AbortSignal): Promise<Socket> {
  const to = { host, port, allowHalfOpen: true }
  const socket = tls === undefined ? connectPlain(to) : connectSecure({ ...to, minVersion: 'TLSv1.2', ...tls })
  // An error that comes when nothing is awaited must not end the process; the next write finds the connection gone.
  socket.on('error', () => {})
  return until(limit, socket, (done) => socket.once(tls === undefined ? 'connect' : 'secureConnect', () => done()))
    .then(() => socket.resume())
    .catch((cause) => {
      socket.destroy()
      throw cause
    })
}

/** Waits for what is begun, an error of the connection, or the limit; whichever is first. */
async function until(
  limit: AbortSignal,
  socket: Socket,
  begin: (done: () => void, fail: (cause: unknown) => void) => void,
): Promise<void> {
  let stop = () => {}
  try {
    await new Promise<void>((done, fail) => {
      const late = () => fail(limit.reason)
      stop = () => {
        limit.removeEventListener('abort', late)
        socket.off('error', fail)
      }
      if (limit.aborted) return late()
      limit.addEventListener('abort', late, { once: true })
      socket.on('error', fail)
      return begin(done, fail)
    })
  } finally {
    stop()
  }
}

function failed(cause: unknown, limit: AbortSignal): Outcome {
  const { code = '' } = cause as { code?: string }
  if (isDistrust(cause)) return { kind: 'misconfigured', reason: `${messageOf(cause)} (${code})` }
  if (limit.aborted) return { kind: 'again', reason: 'It was not read in time.' }
  return { kind: 'again', reason: code === '' ? messageOf(cause) : `no connection (${code})` }
}

/** A PEM file of the settings. */
const pem = (path: string, folder: string): Promise<string> =>
  readFile(resolve(folder, path), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('BAD_ARGUMENT', `${resolve(folder, path)} cannot be read: ${cause.code ?? cause.message}`, {
      cause,
    })
  })

async function roadOf(settings: SyslogSettings, context: SinkContext): Promise<Road> {
  const { host, tls = true, certificate, key } = settings
  const road = { host, port: settings.port ?? (tls ? 6514 : 601), timeoutMs: context.timeoutMs }
  if (!tls) return road
  const ca = await trustedBy(settings.ca, context)
  const cert = certificate === undefined ? undefined : await pem(certificate, context.folder)
  return {
    ...road,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key: context.secret(key) }),
    },
  }
}

const PROPERTIES = {
  host: { type: 'string', pattern: '^[A-Za-z0-9.:-]+$', description: 'The receiver.' },
  port: {
    type: 'integer',
    minimum: 1,
    maximum: 65_535,
    description: 'Port; 6514, or 601 without TLS, where absent.',
  },
  tls: { type: 'boolean', description: 'False sends in the open.' },
  ca: { type: 'string', format: 'file', description: "Certificates to trust besides the system's, PEM." },
  certificate: { type: 'string', format: 'file', description: 'Certificate to show to the receiver, PEM.' },
  key: { type: 'string', format: 'reference', description: 'Reference to the key of that certificate, PEM.' },
  longest: {
    type: 'integer',
    minimum: 2048,
    maximum: 1_000_000,
    description: 'Bytes of a message at most, 8192 where absent; the receiver must be set to take as much.',
  },
  confirm: {
    type: 'boolean',
    description:
      'False keeps one connection, and holds for delivered what was handed to the system; a connection that is cut may lose some.',
  },
  bom: { type: 'boolean', description: 'False leaves out the byte order mark before the text.' },
  hostname: {
    type: 'string',
    pattern: '^[\\x21-\\x7e]+$',
    description: 'HOSTNAME; that of this machine where absent.',
  },
  app: { type: 'string', pattern: '^[\\x21-\\x7e]{1,48}$', description: 'APP-NAME, `bricktrail` where absent.' },
  enterprise: {
    type: 'integer',
    minimum: 1,
    description: 'Enterprise number in the name of the structured data; 32473, which is nobody’s, where absent.',
  },
} as const

/** Syslog. */
export const syslog = (takes: 'messages' | 'events'): SinkKind<SyslogSettings> => ({
  kind: takes === 'messages' ? 'syslog' : 'event-syslog',
  takes,
  doc: `Syslog (RFC 5424) over TLS or TCP, one ${takes === 'messages' ? 'alert' : 'event'} a message.`,
  formats: ['cef', 'uam', 'ocsf', 'system-table', 'raw'],
  schema: {
    type: 'object',
    required: ['host'],
    additionalProperties: false,
    dependentRequired: { certificate: ['key'], key: ['certificate'] },
    properties: takes === 'messages' ? { ...PROPERTIES, ...TEMPLATE_PROPERTIES } : PROPERTIES,
  },
  open: async (settings, context) => new Syslog(settings, takes, await roadOf(settings, context)),
})
