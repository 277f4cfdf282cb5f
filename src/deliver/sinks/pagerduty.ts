/**
 * PagerDuty, by Events API v2. An alert is one incident, told by its key, and goes through trigger, acknowledge and resolve with it.
 * https://developer.pagerduty.com/docs/events-api-v2/overview/
 */

import type { Level } from '../../detect/sigma/rule.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { type HttpAnswer, type HttpClient, outcomeOf, outcomeOfSending, said } from '../http.ts'
import { keyWithin, type MessageAction } from '../message.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { trimmedAddress, WEB_PROPERTIES, type WebSettings, webClient } from '../web.ts'
import { clipped, firstOf, type Worded, wordsmith } from '../wording.ts'

/** Its section of the settings. */
export interface PagerDutySettings extends TemplateSettings, WebSettings {
  /** Reference to the integration key of the service. */
  readonly routing_key: string
  readonly url?: string
}

/** Most of each that PagerDuty takes. The whole event may have 512 KB, of which the lists below leave enough. */
const SUMMARY = 1024
const DEDUP_KEY = 255
const DETAIL = 10_000
const LINES = 50
const LINE = 1000

const SEVERITIES: Readonly<Record<Level, string>> = {
  informational: 'info',
  low: 'info',
  medium: 'warning',
  high: 'error',
  critical: 'critical',
}

const ACTIONS: Partial<Readonly<Record<MessageAction, string>>> = { acknowledged: 'acknowledge', resolved: 'resolve' }

/** An event without its routing key. */
export function pagerDutyEvent({ message, words }: Worded): Readonly<Record<string, unknown>> {
  const action = ACTIONS[message.action] ?? 'trigger'
  const dedup_key = keyWithin(message.dedupKey, DEDUP_KEY)
  if (action !== 'trigger') return { event_action: action, dedup_key }
  const lines = (list: readonly string[]) =>
    firstOf(list, LINES, (more) => `and ${more} more`).map((line) => clipped(line, LINE))
  return {
    event_action: action,
    dedup_key,
    client: 'Bricktrail',
    ...(words.url === undefined ? {} : { client_url: words.url, links: [{ href: words.url, text: 'Look into it' }] }),
    payload: {
      summary: clipped(words.title, SUMMARY),
      severity: SEVERITIES[message.level] ?? 'error',
      source: clipped(message.entity?.value ?? 'bricktrail', SUMMARY),
      timestamp: message.lastTime,
      class: message.rule.id,
      ...(message.threat === undefined ? {} : { group: clipped(message.threat, SUMMARY) }),
      custom_details: {
        text: clipped(words.body, DETAIL),
        ...Object.fromEntries(words.facts.map(([name, value]) => [name, clipped(value, DETAIL)])),
        why: lines(words.because),
        'what to ask next': lines(words.runbook.map(({ title, sql }) => `${title}: ${sql}`)),
        from: words.footer,
      },
    },
  }
}

class PagerDuty implements Sink {
  readonly limits = { items: 1, bytes: 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 0 }
  readonly #url: string
  readonly #key: string
  readonly #client: HttpClient
  readonly #worded: ReturnType<typeof wordsmith>

  constructor(settings: PagerDutySettings, { secret }: SinkContext, client: HttpClient) {
    this.#worded = wordsmith(settings)
    this.#url = `${trimmedAddress(settings.url ?? 'https://events.pagerduty.com')}/v2/enqueue`
    this.#key = secret(settings.routing_key)
    this.#client = client
  }

  async send({ items: [item] }: Batch, signal: AbortSignal): Promise<Outcome> {
    if (item === undefined) return DELIVERED
    const body = JSON.stringify({ routing_key: this.#key, ...pagerDutyEvent(this.#worded(item)) })
    const headers = { 'content-type': 'application/json' }
    return outcomeOfSending(async () =>
      pagerDutyOutcome(await this.#client.send({ url: this.#url, headers, body, signal })),
    )
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

/** A key that is none is answered with 400, as an event that is none is. */
function pagerDutyOutcome(answer: HttpAnswer): Outcome {
  if (answer.status === 400 && errorsOf(answer).some((error) => /routing[ _]key/i.test(error)))
    return { kind: 'misconfigured', reason: said(answer) }
  return outcomeOf(answer)
}

function errorsOf({ body }: HttpAnswer): readonly string[] {
  try {
    const { message, errors } = JSON.parse(body) as { message?: unknown; errors?: unknown }
    return [message, ...(Array.isArray(errors) ? errors : [])].filter((each) => typeof each === 'string')
  } catch {
    return []
  }
}

/** PagerDuty. */
export const pagerDuty: SinkKind<PagerDutySettings> = {
  kind: 'pagerduty',
  takes: 'messages',
  keepsOpen: true,
  doc: 'A service of PagerDuty: triggers, acknowledges and resolves with the alert.',
  schema: {
    type: 'object',
    required: ['routing_key'],
    additionalProperties: false,
    properties: {
      routing_key: { type: 'string', format: 'reference', description: 'Reference to the integration key.' },
      url: {
        type: 'string',
        format: 'web-address',
        description:
          'Where it is, `https://events.pagerduty.com` where absent; `https://events.eu.pagerduty.com` in the EU.',
      },
      ...TEMPLATE_PROPERTIES,
      ...WEB_PROPERTIES,
    },
  },
  open: async (settings, context) => new PagerDuty(settings, context, await webClient(settings, context, false)),
}
