import { describe, expect, it } from 'vitest'
import { type Posted, type Reply, receiver } from '../receiver.fixture.ts'
import { BUSY_SECS, describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { elasticsearch } from './elasticsearch.ts'

const KEY = 'planted-key-of-elastic-base64=='

const idsOf = ({ body }: Posted) =>
  body
    .trimEnd()
    .split('\n')
    .filter((_, at) => at % 2 === 0)
    .map((line) => (JSON.parse(line) as { create: { _id: string } }).create._id)

const created = { create: { status: 201 } }
const failed = (status: number, type: string) => ({ create: { status, error: { type, reason: `not ${KEY}` } } })
const bulk = (items: readonly object[]): Reply => ({ status: 200, body: JSON.stringify({ errors: true, items }) })

describeSink({
  kind: 'elasticsearch',
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({
        section: { url, index: 'databricks-{date}', api_key: 'env:ES' },
        secrets: { 'env:ES': KEY },
      }),
      keys: idsOf,
      replies: {
        take: (posted) => ({
          status: 200,
          body: JSON.stringify({ errors: false, items: idsOf(posted).map(() => created) }),
        }),
        refuse: (posted) => bulk(idsOf(posted).map(() => failed(400, 'document_parsing_exception'))),
        'refuse the second': (posted) =>
          bulk(idsOf(posted).map((_, at) => (at === 1 ? failed(400, 'document_parsing_exception') : created))),
      },
    }),
})

describe('a bulk request', () => {
  async function sent(reply: Reply, texts: readonly string[] = ['{"n":1}', '{"n":2}']) {
    const there = await receiver(() => reply)
    const context = { name: 'es', secret: () => KEY, timeoutMs: 2000, folder: '.' }
    const sink = await elasticsearch.open({ url: `${there.url}/`, index: 'audit-{date}', api_key: 'env:ES' }, context)
    const items = texts.map((text, n) => ({ id: `e-${n + 1}`, key: 'ana', timeMs: Date.UTC(2026, 10, 12), text }))
    const outcome = await sink.send({ id: 'b', items, attempt: 1 }, AbortSignal.timeout(20_000)).finally(async () => {
      await sink.close?.()
      await there.close()
    })
    return { outcome, posted: there.posted[0] as Posted }
  }

  it('creates each event under its id, in the index of its day', async () => {
    const { posted } = await sent(bulk([created, created]), ['{"n":1}', '{}'])
    expect(posted.path).toMatch(/^\/_bulk\?/)
    expect(posted.headers).toMatchObject({ 'content-type': 'application/x-ndjson', authorization: `ApiKey ${KEY}` })
    expect(posted.body.split('\n').map((line) => (line === '' ? '' : JSON.parse(line)))).toEqual([
      { create: { _index: 'audit-2026-11-12', _id: 'e-1' } },
      { '@timestamp': '2026-11-12T00:00:00.000Z', n: 1 },
      { create: { _index: 'audit-2026-11-12', _id: 'e-2' } },
      { '@timestamp': '2026-11-12T00:00:00.000Z' },
      '',
    ])
  })

  it('counts what is there already as delivered', async () => {
    const { outcome } = await sent(bulk([failed(409, 'version_conflict_engine_exception'), created]))
    expect(outcome).toEqual({ kind: 'delivered' })
  })

  it('sends again what was too much, and gives up what is wrong, item by item', async () => {
    const { outcome } = await sent(
      bulk([failed(429, 'es_rejected_execution_exception'), failed(400, 'document_parsing_exception')]),
    )
    expect(outcome).toMatchObject({
      kind: 'partly',
      refused: [
        { at: 0, verdict: 'again' },
        { at: 1, verdict: 'dead' },
      ],
    })
  })

  it.each([
    [403, 'security_exception'],
    [404, 'index_not_found_exception'],
  ])('of which each item is answered %i, %s, blames the settings', async (status, type) => {
    expect((await sent(bulk([failed(status, type), failed(status, type)]))).outcome).toMatchObject({
      kind: 'misconfigured',
    })
  })

  it('loses nothing to an index that cannot be written for now', async () => {
    const full = failed(403, 'cluster_block_exception')
    expect((await sent(bulk([full, created]))).outcome).toMatchObject({
      kind: 'partly',
      refused: [{ at: 0, verdict: 'again' }],
    })
    expect((await sent(bulk([full, full]))).outcome).toMatchObject({ kind: 'partly' })
  })

  it('is sent again where the answer makes no sense', async () => {
    expect((await sent({ status: 200, body: '<html>' })).outcome).toMatchObject({ kind: 'again' })
    expect((await sent(bulk([created]))).outcome).toMatchObject({ kind: 'again' })
  })

  it('waits as long as it is told', async () => {
    const headers = { 'retry-after': String(BUSY_SECS) }
    const { outcome } = await sent({ status: 429, headers, body: '{}' })
    expect(outcome).toMatchObject({ kind: 'again', retryAfterMs: BUSY_SECS * 1000 })
  })
})
