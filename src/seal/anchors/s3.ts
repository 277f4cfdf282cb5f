/** Copies in an S3 bucket with Object Lock, in compliance mode: not even the owner of the account can delete them early. */
import { AppError } from '../../core/errors.ts'
import type { S3CopyConfig } from './contract.ts'
import type { CopyStore } from './copies.ts'

/** What is used of `@aws-sdk/client-s3`. */
export interface S3Sdk {
  readonly S3Client: new (options: object) => S3Client
  readonly PutObjectCommand: new (input: object) => object
  readonly GetObjectCommand: new (input: object) => object
  readonly ListObjectVersionsCommand: new (input: object) => object
}

interface S3Client {
  send(command: object, options?: { abortSignal?: AbortSignal }): Promise<unknown>
}

interface Version {
  readonly Key?: string
  readonly VersionId?: string
}

interface VersionPage {
  readonly Versions?: readonly Version[]
  readonly IsTruncated?: boolean
  readonly NextKeyMarker?: string
  readonly NextVersionIdMarker?: string
}

const PACKAGE = '@aws-sdk/client-s3'
const DAY_MS = 86_400_000
/** A checkpoint is far shorter; something else under its name is not read whole. */
const MAX_COPY_BYTES = 1_000_000

/** Loads the SDK, which is not among Bricktrail's own packages: it is large, and few need it. */
async function installedSdk(): Promise<S3Sdk> {
  try {
    return (await import(PACKAGE)) as S3Sdk
  } catch (cause) {
    throw new AppError('MISSING_PACKAGE', `Copies in S3 need the package ${PACKAGE}.`, {
      hint: `Run: npm install ${PACKAGE}`,
      cause,
    })
  }
}

/** What may be passed in. */
export interface S3Options {
  readonly now: () => Date
  readonly load?: () => Promise<S3Sdk>
}

/** The store over a bucket; the SDK is loaded, and credentials looked for, when it is first used. */
export function s3Copies(config: S3CopyConfig, { now, load = installedSdk }: S3Options): CopyStore {
  const { bucket, region, endpoint, retainDays } = config
  const prefix = config.prefix === '' ? '' : `${config.prefix.replace(/\/+$/, '')}/`
  let connected: Promise<{ sdk: S3Sdk; client: S3Client }> | undefined
  const connect = () => {
    // Servers other than AWS seldom have a host name for each bucket.
    const elsewhere = endpoint === undefined ? {} : { endpoint, forcePathStyle: true }
    connected ??= load().then((sdk) => ({ sdk, client: new sdk.S3Client({ region, ...elsewhere }) }))
    return connected
  }
  const options = (signal?: AbortSignal) => (signal === undefined ? {} : { abortSignal: signal })

  async function* listed(from: string, after: string | undefined, signal?: AbortSignal): AsyncGenerator<Version> {
    const { sdk, client } = await connect()
    let marker: object = after === undefined ? {} : { KeyMarker: after }
    for (;;) {
      const command = new sdk.ListObjectVersionsCommand({ Bucket: bucket, Prefix: from, ...marker })
      const page = (await client.send(command, options(signal))) as VersionPage
      yield* page.Versions ?? []
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return
      marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    }
  }

  return {
    id: `s3 ${bucket}/${prefix}`,
    async put(key, bytes, signal) {
      const { sdk, client } = await connect()
      const command = new sdk.PutObjectCommand({
        Bucket: bucket,
        Key: `${prefix}${key}`,
        Body: bytes,
        ContentType: 'text/plain; charset=utf-8',
        ChecksumAlgorithm: 'SHA256',
        IfNoneMatch: '*',
        ObjectLockMode: 'COMPLIANCE',
        ObjectLockRetainUntilDate: new Date(now().getTime() + retainDays * DAY_MS),
      })
      try {
        await client.send(command, options(signal))
        return 'made'
      } catch (cause) {
        if (statusOf(cause) === 412) return 'taken'
        throw cause
      }
    },
    async versions(key, signal) {
      const { sdk, client } = await connect()
      const found: Uint8Array[] = []
      for await (const { Key, VersionId } of listed(`${prefix}${key}`, undefined, signal)) {
        if (Key !== `${prefix}${key}`) continue
        const input = { Bucket: bucket, Key, VersionId, Range: `bytes=0-${MAX_COPY_BYTES - 1}` }
        found.push(await bodyOf(client.send(new sdk.GetObjectCommand(input), options(signal))))
      }
      return found
    },
    async list(from, after, signal) {
      const keys = new Set<string>()
      const marker = after === undefined ? undefined : `${prefix}${after}`
      for await (const { Key } of listed(`${prefix}${from}`, marker, signal)) {
        // Servers differ in whether the marker itself is listed.
        if (Key !== undefined && (marker === undefined || Key > marker)) keys.add(Key.slice(prefix.length))
      }
      return [...keys].sort()
    },
  }
}

function statusOf(cause: unknown): unknown {
  const { $metadata: metadata } = (cause ?? {}) as { $metadata?: { httpStatusCode?: unknown } }
  return metadata?.httpStatusCode
}

async function bodyOf(answer: Promise<unknown>): Promise<Uint8Array> {
  try {
    const { Body } = (await answer) as { Body?: { transformToByteArray(): Promise<Uint8Array> } }
    return (await Body?.transformToByteArray()) ?? new Uint8Array()
  } catch (cause) {
    // No range of an empty object can be answered.
    if (statusOf(cause) === 416) return new Uint8Array()
    throw cause
  }
}
