import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasClient, withClient } from '../clients.fixture.ts'
import { type Posted, type Reply, receiver } from '../receiver.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { cloudwatch } from './cloudwatch.ts'

const CLIENT = '@aws-sdk/client-cloudwatch-logs'

process.env.AWS_ACCESS_KEY_ID = 'AKIATEST'
process.env.AWS_SECRET_ACCESS_KEY = 'planted-secret-of-aws'

interface Put {
  readonly logGroupName: string
  readonly logStreamName: string
  readonly logEvents: readonly { readonly timestamp: number; readonly message: string }[]
}

const putOf = ({ body }: Posted) => JSON.parse(body) as Put
const targetOf = ({ headers }: Posted) => String(headers['x-amz-target']).split('.')[1]
const json = { 'content-type': 'application/x-amz-json-1.1' }
const says =
  (status: number, name: string, headers: Readonly<Record<string, string>> = {}) =>
  (): Reply => ({
    status,
    headers: { ...json, ...headers },
    body: JSON.stringify({ __type: name, message: `About ${name}` }),
  })
const takes = (more: object = {}): Reply => ({ status: 200, headers: json, body: JSON.stringify(more) })

describe.skipIf(!hasClient(CLIENT))(`with ${CLIENT}`, () => {
  describeSink({
    kind: 'cloudwatch',
    // It tells of refused events by the ends of their times: the second is the latest.
    item: (n, text) => ({
      id: `suite-${n}`,
      key: `key-${n}`,
      timeMs: Date.UTC(2026, 10, 12, n === 2 ? 20 : n),
      text: JSON.stringify({ id: `suite-${n}`, text }),
    }),
    without: { secrets: 'the client finds credentials by itself; the settings have none' },
    start: async (manner, folder) => {
      await withClient(folder, CLIENT)
      return webRig(manner, {
        settings: (endpoint) => ({ section: { region: 'eu-central-1', group: 'dbx', stream: 'audit', endpoint } }),
        keys: (posted) => putOf(posted).logEvents.map(({ message }) => (JSON.parse(message) as { id: string }).id),
        replies: {
          take: () => takes(),
          busy: says(400, 'ThrottlingException', { 'retry-after': '7' }),
          broken: says(503, 'ServiceUnavailableException'),
          refuse: says(400, 'InvalidParameterException'),
          'refuse the second': ({ body }) =>
            takes({
              rejectedLogEventsInfo: { tooNewLogEventStartIndex: (JSON.parse(body) as Put).logEvents.length - 1 },
            }),
          'refuse credentials': says(400, 'UnrecognizedClientException'),
        },
      })
    },
  })

  describe('a log stream', () => {
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'bricktrail-cloudwatch-'))
      await withClient(folder, CLIENT)
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    async function sent(reply: (posted: Posted, number: number) => Reply, more: object = {}) {
      const there = await receiver(reply)
      const context = { name: 'cw', secret: () => '', timeoutMs: 4000, folder }
      const settings = { region: 'eu-central-1', group: 'dbx', stream: 'audit', endpoint: there.url, ...more }
      const sink = await cloudwatch.open(settings, context)
      const items = [3, 1, 2].map((n) => ({
        id: `e-${n}`,
        key: `${n}`,
        timeMs: Date.UTC(2026, 10, 12, n),
        text: `{"n":${n}}`,
      }))
      const outcome = await sink.send({ id: 'b', items, attempt: 1 }, AbortSignal.timeout(20_000)).finally(async () => {
        await sink.close?.()
        await there.close()
      })
      return { outcome, posted: there.posted }
    }

    it('gets events in the order of their times', async () => {
      const { posted, outcome } = await sent(() => takes())
      expect(outcome).toEqual({ kind: 'delivered' })
      expect(posted.map(targetOf)).toEqual(['PutLogEvents'])
      expect(putOf(posted[0] as Posted)).toEqual({
        logGroupName: 'dbx',
        logStreamName: 'audit',
        logEvents: [1, 2, 3].map((n) => ({ timestamp: Date.UTC(2026, 10, 12, n), message: `{"n":${n}}` })),
      })
    })

    it('says which events were too old or too new, by their place in the batch', async () => {
      const info = { expiredLogEventEndIndex: 1, tooOldLogEventEndIndex: 2, tooNewLogEventStartIndex: 2 }
      expect((await sent(() => takes({ rejectedLogEventsInfo: info }))).outcome).toEqual({
        kind: 'partly',
        refused: [
          { at: 1, verdict: 'dead', reason: expect.stringContaining('keeps') },
          { at: 2, verdict: 'dead', reason: expect.stringContaining('14 days') },
          { at: 0, verdict: 'dead', reason: expect.stringContaining('two hours ahead') },
        ],
      })
    })

    it('is made once where that is wanted, also if it is there', async () => {
      const { posted, outcome } = await sent(
        (one) => (targetOf(one) === 'CreateLogGroup' ? says(400, 'ResourceAlreadyExistsException')() : takes()),
        { create: true },
      )
      expect(outcome).toEqual({ kind: 'delivered' })
      expect(posted.map(targetOf)).toEqual(['CreateLogGroup', 'CreateLogStream', 'PutLogEvents'])
    })

    it('that is not there is a matter of the settings', async () => {
      expect((await sent(says(400, 'ResourceNotFoundException'))).outcome).toMatchObject({ kind: 'misconfigured' })
    })
  })
})
