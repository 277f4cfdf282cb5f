/**
 * Amazon CloudWatch Logs, by PutLogEvents. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 * Events of a request must be in order of time and within 24 hours; those that are too old or too new are refused one by one.
 */
import { type AwsClient, type AwsMaker, type AwsPlace, awsMeaning, awsOptions } from '../aws.ts'
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
export interface CloudWatchSettings extends AwsPlace {
  readonly group: string
  readonly stream: string
  /** Makes group and stream where they are not there. */
  readonly create?: boolean
}

const PACKAGE = '@aws-sdk/client-cloudwatch-logs'

interface Sdk {
  readonly CloudWatchLogsClient: AwsMaker<AwsClient>
  readonly PutLogEventsCommand: AwsMaker
  readonly CreateLogGroupCommand: AwsMaker
  readonly CreateLogStreamCommand: AwsMaker
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

/** The service refuses the request itself: out of order, too wide, too large. */
const DEAD = /InvalidParameter|Serialization|Validation/

class CloudWatch implements Sink {
  // 1 MB counted as text and 26 bytes an event; a UTC day is within 24 hours.
  readonly limits = { items: 10_000, bytes: 1_048_576, itemBytes: 1_000_000, itemOverhead: 26, sameDay: true }
  readonly #settings: CloudWatchSettings
  readonly #sdk: Sdk
  readonly #client: AwsClient
  readonly #timeoutMs: number
  #isMade: boolean

  constructor(settings: CloudWatchSettings, sdk: Sdk, { timeoutMs }: SinkContext) {
    this.#settings = settings
    this.#sdk = sdk
    this.#timeoutMs = timeoutMs
    this.#isMade = settings.create !== true
    this.#client = new sdk.CloudWatchLogsClient(awsOptions(settings))
  }

  async send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const options = { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]) }
    const ordered = items.map((item, at) => ({ item, at })).sort((a, b) => a.item.timeMs - b.item.timeMs)
    try {
      if (!this.#isMade) await this.#make(options)
      const { group: logGroupName, stream: logStreamName } = this.#settings
      const logEvents = ordered.map(({ item }) => ({ timestamp: item.timeMs, message: item.text }))
      const put = new this.#sdk.PutLogEventsCommand({ logGroupName, logStreamName, logEvents })
      const refused = refusedOf((await this.#client.send(put, options)) as PutAnswer, ordered)
      return refused.length === 0 ? DELIVERED : { kind: 'partly', refused }
    } catch (cause) {
      const { name, status, reason, outcome } = awsMeaning(cause)
      return DEAD.test(name) || status === 413 ? { kind: 'dead', reason } : outcome
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  async #make(options: { readonly abortSignal: AbortSignal }): Promise<void> {
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

/** Those at the ends of the times that it takes; they stay refused, so that one with a wrong clock does not hold up the others. */
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
    if (index >= fresh)
      return [{ at, verdict: 'dead', reason: 'It is more than two hours ahead; replay it once its time has come.' }]
    return []
  })
}

/** CloudWatch Logs. */
export const cloudwatch: SinkKind<CloudWatchSettings> = {
  kind: 'cloudwatch',
  takes: 'events',
  doc: 'Amazon CloudWatch Logs. Events older than 14 days or two hours ahead it does not take; they are set aside with that reason.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
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
