/**
 * Alerts of Jira Service Management, by its integration events: created, acknowledged and closed by alias, so that a repeat is the same alert.
 * https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events/
 */

import type { Level } from '../../detect/sigma/rule.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { type HttpAnswer, type HttpClient, outcomeOf, outcomeOfSending, said } from '../http.ts'
import { keyWithin } from '../message.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { trimmedAddress, WEB_PROPERTIES, type WebSettings, webClient } from '../web.ts'
import { clipped, firstOf, type Worded, wordsmith } from '../wording.ts'

/** Its section of the settings. */
export interface JsmSettings extends TemplateSettings, WebSettings {
  /** Reference to the key of an API integration. */
  readonly api_key: string
  readonly url?: string
  readonly responders?: readonly { readonly type: string; readonly id?: string; readonly name?: string }[]
  readonly tags?: readonly string[]
}

/** Most characters of each that an alert takes. */
const MESSAGE = 130
const ALIAS = 512
const DESCRIPTION = 15_000
const ENTITY = 512
const DETAILS = 8000
const NOTE = 25_000
const TAGS = 20
const TAG = 50

const PRIORITIES: Readonly<Record<Level, string>> = {
  informational: 'P5',
  low: 'P4',
  medium: 'P3',
  high: 'P2',
  critical: 'P1',
}

/** A request: what follows the address of alerts, and its body. */
export interface JsmRequest {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** What an alert's message asks for. */
export function jsmRequest(
  worded: Worded,
  { responders, tags = [] }: Pick<JsmSettings, 'responders' | 'tags'> = {},
): JsmRequest {
  const { message, words } = worded
  const alias = keyWithin(message.dedupKey, ALIAS)
  const about = { source: 'Bricktrail', user: 'Bricktrail', note: clipped(`${words.title}\n${words.footer}`, NOTE) }
  const below = (step: string) => `/${encodeURIComponent(alias)}/${step}?identifierType=alias`
  if (message.action === 'acknowledged') return { path: below('acknowledge'), body: about }
  if (message.action === 'resolved') return { path: below('close'), body: about }
  const all = [...tags, message.level, ...message.tags].map((tag) => clipped(tag, TAG))
  return {
    path: '',
    body: {
      ...about,
      message: clipped(words.title, MESSAGE),
      alias,
      description: clipped(descriptionOf(worded), DESCRIPTION),
      priority: PRIORITIES[message.level] ?? 'P3',
      entity: clipped(message.entity?.value ?? '', ENTITY),
      tags: [...new Set(all)].slice(0, TAGS),
      details: detailsOf(worded),
      ...(responders === undefined ? {} : { responders }),
    },
  }
}

/** Details are 8,000 characters together; what is first stays. */
function detailsOf({ message, words: { facts, url } }: Worded): Readonly<Record<string, string>> {
  const details: Record<string, string> = {}
  let left = DETAILS - 1000
  const all = [...(url === undefined ? [] : [['URL', url] as const]), ['Rule id', message.rule.id] as const, ...facts]
  for (const [name, value] of all) {
    const text = clipped(value, 1000)
    left -= name.length + text.length
    if (left > 0) details[name] = text
  }
  return details
}

/** Lists are cut line by line, so that what stands after them is there too. */
function descriptionOf({ words }: Worded): string {
  const lines = (list: readonly string[]) =>
    firstOf(list, 20, (more) => `and ${more} more`).map((line) => `- ${clipped(line, 300)}`)
  return [
    clipped(words.body, 3000),
    ...(words.because.length === 0 ? [] : ['', 'Why', ...lines(words.because)]),
    ...(words.runbook.length === 0 ? [] : ['', 'What to ask next', ...lines(words.runbook.map(({ title }) => title))]),
    '',
    ...(words.url === undefined ? [] : [words.url]),
    words.footer,
  ].join('\n')
}

class JiraServiceManagement implements Sink {
  readonly limits = { items: 1, bytes: 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 0 }
  readonly #settings: JsmSettings
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #client: HttpClient
  readonly #worded: ReturnType<typeof wordsmith>

  constructor(settings: JsmSettings, { secret }: SinkContext, client: HttpClient) {
    this.#settings = settings
    this.#worded = wordsmith(settings)
    this.#base = `${trimmedAddress(settings.url ?? 'https://api.atlassian.com/jsm/ops/integration')}/v2/alerts`
    this.#headers = { authorization: `GenieKey ${secret(settings.api_key)}`, 'content-type': 'application/json' }
    this.#client = client
  }

  async send({ items: [item] }: Batch, signal: AbortSignal): Promise<Outcome> {
    if (item === undefined) return DELIVERED
    const { path, body } = jsmRequest(this.#worded(item), this.#settings)
    const request = { url: `${this.#base}${path}`, headers: this.#headers, body: JSON.stringify(body), signal }
    return outcomeOfSending(async () => jsmOutcome(await this.#client.send(request)))
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

/** 422 is how a key that is none, or an integration that is off, is told on some routes. */
function jsmOutcome(answer: HttpAnswer): Outcome {
  if (answer.status === 422 && /key|integration/i.test(answer.body))
    return { kind: 'misconfigured', reason: said(answer) }
  return outcomeOf(answer)
}

/** Alerts of Jira Service Management. */
export const jsm: SinkKind<JsmSettings> = {
  kind: 'jsm',
  takes: 'messages',
  keepsOpen: true,
  doc: 'Alerts of Jira Service Management: created, acknowledged and closed with the alert.',
  schema: {
    type: 'object',
    required: ['api_key'],
    additionalProperties: false,
    properties: {
      api_key: { type: 'string', format: 'reference', description: 'Reference to the key of an API integration.' },
      url: {
        type: 'string',
        format: 'web-address',
        description:
          'Where it is, `https://api.atlassian.com/jsm/ops/integration` where absent; `https://api.opsgenie.com` for an Opsgenie that is left.',
      },
      responders: {
        type: 'array',
        maxItems: 50,
        description: 'Who is to act; as the integration says where absent.',
        items: {
          type: 'object',
          required: ['type'],
          additionalProperties: false,
          properties: {
            type: { type: 'string', enum: ['team', 'user', 'escalation', 'schedule'] },
            id: { type: 'string' },
            name: { type: 'string' },
          },
        },
      },
      tags: { type: 'array', items: { type: 'string' }, maxItems: 10, description: 'Tags besides those of the rule.' },
      ...TEMPLATE_PROPERTIES,
      ...WEB_PROPERTIES,
    },
  },
  open: async (settings, context) =>
    new JiraServiceManagement(settings, context, await webClient(settings, context, false)),
}
