/** Datadog Logs intake, version 2. https://docs.datadoghq.com/api/latest/logs/#send-logs */
import type { Batch, Item, Limits, Outcome, Sink, SinkContext, SinkKind } from '../contract.ts'
import { HttpClient, outcomeOf, outcomeOfSending } from '../http.ts'

/** Its section of the settings. */
export interface DatadogSettings {
  readonly api_key: string
  /** Site, such as datadoghq.eu. */
  readonly site?: string
  /** Address of the intake, where it is not that of the site. */
  readonly url?: string
  readonly service?: string
  readonly source?: string
  readonly tags?: readonly string[]
  readonly hostname?: string
}

/** Of a request uncompressed; of one log. Longer logs are cut there with a success, so they are shortened here, with a mark. */
const MOST_BYTES = 5_000_000
const MOST_ITEM_BYTES = 1_000_000

/** Of a log, what is neither the event nor the same in all: names, id and time. */
const MOST_NAMES = 300

class DatadogIntake implements Sink {
  readonly limits: Limits
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #about: string
  readonly #client: HttpClient

  constructor(settings: DatadogSettings, { secret, timeoutMs }: SinkContext) {
    const { site = 'datadoghq.com', url, service = 'databricks', source = 'databricks', tags = [], hostname } = settings
    this.#url = `${(url ?? `https://http-intake.logs.${site}`).replace(/\/+$/, '')}/api/v2/logs`
    this.#headers = { 'dd-api-key': secret(settings.api_key), 'content-type': 'application/json' }
    const about = { ddsource: source, service, ddtags: tags.join(','), ...(hostname === undefined ? {} : { hostname }) }
    this.#about = JSON.stringify(about).slice(1, -1)
    const itemOverhead = Buffer.byteLength(this.#about) + MOST_NAMES
    this.limits = { items: 1000, bytes: MOST_BYTES - 2, itemBytes: MOST_ITEM_BYTES - itemOverhead, itemOverhead }
    this.#client = new HttpClient({ timeoutMs, allowPrivate: url !== undefined })
  }

  send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const body = `[${items.map((item) => this.#log(item)).join(',')}]`
    return outcomeOfSending(async () =>
      outcomeOf(await this.#client.send({ url: this.#url, headers: this.#headers, body, gzip: true, signal })),
    )
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  /** Members of a JSON event are attributes; a line of another kind is the message. */
  #log({ id, timeMs, text }: Item): string {
    const head = `{${this.#about},"event_id":${JSON.stringify(id)},"timestamp":${timeMs}`
    if (!text.startsWith('{')) return `${head},"message":${JSON.stringify(text)}}`
    return `${head},"databricks":${text}}`
  }
}

/** Datadog. */
export const datadog: SinkKind<DatadogSettings> = {
  kind: 'datadog',
  takes: 'events',
  doc: 'Datadog Logs. It takes nothing that is older than 18 hours; older events need its archives.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
  schema: {
    type: 'object',
    required: ['api_key'],
    additionalProperties: false,
    properties: {
      api_key: { type: 'string', format: 'reference', description: 'Reference to the API key.' },
      site: { type: 'string', pattern: '^[a-z0-9.-]+$', description: 'Site, `datadoghq.com` where absent.' },
      url: {
        type: 'string',
        format: 'web-address',
        description: "Address of an intake that is not the site's, such as a proxy.",
      },
      service: { type: 'string', description: 'Service, `databricks` where absent.' },
      source: { type: 'string', description: 'Source, `databricks` where absent.' },
      tags: { type: 'array', items: { type: 'string' }, description: 'Tags, such as `env:prod`.' },
      hostname: { type: 'string', description: 'Host name.' },
    },
  },
  open: async (settings, context) => new DatadogIntake(settings, context),
}
