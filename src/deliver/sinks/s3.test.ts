import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasClient, withClient } from '../clients.fixture.ts'
import { describeSink, type Manner } from '../sink.suite.ts'
import { type StoreServer, storeRig } from '../store.fixture.ts'
import { s3 } from './s3.ts'

const CLIENT = '@aws-sdk/client-s3'

process.env.AWS_ACCESS_KEY_ID = 'AKIATEST'
process.env.AWS_SECRET_ACCESS_KEY = 'planted-secret-of-aws'

const says = (status: number, code: string) => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>About ${code}</Message></Error>`,
})

const bucket = (manner: (request: number) => Manner): Promise<StoreServer> =>
  storeRig(manner, {
    settings: (endpoint) => ({ section: { bucket: 'audit', region: 'eu-central-1', prefix: 'dbx', endpoint } }),
    nameOf: ({ url = '', headers }) => {
      if (headers['if-none-match'] !== '*') throw new Error('It may overwrite.')
      return decodeURIComponent(new URL(url, 'http://localhost').pathname)
    },
    words: {
      busy: says(503, 'SlowDown'),
      broken: says(500, 'InternalError'),
      'refuse credentials': says(403, 'InvalidAccessKeyId'),
      taken: says(412, 'PreconditionFailed'),
    },
  })

describe.skipIf(!hasClient(CLIENT))(`with ${CLIENT}`, () => {
  describeSink({
    kind: 's3',
    without: {
      refuse: 'a bucket takes any bytes',
      'refuse the second': 'one object a request',
      secrets: 'the client finds credentials by itself; the settings have none',
    },
    start: async (manner, folder) => {
      await withClient(folder, CLIENT)
      return bucket(manner)
    },
  })

  describe('a bucket', () => {
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'bricktrail-s3-'))
      await withClient(folder, CLIENT)
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    const batch = {
      id: '0123456789abcdef0123456789abcdef',
      items: [{ id: 'e-1', key: 'ana', timeMs: Date.UTC(2026, 10, 12, 9, 6, 7, 8), text: '{"id":"e-1"}' }],
      attempt: 1,
    }

    async function sent(rig: StoreServer, more: object = {}, times = 1) {
      const context = { name: 's3', secret: () => '', timeoutMs: 4000, folder }
      const sink = await s3.open(
        { bucket: 'audit', region: 'eu-central-1', prefix: 'dbx', ...rig.section, ...more },
        context,
      )
      try {
        const outcomes = []
        for (let time = 0; time < times; time++) outcomes.push(await sink.send(batch, AbortSignal.timeout(20_000)))
        return outcomes
      } finally {
        await sink.close?.()
        await rig.close()
      }
    }

    it('gets an object under a name that follows from the batch, once', async () => {
      const rig = await bucket(() => 'take')
      expect(await sent(rig, {}, 2)).toEqual([{ kind: 'delivered' }, { kind: 'delivered' }])
      const name = '/audit/dbx/date=2026-11-12/20261112T090607008Z-0123456789abcdef0123456789abcdef.ndjson.gz'
      expect([...rig.objects]).toEqual([[name, '{"id":"e-1"}\n']])
      expect(rig.writes.get(name)).toBe(2)
    })

    it('with Object Lock is told how long to keep it', async () => {
      const rig = await bucket(() => 'take')
      await sent(rig, { retain_days: 30 })
      const headers = rig.headers()
      expect(headers['x-amz-object-lock-mode']).toBe('COMPLIANCE')
      const days = (Date.parse(String(headers['x-amz-object-lock-retain-until-date'])) - Date.now()) / 86_400_000
      expect(Math.round(days)).toBe(30)
      expect(headers['x-amz-checksum-sha256']).toMatch(/=$/)
    })
  })
})
