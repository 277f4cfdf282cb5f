/**
 * Elasticsearch and OpenSearch, by the bulk interface: `create` with the event's id, so that what is there already is a success. Works for
 * indexes and data streams. https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
 */
import type { Batch, Item, Outcome, Refusal, Sink, SinkContext, SinkKind } from '../contract.ts'
import { type HttpAnswer, HttpClient, outcomeOf, outcomeOfSending, retryAfterMs } from '../http.ts'
import { trustedBy } from '../tls.ts'

/** Its section of the settings. */
export interface ElasticsearchSettings {
  readonly url: string
  /** Index or data stream; `{date}` is the event's UTC day. */
  readonly index: string
  /** References. */
  readonly api_key?: string
  readonly username?: string
  readonly password?: string
  readonly ca?: string
  readonly allow_private?: boolean
}

/** Well below the 100 MB that servers take, as their makers advise. */
const MOST_BYTES = 8 * 1024 * 1024

interface BulkItem {
  readonly status?: number
  readonly error?: { readonly type?: string; readonly reason?: string }
}

class Bulk implements Sink {
  readonly limits = { items: 5000, bytes: MOST_BYTES, itemBytes: 4 * 1024 * 1024, itemOverhead: 200 }
  readonly #settings: ElasticsearchSettings
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #client: HttpClient

  constructor(settings: ElasticsearchSettings, { secret, timeoutMs }: SinkContext, ca?: readonly string[]) {
    this.#settings = settings
    this.#url = `${settings.url.replace(/\/+$/, '')}/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason`
    const { api_key, username, password } = settings
    const authorization =
      api_key !== undefined
        ? `ApiKey ${secret(api_key)}`
        : username !== undefined && password !== undefined
          ? `Basic ${Buffer.from(`${username}:${secret(password)}`).toString('base64')}`
          : undefined
    this.#headers = {
      'content-type': 'application/x-ndjson',
      ...(authorization === undefined ? {} : { authorization }),
    }
    this.#client = new HttpClient({
      timeoutMs,
      allowPrivate: settings.allow_private !== false,
      ...(ca === undefined ? {} : { ca }),
    })
  }

  send({ items }: Batch, signal: AbortSignal): Promise<Outcome> {
    const body = items.map((item) => this.#lines(item)).join('')
    return outcomeOfSending(async () => {
      const answer = await this.#client.send({ url: this.#url, headers: this.#headers, body, gzip: true, signal })
      return answer.status === 200 ? outcomeOfItems(answer, items.length) : outcomeOf(answer)
    })
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  #lines({ id, timeMs, text }: Item): string {
    const time = new Date(timeMs).toISOString()
    const index = this.#settings.index.replaceAll('{date}', time.slice(0, 10))
    const event = text.startsWith('{') ? text.slice(1) : `"message":${JSON.stringify(text)}}`
    const rest = event === '}' ? '}' : `,${event}`
    return `{"create":{"_index":${JSON.stringify(index)},"_id":${JSON.stringify(id)}}}\n{"@timestamp":"${time}"${rest}\n`
  }
}

/** What became of each item; an item that is there already was sent before. */
function outcomeOfItems(answer: HttpAnswer, count: number): Outcome {
  let told: { errors?: boolean; items?: readonly Readonly<Record<string, BulkItem>>[] }
  try {
    told = JSON.parse(answer.body)
  } catch {
    return { kind: 'again', reason: 'The answer was no JSON.' }
  }
  if (told.errors === false) return { kind: 'delivered' }
  const items = told.items ?? []
  if (items.length !== count)
    return { kind: 'again', reason: `The answer tells of ${items.length} items, not of ${count}.` }
  const refused = items.flatMap((item, at): Refusal[] => {
    const [{ status = 0, error } = {}] = Object.values(item)
    if ((status >= 200 && status < 300) || status === 409) return []
    const reason = `HTTP ${status}: ${error?.type ?? 'refused'}${error?.reason === undefined ? '' : `: ${error.reason.slice(0, 200)}`}`
    return [{ at, verdict: status === 429 || status >= 500 ? 'again' : 'dead', reason }]
  })
  const wait = retryAfterMs(answer.headers)
  if (refused.length === 0) return { kind: 'delivered' }
  return { kind: 'partly', refused, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
}

/** Elasticsearch or OpenSearch. */
export const elasticsearch: SinkKind<ElasticsearchSettings> = {
  kind: 'elasticsearch',
  takes: 'events',
  doc: 'Elasticsearch or OpenSearch, an index or a data stream; the event id makes repeats harmless.',
  formats: ['ocsf', 'system-table', 'uam'],
  schema: {
    type: 'object',
    required: ['url', 'index'],
    additionalProperties: false,
    properties: {
      url: { type: 'string', format: 'web-address', description: 'Address of the cluster.' },
      index: {
        type: 'string',
        pattern: '^[^A-Z\\\\/*?"<>| ,#:]+$',
        description: 'Index or data stream; `{date}` is the UTC day of the event.',
      },
      api_key: { type: 'string', format: 'reference', description: 'Reference to an API key, as base64.' },
      username: { type: 'string', description: 'User, with `password`.' },
      password: { type: 'string', format: 'reference', description: 'Reference to the password.' },
      ca: { type: 'string', format: 'file', description: "Certificates to trust besides the system's, PEM." },
      allow_private: { type: 'boolean', description: 'False keeps it to public addresses.' },
    },
  },
  open: async (settings, context) => new Bulk(settings, context, await trustedBy(settings.ca, context)),
}
