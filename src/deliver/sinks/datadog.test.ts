import { expect, it } from 'vitest'
import { type Posted, receiver } from '../receiver.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { datadog } from './datadog.ts'

const KEY = 'planted0datadog0key0planted0key1'

const logsOf = ({ body }: Posted) => JSON.parse(body) as { event_id: string }[]
const quoting = (status: number) => () => ({
  status,
  body: JSON.stringify({ errors: [{ detail: `Not with ${KEY}` }] }),
})

describeSink({
  kind: 'datadog',
  without: { 'refuse the second': 'a request is accepted as a whole' },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({ section: { url, api_key: 'env:DD' }, secrets: { 'env:DD': KEY } }),
      keys: (posted) => logsOf(posted).map((log) => log.event_id),
      replies: {
        take: () => ({ status: 202, body: '{}' }),
        refuse: quoting(400),
        'refuse credentials': quoting(403),
      },
    }),
})

it('sends logs to Datadog in the shape of its intake, with the time of the event', async () => {
  const there = await receiver(() => ({ status: 202 }))
  const context = { name: 'dd', secret: () => KEY, timeoutMs: 2000, folder: '.' }
  const sink = await datadog.open({ api_key: 'env:DD', url: there.url, tags: ['env:prod', 'team:data'] }, context)
  try {
    const item = { id: 'e-1', key: 'ana', timeMs: Date.UTC(2026, 10, 12), text: '{"action":"login"}' }
    const cef = { ...item, id: 'e-2', text: 'CEF:0|Databricks|' }
    await sink.send({ id: 'b', items: [item, cef], attempt: 1 }, AbortSignal.timeout(20_000))
    const [posted] = there.posted
    expect([posted?.path, posted?.headers['dd-api-key'], posted?.headers['content-encoding']]).toEqual([
      '/api/v2/logs',
      KEY,
      'gzip',
    ])
    const about = {
      ddsource: 'databricks',
      service: 'databricks',
      ddtags: 'env:prod,team:data',
      timestamp: item.timeMs,
    }
    expect(JSON.parse(posted?.body ?? '')).toEqual([
      { ...about, event_id: 'e-1', databricks: { action: 'login' } },
      { ...about, event_id: 'e-2', message: 'CEF:0|Databricks|' },
    ])
  } finally {
    await sink.close?.()
    await there.close()
  }
})
