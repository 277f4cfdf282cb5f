import { describe, expect, it } from 'vitest'
import { type Posted, type Reply, receiver } from '../receiver.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { otlp } from './otlp.ts'

const KEY = 'planted-key-of-a-collector'

interface LogRecord {
  readonly timeUnixNano: string
  readonly body: { readonly stringValue: string }
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[]
}

const recordsOf = ({ body }: Posted) =>
  (JSON.parse(body) as { resourceLogs: { scopeLogs: { logRecords: LogRecord[] }[] }[] }).resourceLogs.flatMap(
    ({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords),
  )

const rejecting = (count: number): Reply => ({
  status: 200,
  body: JSON.stringify({ partialSuccess: { rejectedLogRecords: String(count), errorMessage: `not with ${KEY}` } }),
})

describeSink({
  kind: 'otlp',
  without: { 'refuse the second': 'a collector tells how many it will not have, not which' },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({ section: { url, headers: { 'x-key': 'env:OTLP' } }, secrets: { 'env:OTLP': KEY } }),
      keys: (posted) => recordsOf(posted).map(({ attributes }) => attributes[0]?.value.stringValue ?? ''),
      replies: {
        take: () => ({ status: 200, body: '{"partialSuccess":{}}' }),
        refuse: () => rejecting(1),
        'refuse credentials': ({ headers }) => ({ status: 401, body: JSON.stringify(headers) }),
      },
    }),
})

describe('an OpenTelemetry collector', () => {
  async function sent(reply: Reply, attempt = 1) {
    const there = await receiver(() => reply)
    const context = { name: 'otlp', secret: () => KEY, timeoutMs: 2000, folder: '.' }
    const settings = { url: `${there.url}/`, resource: { 'deployment.environment': 'prod' } }
    const sink = await otlp.open(settings, context)
    const items = [1, 2].map((n) => ({ id: `e-${n}`, key: 'ana', timeMs: 1_794_441_600_123, text: `{"n":${n}}` }))
    const outcome = await sink.send({ id: 'b', items, attempt }, AbortSignal.timeout(20_000)).finally(async () => {
      await sink.close?.()
      await there.close()
    })
    return { outcome, posted: there.posted[0] as Posted }
  }

  it('gets records in the JSON of the protocol', async () => {
    const { posted } = await sent({ status: 200, body: '{}' })
    expect([posted.path, posted.headers['content-type']]).toEqual(['/v1/logs', 'application/json'])
    expect(JSON.parse(posted.body)).toMatchObject({
      resourceLogs: [
        {
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'databricks' } },
              { key: 'deployment.environment', value: { stringValue: 'prod' } },
            ],
          },
        },
      ],
    })
    expect(recordsOf(posted)[1]).toMatchObject({
      timeUnixNano: '1794441600123000000',
      severityNumber: 9,
      eventName: 'databricks.audit',
      body: { stringValue: '{"n":2}' },
      attributes: [{ key: 'event.id', value: { stringValue: 'e-2' } }],
    })
  })

  it('that rejects some, and does not say which, has the batch halved until they show', async () => {
    expect((await sent(rejecting(1))).outcome).toMatchObject({
      kind: 'dead',
      reason: expect.stringContaining('1 records'),
    })
    expect((await sent(rejecting(2))).outcome).toMatchObject({
      kind: 'partly',
      refused: [
        { at: 0, verdict: 'dead' },
        { at: 1, verdict: 'dead' },
      ],
    })
  })

  it.each([429, 502, 503, 504])('that answers %i gets them again', async (status) => {
    expect((await sent({ status, headers: { 'retry-after': '3' } }, 99)).outcome).toMatchObject({
      kind: 'again',
      retryAfterMs: 3000,
    })
  })

  it('that fails inside gets them again a few times, and then in halves', async () => {
    expect((await sent({ status: 500 }, 5)).outcome).toMatchObject({ kind: 'again' })
    expect((await sent({ status: 500 }, 6)).outcome).toMatchObject({ kind: 'dead' })
  })
})
