/**
 * Apache Kafka. The producer is idempotent and waits for all replicas that are in step; the key of a record is that of the event, so that what one
 * actor did stays in order, and its header `event_id` tells what was sent twice.
 * https://kafka.apache.org/documentation/#producerconfigs
 * Client: @platformatic/kafka, plain JavaScript and well kept.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { installed } from '../client.ts'
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'
import { trustedBy } from '../tls.ts'

/** Its section of the settings. */
export interface KafkaSettings {
  /** `host:port`, some of the cluster's. */
  readonly brokers: readonly string[]
  readonly topic: string
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly tls?: boolean
  readonly ca?: string
  /** Client certificate and its key, PEM files. */
  readonly cert?: string
  readonly key?: string
  readonly mechanism?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username?: string
  readonly password?: string
}

const PACKAGE = '@platformatic/kafka'

interface KafkaMessage {
  readonly topic: string
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: bigint
}

interface Producer {
  send(options: { readonly messages: readonly KafkaMessage[] }): Promise<unknown>
  close(force?: boolean): Promise<void>
}

interface Sdk {
  readonly Producer: new (options: object) => Producer
  readonly stringSerializers: object
  /** Gives keys the partitions that Kafka's own client gives them. */
  readonly compatibilityPartitioner: unknown
}

/** Codes of brokers that say that the settings are wrong: names of topics, rights, credentials. */
const MISCONFIGURED = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'SASL_AUTHENTICATION_FAILED',
])

/** The client's own words for a topic that no broker knows. */
const UNKNOWN_TOPIC = /^Unknown topic /

/** Codes that concern what was sent. */
const DEAD = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'POLICY_VIOLATION'])

/** How a producer is made; called anew when one was given up. */
type Make = () => Producer

class Topic implements Sink {
  // Brokers take 1 MiB of records at once where nobody told them otherwise.
  readonly limits = { items: 5000, bytes: 900_000, itemBytes: 800_000, itemOverhead: 200 }
  readonly #topic: string
  readonly #make: Make
  readonly #timeoutMs: number
  #producer: Producer | undefined

  constructor(topic: string, make: Make, { timeoutMs }: Pick<SinkContext, 'timeoutMs'>) {
    this.#topic = topic
    this.#make = make
    this.#timeoutMs = timeoutMs
  }

