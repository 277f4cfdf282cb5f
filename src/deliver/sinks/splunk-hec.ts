/**
 * Splunk HTTP Event Collector: events one after the other in a request, gzip; with indexer acknowledgement where the token has it.
 * https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/9.4/get-data-with-http-event-collector
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Batch,
  DELIVERED,
  type Item,
  type Outcome,
  type Sink,
  type SinkContext,
  type SinkKind,
} from '../contract.ts'
import { type HttpAnswer, HttpClient, outcomeOf, outcomeOfSending, retryAfterMs, said } from '../http.ts'
import { trustedBy } from '../tls.ts'

/** Its section of the settings. */
export interface SplunkSettings {
  /** Address of the collector, without `/services`. */
  readonly url: string
  readonly token: string
  readonly index?: string
  readonly source?: string
  readonly sourcetype?: string
  readonly host?: string
  /** Wait until the indexers have it. */
  readonly acknowledge?: boolean
  readonly allow_private?: boolean
  /** Certificates to trust besides the system's, PEM file. */
  readonly ca?: string
}

/** What Splunk Cloud advises for a request. */
const MOST_BYTES = 1024 * 1024

/** Times between questions whether it is indexed, and for how long they are asked; after that it may be lost, and is sent again. */
const ACK_EVERY_MS = 2000
const ACK_WITHIN_MS = 300_000

/** Codes of the collector's answer that say something else than the HTTP status. */
const CODES: Readonly<Record<number, 'again' | 'misconfigured' | 'dead'>> = {
  1: 'misconfigured', // token disabled
  2: 'misconfigured', // token is required
  3: 'misconfigured', // invalid authorization
  4: 'misconfigured', // invalid token
  5: 'dead', // no data
  6: 'dead', // invalid data format
  7: 'misconfigured', // incorrect index
  8: 'again', // internal server error
  9: 'again', // server is busy
  10: 'misconfigured', // data channel is missing
  11: 'misconfigured', // invalid data channel
  12: 'dead', // event field is required
  13: 'dead', // event field cannot be blank
  14: 'misconfigured', // acknowledgement is disabled
  15: 'dead', // error in handling indexed fields
  16: 'misconfigured', // query string authorization is not enabled
  18: 'again', // queues are full
  19: 'again', // acknowledgement service unavailable
  20: 'again', // both
}

interface Answer {
  readonly code?: number
  readonly ackId?: number
  readonly acks?: Readonly<Record<string, boolean>>
  readonly 'invalid-event-number'?: number
}

class SplunkCollector implements Sink {
  readonly limits = { items: 10_000, bytes: MOST_BYTES, itemBytes: 900_000, itemOverhead: 300 }
  readonly #settings: SplunkSettings
  readonly #client: HttpClient
  readonly #headers: Readonly<Record<string, string>>
  readonly #base: string
  readonly #channel = randomUUID()
  readonly #about: string

