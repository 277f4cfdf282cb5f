import { describe, expect, it } from 'vitest'
import { type Posted, type Reply, receiver } from '../receiver.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { googleLogging } from './google-logging.ts'

const TOKEN = 'ya29.planted-token-of-google'

const entriesOf = ({ body }: Posted) => (JSON.parse(body) as { entries: { insertId: string }[] }).entries

const partialErrors = (code: number, errors: Readonly<Record<string, object>>): Reply => ({
  status: code,
  body: JSON.stringify({
    error: {
      code,
      message: `Some entries were not written; ${TOKEN}`,
      details: [
        { '@type': 'type.googleapis.com/google.rpc.DebugInfo' },
        { '@type': 'type.googleapis.com/google.logging.v2.WriteLogEntriesPartialErrors', logEntryErrors: errors },
      ],
    },
  }),
})

describeSink({
  kind: 'google-logging',
  start: (manner) =>
    webRig(manner, {
      settings: (endpoint) => ({
        section: { parent: 'projects/audit-1', endpoint, token: 'env:TOKEN', labels: { team: 'data' } },
        secrets: { 'env:TOKEN': TOKEN },
      }),
      keys: (posted) => entriesOf(posted).map(({ insertId }) => insertId),
      replies: {
        take: () => ({ status: 200, body: '{}' }),
        'refuse the second': () => partialErrors(400, { 1: { code: 3, message: 'Log entry with size 300K exceeds' } }),
      },
    }),
})

describe('Google Cloud Logging', () => {
  async function sent(reply: Reply) {
    const there = await receiver(() => reply)
    const context = { name: 'gcp', secret: () => TOKEN, timeoutMs: 2000, folder: '.' }
    const settings = { parent: 'organizations/7', log: 'databricks/audit', endpoint: there.url, token: 'env:T' }
    const sink = await googleLogging.open(settings, context)
    const items = [1, 2].map((n) => ({ id: `e-${n}`, key: 'ana', timeMs: Date.UTC(2026, 10, 12), text: `{"n":${n}}` }))
    const outcome = await sink.send({ id: 'b', items, attempt: 1 }, AbortSignal.timeout(20_000)).finally(async () => {
      await sink.close?.()
      await there.close()
    })
    return { outcome, posted: there.posted[0] as Posted }
  }

  it('gets entries whose ids are those of the events, so that it keeps each once', async () => {
    const { posted } = await sent({ status: 200, body: '{}' })
    expect(posted.path).toBe('/v2/entries:write')
    expect(JSON.parse(posted.body)).toMatchObject({
      logName: 'organizations/7/logs/databricks%2Faudit',
      partialSuccess: true,
      entries: [
        { insertId: 'e-1', timestamp: '2026-11-12T00:00:00.000Z', jsonPayload: { n: 1 } },
        { insertId: 'e-2', jsonPayload: { n: 2 } },
      ],
    })
  })

  it('says which entries it may take later and which never', async () => {
    const errors = { 0: { code: 14, message: 'unavailable' }, 1: { code: 3, message: 'too large' } }
    expect((await sent(partialErrors(400, errors))).outcome).toEqual({
      kind: 'partly',
      refused: [
        { at: 0, verdict: 'again', reason: 'unavailable' },
        { at: 1, verdict: 'dead', reason: 'too large' },
      ],
    })
  })

  it('that lets nobody in blames the settings, also if it says so of each entry', async () => {
    const errors = { 0: { code: 7, message: 'Permission denied' }, 1: { code: 7, message: 'Permission denied' } }
    expect((await sent(partialErrors(403, errors))).outcome).toMatchObject({ kind: 'misconfigured' })
  })
})
