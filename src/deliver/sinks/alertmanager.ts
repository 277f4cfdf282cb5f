/**
 * Prometheus Alertmanager, API v2. Its alerts are told by their labels alone, so the same labels are sent however often: a repeat changes nothing,
 * and words that change are annotations. https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */

import type { Level } from '../../detect/sigma/rule.ts'
import { timespanSecs } from '../../detect/sigma/timespan.ts'
import type { Batch, Item, Outcome, Sink, SinkContext, SinkKind } from '../contract.ts'
import { type HttpClient, outcomeOf, outcomeOfSending } from '../http.ts'
import { isOver, keyWithin } from '../message.ts'
import { TEMPLATE_PROPERTIES, type TemplateSettings } from '../template.ts'
import { trimmedAddress, WEB_PROPERTIES, type WebSettings, webClient } from '../web.ts'
import { clipped, firstOf, wordsmith } from '../wording.ts'

/** Its section of the settings. */
export interface AlertmanagerSettings extends TemplateSettings, WebSettings {
  readonly url: string
  readonly username?: string
  /** Reference; with a user name. */
  readonly password?: string
  /** Reference, instead of user name and password. */
  readonly token?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly keep?: string
}

/**
 * An alert rings until this long after it was last heard of. Alertmanager ends alerts without an end after five minutes, as it expects to be told
 * of them over and over; an alert of ours is told of when something happens.
 */
const KEEP = '30d'

/** Over is what has an end that is past by Alertmanager's clock, which may be behind ours; else it would go on ringing. */
const BEHIND_MS = 5000

/** A test ends by itself. */
const TEST_MS = 60_000

const LABEL = 1000
const ANNOTATION = 8000
const LINES = 20

/** Alerts whose level is remembered, so that one which changes does not ring twice. */
const REMEMBERED = 10_000

interface Posted {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL?: string
}

class Alertmanager implements Sink {
  readonly limits = { items: 20, bytes: 1024 * 1024, itemBytes: 1024 * 1024, itemOverhead: 0 }
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #labels: Readonly<Record<string, string>>
  readonly #keepMs: number
  readonly #client: HttpClient
  readonly #worded: ReturnType<typeof wordsmith>
  readonly #levels = new Map<string, Level>()

  constructor(settings: AlertmanagerSettings, context: SinkContext, client: HttpClient) {
    this.#worded = wordsmith(settings)
    this.#url = `${trimmedAddress(settings.url)}/api/v2/alerts`
    this.#headers = { 'content-type': 'application/json', ...authorization(settings, context) }
    this.#labels = settings.labels ?? {}
    this.#keepMs = (timespanSecs(settings.keep ?? KEEP) ?? 0) * 1000
    this.#client = client
  }

  async send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const body = JSON.stringify(items.flatMap((item) => this.#alerts(item)))
    const outcome = await outcomeOfSending(async () =>
      outcomeOf(await this.#client.send({ url: this.#url, headers: this.#headers, body, signal })),
    )
    if (outcome.kind === 'delivered') for (const item of items) this.#remember(item)
    return outcome
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  /** The alert as it is; where its level was another, its labels were others too, and what rang with those ends. */
  #alerts(item: Item): readonly Posted[] {
    const { message, words } = this.#worded(item)
    const { level, dedupKey, firstTime, lastTime, sentTime } = message
    const least = Date.parse(firstTime) + 1
    const sentMs = Math.max(Date.parse(sentTime), least)
    const overMs = Math.max(sentMs - BEHIND_MS, least)
    const iso = (ms: number) => new Date(ms).toISOString()
    const endsMs = isOver(message) ? overMs : sentMs + (message.action === 'test' ? TEST_MS : this.#keepMs)
    const lines = (list: readonly string[]) =>
      firstOf(list, LINES, (more) => `and ${more} more`)
        .map((line) => clipped(line, 300))
        .join('\n')
    const alert: Posted = {
      labels: this.#labelsOf(item, level),
      annotations: {
        summary: clipped(words.title, ANNOTATION),
        description: clipped(words.body, ANNOTATION),
        ...Object.fromEntries(
          words.facts.map(([name, value]) => [labelName(name), clipped(value, ANNOTATION)] as const),
        ),
        why: lines(words.because),
        runbook: lines(words.runbook.map(({ title }) => title)),
        last: lastTime,
        from: words.footer,
      },
      startsAt: firstTime,
      endsAt: iso(endsMs),
      ...(words.url === undefined ? {} : { generatorURL: words.url }),
    }
    const before = this.#levels.get(dedupKey)
    if (before === undefined || before === level) return [alert]
    return [{ ...alert, labels: this.#labelsOf(item, before), endsAt: iso(overMs) }, alert]
  }

  #labelsOf(item: Item, level: Level): Readonly<Record<string, string>> {
    const { message } = this.#worded(item)
    const { entity, rule, dedupKey } = message
    return {
      ...this.#labels,
      alertname: clipped(rule.title, LABEL),
      severity: level,
      rule_id: rule.id,
      alert_key: keyWithin(dedupKey, LABEL),
      ...(entity === undefined
        ? {}
        : { entity: clipped(entity.value, LABEL), entity_field: clipped(entity.field, LABEL) }),
      ...(message.threat === undefined ? {} : { threat: clipped(message.threat, LABEL) }),
    }
  }

  #remember(item: Item): void {
    const { message } = this.#worded(item)
    this.#levels.delete(message.dedupKey)
    if (isOver(message) || message.action === 'test') return
    this.#levels.set(message.dedupKey, message.level)
    const [oldest] = this.#levels.keys()
    if (this.#levels.size > REMEMBERED && oldest !== undefined) this.#levels.delete(oldest)
  }
}

/** Names of labels and annotations: letters, digits and underscores. */
const labelName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_')

function authorization(
  { username, password, token }: AlertmanagerSettings,
  { secret }: SinkContext,
): Readonly<Record<string, string>> {
  if (token !== undefined) return { authorization: `Bearer ${secret(token)}` }
  if (username === undefined || password === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${username}:${secret(password)}`).toString('base64')}` }
}

/** Alertmanager. */
export const alertmanager: SinkKind<AlertmanagerSettings> = {
  kind: 'alertmanager',
  takes: 'messages',
  keepsOpen: true,
  doc: 'Prometheus Alertmanager, API v2: fires until the alert is resolved.',
  schema: {
    type: 'object',
    required: ['url'],
    additionalProperties: false,
    dependentRequired: { username: ['password'], password: ['username'] },
    properties: {
      url: { type: 'string', format: 'web-address', description: 'Its address, without `/api/v2`.' },
      username: { type: 'string', description: 'User name, where it asks for one.' },
      password: { type: 'string', format: 'reference', description: 'Reference to the password.' },
      token: {
        type: 'string',
        format: 'reference',
        description: 'Reference to a bearer token, instead of a user name.',
      },
      labels: {
        type: 'object',
        propertyNames: { pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' },
        additionalProperties: { type: 'string' },
        description:
          'Labels besides `alertname`, `severity`, `rule_id`, `alert_key`, `entity`, `entity_field` and `threat`.',
      },
      keep: {
        type: 'string',
        format: 'duration',
        description: 'How long an alert fires after it was last heard of; 30d where absent.',
      },
      ...TEMPLATE_PROPERTIES,
      ...WEB_PROPERTIES,
      allow_private: { type: 'boolean', description: 'False keeps it to public addresses.' },
    },
  },
  open: async (settings, context) => new Alertmanager(settings, context, await webClient(settings, context, true)),
}
