/** Destinations of events against servers of other makers that speak for clouds: moto for CloudWatch and S3, azurite for Azure Blob. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Outcome } from '../../src/deliver/contract.ts'
import { objectName } from '../../src/deliver/object-name.ts'
import { check, same } from './check.ts'
import { batchOf, event, events, opened, send, using, WORDS } from './deliver.ts'
import { python } from './install.ts'
import { freePort, type Running, start } from './servers.ts'

const DAY_MS = 86_400_000
const REGION = 'eu-central-1'

const sdks = createRequire(import.meta.url)
const folder = await mkdtemp(join(tmpdir(), 'bricktrail-clouds-'))
const servers: Running[] = []

process.env.AWS_ACCESS_KEY_ID = 'peer'
process.env.AWS_SECRET_ACCESS_KEY = 'peer'

const kindOf = ({ kind }: Outcome): string => kind

type Maker = new (input: object) => object
interface Client {
  send(command: object): Promise<Readonly<Record<string, unknown>>>
}

async function moto(): Promise<string> {
  const { command, env } = python(import.meta.dirname)
  const port = await freePort()
  servers.push(await start({ command, args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], env, port }))
  return `http://127.0.0.1:${port}`
}

async function cloudwatch(endpoint: string): Promise<void> {
  const sdk = sdks('@aws-sdk/client-cloudwatch-logs') as Record<string, Maker>
  const client = new (sdk.CloudWatchLogsClient as Maker)({ region: REGION, endpoint }) as Client
  const place = { region: REGION, endpoint, group: '/audit/databricks', stream: 'events' }
  const stored = async () => {
    const found: { timestamp: number; message: string }[] = []
    for (let token: unknown; ; ) {
      const command = new (sdk.GetLogEventsCommand as Maker)({
        logGroupName: place.group,
        logStreamName: place.stream,
        startFromHead: true,
        ...(token === undefined ? {} : { nextToken: token }),
      })
      const page = await client.send(command)
      found.push(...(page.events as typeof found))
      if (page.nextForwardToken === token) return found
      token = page.nextForwardToken
    }
  }

  await check('moto, CloudWatch: a group that is not there blames the settings', () =>
    using(opened('cloudwatch', place), async (sink) => same(kindOf(await send(sink, events(0, 1))), 'misconfigured')),
  )
  await check('moto, CloudWatch: group and stream are made, and events stored in the order of their times', () =>
    using(opened('cloudwatch', { ...place, create: true }), async (sink) => {
      same(await send(sink, events(0, 500).reverse()), { kind: 'delivered' })
      const found = await stored()
      same(
        [found.length, found.every(({ timestamp }, at) => timestamp >= (found[at - 1]?.timestamp ?? 0))],
        [500, true],
      )
      same(JSON.parse(found[7]?.message ?? ''), { id: 'event-7', n: 7, words: WORDS })
    }),
  )
  await check('moto, CloudWatch: of a batch with events too old and too new, the others are stored', () =>
    using(opened('cloudwatch', place), async (sink) => {
      const before = (await stored()).length
      // CloudWatch tells the place after the last that is too old, moto that of the last itself (the SDK: "exclusive").
      const old = [1, 2].map((n) => event(n, { timeMs: Date.now() - 20 * DAY_MS + n }))
      same(kindOf(await send(sink, [...old, event(1001)])), 'partly')
      const fresh = event(2, { timeMs: Date.now() + 3 * 3_600_000 })
      const outcome = await send(sink, [event(1002), fresh])
      same(outcome.kind === 'partly' ? outcome.refused.map(({ at, verdict }) => [at, verdict]) : outcome, [[1, 'dead']])
      same((await stored()).length - before, 2)
    }),
  )
}

async function s3(endpoint: string): Promise<void> {
  const sdk = sdks('@aws-sdk/client-s3') as Record<string, Maker>
  const client = new (sdk.S3Client as Maker)({ region: REGION, endpoint, forcePathStyle: true }) as Client
  const run = (name: string, input: object) => client.send(new (sdk[name] as Maker)(input))
  const location = { CreateBucketConfiguration: { LocationConstraint: REGION } }
  await run('CreateBucketCommand', { Bucket: 'locked', ObjectLockEnabledForBucket: true, ...location })
  await run('CreateBucketCommand', { Bucket: 'open', ...location })
  const place = { region: REGION, endpoint, bucket: 'locked', prefix: 'dbx', retain_days: 30 }
  const batch = events(0, 300)
  const Key = objectName('dbx', batchOf(batch))

  await check('moto, S3: a batch is one object, kept by Object Lock for as long as was said', () =>
    using(opened('s3', place), async (sink) => {
      same(await send(sink, batch), { kind: 'delivered' })
      const head = await run('HeadObjectCommand', { Bucket: 'locked', Key })
      const days = ((head.ObjectLockRetainUntilDate as Date).getTime() - Date.now()) / DAY_MS
      same([head.ObjectLockMode, days > 29.9 && days < 30.1], ['COMPLIANCE', true])
      const got = await run('GetObjectCommand', { Bucket: 'locked', Key })
      const bytes = await (got.Body as { transformToByteArray(): Promise<Uint8Array> }).transformToByteArray()
      const lines = gunzipSync(bytes).toString('utf8').trimEnd().split('\n')
      same([lines.length, lines[7]], [300, batch[7]?.text])
    }),
  )
  await check('moto, S3: the same batch again is one version still', () =>
    using(opened('s3', place), async (sink) => {
      same(await send(sink, batch), { kind: 'delivered' })
      const { Versions } = await run('ListObjectVersionsCommand', { Bucket: 'locked', Prefix: Key })
      same((Versions as readonly unknown[]).length, 1)
    }),
  )
  await check(
    'moto, S3: a bucket that is not there, or without the lock that is asked for, blames the settings',
    async () => {
      for (const bucket of ['absent', 'open'])
        await using(opened('s3', { ...place, bucket }), async (sink) =>
          same(kindOf(await send(sink, batch)), 'misconfigured'),
        )
    },
  )
}

interface Blobs {
  getContainerClient(name: string): {
    create(): Promise<unknown>
    getBlobClient(name: string): {
      downloadToBuffer(): Promise<Buffer>
      getProperties(): Promise<{ contentEncoding?: string }>
    }
    listBlobsFlat(): AsyncIterable<{ name: string }>
  }
}

async function azureBlob(): Promise<void> {
  const port = await freePort()
  const main = join(import.meta.dirname, 'node_modules/azurite/dist/src/blob/main.js')
  const args = [
    main,
    '--silent',
    '--skipApiVersionCheck',
    '--location',
    folder,
    '--blobHost',
    '127.0.0.1',
    '--blobPort',
    String(port),
  ]
  servers.push(await start({ command: process.execPath, args, port }))
  const key = Buffer.from('key of a peer').toString('base64')
  const url = `BlobEndpoint=http://127.0.0.1:${port}/devstoreaccount1;`
  // The account that azurite has where none is named; its key is published.
  const known = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
  const connection = (accountKey: string) =>
    `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${accountKey};${url}`
  const { BlobServiceClient } = sdks('@azure/storage-blob') as {
    BlobServiceClient: { fromConnectionString(text: string): Blobs }
  }
  const container = BlobServiceClient.fromConnectionString(connection(known)).getContainerClient('audit')
  const open = (accountKey: string) =>
    opened('azure-blob', { container: 'audit', connection: 'env:BLOB' }, { 'env:BLOB': connection(accountKey) })
  const batch = events(0, 300)

  await check('azurite: a container that is not there blames the settings', () =>
    using(open(known), async (sink) => same(kindOf(await send(sink, batch)), 'misconfigured')),
  )
  await container.create()
  await check('azurite: a batch is one blob, and the same again is none', () =>
    using(open(known), async (sink) => {
      for (let time = 0; time < 2; time++) same(await send(sink, batch), { kind: 'delivered' })
      const names: string[] = []
      for await (const { name } of container.listBlobsFlat()) names.push(name)
      same(names, [objectName('', batchOf(batch))])
      const blob = container.getBlobClient(names[0] ?? '')
      same((await blob.getProperties()).contentEncoding, 'gzip')
      const lines = gunzipSync(await blob.downloadToBuffer())
        .toString('utf8')
        .trimEnd()
        .split('\n')
      same([lines.length, lines[7]], [300, batch[7]?.text])
    }),
  )
  await check('azurite: a wrong key blames the settings, and is not told', () =>
    using(open(key), async (sink) => {
      const outcome = await send(sink, batch)
      same([outcome.kind, JSON.stringify(outcome).includes(key)], ['misconfigured', false])
    }),
  )
}

try {
  const endpoint = await moto()
  await cloudwatch(endpoint)
  await s3(endpoint)
  await azureBlob()
} finally {
  for (const server of servers) await server.stop()
  await rm(folder, { recursive: true, force: true })
}
