import { afterEach, describe, expect, it } from 'vitest'
import type { Sink } from '../contract.ts'
import { anAlert } from '../message.fixture.ts'
import type { AlertMessage } from '../message.ts'
import { type Receiver, type Reply, receiver } from '../receiver.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { alertmanager } from './alertmanager.ts'

interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
}
const alertsIn = (body: string) => JSON.parse(body) as readonly Alert[]

describeSink({
  kind: 'alertmanager',
  without: { 'refuse the second': 'it names no alert in what it refuses' },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({
        section: { url, username: 'trail', password: 'env:AM' },
        secrets: { 'env:AM': 'planted password of alertmanager' },
      }),
      keys: ({ body }) => alertsIn(body).map(({ labels }) => JSON.stringify(labels)),
    }),
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function opened(more = {}, reply?: () => Reply): Promise<{ sink: Sink; there: Receiver }> {
  const there = await receiver(reply)
  closing.push(() => there.close())
  const context = { name: 'am', secret: () => 'planted', timeoutMs: 2000, folder: '/' }
  const sink = await alertmanager.open({ url: there.url, ...more }, context)
  closing.push(() => sink.close?.())
  return { sink, there }
}

const send = (sink: Sink, ...messages: readonly Partial<AlertMessage>[]) => {
  const items = messages.map((more, n) => ({ id: `m-${n}`, key: 'k', timeMs: 0, text: JSON.stringify(anAlert(more)) }))
  return sink.send({ id: 'b', items, attempt: 1 }, AbortSignal.timeout(20_000))
}
const postedTo = ({ posted }: Receiver) => posted.map(({ body }) => alertsIn(body))

describe('an alert of Alertmanager', () => {
  it('has labels that stay the same while it is open, and words beside them', async () => {
    const { sink, there } = await opened({ labels: { team: 'soc' } })
    await send(sink, {})
    await send(sink, { action: 'updated', events: 7, lastTime: '2026-11-12T10:00:00.000Z', summary: 'more of it' })
    await send(sink, { action: 'resolved', status: 'resolved' })
    const [first, second, third] = postedTo(there).map(([alert]) => alert)
    expect(first?.labels).toEqual({
      team: 'soc',
      alertname: 'Account admin granted',
      severity: 'high',
      rule_id: '5f1c0b3e-0000-4000-8000-000000000001',
      alert_key: 'rule-1 ana@example.com',
      entity: 'ana@example.com',
      entity_field: 'actor.email',
      threat: 'privilege-escalation',
    })
    expect([second?.labels, third?.labels]).toEqual([first?.labels, first?.labels])
    expect(second?.annotations).toMatchObject({ events: '7', description: 'more of it' })
  })

  it('fires for long after it was last heard of, and ends when it is resolved', async () => {
    const { sink, there } = await opened({ keep: '2d' })
    await send(sink, { action: 'opened' })
    await send(sink, { action: 'resolved' })
    await send(sink, { action: 'test' })
    expect(postedTo(there).map(([alert]) => alert?.endsAt)).toEqual([
      '2026-11-14T09:06:00.000Z',
      '2026-11-12T09:05:55.000Z',
      '2026-11-12T09:07:00.000Z',
    ])
    expect(postedTo(there)[0]?.[0]?.startsAt).toBe('2026-11-12T09:00:00.000Z')
  })

  it('does not ring twice when its level rises', async () => {
    const { sink, there } = await opened()
    await send(sink, { level: 'medium' })
    await send(sink, { action: 'updated', level: 'critical' })
    await send(sink, { action: 'updated', level: 'critical' })
    const [, second, third] = postedTo(there)
    expect(second?.map(({ labels, endsAt }) => [labels.severity, endsAt])).toEqual([
      ['medium', '2026-11-12T09:05:55.000Z'],
      ['critical', '2026-12-12T09:06:00.000Z'],
    ])
    expect(third?.map(({ labels }) => labels.severity)).toEqual(['critical'])
  })

  it('ends after it begins, whatever the clocks say', async () => {
    const { sink, there } = await opened()
    await send(sink, { action: 'resolved', sentTime: '2026-11-12T08:00:00.000Z' })
    const [[alert]] = postedTo(there) as [[Alert]]
    expect(Date.parse(alert.endsAt)).toBeGreaterThan(Date.parse(alert.startsAt))
  })
})
