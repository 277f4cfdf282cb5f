/**
 * Microsoft Teams, by a workflow that starts “when a Teams webhook request is received”. Words are `TextRun`s, which know no Markdown; text blocks
 * and facts of a card do. https://learn.microsoft.com/power-automate/teams/teams-app-create, https://adaptivecards.io/explorer/TextRun.html
 */

import type { Level } from '../../detect/sigma/rule.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { type HttpAnswer, type HttpClient, outcomeOf, outcomeOfSending, said } from '../http.ts'
import { isOver } from '../message.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { secretAddress, WEB_PROPERTIES, type WebSettings, webClient } from '../web.ts'
import { clipped, firstOf, type Worded, wordsmith } from '../wording.ts'

/** Its section of the settings. */
export interface TeamsSettings extends TemplateSettings, WebSettings {
  /** Reference to the address: its signature lets anybody post. */
  readonly url: string
}

/** Teams takes 28 KB; what the workflow puts around the card counts too. */
const MOST_BYTES = 26_000

/** Longest text that is tried, in UTF-16 units; halved until the card fits. */
const LONGEST = 4000
const LINES = 12

const COLOURS: Readonly<Record<Level, string>> = {
  informational: 'Default',
  low: 'Accent',
  medium: 'Warning',
  high: 'Attention',
  critical: 'Attention',
}

type Run = Readonly<Record<string, unknown>>

const run = (text: string, more: Run = {}): Run => ({ type: 'TextRun', text: text || '–', ...more })

const rich = (...inlines: readonly Run[]) => ({ type: 'RichTextBlock', inlines })

/** The body of a post, 28 KB at most however long the message is. */
export function teamsPost(worded: Worded, id: string): string {
  for (let longest = LONGEST; ; longest = Math.floor(longest / 2)) {
    const text = JSON.stringify(posted(worded, id, longest))
    if (Buffer.byteLength(text) <= MOST_BYTES || longest < 50) return text
  }
}

const posted = (worded: Worded, id: string, longest: number) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      contentUrl: null,
      content: cardOf(worded, id, longest),
    },
  ],
})

function cardOf({ message, words }: Worded, id: string, longest: number): Readonly<Record<string, unknown>> {
  const short = (text: string, units = longest) => clipped(text, Math.min(units, longest))
  const colour = isOver(message) ? 'Good' : (COLOURS[message.level] ?? 'Default')
  const lists = [
    { title: 'Why', lines: words.because },
    { title: 'What to ask next', lines: words.runbook.map(({ title }) => title) },
  ].filter(({ lines }) => lines.length > 0)
  return {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: short(words.title, 200),
    msteams: { width: 'Full' },
    body: [
      // Teams tells no repeats apart; who looks into a card can, by this.
      { ...rich(run(short(words.title, 300), { size: 'large', weight: 'bolder', color: colour })), id: short(id, 100) },
      rich(run(short(words.body))),
      ...words.facts.map(([name, value]) =>
        rich(run(`${short(name, 60)}: `, { weight: 'bolder' }), run(short(value, 500))),
      ),
      ...lists.flatMap(({ title, lines }) => [
        rich(run(title, { weight: 'bolder' })),
        ...firstOf(lines, LINES, (more) => `and ${more} more`).map((line) => rich(run(`• ${short(line, 250)}`))),
      ]),
      rich(run(short(words.footer, 300), { isSubtle: true, size: 'small' })),
    ],
    ...(words.url === undefined || words.url.length > 2000
      ? {}
      : { actions: [{ type: 'Action.OpenUrl', title: 'Look into it', url: words.url }] }),
  }
}

class Teams implements Sink {
  // One card a message; how long its texts may be is seen to when it is made.
  readonly limits = { items: 1, bytes: 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 0 }
  readonly #url: string
  readonly #client: HttpClient
  readonly #worded: ReturnType<typeof wordsmith>

  constructor(settings: TeamsSettings, context: SinkContext, client: HttpClient) {
    this.#worded = wordsmith(settings)
    this.#url = secretAddress(settings.url, context)
    this.#client = client
  }

  async send({ items: [item] }: Batch, signal: AbortSignal): Promise<Outcome> {
    if (item === undefined) return DELIVERED
    const body = teamsPost(this.#worded(item), item.id)
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    return outcomeOfSending(async () =>
      teamsOutcome(await this.#client.send({ url: this.#url, headers, body, signal })),
    )
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

/** A workflow that was switched off or whose owner is gone answers 400 or 404 and says so. */
function teamsOutcome(answer: HttpAnswer): Outcome {
  if (
    answer.status === 400 &&
    /WorkflowTriggerIsNotEnabled|TriggerDisabled|WorkflowNotFound|FlowNotFound/i.test(answer.body)
  )
    return { kind: 'misconfigured', reason: said(answer) }
  return outcomeOf(answer)
}

/** Microsoft Teams. */
export const teams: SinkKind<TeamsSettings> = {
  kind: 'teams',
  takes: 'messages',
  doc: 'A channel or chat of Microsoft Teams, by a workflow, as an Adaptive Card.',
  schema: {
    type: 'object',
    required: ['url'],
    additionalProperties: false,
    properties: {
      url: {
        type: 'string',
        format: 'reference',
        description: 'Reference to the address of the workflow; the address itself is a secret.',
      },
      ...TEMPLATE_PROPERTIES,
      ...WEB_PROPERTIES,
    },
  },
  open: async (settings, context) => new Teams(settings, context, await webClient(settings, context, false)),
}
