/**
 * Elasticsearch and OpenSearch, by the bulk interface: `create` with the event's id, so that what is there already is a success. Works for
 * indexes and data streams. https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
 */
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Refusal,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'
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
  // An answer tells of each item; that of a thousand, all refused at length, is still read whole.
  readonly limits = { items: 1000, bytes: MOST_BYTES, itemBytes: 4 * 1024 * 1024, itemOverhead: 200 }
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

/** Of an item: what is wrong is not the item but rights, or an index that is not there. */
const MISCONFIGURED = new Set([401, 403, 404])

/** A full disk or a moving index answers 403 too; that passes. */
const PASSING = 'cluster_block_exception'

/** Longer answers are not read whole; so many errors fit into no answer of one event. */
const LONG_ANSWER = 1_000_000

/** What became of each item; an item that is there already was sent before. */
function outcomeOfItems(answer: HttpAnswer, count: number): Outcome {
  const told = parsed(answer)
  if (told === undefined)
    return answer.body.length > LONG_ANSWER
      ? { kind: 'dead', reason: 'The answer tells of too many errors.' }
      : { kind: 'again', reason: 'The answer was no JSON.' }
  if (told.errors === false) return DELIVERED
  const items = told.items ?? []
  if (items.length !== count)
    return { kind: 'again', reason: `The answer tells of ${items.length} items, not of ${count}.` }
  const results = items.map((item) => Object.values(item)[0] ?? {})
  const refused = results.flatMap((result, at): Refusal[] => {
    const { status = 0 } = result
    if ((status >= 200 && status < 300) || status === 409) return []
    const isLater = status === 429 || status >= 500 || MISCONFIGURED.has(status)
    return [{ at, verdict: isLater ? 'again' : 'dead', reason: reasonOf(result) }]
  })
  const [first] = refused
  if (first === undefined) return DELIVERED
  if (results.every(isMisconfigured)) return { kind: 'misconfigured', reason: first.reason }
  const wait = retryAfterMs(answer.headers)
  return { kind: 'partly', refused, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
}

interface BulkAnswer {
  readonly errors?: boolean
  readonly items?: readonly Readonly<Record<string, BulkItem>>[]
}

function parsed({ body }: HttpAnswer): BulkAnswer | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const isMisconfigured = ({ status = 0, error }: BulkItem): boolean =>
  MISCONFIGURED.has(status) && error?.type !== PASSING

const reasonOf = ({ status = 0, error }: BulkItem): string =>
  `HTTP ${status}: ${error?.type ?? 'refused'}${error?.reason === undefined ? '' : `: ${error.reason.slice(0, 200)}`}`

/** Elasticsearch or OpenSearch. */
export const elasticsearch: SinkKind<ElasticsearchSettings> = {
  kind: 'elasticsearch',
  takes: 'events',
  doc: 'Elasticsearch or OpenSearch, an index or a data stream; the event id makes repeats harmless, within one backing index.',
  formats: ['ocsf', 'system-table', 'raw', 'uam'],
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