  async send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    this.#producer ??= this.#make()
    const producer = this.#producer
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)])
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const end = () => reject(new Error('no answer in time'))
    limit.addEventListener('abort', end, { once: true })
    try {
      const sending = producer.send({ messages: items.map((item) => recordOf(this.#topic, item)) })
      sending.catch(() => {})
      await Promise.race([sending, ended])
      return DELIVERED
    } catch (cause) {
      const outcome = outcomeOfFailure(cause)
      // What is still under way in it could arrive after what is sent next: nothing of it may go on.
      if (outcome.kind === 'again') await this.#giveUp(producer)
      return outcome
    } finally {
      limit.removeEventListener('abort', end)
      ended.catch(() => {})
    }
  }

  async close(): Promise<void> {
    if (this.#producer !== undefined) await this.#giveUp(this.#producer)
  }

  async #giveUp(producer: Producer): Promise<void> {
    if (this.#producer === producer) this.#producer = undefined
    await producer.close(true).catch(() => {})
  }
}

function recordOf(topic: string, { id, key, timeMs, text }: Item): KafkaMessage {
  return { topic, key, value: text, headers: { event_id: id }, timestamp: BigInt(timeMs) }
}

interface Failure {
  readonly message?: string
  readonly code?: string
  /** Name of a broker's error. */
  readonly apiId?: string
  readonly errors?: readonly unknown[]
  readonly cause?: unknown
}

/** What a failure of the client means: the first thing that a broker said, else it is tried again. */
export function outcomeOfFailure(cause: unknown): Outcome {
  const all = failuresIn(cause)
  const [first = {}] = all
  const told = all.find(({ apiId }) => apiId !== undefined)
  const name = told?.apiId ?? ''
  const refused = all.find(({ code }) => code === 'PLT_KFK_AUTHENTICATION')
  const words = told ?? refused ?? all.at(-1) ?? first
  const reason = [name, words.message ?? String(cause)].filter(Boolean).join(': ').replace(/\s+/g, ' ').slice(0, 250)
  if (refused !== undefined || MISCONFIGURED.has(name) || UNKNOWN_TOPIC.test(words.message ?? ''))
    return { kind: 'misconfigured', reason }
  return { kind: DEAD.has(name) ? 'dead' : 'again', reason }
}

/** A failure, those that it gathers, and those that they come from. */
function failuresIn(cause: unknown, depth = 0): readonly Failure[] {
  if (typeof cause !== 'object' || cause === null || depth > 5) return []
  const failure = cause as Failure
  return [failure, ...(failure.errors ?? []), failure.cause].flatMap((each, at) =>
    at === 0 ? [failure] : failuresIn(each, depth + 1),
  )
}

async function tlsOf({ ca, cert, key }: KafkaSettings, context: SinkContext): Promise<object> {
  const read = async (path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined
    const file = resolve(context.folder, path)
    return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new AppError('BAD_HOME', `${file} cannot be read: ${cause.code ?? cause.message}`, { where: file, cause })
    })
  }
  const given = { ca: await trustedBy(ca, context), cert: await read(cert), key: await read(key) }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** Where the client tells of what it makes. */
const MADE = 'plt:kafka:instances'

/**
 * A connection that fails while it signs in says so twice, and the client listens once. Nobody listening to the second would end this
 * process, and with it what is on its way elsewhere; the first has told all.
 */
function hearAll(made: unknown): void {
  const { type, instance } = made as { type?: string; instance?: { on?(name: 'error', heard: () => void): void } }
  if (type === 'connection') instance?.on?.('error', () => {})
}

async function openTopic(settings: KafkaSettings, context: SinkContext): Promise<Sink> {
  const { Producer, stringSerializers, compatibilityPartitioner } = await installed<Sdk>(
    PACKAGE,
    'kafka',
    context.folder,
  )
  // Once, however many topics are opened.
  unsubscribe(MADE, hearAll)
  subscribe(MADE, hearAll)
  const { brokers, topic, compression = 'gzip', tls = false, mechanism = 'PLAIN', username, password } = settings
  const { timeoutMs } = context
  const options = {
    clientId: 'bricktrail',
    bootstrapBrokers: [...brokers],
    serializers: stringSerializers,
    partitioner: compatibilityPartitioner,
    idempotent: true,
    acks: -1,
    autocreateTopics: false,
    // The dispatcher tries again, and says so. A number of 0 or 1 the idempotent producer takes for no end of them.
    retries: false,
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    ...(compression === 'none' ? {} : { compression }),
    ...(tls ? { tls: await tlsOf(settings, context) } : {}),
    ...(username === undefined || password === undefined
      ? {}
      : { sasl: { mechanism, username, password: context.secret(password) } }),
  }
  return new Topic(topic, () => new Producer({ ...options }), context)
}

/** An Apache Kafka topic. */
export const kafka: SinkKind<KafkaSettings> = {
  kind: 'kafka',
  takes: 'events',
  doc: 'An Apache Kafka topic, by an idempotent producer that waits for all replicas; the header `event_id` tells what was sent twice.',
  formats: ['ocsf', 'system-table', 'raw', 'uam', 'cef'],
  schema: {
    type: 'object',
    required: ['brokers', 'topic'],
    additionalProperties: false,
    dependentRequired: { username: ['password'], password: ['username'], cert: ['key'], key: ['cert'] },
    properties: {
      brokers: {
        type: 'array',
        minItems: 1,
        items: { type: 'string', pattern: '^[^\\s:/]+:\\d{1,5}$' },
        description: 'Some brokers of the cluster, as `host:port`.',
      },
      topic: { type: 'string', pattern: '^[\\w.-]{1,249}$', description: 'Topic; it must be there.' },
      compression: {
        type: 'string',
        enum: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
        description: 'How records are packed, `gzip` where absent.',
      },
      tls: { type: 'boolean', description: 'Speaks TLS.' },
      ca: { type: 'string', format: 'file', description: "Certificates to trust besides the system's, PEM." },
      cert: { type: 'string', format: 'file', description: 'Certificate that it shows, PEM; with `key`.' },
      key: { type: 'string', format: 'file', description: 'Key of that certificate, PEM.' },
      mechanism: {
        type: 'string',
        enum: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
        description: 'How it signs in, `PLAIN` where absent.',
      },
      username: { type: 'string', minLength: 1, description: 'User, with `password`.' },
      password: { type: 'string', format: 'reference', description: 'Reference to the password.' },
    },
  },
  open: openTopic,
}
