/**
 * Anchors against programs of other makers: `openssl ts` as timestamp authority and as reader of what is kept, and an S3
 * server (moto) that enforces Object Lock, by way of the AWS SDK.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AnchorsConfig } from '../../src/seal/anchors/contract.ts'
import { copyKey, fetchCopies } from '../../src/seal/anchors/copies.ts'
import { type AnchorReport, anchorCheckpoint } from '../../src/seal/anchors/run.ts'
import { type S3Sdk, s3Copies } from '../../src/seal/anchors/s3.ts'
import { SealKeys } from '../../src/seal/keys.ts'
import { SealLog } from '../../src/seal/log.ts'
import { signNote } from '../../src/seal/note.ts'
import { requestTimestamp } from '../../src/seal/timestamp/client.ts'
import { loggedNote } from '../../src/seal/timestamp/imprint.ts'
import { verifyTimestamp } from '../../src/seal/timestamp/verify.ts'
import { type Authority, makeAuthority, serveAuthority } from './authority.ts'
import { check, same } from './check.ts'
import { python } from './install.ts'

const now = (): Date => new Date()
const ORIGIN = 'example.com/peer'

const root = await mkdtemp(join(tmpdir(), 'anchors-peer-'))
const folder = join(root, 'seal')
const keys = await SealKeys.load(folder, { origin: ORIGIN })
const log = await SealLog.open(folder, keys, { now })

const grow = (count: number, word = '') =>
  log.append(Array.from({ length: count }, (_, at) => Buffer.from(`{"entry":"${at}${word}"}`)))

const run = (config: Partial<AnchorsConfig>): Promise<AnchorReport> =>
  anchorCheckpoint({
    folder,
    config: { witnesses: [], timestamps: [], copies: [], ...config },
    log,
    now,
    loadS3: async () => sdk,
  })

const kinds = ({ anchors }: AnchorReport) => anchors.map(({ outcome }) => outcome.kind)
const sizeName = (size: number): string => String(size).padStart(20, '0')

/** What is used here of the SDK besides what Bricktrail uses. */
interface PeerSdk extends S3Sdk {
  readonly CreateBucketCommand: new (input: object) => object
  readonly HeadObjectCommand: new (input: object) => object
  readonly DeleteObjectCommand: new (input: object) => object
}

const sdk = createRequire(import.meta.url)('@aws-sdk/client-s3') as PeerSdk

async function timestamps(authority: Authority): Promise<void> {
  const good = await serveAuthority((query) => authority.reply(query))
  const config = { timestamps: [{ url: good.url, ca: authority.caFile }] }
  const tsrOf = (size: number) => readFile(join(folder, 'timestamps', `${sizeName(size)}.tsr`))
  const noteOf = async (size: number) => loggedNote(await readFile(join(folder, 'checkpoints', sizeName(size))))

  await check('openssl stamps a checkpoint, and openssl verifies what is kept', async () => {
    await grow(3)
    same(kinds(await run(config)), ['anchored'])
    same(authority.verifies(await tsrOf(3), await noteOf(3)), true)
    same(kinds(await run(config)), ['done'])
  })

  await check('openssl and we refuse the stamp of another checkpoint', async () => {
    await grow(4)
    same(kinds(await run(config)), ['anchored'])
    same(authority.verifies(await tsrOf(3), await noteOf(7)), false)
    same((await verifyTimestamp(await tsrOf(3), await noteOf(7), authority.caPem)).ok, false)
  })

  await check('a stamp under an intermediate, over SHA-512, naming its certificate by SHA-1, is as good', async () => {
    const chained = await serveAuthority((query) => authority.reply(query, 'chained', 'old-style'))
    await grow(1)
    same(kinds(await run({ timestamps: [{ url: chained.url, ca: authority.caFile }] })), ['anchored'])
    same(authority.verifies(await tsrOf(8), await noteOf(8)), true)
    chained.server.close()
  })

  const note = await noteOf(3)
  const ask = (url: string, caPem = authority.caPem) =>
    requestTimestamp({ url, caPem, note, now, signal: AbortSignal.timeout(20_000), previous: undefined })

  for (const signer of ['expired', 'unmarked', 'uncritical', 'two-uses']) {
    await check(`openssl and we refuse a stamp of a certificate that is ${signer}`, async () => {
      let answer: Buffer = Buffer.alloc(0)
      const bad = await serveAuthority((query) => {
        answer = authority.forge(query, signer)
        return answer
      })
      same((await ask(bad.url)).ok, false)
      same(authority.verifies(answer, note), false)
      bad.server.close()
    })
  }

  await check('we refuse the stamp of an authority that is not in the CA file', async () => {
    same((await ask(good.url)).ok, true)
    const stamp = await ask(good.url, authority.otherCaPem)
    same(stamp.ok === false && /no chain/.test(stamp.reason), true)
  })

  await check('we refuse an answer to another request, which openssl -data does not notice', async () => {
    const recorded = await tsrOf(3)
    const replay = await serveAuthority(() => recorded)
    same(authority.verifies(recorded, note), true)
    same(await ask(replay.url), { ok: false, reason: 'the answer is to another request' })
    replay.server.close()
  })
  good.server.close()
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}

