/**
 * Amazon CloudWatch Logs, by PutLogEvents. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 * Events of a request must be in order of time and within 24 hours; those that are too old or too new are refused one by one.
 */

import { installed } from '../client.ts'
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Refusal,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'

/** Its section of the settings. Credentials are found as the AWS SDK finds them. */
export interface CloudWatchSettings {
  readonly region: string
  readonly group: string
  readonly stream: string
  /** Makes group and stream where they are not there. */
  readonly create?: boolean
  /** Address of another service that speaks the same. */
  readonly endpoint?: string
}

const PACKAGE = '@aws-sdk/client-cloudwatch-logs'
const DAY_MS = 86_400_000

interface Sdk {
  readonly CloudWatchLogsClient: new (
    options: object,
  ) => { send(command: object, options?: object): Promise<unknown>; destroy(): void }
  readonly PutLogEventsCommand: new (input: object) => object
  readonly CreateLogGroupCommand: new (input: object) => object
  readonly CreateLogStreamCommand: new (input: object) => object
}

interface PutAnswer {
  readonly rejectedLogEventsInfo?: {
    /** Events before this one are too old. */
    readonly tooOldLogEventEndIndex?: number
    /** Events before this one are older than the group keeps. */
    readonly expiredLogEventEndIndex?: number
    /** This one and those after it are too new. */
    readonly tooNewLogEventStartIndex?: number
  }
}

/** Errors that say that the settings are wrong. */
const MISCONFIGURED =
  /ResourceNotFound|AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|CredentialsProvider|SerializationException/
const DEAD = /InvalidParameter|DataAlreadyAccepted/

class CloudWatch implements Sink {
  // 1 MB counted as text and 26 bytes an event.
  readonly limits = { items: 10_000, bytes: 1_048_576, itemBytes: 1_000_000, itemOverhead: 26 }
  readonly #settings: CloudWatchSettings
  readonly #sdk: Sdk
  readonly #client: InstanceType<Sdk['CloudWatchLogsClient']>
  readonly #timeoutMs: number
  #isMade: boolean

  constructor(settings: CloudWatchSettings, sdk: Sdk, { timeoutMs }: SinkContext) {
    this.#settings = settings
    this.#sdk = sdk
    this.#timeoutMs = timeoutMs
    this.#isMade = settings.create !== true
    const { region, endpoint } = settings
    // Retries are the dispatcher's.
    this.#client = new sdk.CloudWatchLogsClient({
      region,
      maxAttempts: 1,
      ...(endpoint === undefined ? {} : { endpoint }),
    })
  }

  async send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const options = { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]) }
    const order = items.map((item, at) => ({ item, at })).sort((a, b) => a.item.timeMs - b.item.timeMs)
    const first = order[0]?.item.timeMs ?? 0
    // Later days wait for the next attempt: one request spans a day at most.
    const now = order.filter(({ item }) => item.timeMs - first < DAY_MS)
    const later = order
      .slice(now.length)
      .map(({ at }): Refusal => ({ at, verdict: 'again', reason: 'More than a day apart from the first.' }))
    try {
      if (!this.#isMade) await this.#make(options)
      const { group: logGroupName, stream: logStreamName } = this.#settings
      const logEvents = now.map(({ item }) => ({ timestamp: item.timeMs, message: item.text }))
      const answer = (await this.#client.send(
        new this.#sdk.PutLogEventsCommand({ logGroupName, logStreamName, logEvents }),
        options,
      )) as PutAnswer
      const refused = [...refusedOf(answer, now), ...later]
      return refused.length === 0 ? DELIVERED : { kind: 'partly', refused }
    } catch (cause) {
      return outcomeOfFailure(cause)
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  async #make(options: object): Promise<void> {
    const { group: logGroupName, stream: logStreamName } = this.#settings
    for (const command of [
      new this.#sdk.CreateLogGroupCommand({ logGroupName }),
      new this.#sdk.CreateLogStreamCommand({ logGroupName, logStreamName }),
    ]) {
      await this.#client.send(command, options).catch((cause: { name?: string }) => {
        if (cause.name !== 'ResourceAlreadyExistsException') throw cause
      })
    }
    this.#isMade = true
  }
}

function refusedOf(
  { rejectedLogEventsInfo: told }: PutAnswer,
  sent: readonly { readonly item: Item; readonly at: number }[],
): Refusal[] {
  if (told === undefined) return []
  const {
    tooOldLogEventEndIndex: old = 0,
    expiredLogEventEndIndex: expired = 0,
    tooNewLogEventStartIndex: fresh = sent.length,
  } = told
  return sent.flatMap(({ at }, index): Refusal[] => {
    if (index < expired) return [{ at, verdict: 'dead', reason: 'It is older than the log group keeps events.' }]
    if (index < old) return [{ at, verdict: 'dead', reason: 'CloudWatch takes no events older than 14 days.' }]
    if (index >= fresh) return [{ at, verdict: 'again', reason: 'It is more than two hours ahead.' }]
    return []
  })
}

/** What a failure of the SDK means; throttling and server errors are tried again. */
export function outcomeOfFailure(cause: unknown): Outcome {
  const {
    name = 'Error',
    message = '',
    $metadata,
  } = cause as { name?: string; message?: string; $metadata?: { httpStatusCode?: number } }
  const reason = `${name}: ${message}`.replace(/\s+/g, ' ').slice(0, 250)
  if (MISCONFIGURED.test(name) || /Could not load credentials/.test(message)) return { kind: 'misconfigured', reason }
  if (DEAD.test(name) || $metadata?.httpStatusCode === 413) return { kind: 'dead', reason }
  return { kind: 'again', reason }
}

/** CloudWatch Logs. */
export const cloudwatch: SinkKind<CloudWatchSettings> = {
  kind: 'cloudwatch',
  takes: 'events',
  doc: 'Amazon CloudWatch Logs. Events older than 14 days it does not take; they are set aside with that reason.',
  formats: ['system-table', 'ocsf', 'uam', 'cef'],
  schema: {
    type: 'object',
    required: ['region', 'group', 'stream'],
    additionalProperties: false,
    properties: {
      region: { type: 'string', minLength: 1, description: 'AWS region.' },
      group: { type: 'string', pattern: '^[\\w./#-]{1,512}$', description: 'Log group.' },
      stream: { type: 'string', pattern: '^[^:*]{1,512}$', description: 'Log stream.' },
      create: { type: 'boolean', description: 'Makes group and stream where they are not there.' },
      endpoint: {
        type: 'string',
        format: 'web-address',
        description: 'Address of another service that speaks the same.',
      },
    },
  },
  open: async (settings, context) =>
    new CloudWatch(settings, await installed<Sdk>(PACKAGE, 'cloudwatch', context.folder), context),
}
