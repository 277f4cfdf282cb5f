import { describe, expect, it } from 'vitest'
import { anAlert } from '../message.fixture.ts'
import { describeSink, NASTY } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'
import { wordsmith } from '../wording.ts'
import { slack, slackPost } from './slack.ts'

const SECRET_PATH = '/services/T0PLANTED/B0PLANTED/planted0secret0of0slack'

describeSink({
  kind: 'slack',
  without: { 'refuse the second': 'one message a post' },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({
        section: { url: 'env:SLACK', allow_private: true },
        secrets: { 'env:SLACK': url + SECRET_PATH },
      }),
      keys: ({ body }) => [(JSON.parse(body) as { blocks: { block_id: string }[] }).blocks[0]?.block_id ?? ''],
      replies: { take: () => ({ status: 200, body: 'ok' }) },
    }),
})

const item = (more: Parameters<typeof anAlert>[0] = {}) => ({
  id: 'm-1',
  key: 'k',
  timeMs: 0,
  text: JSON.stringify(anAlert(more)),
})

interface Text {
  readonly type: string
  readonly text: string
}
interface Block {
  readonly type: string
  readonly text?: Text
  readonly fields?: readonly Text[]
  readonly elements?: readonly Text[]
}
const blocksOf = (post: Readonly<Record<string, unknown>>) => post.blocks as readonly Block[]
const textsOf = (blocks: readonly Block[]) =>
  blocks.flatMap(({ text, fields = [], elements = [] }) => [
    ...(text === undefined ? [] : [text]),
    ...fields,
    ...elements,
  ])

describe('a post to Slack', () => {
  it('says what, who, when and why', () => {
    const post = slackPost(wordsmith({})(item({ url: 'https://trail.example.com/alerts/a-1' })), 'm-1')
    expect(post.text).toBe('🟠 [high] Account admin granted')
    const texts = textsOf(blocksOf(post)).map(({ text }) => text)
    expect(texts).toEqual(
      expect.arrayContaining([
        '🟠 [high] Account admin granted',
        'ana@example.com made bob@example.com an account admin.',
        'actor.email\nana@example.com',
        'Why\n• actionName is setAccountAdmin',
        'What to ask next\n• What else this person did',
        '<https://trail.example.com/alerts/a-1|Look into it>',
        'Bricktrail, message m-1',
      ]),
    )
  })

  it('reads no markup in what an event holds', () => {
    const nasty = {
      title: `<!channel> ${NASTY}`,
      summary: '<https://evil.example|click> *x*',
      note: '<@U123>',
      because: ['<!here>'],
    }
    const post = slackPost(wordsmith({ body: '{{summary}} {{note}}' })(item(nasty)), 'm-1')
    expect(textsOf(blocksOf(post)).filter(({ type }) => type !== 'plain_text')).toEqual([])
    expect(post.text).not.toMatch(/[<>]/)
    expect(post).toMatchObject({ mrkdwn: false, link_names: false })
  })

  it('keeps to the limits of Slack, however much there is', () => {
    const long = '🙂'.repeat(4000)
    const post = slackPost(
      wordsmith({})(
        item({
          title: long,
          summary: long,
          note: long,
          because: Array.from({ length: 200 }, () => long),
          tags: Array.from({ length: 500 }, (_, n) => `tag${n}`),
          runbook: Array.from({ length: 100 }, () => ({ title: long, sql: long })),
        }),
      ),
      'm'.repeat(500),
    )
    const blocks = blocksOf(post)
    expect(blocks.length).toBeLessThanOrEqual(50)
    expect(blocks[0]?.text?.text.length).toBeLessThanOrEqual(150)
    for (const { text, fields = [] } of blocks) {
      expect(text?.text.length ?? 0).toBeLessThanOrEqual(3000)
      expect(fields.length).toBeLessThanOrEqual(10)
      for (const each of fields) expect(each.text.length).toBeLessThanOrEqual(2000)
    }
    expect(JSON.stringify(post).isWellFormed()).toBe(true)
    expect(textsOf(blocks).some(({ text }) => text.endsWith('and 191 more'))).toBe(true)
  })

  it('makes no link of anything but an address of the web', () => {
    const post = slackPost(wordsmith({})(item({ url: 'javascript:alert(1)' })), 'm-1')
    expect(JSON.stringify(post)).not.toContain('javascript')
  })
})

describe('a webhook of Slack', () => {
  const open = (value: string, more = {}) =>
    slack.open({ url: 'env:SLACK', ...more }, { name: 'soc', secret: () => value, timeoutMs: 100, folder: '/' })

  it('must be an address, which is not said', async () => {
    await expect(open('planted-no-address')).rejects.toThrow('What env:SLACK leads to is no web address.')
  })

  it('is not opened with a template that names an unknown field', async () => {
    await expect(open('https://hooks.slack.com/x', { title: '{{titel}}' })).rejects.toMatchObject({
      message: 'title names the field titel, which messages do not have.',
      hint: 'Did you mean {{title}}?',
    })
  })
})