async function startMoto(): Promise<{ endpoint: string; child: ChildProcess }> {
  const { command, env } = python(import.meta.dirname)
  const port = await freePort()
  const child = spawn(command, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], { env, stdio: 'ignore' })
  const endpoint = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}.`)
    if (
      await fetch(endpoint).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { endpoint, child }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  child.kill('SIGKILL')
  throw new Error('moto did not start within a minute.')
}

async function copies(endpoint: string): Promise<void> {
  const region = 'eu-central-1'
  const client = new sdk.S3Client({ region, endpoint, forcePathStyle: true })
  const place = { kind: 's3', bucket: 'locked', prefix: 'audit/seal', region, endpoint, retainDays: 30 } as const
  const store = s3Copies(place, { now, load: async () => sdk })
  const Key = (size: number) => `audit/seal/${copyKey(ORIGIN, BigInt(size))}`
  const location = { CreateBucketConfiguration: { LocationConstraint: region } }
  await client.send(new sdk.CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true, ...location }))
  await client.send(new sdk.CreateBucketCommand({ Bucket: 'open', ...location }))
  const refusalOf = (command: object) =>
    client.send(command).then(
      () => 'nothing',
      (cause: unknown) => (cause as { name?: unknown }).name,
    )
  const fetched = async (): Promise<[bigint, number][]> => {
    const found: [bigint, number][] = []
    for await (const { size, notes } of fetchCopies(store, ORIGIN)) found.push([size, notes.length])
    return found
  }

  await check('a checkpoint is put into a locked bucket, in compliance mode, for as long as was said', async () => {
    same(kinds(await run({ copies: [place] })), ['anchored'])
    const head = (await client.send(new sdk.HeadObjectCommand({ Bucket: 'locked', Key: Key(8) }))) as {
      ObjectLockMode?: string
      ObjectLockRetainUntilDate?: Date
    }
    same(head.ObjectLockMode, 'COMPLIANCE')
    const days = ((head.ObjectLockRetainUntilDate?.getTime() ?? 0) - Date.now()) / 86_400_000
    same(days > 29.9 && days < 30.1, true)
  })

  await check('what was put comes back as the log signed it', async () => {
    same(await fetched(), [[8n, 1]])
    const [note] = await store.versions(copyKey(ORIGIN, 8n))
    same(Buffer.from(note ?? []), await readFile(join(folder, 'log', 'checkpoint')))
  })

  await check('the server takes it once: the same key again is taken', async () => {
    same(await store.put(copyKey(ORIGIN, 8n), Buffer.from('another')), 'taken')
    same(await fetched(), [[8n, 1]])
  })

  await check('the server refuses to delete it, with and without bypass', async () => {
    const page = (await client.send(new sdk.ListObjectVersionsCommand({ Bucket: 'locked', Prefix: Key(8) }))) as {
      Versions?: { VersionId?: string }[]
    }
    const target = { Bucket: 'locked', Key: Key(8), VersionId: page.Versions?.[0]?.VersionId }
    same(await refusalOf(new sdk.DeleteObjectCommand(target)), 'AccessDenied')
    same(await refusalOf(new sdk.DeleteObjectCommand({ ...target, BypassGovernanceRetention: true })), 'AccessDenied')
    same(await fetched(), [[8n, 1]])
  })

  await check('a copy hidden by a delete marker, or overwritten with junk, is still found', async () => {
    await client.send(new sdk.DeleteObjectCommand({ Bucket: 'locked', Key: Key(8) }))
    await client.send(new sdk.PutObjectCommand({ Bucket: 'locked', Key: Key(8), Body: 'junk' }))
    same(await fetched(), [[8n, 2]])
    await rm(join(folder, 'state.json'))
    same(kinds(await run({ copies: [place] })), ['anchored'])
  })

  await check('another head of that size, signed by the log, is an alarm', async () => {
    const text = `${ORIGIN}\n8\n${Buffer.alloc(32, 1).toString('base64')}\n`
    const Body = signNote(text, [keys.active])
    await client.send(new sdk.PutObjectCommand({ Bucket: 'locked', Key: Key(8), Body }))
    await rm(join(folder, 'state.json'))
    const { alarms } = await run({ copies: [place] })
    same(
      alarms.map(({ code, message }) => [code, /another root at size 8/.test(message)]),
      [['SEAL_FORKED', true]],
    )
  })

  await check('a later copy than the home has is an alarm', async () => {
    const text = `${ORIGIN}\n1000\n${Buffer.alloc(32, 1).toString('base64')}\n`
    const Body = signNote(text, [keys.active])
    await client.send(new sdk.PutObjectCommand({ Bucket: 'locked', Key: Key(1000), Body }))
    await client.send(new sdk.PutObjectCommand({ Bucket: 'locked', Key: Key(2000), Body: Buffer.alloc(0) }))
    await grow(1)
    const { alarms } = await run({ copies: [place] })
    same(
      alarms.map(({ message }) => /size 1000 .* ends at 9: it was rolled back/.test(message)),
      [true],
    )
  })

  await check('a bucket without Object Lock, or one that is not there, is a failure that is told', async () => {
    const wrong = [
      { ...place, bucket: 'open' },
      { ...place, bucket: 'absent' },
    ]
    same(kinds(await run({ copies: wrong })), ['failed', 'failed'])
    const { anchors } = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as {
      anchors: Record<string, { lastError: { message: string } }>
    }
    same(Object.keys(anchors), ['s3 open/audit/seal/', 's3 absent/audit/seal/'])
    same(
      Object.values(anchors).every(({ lastError }) => lastError.message !== ''),
      true,
    )
  })
}

process.env.AWS_ACCESS_KEY_ID = 'peer'
process.env.AWS_SECRET_ACCESS_KEY = 'peer'
let moto: ChildProcess | undefined
let authority: Authority | undefined
try {
  authority = makeAuthority()
  await timestamps(authority)
  const started = await startMoto()
  moto = started.child
  await copies(started.endpoint)
} finally {
  moto?.kill('SIGKILL')
  authority?.dispose()
  await rm(root, { recursive: true, force: true })
}
