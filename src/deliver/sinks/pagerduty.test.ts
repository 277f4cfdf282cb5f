import { describe, expect, it } from 'vitest'
import { anAlert } from '../message.fixture.ts'
import type { MessageAction } from '../message.ts'
import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { wordsmith } from '../wording.ts'
import { pagerDutyEvent } from './pagerduty.ts'

const KEY = 'planted0routing0key0of0a0service'

describeSink({
  kind: 'pagerduty',
  without: { 'refuse the second': 'one event a request' },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({ section: { url, routing_key: 'env:PD', allow_private: true }, secrets: { 'env:PD': KEY } }),
      keys: ({ body }) => [(JSON.parse(body) as { dedup_key: string }).dedup_key],
      replies: {
        take: () => ({ status: 202, body: '{"status":"success","message":"Event processed"}' }),
        'refuse credentials': () => ({
          status: 400,
          body: JSON.stringify({
            status: 'invalid event',
            message: 'Event object is invalid',
            errors: [`Invalid routing key ${KEY}`],
          }),
        }),
      },
    }),
})

const eventOf = (more: Parameters<typeof anAlert>[0] = {}) =>
  pagerDutyEvent(wordsmith({})({ id: 'm-1', key: 'k', timeMs: 0, text: JSON.stringify(anAlert(more)) }))

describe('an event for PagerDuty', () => {
  it.each<[MessageAction, string]>([
    ['opened', 'trigger'],
    ['updated', 'trigger'],
    ['reopened', 'trigger'],
    ['escalated', 'trigger'],
    ['test', 'trigger'],
    ['acknowledged', 'acknowledge'],
    ['resolved', 'resolve'],
  ])('of an alert that was %s is a %s with the key of the alert', (action, expected) => {
    expect(eventOf({ action })).toMatchObject({ event_action: expected, dedup_key: 'rule-1 ana@example.com' })
  })

  it.each([
    ['critical', 'critical'],
    ['high', 'error'],
    ['medium', 'warning'],
    ['low', 'info'],
    ['informational', 'info'],
  ] as const)('of the level %s is of the severity %s', (level, severity) => {
    expect(eventOf({ level })).toMatchObject({ payload: { severity } })
  })

  it('says who and why, and links to where to look', () => {
    expect(eventOf({ url: 'https://trail.example.com/a' })).toMatchObject({
      client_url: 'https://trail.example.com/a',
      payload: {
        summary: '[high] Account admin granted',
        source: 'ana@example.com',
        timestamp: '2026-11-12T09:05:00.000Z',
        custom_details: { why: ['actionName is setAccountAdmin'], 'actor.email': 'ana@example.com' },
      },
    })
  })

  it('keeps to the limits, and keys that begin alike stay apart', () => {
    const long = 'x'.repeat(5000)
    const [one, other] = [eventOf({ dedupKey: `${long}1`, title: long }), eventOf({ dedupKey: `${long}2` })]
    expect(String(one.dedup_key).length).toBeLessThanOrEqual(255)
    expect(one.dedup_key).not.toBe(other.dedup_key)
    expect((one.payload as { summary: string }).summary.length).toBe(1024)
    const many = eventOf({
      summary: '東'.repeat(300_000),
      because: Array.from({ length: 5000 }, () => '東'.repeat(3000)),
      runbook: Array.from({ length: 5000 }, () => ({ title: long, sql: long })),
    })
    expect(Buffer.byteLength(JSON.stringify(many))).toBeLessThan(512_000)
  })
})