  constructor(settings: SplunkSettings, { secret, timeoutMs }: SinkContext, ca?: readonly string[]) {
    this.#settings = settings
    this.#client = new HttpClient({
      timeoutMs,
      allowPrivate: settings.allow_private !== false,
      ...(ca === undefined ? {} : { ca }),
    })
    this.#headers = {
      authorization: `Splunk ${secret(settings.token)}`,
      'content-type': 'application/json',
      ...(settings.acknowledge === true ? { 'x-splunk-request-channel': this.#channel } : {}),
    }
    this.#base = settings.url.replace(/\/+$/, '')
    const { index, source = 'bricktrail', sourcetype = 'databricks:audit', host } = settings
    this.#about = JSON.stringify({
      source,
      sourcetype,
      ...(index === undefined ? {} : { index }),
      ...(host === undefined ? {} : { host }),
    }).slice(1, -1)
  }

  send(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    return outcomeOfSending(async () => {
      const body = batch.items.map((item) => this.#line(item)).join('\n')
      const url = `${this.#base}/services/collector/event`
      const answer = await this.#client.send({ url, headers: this.#headers, body, gzip: true, signal })
      const told = parsed(answer)
      const outcome = outcomeOfAnswer(answer, told, batch.items.length)
      if (outcome.kind !== 'delivered' || this.#settings.acknowledge !== true) return outcome
      if (told.ackId === undefined)
        return { kind: 'misconfigured', reason: 'The token gives no acknowledgements; set `acknowledge: false`.' }
      return this.#acknowledged(told.ackId, signal)
    })
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  /** The event as it is, its time, and its id as an indexed field: who receives it twice can tell. */
  #line({ id, timeMs, text }: Item): string {
    const event = text.startsWith('{') ? text : JSON.stringify(text)
    return `{"time":${(timeMs / 1000).toFixed(3)},${this.#about},"fields":{"event_id":${JSON.stringify(id)}},"event":${event}}`
  }

  async #acknowledged(ackId: number, signal: AbortSignal): Promise<Outcome> {
    const url = `${this.#base}/services/collector/ack?channel=${this.#channel}`
    const body = JSON.stringify({ acks: [ackId] })
    for (let waited = 0; waited < ACK_WITHIN_MS; waited += ACK_EVERY_MS) {
      const answer = await this.#client.send({ url, headers: this.#headers, body, signal })
      if (answer.status === 200 && parsed(answer).acks?.[String(ackId)] === true) return DELIVERED
      const outcome = outcomeOf(answer)
      if (outcome.kind === 'misconfigured' || outcome.kind === 'dead') return outcome
      await sleep(ACK_EVERY_MS, undefined, { signal }).catch(() => {})
      if (signal.aborted) break
    }
    return { kind: 'again', reason: 'The indexers did not acknowledge it in time.' }
  }
}

function parsed({ body }: HttpAnswer): Answer {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** The collector's own code goes before the status. */
function outcomeOfAnswer(answer: HttpAnswer, told: Answer, items: number): Outcome {
  const kind = answer.status >= 200 && answer.status < 300 ? undefined : CODES[told.code ?? -1]
  if (kind === undefined) return outcomeOf(answer)
  const reason = said(answer)
  const at = told['invalid-event-number']
  const wait = retryAfterMs(answer.headers)
  if (kind === 'dead' && at !== undefined && at >= 0 && at < items) {
    // Whether it took those before is not told everywhere; what arrives twice has the same id.
    const others = Array.from({ length: items }, (_, index) => index).filter((index) => index !== at)
    const refused = [
      { at, verdict: 'dead' as const, reason },
      ...others.map((index) => ({ at: index, verdict: 'again' as const, reason })),
    ]
    return { kind: 'partly', refused }
  }
  return kind === 'again' ? { kind, reason, ...(wait === undefined ? {} : { retryAfterMs: wait }) } : { kind, reason }
}

/** Splunk. */
export const splunkHec: SinkKind<SplunkSettings> = {
  kind: 'splunk-hec',
  takes: 'events',
  doc: 'Splunk HTTP Event Collector, with indexer acknowledgement where the token has it.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
  schema: {
    type: 'object',
    required: ['url', 'token'],
    additionalProperties: false,
    properties: {
      url: {
        type: 'string',
        format: 'web-address',
        description: 'Address of the collector, such as https://splunk.example.com:8088.',
      },
      token: { type: 'string', format: 'reference', description: 'Reference to the token.' },
      index: { type: 'string', description: 'Index; that of the token where absent.' },
      source: { type: 'string', description: 'Source, `bricktrail` where absent.' },
      sourcetype: { type: 'string', description: 'Source type, `databricks:audit` where absent.' },
      host: { type: 'string', description: 'Host.' },
      acknowledge: {
        type: 'boolean',
        description: 'Wait until the indexers have it; the token must have acknowledgement on.',
      },
      allow_private: { type: 'boolean', description: 'False keeps it to public addresses.' },
      ca: { type: 'string', format: 'file', description: "Certificates to trust besides the system's, PEM." },
    },
  },
  open: async (settings, context) => new SplunkCollector(settings, context, await trustedBy(settings.ca, context)),
}
