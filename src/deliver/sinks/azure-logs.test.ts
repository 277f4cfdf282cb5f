import { describe, expect, it } from 'vitest'
import { type Posted, type Reply, receiver } from '../receiver.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { type AzureLogsSettings, azureLogs } from './azure-logs.ts'

const TOKEN = 'eyJ0.planted-token-of-entra.sig'

const rowsOf = ({ body }: Posted) => JSON.parse(body) as { EventId: string }[]
const says = (status: number, code: string) => (): Reply => ({
  status,
  body: JSON.stringify({ error: { code, message: `Refused ${TOKEN}` } }),
})

describeSink({
  kind: 'azure-logs',
  without: { 'refuse the second': 'a request is accepted as a whole' },
  start: (manner) =>
    webRig(manner, {
      settings: (endpoint) => ({
        section: {
          endpoint,
          rule: 'dcr-00000000000000000000000000000000',
          stream: 'Custom-Databricks_CL',
          token: 'env:T',
        },
        secrets: { 'env:T': TOKEN },
      }),
      keys: (posted) => rowsOf(posted).map((row) => row.EventId),
      replies: {
        take: () => ({ status: 204 }),
        refuse: says(413, 'ContentLengthLimitExceeded'),
        'refuse credentials': says(403, 'OperationFailed'),
      },
    }),
})

describe('a stream of Azure Monitor', () => {
  const item = { id: 'e-1', key: 'ana', timeMs: Date.UTC(2026, 10, 12), text: '{"action":"login"}' }

  async function sent(more: Partial<AzureLogsSettings>, text = item.text, reply: Reply = { status: 204 }) {
    const there = await receiver(() => reply)
    const context = { name: 'law', secret: () => TOKEN, timeoutMs: 2000, folder: '.' }
    const settings = { endpoint: there.url, rule: 'dcr-1', stream: 'Custom-X_CL', token: 'env:T', ...more }
    const sink = await azureLogs.open(settings, context)
    const batch = { id: 'b-1', items: [{ ...item, text }], attempt: 1 }
    const outcome = await sink.send(batch, AbortSignal.timeout(20_000)).finally(async () => {
      await sink.close?.()
      await there.close()
    })
    const [posted] = there.posted
    return { outcome, posted, rows: posted === undefined ? [] : rowsOf(posted) }
  }

  it('gets an array of rows, by the rule and the stream', async () => {
    const { posted, rows } = await sent({})
    expect(posted?.path).toBe('/dataCollectionRules/dcr-1/streams/Custom-X_CL?api-version=2023-01-01')
    expect(posted?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'content-encoding': 'gzip' })
    expect(rows).toEqual([{ TimeGenerated: '2026-11-12T00:00:00.000Z', EventId: 'e-1', action: 'login' }])
  })

  it('gets the whole event in a column where one is named, and other lines as text', async () => {
    const about = { TimeGenerated: '2026-11-12T00:00:00.000Z', EventId: 'e-1' }
    expect((await sent({ column: 'Event' })).rows).toEqual([{ ...about, Event: { action: 'login' } }])
    expect((await sent({}, 'CEF:0|a')).rows).toEqual([{ ...about, RawData: 'CEF:0|a' }])
    expect((await sent({}, '{}')).rows).toEqual([about])
  })

  it.each(['InvalidStream', 'InvalidDcrImmutableId', 'InvalidApiVersion'])(
    'that answers %s has wrong settings, not wrong events',
    async (code) => {
      expect((await sent({}, undefined, says(400, code)())).outcome).toMatchObject({ kind: 'misconfigured' })
    },
  )
})
