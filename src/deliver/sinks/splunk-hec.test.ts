import { describe, expect, it } from 'vitest'
import { type Posted, type Reply, receiver } from '../receiver.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { type SplunkSettings, splunkHec } from './splunk-hec.ts'

const TOKEN = '9f1b6ad0-planted-secret-token'

interface HecEvent {
  readonly fields: { readonly event_id: string }
}

const eventsOf = ({ body }: Posted) => body.split('\n').map((line) => JSON.parse(line) as HecEvent)
const says =
  (status: number, code: number, more: object = {}) =>
  (): Reply => ({
    status,
    body: JSON.stringify({ text: `About Splunk ${TOKEN}`, code, ...more }),
  })

describeSink({
  kind: 'splunk-hec',
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({ section: { url, token: 'env:HEC' }, secrets: { 'env:HEC': TOKEN } }),
      keys: (posted) => eventsOf(posted).map(({ fields }) => fields.event_id),
      replies: {
        take: says(200, 0),
        broken: says(503, 9),
        refuse: says(400, 6, { 'invalid-event-number': 0 }),
        'refuse the second': says(400, 6, { 'invalid-event-number': 1 }),
        'refuse credentials': says(403, 4),
      },
    }),
})

describe('a Splunk collector', () => {
  async function sent(
    reply: (posted: Posted, number: number) => Reply,
    more: Partial<SplunkSettings> = {},
    waitMs = 5000,
  ) {
    const there = await receiver(reply)
    const context = { name: 'splunk', secret: () => TOKEN, timeoutMs: 2000, folder: '.' }
    const sink = await splunkHec.open({ url: `${there.url}/`, token: 'env:HEC', ...more }, context)
    const items = ['{"n":1}', 'CEF:0|a'].map((text, n) => ({
      id: `e-${n + 1}`,
      key: 'ana',
      timeMs: 1_794_441_600_123,
      text,
    }))
    const outcome = await sink.send({ id: 'b', items, attempt: 1 }, AbortSignal.timeout(waitMs)).finally(async () => {
      await sink.close?.()
      await there.close()
    })
    return { outcome, posted: there.posted }
  }

  it('gets events one after the other, each with its time and its id', async () => {
    const { posted } = await sent(says(200, 0), { index: 'audit', host: 'dbx' })
    expect([posted[0]?.path, posted[0]?.headers.authorization]).toEqual([
      '/services/collector/event',
      `Splunk ${TOKEN}`,
    ])
    const about = {
      time: 1_794_441_600.123,
      source: 'bricktrail',
      sourcetype: 'databricks:audit',
      index: 'audit',
      host: 'dbx',
    }
    expect(eventsOf(posted[0] as Posted)).toEqual([
      { ...about, fields: { event_id: 'e-1' }, event: { n: 1 } },
      { ...about, fields: { event_id: 'e-2' }, event: 'CEF:0|a' },
    ])
  })

  it.each([
    [403, 1, 'misconfigured'],
    [401, 2, 'misconfigured'],
    [400, 7, 'misconfigured'],
    [500, 8, 'again'],
    [503, 9, 'again'],
    [400, 10, 'misconfigured'],
    [400, 12, 'dead'],
    [400, 15, 'dead'],
    [503, 18, 'again'],
    [503, 20, 'again'],
  ] as const)('that answers %i with code %i means %s', async (status, code, kind) => {
    expect((await sent(says(status, code))).outcome).toMatchObject({ kind })
  })

  it('that acknowledges has them once its indexers say so', async () => {
    const acks = [false, true]
    const { outcome, posted } = await sent(
      ({ path }) =>
        path.includes('/ack')
          ? { status: 200, body: JSON.stringify({ acks: { 7: acks.shift() ?? true } }) }
          : { status: 200, body: '{"text":"Success","code":0,"ackId":7}' },
      { acknowledge: true },
    )
    expect(outcome).toEqual({ kind: 'delivered' })
    const channel = String(posted[0]?.headers['x-splunk-request-channel'])
    expect(channel).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
    expect(posted.slice(1).map(({ path, body }) => [path, body])).toEqual(
      Array.from({ length: 2 }, () => [`/services/collector/ack?channel=${channel}`, '{"acks":[7]}']),
    )
  })

  it('gets them again where its indexers never say so', async () => {
    const { outcome } = await sent(
      ({ path }) =>
        path.includes('/ack')
          ? { status: 200, body: '{"acks":{"7":false}}' }
          : { status: 200, body: '{"code":0,"ackId":7}' },
      { acknowledge: true },
      500,
    )
    expect(outcome).toMatchObject({ kind: 'again' })
  })

  it('that was to acknowledge and does not is set up wrongly', async () => {
    expect((await sent(says(200, 0), { acknowledge: true })).outcome).toMatchObject({ kind: 'misconfigured' })
  })
})
