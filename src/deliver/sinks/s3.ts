/**
 * Objects in an S3 bucket: one a batch, gzip, under a name that follows from what is in it. What stands there already is the same bytes
 * from an earlier attempt, so it is not written again.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (If-None-Match)
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type AwsClient, type AwsMaker, type AwsPlace, awsMeaning, awsOptions } from '../aws.ts'
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
import { objectName } from '../object-name.ts'

const gzipped = promisify(gzip)

/** Its section of the settings. Credentials are found as the AWS SDK finds them. */
export interface S3Settings extends AwsPlace {
  readonly bucket: string
  readonly prefix?: string
  /** Days for which Object Lock keeps each object, in compliance mode. */
  readonly retain_days?: number
}

const PACKAGE = '@aws-sdk/client-s3'
const DAY_MS = 86_400_000

interface Sdk {
  readonly S3Client: AwsMaker<AwsClient>
  readonly PutObjectCommand: AwsMaker
}

class Bucket implements Sink {
  // Names tell the day: readers that ask for one must find all of it there.
  readonly limits = {
    items: 50_000,
    bytes: 32 * 1024 * 1024,
    itemBytes: 16 * 1024 * 1024,
    itemOverhead: 1,
    sameDay: true,
  }
  readonly #settings: S3Settings
  readonly #sdk: Sdk
  readonly #client: AwsClient
  readonly #timeoutMs: number

  constructor(settings: S3Settings, sdk: Sdk, { timeoutMs }: SinkContext) {
    this.#settings = settings
    this.#sdk = sdk
    this.#timeoutMs = timeoutMs
    // Servers other than AWS seldom have a host name for each bucket.
    const style = settings.endpoint === undefined ? {} : { forcePathStyle: true }
    this.#client = new sdk.S3Client({ ...awsOptions(settings), ...style })
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    const { bucket, prefix = '', retain_days: days } = this.#settings
    const command = new this.#sdk.PutObjectCommand({
      Bucket: bucket,
      Key: objectName(prefix, batch),
      Body: await gzipped(linesOf(batch.items)),
      ContentType: 'application/x-ndjson',
      ContentEncoding: 'gzip',
      ChecksumAlgorithm: 'SHA256',
      IfNoneMatch: '*',
      ...(days === undefined
        ? {}
        : { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(Date.now() + days * DAY_MS) }),
    })
    try {
      await this.#client.send(command, { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]) })
      return DELIVERED
    } catch (cause) {
      return outcomeOfFailure(cause)
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }
}

const linesOf = (items: readonly Item[]): string => items.map(({ text }) => `${text}\n`).join('')

function outcomeOfFailure(cause: unknown): Outcome {
  const { name, status, outcome } = awsMeaning(cause)
  // An object of this name has these items: it was written by an attempt whose answer was lost.
  if (status === 412 || name === 'PreconditionFailed') return DELIVERED
  // A bucket without Object Lock answers 400 to every object that is to be locked.
  return status === 404 || name === 'InvalidRequest' ? { kind: 'misconfigured', reason: outcome.reason } : outcome
}

/** An S3 bucket. */
export const s3: SinkKind<S3Settings> = {
  kind: 's3',
  takes: 'events',
  doc: 'Objects in an S3 bucket, gzip NDJSON, written once under names that follow from what is in them; with Object Lock if wanted.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
  // Few long objects are read faster than many short ones.
  connections: 1,
  schema: {
    type: 'object',
    required: ['bucket', 'region'],
    additionalProperties: false,
    properties: {
      bucket: { type: 'string', minLength: 3, description: 'Bucket.' },
      region: { type: 'string', minLength: 1, description: 'AWS region.' },
      prefix: { type: 'string', description: 'Beginning of all names.' },
      endpoint: { type: 'string', format: 'web-address', description: 'Address of another service that speaks S3.' },
      retain_days: {
        type: 'integer',
        minimum: 1,
        maximum: 36_500,
        description: 'Days for which Object Lock keeps each object; the bucket must have it on.',
      },
    },
  },
  open: async (settings, context) => new Bucket(settings, await installed<Sdk>(PACKAGE, 's3', context.folder), context),
}
