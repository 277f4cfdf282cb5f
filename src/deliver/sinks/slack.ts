/**
 * Slack, by an incoming webhook. All words are `plain_text`, in which Slack reads no markup: what an event holds can neither mention anybody nor
 * make a link. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, https://docs.slack.dev/reference/block-kit/blocks
 */

import type { Level } from '../../detect/sigma/rule.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { type HttpAnswer, type HttpClient, outcomeOf, outcomeOfSending, said } from '../http.ts'
import { isOver } from '../message.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { secretAddress, WEB_PROPERTIES, type WebSettings, webClient } from '../web.ts'
import { clipped, firstOf, type Worded, type Wording, wordsmith } from '../wording.ts'

/** Its section of the settings. */
export interface SlackSettings extends TemplateSettings, WebSettings {
  /** Reference to the address: who knows it may post. */
  readonly url: string
}

/** Most that Slack takes of each: header, text of a section, field, fields of a section, element of a context, `block_id`. */
const HEADER = 150
const SECTION = 3000
const FIELD = 2000
const FIELDS = 10
const ELEMENT = 2000
const BLOCK_ID = 255

/** Reasons and steps to take, of which a channel need not see more. */
const LINES = 10
const LINE = 250

/** What Slack says where the webhook is at fault, whatever the status is. */
const HOOK_FAULTS = /no_active_hooks|no_service|no_team|invalid_token|team_disabled|channel_not_found|user_not_found/

const MARKS: Readonly<Record<Level, string>> = {
  informational: '⚪',
  low: '🔵',
  medium: '🟡',
  high: '🟠',
  critical: '🔴',
}

const plain = (text: string, units: number) => ({ type: 'plain_text', text: clipped(text, units) || '–', emoji: false })

const section = (text: string) => ({ type: 'section', text: plain(text, SECTION) })

/** Lists with bullets; nothing where there is nothing. */
const listed = (title: string, lines: readonly string[]) =>
  lines.length === 0
    ? []
    : [
        section(
          `${title}\n${firstOf(lines, LINES, (more) => `and ${more} more`)
            .map((line) => `• ${clipped(line, LINE)}`)
            .join('\n')}`,
        ),
      ]

/** The body of a post. */
export function slackPost({ message, words }: Worded, id: string): Readonly<Record<string, unknown>> {
  const mark = isOver(message) ? '✅' : (MARKS[message.level] ?? '')
  const blocks = [
    // Slack tells no repeats apart; people can, by this.
    {
      type: 'header',
      block_id: clipped(`bricktrail-${id}`, BLOCK_ID),
      text: plain(`${mark} ${words.title}`, HEADER),
    },
    section(words.body),
    {
      type: 'section',
      fields: words.facts.slice(0, FIELDS).map(([name, value]) => plain(`${name}\n${value}`, FIELD)),
    },
    ...listed('Why', words.because),
    ...listed(
      'What to ask next',
      words.runbook.map(({ title }) => title),
    ),
    ...linked(words),
    { type: 'context', elements: [plain(words.footer, ELEMENT)] },
  ]
  // The notification; `&`, `<` and `>` are all that Slack reads as control there.
  const text = `${mark} ${clipped(words.title, HEADER)}`
  return { text: escaped(text), mrkdwn: false, link_names: false, unfurl_links: false, unfurl_media: false, blocks }
}

/** The only markup there is. The address was parsed, so it holds no `<`, `>` and no `|` that is not escaped here. */
const linked = ({ url }: Wording) =>
  url === undefined || url.length > 2000
    ? []
    : [
        {
          type: 'section',
          text: { type: 'mrkdwn', text: `<${escaped(url).replaceAll('|', '%7C')}|Look into it>`, verbatim: true },
        },
      ]

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

class Slack implements Sink {
  // One post a message. How long each text may be is seen to when the post is made, so that no key is cut.
  readonly limits = { items: 1, bytes: 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 0 }
  readonly #url: string
  readonly #client: HttpClient
  readonly #worded: ReturnType<typeof wordsmith>

  constructor(settings: SlackSettings, context: SinkContext, client: HttpClient) {
    this.#worded = wordsmith(settings)
    this.#url = secretAddress(settings.url, context)
    this.#client = client
  }

  async send({ items: [item] }: Batch, signal: AbortSignal): Promise<Outcome> {
    if (item === undefined) return DELIVERED
    const body = JSON.stringify(slackPost(this.#worded(item), item.id))
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    return outcomeOfSending(async () =>
      slackOutcome(await this.#client.send({ url: this.#url, headers, body, signal })),
    )
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

function slackOutcome(answer: HttpAnswer): Outcome {
  if (answer.status === 400 && HOOK_FAULTS.test(answer.body)) return { kind: 'misconfigured', reason: said(answer) }
  return outcomeOf(answer)
}

/** Slack. */
export const slack: SinkKind<SlackSettings> = {
  kind: 'slack',
  takes: 'messages',
  doc: 'A channel of Slack, by an incoming webhook.',
  schema: {
    type: 'object',
    required: ['url'],
    additionalProperties: false,
    properties: {
      url: {
        type: 'string',
        format: 'reference',
        description: 'Reference to the address of the webhook; the address itself is a secret.',
      },
      ...TEMPLATE_PROPERTIES,
      ...WEB_PROPERTIES,
    },
  },
  open: async (settings, context) => new Slack(settings, context, await webClient(settings, context, false)),
}
