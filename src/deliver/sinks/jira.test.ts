import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Sink } from '../contract.ts'
import { anAlert } from '../message.fixture.ts'
import type { AlertMessage } from '../message.ts'
import { type Posted, type Receiver, type Reply, receiver } from '../receiver.fixture.ts'
import { describeSink, NASTY } from '../sink.suite.ts'
import { legible, webRig } from '../web.fixture.ts'
import { wordsmith } from '../wording.ts'
import { JiraSite } from './jira.fixture.ts'
import { jira, jiraDocument, jiraLabel } from './jira.ts'

const TOKEN = 'planted-api-token-of-jira'
const creates = ({ method, path }: Posted) => method === 'POST' && path.endsWith('/issue')

describeSink({
  kind: 'jira',
  without: { 'refuse the second': 'one issue a request' },
  start: (manner) => {
    const site = new JiraSite()
    return webRig(manner, {
      settings: (url) => ({
        section: { url, email: 'bot@example.com', token: 'env:JIRA', project: 'SEC', allow_private: true },
        secrets: { 'env:JIRA': TOKEN },
      }),
      delivers: creates,
      keys: ({ body }) => (JSON.parse(body) as { fields: { labels: string[] } }).fields.labels.slice(-1),
      replies: { take: (posted) => site.reply(posted) },
    })
  },
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const close of closing.splice(0)) await close()
})

interface Desk {
  readonly site: JiraSite
  readonly there: Receiver
  readonly sink: Sink
}

/** A site, and a destination that leads to it; `before` may answer in its stead. */
async function desk(
  more = {},
  before: (posted: Posted, site: JiraSite) => Reply | undefined = () => undefined,
): Promise<Desk> {
  const site = new JiraSite()
  const there = await receiver((posted) => before(posted, site) ?? site.reply(posted))
  const context = { name: 'jira', secret: () => TOKEN, timeoutMs: 2000, folder: '/' }
  const sink = await jira.open(
    { url: there.url, email: 'bot@example.com', token: 'env:JIRA', project: 'SEC', allow_private: true, ...more },
    context,
  )
  closing.push(
    () => sink.close?.(),
    () => there.close(),
  )
  return { site, there, sink }
}

const send = ({ sink }: Desk, more: Partial<AlertMessage> = {}, id = 'm-1') =>
  sink.send(
    { id: 'b', items: [{ id, key: 'k', timeMs: 0, text: JSON.stringify(anAlert(more)) }], attempt: 1 },
    AbortSignal.timeout(20_000),
  )

describe('an issue of Jira', () => {
  it('is made once, and found again by its label', async () => {
    const made = await desk({ labels: ['soc'], priorities: { high: 'High' }, fields: { customfield_1: 'x' } })
    expect(await send(made)).toEqual({ kind: 'delivered' })
    expect(await send(made)).toEqual({ kind: 'delivered' })
    expect(made.site.issues.length).toBe(1)
    expect(made.site.issues[0]?.fields).toMatchObject({
      project: { key: 'SEC' },
      issuetype: { name: 'Task' },
      summary: '[high] Account admin granted',
      labels: ['soc', 'bricktrail', jiraLabel('a-1')],
      priority: { name: 'High' },
      customfield_1: 'x',
    })
  })

  it('gets a comment for what happens, once for each message', async () => {
    const made = await desk()
    await send(made)
    for (const id of ['m-2', 'm-2', 'm-20', 'm-2']) await send(made, { action: 'updated' }, id)
    expect(made.site.issues[0]?.comments.length).toBe(2)
    expect(legible(JSON.stringify(made.site.issues[0]?.comments[0]))).toContain('Again: [high] Account admin granted')
  })

  it('is moved when the alert is resolved, and moved back when it is reopened', async () => {
    const made = await desk({ resolve_transition: 'done', reopen_transition: '11' })
    await send(made)
    const states = []
    for (const [action, id] of [
      ['resolved', 'm-2'],
      ['resolved', 'm-2'],
      ['reopened', 'm-3'],
    ] as const) {
      expect(await send(made, { action }, id)).toEqual({ kind: 'delivered' })
      states.push(made.site.issues[0]?.status)
    }
    expect(states).toEqual(['done', 'done', 'new'])
    expect(made.site.issues[0]?.comments.length).toBe(2)
  })

  it('that cannot be moved as wanted is told of', async () => {
    const made = await desk({ resolve_transition: 'Closed' })
    await send(made)
    expect(await send(made, { action: 'resolved' }, 'm-2')).toEqual({
      kind: 'dead',
      reason: 'SEC-1 has no transition Closed where it is now; it has: Done.',
    })
  })

  it('is found though the search does not know of it yet', async () => {
    const made = await desk({}, (posted, site) => {
      if (creates(posted)) site.unindexed.add('SEC-1')
      return undefined
    })
    await send(made)
    expect(await send(made, { action: 'updated' }, 'm-2')).toEqual({ kind: 'delivered' })
    expect(made.site.issues.map(({ comments }) => comments.length)).toEqual([1])
  })

  it('is not made again while it is unknown whether it was', async () => {
    let isFirst = true
    const made = await desk({}, (posted, site) => {
      if (!creates(posted) || !isFirst) return undefined
      isFirst = false
      site.unindexed.add('SEC-1')
      site.reply(posted)
      return 'hang up'
    })
    expect(await send(made)).toMatchObject({ kind: 'again' })
    const second = await send(made)
    expect(second).toMatchObject({ kind: 'again', reason: 'Whether the issue was made already is not known yet.' })
    expect('retryAfterMs' in second && second.retryAfterMs).toBeGreaterThan(10_000)
    made.site.unindexed.clear()
    expect(await send(made)).toEqual({ kind: 'delivered' })
    expect(made.site.issues.length).toBe(1)
  })

  it('is made in the end if it was not', async () => {
    let failures = 1
    const made = await desk({}, (posted) => (creates(posted) && failures-- > 0 ? { status: 502 } : undefined))
    await send(made)
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] })
    expect(await send(made)).toEqual({ kind: 'delivered' })
    expect(made.site.issues.length).toBe(1)
  })

  it('that somebody deleted is made again for news, and not to say that all is over', async () => {
    const made = await desk()
    await send(made)
    made.site.issues.length = 0
    expect(await send(made, { action: 'resolved' }, 'm-2')).toEqual({ kind: 'delivered' })
    expect(made.site.issues).toEqual([])
    expect(await send(made, { action: 'updated' }, 'm-3')).toEqual({ kind: 'delivered' })
    expect(made.site.issues.length).toBe(1)
  })

  it('of a type that the project has not is a fault of the settings', async () => {
    expect(await send(await desk({ issue_type: 'Nonsense' }))).toMatchObject({ kind: 'misconfigured' })
  })

  it('stays within the limits, and has no empty text', async () => {
    const long = 'x'.repeat(40_000)
    const more = {
      title: long,
      summary: `${long}\n\n`,
      note: NASTY,
      because: Array.from({ length: 500 }, () => long),
      runbook: Array.from({ length: 50 }, () => ({ title: long, sql: long })),
    }
    const made = await desk()
    expect(await send(made, more)).toEqual({ kind: 'delivered' })
    const item = { id: 'm-1', key: 'k', timeMs: 0, text: JSON.stringify(anAlert(more)) }
    const document = JSON.stringify(jiraDocument(wordsmith({})(item)))
    expect(document).not.toContain('"text":""')
    expect(legible(document).length).toBeLessThan(32_767)
  })
})
