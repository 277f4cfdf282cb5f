import { describe, expect, it } from 'vitest'
import { anAlert } from '../message.fixture.ts'
import { describeSink, NASTY } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { wordsmith } from '../wording.ts'
import { teamsPost } from './teams.ts'

const SECRET_PATH =
  '/workflows/abc/triggers/manual/paths/invoke?api-version=2016-06-01&sig=planted0signature0of0a0workflow'

interface Card {
  readonly body: readonly {
    readonly type: string
    readonly id?: string
    readonly inlines: readonly { type: string; text: string }[]
  }[]
  readonly actions?: readonly unknown[]
}
const cardOf = (body: string) =>
  (JSON.parse(body) as { attachments: [{ contentType: string; content: Card }] }).attachments[0].content

describeSink({
  kind: 'teams',
  without: { 'refuse the second': 'one card a post' },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({
        section: { url: 'env:TEAMS', allow_private: true },
        secrets: { 'env:TEAMS': url + SECRET_PATH },
      }),
      keys: ({ body }) => [cardOf(body).body[0]?.id ?? ''],
      replies: { take: () => ({ status: 202 }) },
    }),
})

const posted = (more: Parameters<typeof anAlert>[0] = {}, settings = {}) =>
  teamsPost(wordsmith(settings)({ id: 'm-1', key: 'k', timeMs: 0, text: JSON.stringify(anAlert(more)) }), 'm-1')
const wordsOf = (body: string) => cardOf(body).body.map(({ inlines }) => inlines.map(({ text }) => text).join(''))

describe('a card for Teams', () => {
  it('says what, who, when and why', () => {
    const body = posted({ url: 'https://trail.example.com/alerts/a-1' })
    expect(JSON.parse(body)).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null }],
    })
    expect(wordsOf(body)).toEqual(
      expect.arrayContaining([
        '[high] Account admin granted',
        'ana@example.com made bob@example.com an account admin.',
        'actor.email: ana@example.com',
        '• actionName is setAccountAdmin',
        'Bricktrail, message m-1',
      ]),
    )
    expect(cardOf(body).actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Look into it', url: 'https://trail.example.com/alerts/a-1' },
    ])
  })

  it('has words only where no Markdown is read', () => {
    const body = posted(
      { title: `[a](https://evil.example) ${NASTY}`, summary: NASTY, note: '<at>everyone</at>' },
      { body: '{{summary}}' },
    )
    for (const { type, inlines } of cardOf(body).body)
      expect([type, ...inlines.map((inline) => inline.type)]).toEqual([
        'RichTextBlock',
        ...inlines.map(() => 'TextRun'),
      ])
    expect(cardOf(body).actions).toBeUndefined()
  })

  it('stays within 28 KB, whatever the letters', () => {
    const long = '東'.repeat(20_000)
    const body = posted({
      title: long,
      summary: long,
      note: long,
      assignee: long,
      because: Array.from({ length: 300 }, () => long),
      tags: Array.from({ length: 900 }, () => '東京'),
      runbook: Array.from({ length: 100 }, () => ({ title: long, sql: long })),
    })
    expect(Buffer.byteLength(body)).toBeLessThan(28_000)
    expect(wordsOf(body).some((text) => text.endsWith('more'))).toBe(true)
  })
})
